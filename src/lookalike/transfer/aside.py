"""A file that is written aside and put in its place when it is whole; what killed writers left goes with the next."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows, where nobody can delete a file that another has open
    fcntl = None  # type: ignore[assignment]

__all__ = ["written_aside"]


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield an empty, hidden file beside `path`; it takes that place when the block ends well, or is gone.

    Each writer of a path has a file of its own and holds a lock on it, which the system lets go of however the process
    ends. Those of the same path that nobody holds were left by a kill and are deleted first. Raises OSError.
    """
    _clear(path)
    aside, held = _begun(path)
    try:
        yield aside
        if fcntl is None:
            os.close(held)
            held = -1
        aside.replace(path)
    finally:
        if held >= 0:
            os.close(held)
        aside.unlink(missing_ok=True)


def _begun(path: Path) -> tuple[Path, int]:
    """Make a file and take its lock; return it and the descriptor that holds the lock."""
    while True:
        aside = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
        held = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            free = _lock(held)
        except OSError:  # a file system without locks, where none is ever taken for left behind
            return aside, held
        if free and os.fstat(held).st_nlink:
            return aside, held
        os.close(held)  # taken for left behind, between the making and the lock


def _clear(path: Path) -> None:
    """Delete what killed writers of this path left."""
    left = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]+\.part")
    for aside in [entry for entry in path.parent.iterdir() if left.fullmatch(entry.name)]:
        with suppress(OSError):  # what can't be deleted, another time
            held = os.open(aside, os.O_RDWR)
            try:
                if _lock(held):
                    if fcntl is None:
                        os.close(held)
                        held = -1
                    aside.unlink()
            finally:
                if held >= 0:
                    os.close(held)


def _lock(descriptor: int) -> bool:
    """Lock the file, and return whether nobody else has. Raises OSError where there are no locks."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
