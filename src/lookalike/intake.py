"""What a user gives as a record, read and checked: an id, fields, and a picture or vectors. Nothing is decoded here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidRecord

__all__ = ["MAX_ID", "Incoming", "RawRecord", "read_record"]

MAX_ID = 512
"""Longest `_id`, in characters."""

_PICTURES = ("_file", "_base64", "_image", "_url", "_vector")

RawRecord = Mapping[str, Any] | str | os.PathLike[str]
"""A record as users give it: `_id`, one of `_file`, `_base64`, `_image`, `_vector`, and metadata; or just a path."""


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """A record that passed every check that needs no picture.

    fields: the user's metadata. source: what `images.read_image` takes, None when vectors came instead.
    vectors: name -> unit float32 row; the name "" stands for the collection's own vector.
    stamp: `_file`, `_size`, `_mtime` (ns) of a file, so that an unchanged one is known without reading it.
    """

    id: str
    fields: Mapping[str, Any]
    source: Any = None
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    stamp: Mapping[str, Any] = field(default_factory=dict)


def read_record(raw: RawRecord) -> Incoming:
    """Check one record. Raises InvalidRecord; `.record` names it by its id, or "without _id"."""
    if isinstance(raw, str | os.PathLike):
        raw = {"_id": os.fspath(raw), "_file": os.fspath(raw)}
    if not isinstance(raw, Mapping):
        raise InvalidRecord("?", f"a record is a mapping or a path, not {type(raw).__name__}")
    id_ = _read_id(raw)
    fields = _read_fields(id_, raw)
    given = [name for name in _PICTURES if raw.get(name) is not None]
    if len(given) > 1:
        raise InvalidRecord(id_, f"it has {' and '.join(given)}; give one of them")
    if not given:
        return Incoming(id_, fields)
    match given[0]:
        case "_url":
            raise InvalidRecord(id_, "fetching _url is not available here; send the picture as _file or _base64")
        case "_vector":
            return Incoming(id_, fields, vectors=_read_vectors(id_, raw["_vector"]))
        case "_file":
            return Incoming(id_, fields, source=raw["_file"], stamp=_stamp(id_, raw["_file"]))
        case name:
            return Incoming(id_, fields, source=raw[name])


def _read_id(raw: Mapping[str, Any]) -> str:
    value = raw.get("_id")
    if value is None:
        raise InvalidRecord("without _id", "every record needs an _id")
    if not isinstance(value, str):
        raise InvalidRecord(repr(value), f"_id must be a string, not {type(value).__name__}")
    if not value or len(value) > MAX_ID:
        raise InvalidRecord(repr(value[:40]), f"_id must have 1 to {MAX_ID} characters, it has {len(value)}")
    return value


def _read_fields(id_: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in raw.items() if name != "_id" and name not in _PICTURES}
    for name in fields:
        if not isinstance(name, str) or not name or name.startswith(("_", "$")):
            raise InvalidRecord(id_, f"the field name {name!r} is not free: names begin neither with _ nor with $")
    try:
        text = json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidRecord(id_, f"its fields are not JSON ({error})") from None
    clean: dict[str, Any] = json.loads(text)  # tuples become lists now, not when read back
    tags = clean.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise InvalidRecord(id_, "tags must be a list of strings")
    return clean


def _read_vectors(id_: str, value: Any) -> dict[str, NDArray[np.float32]]:
    named = value if isinstance(value, Mapping) else {"": value}
    return {str(name): _unit_row(id_, row) for name, row in named.items()}


def _unit_row(id_: str, value: Sequence[float]) -> NDArray[np.float32]:
    try:
        row = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidRecord(id_, "_vector must be a list of numbers, or a mapping of names to such lists") from None
    length = float(np.linalg.norm(row)) if row.ndim == 1 else 0.0
    if not np.isfinite(length) or length == 0.0:
        raise InvalidRecord(id_, "_vector must be a flat list of finite numbers, not all zero")
    return (row / length).astype(np.float32)


def _stamp(id_: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str | os.PathLike):
        raise InvalidRecord(id_, f"_file must be a path, not {type(value).__name__}")
    path = Path(value).expanduser().absolute()
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidRecord(id_, f"{path}: {error.strerror or error}") from None
    return {"_file": str(path), "_size": status.st_size, "_mtime": status.st_mtime_ns}
