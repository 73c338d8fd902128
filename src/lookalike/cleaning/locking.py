"""One at a time: two processes that applied and undid plans at once would undo one another's work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lookalike.errors import CleaningLocked, JournalUnreadable

__all__ = ["alone"]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder of plans and journals. The system lets go of it when the process ends, however it ends.

    Raises CleaningLocked if another process, or another thread, has it; JournalUnreadable if nothing can be written
    there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "cleaning.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise CleaningLocked(str(folder)) from None
    except OSError as error:
        raise JournalUnreadable(str(folder), f"its folder can't be written to ({error.strerror or error})") from None
    try:
        yield
    finally:
        lock.release()
