"""Descriptions kept by the content of pictures: the same bytes, under any name, are described once.

One SQLite file in the user's cache folder. It is only ever a shortcut: whatever is wrong with it (damaged, locked,
a full disk, a folder that can't be written), pictures are described again, and a damaged file is built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs
from numpy.typing import NDArray

from lookalike.describers.colors import Color
from lookalike.errors import InvalidArgument
from lookalike.sqlite import connect, write_ahead
from lookalike.version import __version__

__all__ = ["DescriptionCache", "Entry", "cache_key", "pack", "unpack", "user_cache"]

FORMAT = 2
"""Version of the stored form, in the file's name and in every entry: versions never read each other's files."""

_MAGIC = b"LKD%d" % FORMAT
_DEFAULT_MB = 512  # about 70,000 pictures with labels
_HOUR = 3600  # how exactly "least recently used" is kept: most hits then write nothing
_PATIENCE = 2.0  # seconds to wait for another process before describing again
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, body BLOB NOT NULL,
                                    used INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used);
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """All that is kept of one picture.

    rows: description name -> one row, as `Ensemble.describe` makes them. logits: (labels,) float32 before the
    softmax, or None where labels were not asked for. The rest as in `Image` and `Description`.
    """

    width: int
    height: int
    format: str
    sha1: str
    rows: Mapping[str, NDArray[Any]]
    logits: NDArray[np.float32] | None
    colors: Sequence[Color]
    taken: str = ""
    exif: int = 0


def cache_key(sha256: str, signatures: Mapping[str, str]) -> str:
    """Name what these describers, in this version of Lookalike (whose decoders count too), make of these bytes."""
    makers = json.dumps([__version__, *sorted(signatures.items())])
    return f"{sha256}-{hashlib.sha256(makers.encode()).hexdigest()[:16]}"


class DescriptionCache:
    """Entries by key, in a file of bounded size. Safe for several threads and several processes; never raises.

    folder: made when first needed. limit: bytes; beyond it the entries unused for longest go. clock: seconds.
    """

    def __init__(
        self, folder: Path, *, limit: int = _DEFAULT_MB * 2**20, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = folder / f"descriptions-{FORMAT}.sqlite"
        self._limit, self._clock = limit, clock
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def count(self) -> int:
        """Return how many pictures are kept."""
        return self._attempt(lambda db: int(db.execute("SELECT count(*) FROM entries").fetchone()[0]), 0)

    def get(self, key: str) -> Entry | None:
        """Return what was put under this key, bit for bit, or None."""
        body = self._attempt(lambda db: self._read(db, key), None)
        return None if body is None else unpack(key, body)

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, in place of one of the same key."""
        body = pack(key, entry)
        self._attempt(lambda db: self._write(db, key, body), None)

    def forget(self, digests: Sequence[str]) -> int:
        """Remove, physically, all that is kept of pictures' bytes with these SHA-256; return how many entries went."""
        return self._attempt(lambda db: _forget(db, digests), 0) if digests else 0

    def close(self) -> None:
        """Release the file; the next call opens it again."""
        with self._lock:
            self._close()

    def _read(self, db: sqlite3.Connection, key: str) -> bytes | None:
        found = db.execute("SELECT id, body, used FROM entries WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        id_, body, used = found
        now = int(self._clock())
        if now - used >= _HOUR:
            db.execute("UPDATE entries SET used = ? WHERE id = ?", (now, id_))
        return bytes(body)

    def _write(self, db: sqlite3.Connection, key: str, body: bytes) -> None:
        now = int(self._clock())
        db.execute("INSERT OR REPLACE INTO entries (key, body, used) VALUES (?, ?, ?)", (key, body, now))
        while _size(db) > self._limit and (count := db.execute("SELECT count(*) FROM entries").fetchone()[0]):
            oldest = "SELECT id FROM entries ORDER BY used, id LIMIT ?"
            db.execute(f"DELETE FROM entries WHERE id IN ({oldest})", (1 + count // 10,))

    def _attempt(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            try:
                return work(self._open())
            except sqlite3.Error as error:
                self._close()
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                    self._remove()
            except OSError:
                pass
        return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._opened is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = connect(self.path, _PATIENCE)
            try:
                write_ahead(db, _PATIENCE)
                db.executescript(_SCHEMA)
            except sqlite3.Error:
                db.close()
                raise
            self._opened = db
            weakref.finalize(self, db.close)
        return self._opened

    def _close(self) -> None:
        if self._opened is not None:
            with suppress(sqlite3.Error):
                self._opened.close()
            self._opened = None

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + ending).unlink()


def _forget(db: sqlite3.Connection, digests: Sequence[str]) -> int:
    db.execute("PRAGMA secure_delete = ON")
    bounds = ((f"{digest}-", f"{digest}.") for digest in digests)  # "." follows "-"
    count = sum(db.execute("DELETE FROM entries WHERE key >= ? AND key < ?", bound).rowcount for bound in bounds)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return count


def user_cache(environment: Mapping[str, str] = os.environ) -> DescriptionCache | None:
    """Return the user's cache, one per process, or None where it is turned off.

    LOOKALIKE_CACHE: its folder, by default the user's cache folder. LOOKALIKE_CACHE_MB: its size in MB (of
    2^20 bytes), by default 512; 0 turns it off. Raises InvalidArgument for a size that is no whole number.
    """
    folder = environment.get("LOOKALIKE_CACHE") or platformdirs.user_cache_dir("lookalike", appauthor=False)
    size = environment.get("LOOKALIKE_CACHE_MB") or str(_DEFAULT_MB)
    if not size.isdecimal():
        raise InvalidArgument("LOOKALIKE_CACHE_MB", size, "a whole number of at least 0")
    return _cache_in(Path(folder).expanduser(), int(size) * 2**20) if int(size) else None


@cache
def _cache_in(folder: Path, limit: int) -> DescriptionCache:
    return DescriptionCache(folder, limit=limit)


def pack(key: str, entry: Entry) -> bytes:
    """Write an entry as bytes, the same on every machine.

    "LKD2"; CRC-32 of the key and all that follows; length of the header; the header, JSON in UTF-8; then the
    arrays it lists, one after the other. All numbers little-endian.
    """
    arrays = {name: _little(row) for name, row in entry.rows.items()}
    logits = None if entry.logits is None else _little(entry.logits)
    header = {
        "width": entry.width,
        "height": entry.height,
        "format": entry.format,
        "sha1": entry.sha1,
        "taken": entry.taken,
        "exif": entry.exif,
        "colors": [[color.hex, color.share, color.name] for color in entry.colors],
        "rows": [[name, row.dtype.str, len(row)] for name, row in arrays.items()],
        "logits": None if logits is None else len(logits),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    parts = [row.tobytes() for row in arrays.values()] + ([] if logits is None else [logits.tobytes()])
    rest = len(text).to_bytes(4, "little") + text + b"".join(parts)
    return _MAGIC + _checksum(key, rest) + rest


def unpack(key: str, body: bytes) -> Entry | None:
    """Read what `pack` wrote under this key; None for anything else."""
    rest = body[8:]
    if body[:4] != _MAGIC or body[4:8] != _checksum(key, rest):
        return None
    start = 4 + int.from_bytes(rest[:4], "little")
    header = json.loads(rest[4:start])
    rows: dict[str, NDArray[Any]] = {}
    for name, dtype, count in header["rows"]:
        rows[name] = _native(rest, dtype, count, start)
        start += rows[name].nbytes
    count = header["logits"]
    return Entry(
        width=header["width"],
        height=header["height"],
        format=header["format"],
        sha1=header["sha1"],
        rows=rows,
        logits=None if count is None else _native(rest, "<f4", count, start),
        colors=[Color(hex_, _rgb(hex_), share, name) for hex_, share, name in header["colors"]],
        taken=header["taken"],
        exif=header["exif"],
    )


def _checksum(key: str, rest: bytes) -> bytes:
    return zlib.crc32(rest, zlib.crc32(key.encode())).to_bytes(4, "little")


def _little(row: NDArray[Any]) -> NDArray[Any]:
    return row.astype(row.dtype.newbyteorder("<"), copy=False)


def _native(rest: bytes, dtype: str, count: int, start: int) -> NDArray[Any]:
    stored = np.frombuffer(rest, np.dtype(dtype), count, start)
    return stored.astype(stored.dtype.newbyteorder("="))


def _rgb(hex_: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(hex_[1:])
    return red, green, blue


def _size(db: sqlite3.Connection) -> int:
    """Bytes in use: emptied pages are used again before the file grows."""
    pages, free, each = (
        int(db.execute(f"PRAGMA {fact}").fetchone()[0]) for fact in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * each
