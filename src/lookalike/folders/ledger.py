"""What is known of files between scans: one SQLite file, so that what has not changed is never read again.

Files are told by path, size, time and inode; what their bytes say is kept once for each digest. It is a shortcut: a
ledger that can't be used (damaged, of another version, on a full or read-only disk) is left as it is, said so in
`warning`, and the scan goes on with a temporary one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import platformdirs

from lookalike.folders.paths import SEPARATOR
from lookalike.sqlite import connect, write_ahead

__all__ = ["FORMAT", "Known", "Ledger", "Picture", "user_ledger"]

FORMAT: Final = 1
"""Version of the stored form, in the file's name and in the file."""

_MARK: Final = 0x4C4B4C31  # application_id: "LKL1"
_PATIENCE: Final = 15.0  # seconds to wait for another scan, which writes for some thousandths of one
_OFTEN: Final = 0.5  # seconds between commits
_MANY: Final = 1000  # rows between commits, and paths asked for at once
_SCHEMA: Final = f"""
CREATE TABLE makers (id INTEGER PRIMARY KEY, signature TEXT UNIQUE NOT NULL);
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY, digest BLOB UNIQUE NOT NULL, width INTEGER, height INTEGER, format TEXT, taken TEXT,
    exif INTEGER, hasher INTEGER, turned BLOB, quality INTEGER, describer INTEGER, copy BLOB, judge INTEGER, reason TEXT
);
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER, modified INTEGER, device TEXT, inode TEXT, picture INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA application_id = {_MARK};
PRAGMA user_version = {FORMAT};
"""
_PICTURE: Final = """p.digest, p.width, p.height, p.format, p.taken, p.exif, p.quality,
    CASE WHEN p.hasher = ? THEN p.turned END, CASE WHEN p.describer = ? THEN p.copy END,
    CASE WHEN p.judge = ? THEN p.reason END"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """What the bytes of a file say.

    digest: SHA-256, 32 bytes. width, height: upright, 0 where only the digest is known. turned: 64 bytes, the pHash
    held eight ways in the order of `hashes.ORIENTATIONS`, or none. quality: of the hash. copy: the copy vector,
    float16 little-endian, or none. reason: why the picture can't be used, or "".
    """

    digest: bytes
    width: int = 0
    height: int = 0
    format: str = ""
    taken: str = ""
    exif: int = 0
    quality: int = 0
    turned: bytes = b""
    copy: bytes = b""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was when its bytes were read. modified: nanoseconds since 1970."""

    size: int
    modified: int
    device: int
    inode: int
    picture: Picture

    def still(self, size: int, modified: int, device: int, inode: int) -> bool:
        """Whether a file that looks so now is the same. Inodes count on one device: mounted anew, they may change."""
        return (size, modified) == (self.size, self.modified) and (device != self.device or inode == self.inode)


