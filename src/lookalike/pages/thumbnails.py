"""Small pictures made on the fly, always re-encoded: no byte of a file is ever handed out as it is."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.errors import ImageError
from lookalike.images import Limits, read_image
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.images.sources import Encoded, load
from lookalike.records import Record

__all__ = ["Thumbnail", "Thumbnails", "address_of", "file_of"]

_BUDGET = 64 * 2**20
_QUALITY = 82
_FETCHES = 6  # pictures fetched by URL at the same time; each may keep a thread for many seconds
_AGAIN = 300.0  # seconds until an address that gave no picture is asked again
_REMEMBERED = 4096


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
        self._fetching = threading.BoundedSemaphore(_FETCHES)
        self._failed: OrderedDict[str, float] = OrderedDict()

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

    def of_address(self, url: str, side: int) -> Thumbnail | None:
        """Return the picture behind a URL, likewise; what gave none is not asked for again within minutes."""
        kept = self._look_up(_tag(f"{url}\0{side}"))
        if kept is not None:
            return kept
        with self._guard:
            if time.monotonic() - self._failed.get(url, -_AGAIN) < _AGAIN:
                return None
        try:
            with self._fetching:
                loaded = load(url, self._limits)
            made = self._of(loaded.data, f"{url}\0{side}", side) if isinstance(loaded, Encoded) else None
        except ImageError:
            made = None
        if made is None:
            with self._guard:
                self._failed[url] = time.monotonic()
                while len(self._failed) > _REMEMBERED:
                    self._failed.popitem(last=False)
        return made

    def _of(self, source: Any, key: str, side: int) -> Thumbnail | None:
        etag = _tag(key)
        kept = self._look_up(etag)
        if kept is not None:
            return kept
        try:
            with self._turn:
                picture = read_image(source, limits=self._limits, wants=side)
                data = encode_jpeg(thumbnail(picture.pixels, side), quality=_QUALITY)
        except ImageError:
            return None
        self._keep(etag, data)
        return Thumbnail(data, etag)

    def _look_up(self, etag: str) -> Thumbnail | None:
        with self._guard:
            if etag not in self._kept:
                return None
            self._kept.move_to_end(etag)
            return Thumbnail(self._kept[etag], etag)

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


def address_of(record: Record) -> str | None:
    """Return the URL that the record's picture came from."""
    url = record.fields.get("_url")
    return url if isinstance(url, str) else None


def _tag(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
