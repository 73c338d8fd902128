"""What was found of pairs of pictures, kept for the next scan: a look at the same bytes would find the same again.

One SQLite file. It is a shortcut and never an error: damaged, locked or on a full disk, pairs are looked at again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from lookalike.sqlite import connect, write_ahead

__all__ = ["FORMAT", "Remembered", "beside"]

FORMAT: Final = 1
_PATIENCE: Final = 5.0  # seconds another scan may be writing
_OFTEN: Final = 0.5  # seconds between commits
_FEW: Final = 20_000  # pairs up to which all are read at once; a question for each one costs many times that
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS {} (first BLOB, second BLOB, maker TEXT, found TEXT, PRIMARY KEY (first, second))
WITHOUT ROWID
"""


def beside(ledger: str | os.PathLike[str]) -> str:
    """Return where pairs are kept for a ledger, "" for one that keeps nothing."""
    place = os.fspath(ledger)
    return place and str(Path(place).with_name(f"{Path(place).stem}-pairs-{FORMAT}.sqlite"))


class Remembered:
    """Pairs by the SHA-256 of the first and of the second, and what was found: values of JSON.

    place: made when it is missing; "" keeps nothing. maker: signature of whoever finds now; what others found is
    forgotten when a pair is found anew. table: of the kind of thing that is found. Safe for several threads, and for
    several scans at a time: what another one finds meanwhile may be missed.
    """

    def __init__(self, place: str, maker: str, table: Literal["pairs", "details"] = "pairs") -> None:
        self._maker, self._table = maker, table
        self._lock = threading.Lock()
        self._waiting: dict[tuple[bytes, bytes], str] = {}
        self._last = time.monotonic()
        self._db: sqlite3.Connection | None = None
        self._all: dict[tuple[bytes, bytes], str] | None = None  # what others put, where it is few
        self._own: set[int] = set()  # hashes of the pairs that were put since
        if place:
            with suppress(sqlite3.Error, OSError):
                Path(place).parent.mkdir(parents=True, exist_ok=True)
                self._db = connect(place, _PATIENCE)
                write_ahead(self._db, _PATIENCE)
                self._db.execute(_SCHEMA.format(table))
                chosen = f"SELECT first, second, maker, found FROM {table} LIMIT ?"
                rows = self._db.execute(chosen, (_FEW + 1,)).fetchall()
                if len(rows) <= _FEW:
                    self._all = {(first, second): found for first, second, by, found in rows if by == maker}

    def get(self, first: str, second: str) -> dict[str, Any] | None:
        """Return what was found of a pair, in this order of the two, or None."""
        key = bytes.fromhex(first), bytes.fromhex(second)
        with self._lock:
            if key in self._waiting:
                return _read(self._waiting[key])
            if self._db is None:
                return None
            if self._all is not None and hash(key) not in self._own:
                return _read(self._all[key]) if key in self._all else None
            with suppress(sqlite3.Error):
                query = f"SELECT found FROM {self._table} WHERE first = ? AND second = ? AND maker = ?"
                row = self._db.execute(query, (*key, self._maker)).fetchone()
                return None if row is None else _read(row[0])
        return None

    def put(self, first: str, second: str, found: dict[str, Any]) -> None:
        """Keep what was found; it is written within half a second of the next, or in the end."""
        if self._db is None:
            return
        with self._lock:
            key = bytes.fromhex(first), bytes.fromhex(second)
            self._waiting[key] = json.dumps(found)
            self._own.add(hash(key))
            if time.monotonic() - self._last >= _OFTEN:
                self._write()

    def close(self) -> None:
        """Write what was put, and release the file."""
        with self._lock:
            self._write()
            if self._db is not None:
                with suppress(sqlite3.Error):
                    self._db.close()
            self._db = None

    def _write(self) -> None:
        if self._db is not None and self._waiting:
            rows = [(*key, self._maker, found) for key, found in self._waiting.items()]
            with suppress(sqlite3.Error):
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?, ?)", rows)
                self._db.execute("COMMIT")
            if self._db.in_transaction:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
        self._waiting.clear()
        self._last = time.monotonic()


def _read(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