class Ledger:
    """Files and pictures known. Safe for several threads, and for several scans of one ledger at a time.

    path: made when it is missing; "" keeps nothing. hasher, describer, judge: signatures of what makes hashes, copy
    vectors and reasons now; what others made is not given back. What is put is written within half a second, or by
    `commit`. warning: why nothing is kept for next time, or "".
    """

    def __init__(self, path: str | os.PathLike[str], *, hasher: str, describer: str = "", judge: str = "") -> None:
        self.warning = ""
        self._lock = threading.RLock()
        self._signatures = (hasher, describer, judge)
        self._waiting: dict[bytes, Known] = {}
        self._pictures: dict[bytes, Picture] = {}
        self._last = time.monotonic()
        self._place = os.fspath(path)
        try:
            self._db = _opened(self._place)
            self._makers = self._registered()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def files(self, paths: Sequence[bytes]) -> dict[bytes, Known]:
        """Return what is known of those of the paths that are known at all."""
        found: dict[bytes, Known] = {}
        for start in range(0, len(paths), _MANY):
            nothing: dict[bytes, Known] = {}
            found |= self._attempt(partial(self._files, paths[start : start + _MANY]), nothing)
        return found

    def picture(self, digest: bytes) -> Picture | None:
        """Return what is known of some bytes."""
        with self._lock:
            if waiting := self._pictures.get(digest):
                return waiting
            query = f"SELECT {_PICTURE} FROM pictures p WHERE p.digest = ?"
            row = self._attempt(lambda db: db.execute(query, (*self._makers, digest)).fetchone(), None)
        return None if row is None else _picture(row)

    def put(self, path: bytes, known: Known) -> None:
        """Keep what was read of a file."""
        with self._lock:
            self._waiting[path] = known
            self._pictures[known.picture.digest] = known.picture
            if len(self._waiting) >= _MANY or time.monotonic() - self._last >= _OFTEN:
                self.commit()

    def commit(self) -> None:
        """Write what was put."""
        with self._lock:
            if self._waiting:
                self._attempt(self._write, None)
            self._waiting.clear()
            self._pictures.clear()
            self._last = time.monotonic()

    def sweep(self, folder: bytes, listed: int) -> int:
        """Forget the files below a folder that are gone, if more are known than the `listed`; return how many."""
        low, high = folder.rstrip(SEPARATOR) + SEPARATOR, folder.rstrip(SEPARATOR) + bytes([SEPARATOR[0] + 1])
        where = "FROM files WHERE path >= ? AND path < ?"
        count = self._attempt(lambda db: db.execute(f"SELECT count(*) {where}", (low, high)).fetchone()[0], 0)
        if count <= listed:
            return 0
        rows: list[tuple[bytes]] = self._attempt(
            lambda db: db.execute(f"SELECT path {where}", (low, high)).fetchall(), []
        )
        gone = [row for row in rows if not _exists(row[0])]
        self._attempt(lambda db: _deleted(db, gone), None)
        return len(gone)

    def close(self) -> None:
        """Write what was put, and release the file."""
        self.commit()
        with self._lock, suppress(sqlite3.Error):
            self._db.close()

    def _files(self, paths: Sequence[bytes], db: sqlite3.Connection) -> dict[bytes, Known]:
        query = f"""SELECT f.path, f.size, f.modified, f.device, f.inode, {_PICTURE} FROM files f
            JOIN pictures p ON p.id = f.picture WHERE f.path IN ({",".join("?" * len(paths))})"""
        return {
            path: Known(size, modified, int(device), int(inode), _picture(rest))
            for path, size, modified, device, inode, *rest in db.execute(query, (*self._makers, *paths))
        }

    def _write(self, db: sqlite3.Connection) -> None:
        hasher, describer, judge = self._makers
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            _KEEP,
            (
                (one.digest, one.width, one.height, one.format, one.taken, one.exif)
                + ((hasher, one.turned, one.quality) if one.turned else (None, None, None))
                + ((describer, one.copy) if one.copy else (None, None))
                + ((judge, one.reason) if one.reason else (None, None))
                for one in self._pictures.values()
            ),
        )
        db.executemany(
            "INSERT OR REPLACE INTO files SELECT ?, ?, ?, ?, ?, id FROM pictures WHERE digest = ?",
            (
                (path, known.size, known.modified, str(known.device), str(known.inode), known.picture.digest)
                for path, known in self._waiting.items()
            ),
        )
        db.execute("COMMIT")

    def _registered(self) -> tuple[int, ...]:
        with self._db as db:
            rows = [(signature,) for signature in self._signatures]
            known = dict(db.execute("SELECT signature, id FROM makers").fetchall())
            if not {signature for (signature,) in rows} <= known.keys():
                db.executemany("INSERT OR IGNORE INTO makers (signature) VALUES (?)", rows)
                known = dict(db.execute("SELECT signature, id FROM makers").fetchall())
        return tuple(known[signature] for signature in self._signatures)

    def _attempt(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            try:
                return work(self._db)
            except sqlite3.Error as error:
                self._give_up(error)
            try:  # what could not be kept is known at least until the end of this scan
                return work(self._db)
            except sqlite3.Error:
                return otherwise

    def _give_up(self, error: Exception) -> None:
        with suppress(sqlite3.Error, AttributeError):
            self._db.close()
        self.warning = f"{self._place} can't be used ({error}), so that nothing of this scan is kept for the next one."
        self._db = _opened("")
        self._makers = self._registered()


_KEEP: Final = """
INSERT INTO pictures (digest, width, height, format, taken, exif, hasher, turned, quality, describer, copy,
                      judge, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET
    width = max(width, excluded.width), height = max(height, excluded.height),
    format = CASE WHEN excluded.width THEN excluded.format ELSE format END,
    taken = CASE WHEN excluded.width THEN excluded.taken ELSE taken END,
    exif = CASE WHEN excluded.width THEN excluded.exif ELSE exif END,
    hasher = coalesce(excluded.hasher, hasher), turned = coalesce(excluded.turned, turned),
    quality = coalesce(excluded.quality, quality), describer = coalesce(excluded.describer, describer),
    copy = coalesce(excluded.copy, copy), judge = coalesce(excluded.judge, judge),
    reason = coalesce(excluded.reason, reason)
"""


def user_ledger(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the user's ledger is: LOOKALIKE_LEDGER, or else a file in the user's data folder."""
    given = environment.get("LOOKALIKE_LEDGER")
    folder = Path(platformdirs.user_data_dir("lookalike", appauthor=False))
    return Path(given).expanduser() if given else folder / f"files-{FORMAT}.sqlite"


def _opened(place: str) -> sqlite3.Connection:
    """Open a ledger, or make one where there is no file; "" is a temporary one, gone when it is closed."""
    if place:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
    db = connect(place, _PATIENCE)
    try:
        _check(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    if _is_empty(db):
        write_ahead(db, _PATIENCE)
        db.execute("BEGIN IMMEDIATE")  # of two that make it at once, one waits and finds it made
        if _is_empty(db):
            for statement in _SCHEMA.strip().split(";\n"):
                db.execute(statement)
        db.execute("COMMIT")
    # Read after the tables were seen: who made them set both in the same transaction.
    facts = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if facts != [_MARK, FORMAT]:
        raise sqlite3.DatabaseError("it is no ledger of this version of Lookalike")


def _is_empty(db: sqlite3.Connection) -> bool:
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _picture(row: Sequence[object]) -> Picture:
    digest, width, height, format_, taken, exif, quality, turned, copy, reason = row
    return Picture(digest, width, height, format_, taken, exif, quality or 0, turned or b"", copy or b"", reason or "")  # type: ignore[arg-type]


def _deleted(db: sqlite3.Connection, rows: Iterable[tuple[bytes]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany("DELETE FROM files WHERE path = ?", rows)
    db.execute("COMMIT")


def _exists(path: bytes) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        return not isinstance(error, NotADirectoryError)
    return True
