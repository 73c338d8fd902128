"""Records on their way to a service: what is local travels as bytes, in chunks that a request can hold."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from lookalike.errors import ImageError, InvalidRecord
from lookalike.images import Image, Limits
from lookalike.images.resize import encode_png
from lookalike.images.sources import load
from lookalike.intake import RawRecord
from lookalike.records import Failure

__all__ = ["Chunks", "picture_text", "plain", "record_json"]

_RECORDS: Final = 256
_BYTES: Final = 16 * 2**20
_LIMITS: Final = Limits(bytes=64 * 2**20)  # of one picture: in base64, what a request may have


def picture_text(source: Any) -> str:
    """Return a picture as requests carry it: a URL as it is (the service fetches it), anything else in base64.

    source: whatever `read_image` takes. Raises ImageError.
    """
    if isinstance(source, str) and source[:8].lower().startswith(("http://", "https://")):
        return source
    loaded = load(source, _LIMITS)
    data = encode_png(loaded.pixels) if isinstance(loaded, Image) else loaded.data
    return base64.b64encode(data).decode("ascii")


def record_json(raw: RawRecord) -> str:
    """Return a record as JSON, its `_file` or `_image` as `_base64`.

    Raises ImageError, InvalidRecord for what is no record, TypeError and ValueError for what is no JSON.
    """
    if isinstance(raw, str | os.PathLike):
        raw = {"_id": os.fspath(raw), "_file": os.fspath(raw)}
    if not isinstance(raw, Mapping):
        raise InvalidRecord("?", f"a record is a mapping or a path, not {type(raw).__name__}")
    record = dict(raw)
    for name in ("_file", "_image"):
        source = record.pop(name, None)
        if source is not None:
            record["_base64"] = picture_text(os.fspath(source) if name == "_file" else source)
    return json.dumps(record, allow_nan=False, default=plain)


class Chunks:
    """Gathers records, and hands out request bodies: of at most 256 records, and 16 MiB where one fits in that."""

    def __init__(self, failed: list[Failure]) -> None:
        """failed: gets what can't be sent."""
        self._failed = failed
        self._held: list[str] = []
        self._size = 0

    def add(self, raw: RawRecord) -> Iterator[tuple[bytes, int]]:
        """Take a record; yield a body and its number of records if this one filled it. A bad one counts as failed."""
        try:
            text = record_json(raw)
        except (ImageError, InvalidRecord) as error:
            self._failed.append(Failure(_name(raw), error.code, error.reason))
            return
        except (TypeError, ValueError) as error:
            self._failed.append(Failure(_name(raw), "invalid_record", f"it is not JSON ({error})"))
            return
        if self._held and self._size + len(text) > _BYTES:
            yield from self.rest()
        self._held.append(text)
        self._size += len(text)
        if len(self._held) == _RECORDS:
            yield from self.rest()

    def rest(self) -> Iterator[tuple[bytes, int]]:
        """Yield what is left, if anything is."""
        if self._held:
            yield ('{"records": [' + ",".join(self._held) + "]}").encode(), len(self._held)
        self._held, self._size = [], 0


def _name(raw: RawRecord) -> str:
    if isinstance(raw, Mapping):
        return str(raw.get("_id", "without _id"))
    return os.fspath(raw) if isinstance(raw, str | os.PathLike) else "?"


def plain(value: Any) -> Any:
    """Return what JSON can say of a NumPy value; for `json.dumps`. Raises TypeError."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON")
