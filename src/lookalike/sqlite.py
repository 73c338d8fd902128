"""SQLite files that several processes open at once."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

__all__ = ["connect", "write_ahead"]

_PAUSE: Final = 0.01  # seconds


def connect(place: str | Path, patience: float) -> sqlite3.Connection:
    """Open a file, made where it is missing, without transactions of the driver's own, for any thread.

    A killed process loses nothing that was committed. patience: seconds to wait for other writers.
    """
    db = sqlite3.connect(place, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        db.close()
        raise
    return db


def write_ahead(db: sqlite3.Connection, patience: float) -> None:
    """Let readers go on while another process writes.

    SQLite itself never waits with this one statement when two processes make a file at once: it calls the file
    locked, however long the connection's timeout. patience: seconds to try for. Raises sqlite3.OperationalError.
    """
    until = time.monotonic() + patience
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        time.sleep(_PAUSE)
