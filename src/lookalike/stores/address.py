"""The address of a workspace in a cluster: `qdrant://host:6333/PREFIX`, `qdrants://` over TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from lookalike.errors import InvalidArgument, MissingExtra
from lookalike.settings import Settings
from lookalike.stores.shelf import Shelf

__all__ = ["ClusterAddress", "read_address"]

_FORM: Final = re.compile(r"qdrant(s?):/{1,2}([^/]+)(?:/([A-Za-z0-9_-]{1,64}))?/?\Z")  # a Path folds // into /
_PREFIX: Final = "lookalike"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """url: where the cluster answers. prefix: begins the names of the workspace's collections there."""

    url: str
    prefix: str

    @property
    def folder(self) -> Path:
        """A folder for what this machine keeps for itself (the service's own key, say)."""
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{self.url.partition('://')[2]}-{self.prefix}")
        return Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "clusters" / name

    def shelf(self, settings: Settings) -> Shelf:
        """Return the cluster's stores. Raises StoreFailed, MissingExtra."""
        try:
            from lookalike.stores.cluster import Connection
            from lookalike.stores.qdrant import QdrantShelf
        except ModuleNotFoundError:
            raise MissingExtra("A workspace in a cluster", "cluster") from None
        self.folder.mkdir(parents=True, exist_ok=True)
        return QdrantShelf(Connection.to(self.url, api_key=settings.cluster_key or None), self.prefix)

    def catalog(self, settings: Settings) -> str | Path:
        """Return where the catalog is. Raises InvalidArgument if the settings don't say."""
        if not settings.catalog:
            allowed = "given for a cluster: a PostgreSQL URL, or a SQLite file if only this machine uses it"
            raise InvalidArgument("catalog", "", allowed)
        return settings.catalog if "://" in settings.catalog else Path(settings.catalog).expanduser().absolute()


def read_address(text: str) -> ClusterAddress | None:
    """Return the address of a cluster; None for a folder. Raises InvalidArgument for a malformed one."""
    if not text.startswith(("qdrant:/", "qdrants:/")):
        return None
    found = _FORM.match(text)
    if found is None:
        raise InvalidArgument("workspace", text, "like qdrant://host:6333 or qdrant://host:6333/PREFIX")
    return ClusterAddress(f"http{found[1]}://{found[2]}", found[3] or _PREFIX)
