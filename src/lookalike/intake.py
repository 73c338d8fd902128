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

__all__ = ["FACTS", "MAX_ID", "STAMPS", "Incoming", "RawRecord", "read_record"]

MAX_ID = 512
"""Longest `_id`, in characters."""

STAMPS = ("_file", "_size", "_mtime", "_url")
"""Where a record's picture came from, as Lookalike keeps it."""

FACTS = (*STAMPS, "_sha256", "_format", "_width", "_height", "_taken", "_exif", "_phash", "_batch", "_auto")
"""What Lookalike keeps of a record beside its metadata. `_taken`: when its picture was taken, as EXIF says, ISO 8601
without a zone. `_exif`: how many EXIF fields its file has, where it has any. `_batch`: the import that brought it,
where one was named. `_auto`: JSON text, metadata field -> the value that it got of labels and taggers."""

_PICTURES = ("_file", "_base64", "_image", "_url", "_vector")
_UNSET = "$unset"

RawRecord = Mapping[str, Any] | str | os.PathLike[str]
"""A record as users give it: `_id`, a picture or vectors, and metadata; or just a path.

The picture is one of `_file`, `_url`, `_base64`, `_image`. Vectors are `_vector` (the collection's own) or `_vectors`
(name -> numbers), which may also come beside a picture. `$unset` lists metadata to take away; `_batch` names the
import. A record with `_vectors` and `_sha256` was exported: its facts are kept as they are, no picture is read.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """A record that passed every check that needs no picture.

    fields: the user's metadata. source: what `images.read_image` takes, None where no picture is to be read.
    vectors: name -> unit float32 row; the name "" stands for the collection's own vector.
    stamp: `_file`, `_size`, `_mtime` (ns) of a file, so that an unchanged one is known without reading it; the
    `_url`; all facts of an exported record. unset: names of metadata to take away.
    """

    id: str
    fields: Mapping[str, Any]
    source: Any = None
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    stamp: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()


def read_record(raw: RawRecord) -> Incoming:
    """Check one record. Raises InvalidRecord; `.record` names it by its id, or "without _id"."""
    if isinstance(raw, str | os.PathLike):
        raw = {"_id": os.fspath(raw), "_file": os.fspath(raw)}
    if not isinstance(raw, Mapping):
        raise InvalidRecord("?", f"a record is a mapping or a path, not {type(raw).__name__}")
    id_ = _read_id(raw)
    fields, unset = _read_fields(id_, raw), _read_unset(id_, raw)
    exported = _is_exported(raw)
    given = [name for name in _PICTURES if raw.get(name) is not None and not (exported and name in STAMPS)]
    if len(given) > 1:
        raise InvalidRecord(id_, f"it has {' and '.join(given)}; give one of them")
    vectors, batch = _read_vectors(id_, raw, exported), _read_batch(id_, raw)
    if exported:
        return Incoming(id_, fields, None, vectors, {**_read_facts(id_, raw), **batch}, unset)
    match given[0] if given else "_vector":
        case "_vector":
            source, stamp = None, {}
        case "_url":
            source, stamp = raw["_url"], _read_url(id_, raw["_url"])
        case "_file":
            source, stamp = raw["_file"], _stamp(id_, raw["_file"])
        case name:
            source, stamp = raw[name], {}
    return Incoming(id_, fields, source, vectors, {**stamp, **batch}, unset)


def _is_exported(raw: Mapping[str, Any]) -> bool:
    return raw.get("_vectors") is not None and raw.get("_sha256") is not None


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
    ours = {"_id", "_vectors", _UNSET, *_PICTURES, "_batch", *(FACTS if _is_exported(raw) else ())}
    fields = {name: value for name, value in raw.items() if name not in ours}
    for name in fields:
        if not isinstance(name, str) or not name or name.startswith(("_", "$")):
            raise InvalidRecord(id_, f"the field name {name!r} is not free: names begin neither with _ nor with $")
    try:
        text = json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRecord(id_, f"its fields are not JSON ({error})") from None
    clean: dict[str, Any] = json.loads(text)  # tuples become lists now, not when read back
    tags = clean.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise InvalidRecord(id_, "tags must be a list of strings")
    return clean


def _read_unset(id_: str, raw: Mapping[str, Any]) -> tuple[str, ...]:
    names = raw.get(_UNSET, [])
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidRecord(id_, "$unset must be a list of field names")
    if any(name.startswith(("_", "$")) or name in raw for name in names):
        raise InvalidRecord(id_, "$unset takes names of metadata that the record doesn't give as well")
    return tuple(names)


def _read_url(id_: str, value: Any) -> dict[str, Any]:
    """Return the stamp. Only what is plainly a URL passes: other text could name a local file."""
    if not isinstance(value, str) or not value.lower().startswith(("http://", "https://")):
        raise InvalidRecord(id_, "_url must be text that begins with http:// or https://")
    return {"_url": value}


def _read_facts(id_: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: raw[name] for name in FACTS if raw.get(name) is not None}
    if not all(isinstance(value, str | int) for value in facts.values()):
        raise InvalidRecord(id_, "what was exported of its picture is not text and whole numbers")
    return facts


def _read_batch(id_: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    batch = raw.get("_batch")
    if batch is not None and (not isinstance(batch, str) or not 0 < len(batch) <= MAX_ID):
        raise InvalidRecord(id_, f"_batch must be text of 1 to {MAX_ID} characters")
    return {} if batch is None else {"_batch": batch}


def _read_vectors(id_: str, raw: Mapping[str, Any], exported: bool) -> dict[str, NDArray[np.float32]]:
    bare, named = raw.get("_vector"), raw.get("_vectors")
    if bare is not None and named is not None:
        raise InvalidRecord(id_, "it has _vector and _vectors; give one of them")
    if isinstance(bare, Mapping):
        named, bare = bare, None
    if named is None:
        return {} if bare is None else {"": _unit_row(id_, bare, exported)}
    if not isinstance(named, Mapping) or not named:
        raise InvalidRecord(id_, "_vectors must be a mapping of names to lists of numbers")
    return {str(name): _unit_row(id_, row, exported) for name, row in named.items()}


def _unit_row(id_: str, value: Any, exported: bool) -> NDArray[np.float32]:
    """Return a row of length 1; one that is, but for rounding, is kept bit for bit."""
    try:
        row = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidRecord(id_, "_vector must be a list of numbers, or a mapping of names to such lists") from None
    length = float(np.linalg.norm(row)) if row.ndim == 1 else 0.0
    if not np.isfinite(length) or length == 0.0:
        raise InvalidRecord(id_, "_vector must be a flat list of finite numbers, not all zero")
    same = abs(length - 1.0) < (1e-3 if exported else 1e-6)
    return row.astype(np.float32) if same else (row / length).astype(np.float32)


def _stamp(id_: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str | os.PathLike):
        raise InvalidRecord(id_, f"_file must be a path, not {type(value).__name__}")
    try:
        path = Path(value).expanduser().absolute()
        status = path.stat()
    except OSError as error:
        raise InvalidRecord(id_, f"{value}: {error.strerror or error}") from None
    except (RuntimeError, TypeError, ValueError):  # ~nobody; bytes; a null character, or half of a surrogate pair
        raise InvalidRecord(id_, f"_file names no file: {os.fspath(value)!a}") from None
    return {"_file": str(path), "_size": status.st_size, "_mtime": status.st_mtime_ns}
