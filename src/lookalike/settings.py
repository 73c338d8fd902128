"""Every setting, frozen. Read once at the edge (environment, then a TOML file), then passed down as a value."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import platformdirs

from lookalike.errors import InvalidArgument
from lookalike.images.addresses import read_networks
from lookalike.images.image import Decoding, Fetching, Limits

__all__ = ["CATALOG", "Settings"]

CATALOG: Final = "catalog.sqlite"
"""The file in a workspace that keeps its catalog, if no other one is set."""

_PREFIX = "LOOKALIKE_"


def _default_workspace() -> Path:
    return Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "workspace"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set; each as LOOKALIKE_<NAME> in the environment or <name> in the TOML file.

    workspace: folder of the collections, or qdrant://host:6333 for a cluster. catalog: PostgreSQL URL of the catalog,
    empty for a file in the workspace; for a cluster also a SQLite file. cluster_key: API key of the cluster.
    model: name of the describer of new collections.
    threads: how many decode and describe at once; 0 takes one per core. max_bytes, max_pixels: refuse larger
    pictures. host, port: where the service listens. fetch_networks: networks besides the public internet from which
    pictures may be fetched by URL, like "10.1.0.0/16, fd00::/8"; fetch_bytes, fetch_seconds: most that one URL may
    cost, 0 seconds fetching none.
    isolate: whether pictures are decoded in processes of their own, as the service always does; decode_processes: how
    many, 0 takes one per core; decode_memory, decode_seconds: most that one picture may cost there.
    key: a key of scope admin for the service, besides those in the catalog, 16 characters or more; empty makes one at
    the first start. session_secret: signs the sessions of browsers; empty makes one in the workspace, and replicas
    behind one address need the same. signup: whether strangers may make themselves an account that reads.
    keyless: whether other machines, too, need no key for the routes of replaced systems that keep nothing (see
    `api/compat/doors.py`). upstream_grade: whether imageSimilarity's route takes every grade for 0.95, as it once did.
    max_requests: how many requests of the API are taken on at once; more are told to come back (503).
    log_format: "text" or "json" (a line each). job_workers: background jobs at once. import_bytes: largest file to
    import over HTTP. backups: folder for backups made over HTTP; empty is in the workspace. drain_seconds: how long
    /readyz says no before the service stops listening. shutdown_seconds: most that open requests are waited for.
    """

    workspace: Path = field(default_factory=_default_workspace)
    catalog: str = field(default="", repr=False)
    cluster_key: str = field(default="", repr=False)
    model: str = "lookalike-mini"
    threads: int = 0
    max_bytes: int = Limits().bytes
    max_pixels: int = Limits().pixels
    host: str = "localhost"
    port: int = 8080
    fetch_networks: str = ""
    fetch_bytes: int = Fetching().bytes
    fetch_seconds: int = int(Fetching().seconds)
    isolate: bool = False
    decode_processes: int = 0
    decode_memory: int = Decoding().memory
    decode_seconds: int = int(Decoding().seconds)
    key: str = field(default="", repr=False)
    session_secret: str = field(default="", repr=False)
    signup: bool = False
    keyless: bool = False
    upstream_grade: bool = False
    max_requests: int = 128
    log_format: str = "text"
    job_workers: int = 2
    import_bytes: int = 4 * 2**30
    backups: str = ""
    drain_seconds: int = 0
    shutdown_seconds: int = 60

    @property
    def limits(self) -> Limits:
        """The limits on one picture, however it comes."""
        fetching = Fetching(self.fetch_networks, self.fetch_bytes, self.fetch_seconds)
        processes = (self.decode_processes or os.cpu_count() or 1) if self.isolate else 0
        decoding = Decoding(processes, self.decode_memory, self.decode_seconds)
        return Limits(bytes=self.max_bytes, pixels=self.max_pixels, fetching=fetching, decoding=decoding)

    @property
    def workers(self) -> int:
        """Threads that decode and describe, at least 1."""
        return self.threads or os.cpu_count() or 1

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment over the TOML file named by LOOKALIKE_CONFIG (default: the user's config folder).

        Raises InvalidArgument for an unknown name in the file or a value of the wrong type.
        """
        return cls(**{name: _convert(name, value) for name, (value, _) in _given(environment).items()})

    def shown(self, environment: Mapping[str, str] = os.environ) -> list[tuple[str, str, str]]:
        """Return each setting's name, its value as text, and where `load` has it from; of secrets, only whether."""
        given = _given(environment)
        return [
            (known.name, self._text(known), given[known.name][1] if known.name in given else "default")
            for known in fields(self)
        ]

    def _text(self, known: Field[Any]) -> str:
        value = getattr(self, known.name)
        return str(value) if known.repr else "(set, not shown)" if value else ""


def _given(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Return name -> (value as given, where it is from)."""
    path = Path(environment.get(_PREFIX + "CONFIG", _default_file()))
    values = {name: (value, str(path)) for name, value in (_read_toml(path) if path.is_file() else {}).items()}
    for known in fields(Settings):
        variable = _PREFIX + known.name.upper()
        if environment.get(variable):
            values[known.name] = (environment[variable], variable)
    return values


def _default_file() -> Path:
    return Path(platformdirs.user_config_dir("lookalike", appauthor=False)) / "config.toml"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument("LOOKALIKE_CONFIG", str(path), f"a TOML file ({error})") from None


_NUMBERS = {
    "threads": 0,
    "max_bytes": 1,
    "max_pixels": 1,
    "port": 0,
    "fetch_bytes": 1,
    "fetch_seconds": 0,
    "decode_processes": 0,
    "decode_memory": 64 * 2**20,
    "decode_seconds": 1,
    "max_requests": 1,
    "job_workers": 1,
    "import_bytes": 1,
    "drain_seconds": 0,
    "shutdown_seconds": 1,
}
_YES_OR_NO = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_WORDS: Mapping[str, Mapping[str, Any]] = {
    "signup": _YES_OR_NO,
    "keyless": _YES_OR_NO,
    "upstream_grade": _YES_OR_NO,
    "log_format": {"text": "text", "json": "json"},
}


def _convert(name: str, value: Any) -> Any:
    if name not in {known.name for known in fields(Settings)}:
        raise InvalidArgument("the setting", name, f"one of {', '.join(known.name for known in fields(Settings))}")
    if name == "workspace":
        return Path(str(value)).expanduser()
    if name == "fetch_networks":
        read_networks(str(value))
    if name in _WORDS:
        words = _WORDS[name]
        if str(value).lower() not in words:
            raise InvalidArgument(name, value, f"one of {', '.join(words)}")
        return words[str(value).lower()]
    if name not in _NUMBERS:
        return str(value)
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if number < _NUMBERS[name]:
        raise InvalidArgument(name, value, f"a whole number of at least {_NUMBERS[name]}")
    return number
