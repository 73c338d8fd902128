"""Small pictures made on the fly, always re-encoded: no byte of a file is ever handed out as it is."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.errors import ImageError
from lookalike.images import Limits, read_image
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.records import Record

__all__ = ["Thumbnail", "Thumbnails", "file_of"]

_BUDGET = 64 * 2**20
_QUALITY = 82


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A JPEG, and the tag that changes whenever its picture does."""

    data: bytes
    etag: str


class Thumbnails:
    """Makes thumbnails and keeps those used last, limited in total bytes. Safe to call from several threads.

    at_once: how many pictures are decoded at the same time, since a decoded picture may be large.
    """

    def __init__(self, limits: Limits, *, at_once: int, budget: int = _BUDGET) -> None:
        self._limits, self._budget = limits, budget
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()
        self._turn = threading.BoundedSemaphore(at_once)

    def of_file(self, path: Path, side: int) -> Thumbnail | None:
        """Return the picture of a file with its longer side at most `side` pixels; None if it can't be had."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return self._of(path, f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0{side}", side)

    def of_bytes(self, data: bytes, side: int) -> Thumbnail | None:
        """Return the picture in some bytes, likewise."""
        return self._of(data, f"{hashlib.sha256(data).hexdigest()}\0{side}", side)

    def _of(self, source: Any, key: str, side: int) -> Thumbnail | None:
        etag = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:24]
        with self._guard:
            if etag in self._kept:
                self._kept.move_to_end(etag)
                return Thumbnail(self._kept[etag], etag)
        try:
            with self._turn:
                picture = read_image(source, limits=self._limits, wants=side)
                data = encode_jpeg(thumbnail(picture.pixels, side), quality=_QUALITY)
        except ImageError:
            return None
        self._keep(etag, data)
        return Thumbnail(data, etag)

    def _keep(self, etag: str, data: bytes) -> None:
        with self._guard:
            self._size += len(data) - len(self._kept.pop(etag, b""))
            self._kept[etag] = data
            while self._size > self._budget:
                self._size -= len(self._kept.popitem(last=False)[1])


def file_of(record: Record) -> Path | None:
    """Return the file that the record was indexed from, while it is there."""
    name = record.fields.get("_file")
    if not isinstance(name, str):
        return None
    try:
        path = Path(name)
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None
