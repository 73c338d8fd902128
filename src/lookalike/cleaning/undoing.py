"""Everything put back: what a journal says was done is undone, the latest first, whatever a crash left half-done."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from lookalike.cleaning import disk
from lookalike.cleaning.journal import Entry, Journal, last_journal
from lookalike.cleaning.locking import alone
from lookalike.cleaning.moves import Move
from lookalike.cleaning.planfile import plans_folder
from lookalike.errors import FileChanged, JournalUnreadable

__all__ = ["Elsewhere", "NotRestored", "Undone", "roll_back", "undo"]

_ATTEMPTS: Final = 3  # at a name that somebody else takes just before


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A file that is back under another name, since something else stands at its own."""

    path: str
    place: str


@dataclass(frozen=True, slots=True)
class NotRestored:
    """A file that isn't back, or not as it was; and why. The rest went on."""

    path: str
    reason: str


@dataclass(slots=True)
class Undone:
    """What an undo did. restored: paths that are as they were, companions and sidecars included. odd: back, and yet
    not as they were. damaged: lines of the journal that can't be read; what they spoke of is unknown.
    """

    journal: Path
    restored: list[str] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)
    odd: list[NotRestored] = field(default_factory=list)
    failed: list[NotRestored] = field(default_factory=list)
    damaged: int = 0


def undo(
    journal: str | os.PathLike[str] | None = None,
    *,
    folder: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Undone:
    """Undo all that a journal says was done; by default of the one written to last. Nothing is ever overwritten.

    Interrupted, call it again: it goes on. What can't be restored is reported, stays in the journal, and is tried again
    the next time. folder: where to look for the last one. progress: actions undone so far, of how many.
    Raises PlanNotFound, JournalUnreadable, CleaningLocked.
    """
    place = Path(journal).parent if journal is not None else folder or plans_folder()
    with alone(place):
        book = Journal(Path(journal) if journal is not None else last_journal(place))
        outcome = Undone(book.path, damaged=book.damaged)
        entries = list(book.open_entries())
        for number, entry in enumerate(entries, 1):
            roll_back(book, entry, outcome)
            progress(number, len(entries))
        made = [made for entry in entries for step in entry.steps if isinstance(step, Move) for made in step.made]
        disk.clear_folders(list(dict.fromkeys(made)))
        return outcome


def roll_back(book: Journal, entry: Entry, outcome: Undone) -> bool:
    """Undo one entry, its last step first, and mark it if all of it is undone. Returns whether it is."""
    whole = True
    for number in reversed(range(len(entry.steps))):
        step = entry.steps[number]
        try:
            odd, place = _put_back(book, entry, number)
        except (FileChanged, JournalUnreadable) as error:
            outcome.failed.append(NotRestored(step.path, error.reason))
            whole = False
        except OSError as error:
            outcome.failed.append(NotRestored(step.path, error.strerror or str(error)))
            whole = False
        else:
            _report(outcome, step.path, place, odd)
    if whole:
        try:
            book.mark(entry, "undone")
        except JournalUnreadable as error:
            outcome.failed.append(NotRestored(entry.path, f"it is back, but {error.reason}"))
            return False
    return whole


def _put_back(book: Journal, entry: Entry, number: int) -> tuple[str, str]:
    """Undo one step. Returns (what was odd, where the file is now)."""
    step = entry.steps[number]
    place = entry.places.get(number, step.path)
    for _ in range(_ATTEMPTS):
        try:
            return step.undo(place), place
        except FileExistsError:
            place = _free_beside(step.path)
            book.place(entry, number, place)
    return step.undo(place), place


def _report(outcome: Undone, path: str, place: str, odd: str) -> None:
    if odd:
        outcome.odd.append(NotRestored(path, odd))
    elif place != path:
        outcome.elsewhere.append(Elsewhere(path, place))
    else:
        outcome.restored.append(path)


def _free_beside(path: str) -> str:
    """Return a path like "IMG (restored).jpg" at which nothing stands."""
    name = Path(path)
    for number in count(1):
        more = "restored" if number == 1 else f"restored {number}"
        free = str(name.with_name(f"{name.stem} ({more}){name.suffix}"))
        if disk.look(free) is None:
            return free
    raise AssertionError("unreachable")
