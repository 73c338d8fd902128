"""A plan carried out: each file checked once more, each action written down before it is done, the rest going on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from lookalike.cleaning import disk
from lookalike.cleaning.disk import Facts, verified
from lookalike.cleaning.disposal import Disposal, default_action
from lookalike.cleaning.evidence import Pairs
from lookalike.cleaning.inspection import Inspect, Inspection, keeper_first
from lookalike.cleaning.journal import Entry, Journal, Step
from lookalike.cleaning.links import Link
from lookalike.cleaning.locking import alone
from lookalike.cleaning.plan import Companion, Fate, Plan, PlannedGroup
from lookalike.cleaning.planfile import journal_of, plans_folder
from lookalike.cleaning.rewrites import Rewrite
from lookalike.cleaning.sidecar import merged_sidecar
from lookalike.cleaning.undoing import Undone, roll_back
from lookalike.errors import DisposalUnavailable, FileChanged, JournalUnreadable, SidecarUnreadable
from lookalike.folders.findings import PictureFile
from lookalike.settings import Settings

__all__ = ["Applied", "Refused", "Removed", "apply"]

_SIDECAR: Final = "sidecar"
_ATTEMPTS: Final = 3  # at a name that somebody else takes just before


@dataclass(frozen=True, slots=True)
class Removed:
    """A file that went. target: where it is now; of a link, the keeper. size: bytes, with companions."""

    path: str
    target: str
    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was to go and is where it was, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Applied:
    """What came of a plan. already: files that had gone before. sidecars: written for keepers. Nothing else was
    touched; `journal` undoes all of it.
    """

    journal: Path
    done: list[Removed] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    sidecars: list[str] = field(default_factory=list)
    already: int = 0

    @property
    def size(self) -> int:
        """Bytes of what went, this time."""
        return sum(one.size for one in self.done)

    @property
    def nothing_left(self) -> bool:
        """Whether all that the plan says had been done before."""
        return not self.done and not self.refused


def apply(
    plan: Plan,
    disposal: Disposal | None = None,
    *,
    merge: bool = False,
    folder: Path | None = None,
    inspect: Inspect | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Applied:
    """Carry out a plan. What isn't as it was when it was scanned, byte for byte, is refused, and so is what shows
    anything that its keeper doesn't, unless that was chosen by hand; the rest goes on.

    disposal: default the trash, where there is one; its roots are the plan's. merge: write what the files that go say
    of themselves, and their keeper doesn't, into its sidecar. folder: of plans and journals. inspect: says what a copy
    shows, an `Inspection` by default. progress: files looked at so far, of how many. What an interrupted run left
    half-done is put back first.
    Raises CleaningLocked; JournalUnreadable before anything is touched.
    """
    place = folder or plans_folder()
    disposal = replace(disposal or Disposal(default_action()), roots=tuple(plan.roots))
    with alone(place):
        book = Journal.of_plan(journal_of(plan, place), plan.id)
        cleaner = _Cleaner(book, disposal, merge, inspect or Inspection(Settings.load()))
        cleaner.recover()
        total, done = plan.files_removed, 0
        for planned in plan.groups:
            if planned.removed:
                cleaner.clean(planned)
                done += len(planned.removed)
                progress(done, total)
        return cleaner.outcome


@dataclass(frozen=True, slots=True)
class _Unit:
    """A file that goes, and all that goes with it, verified."""

    file: PictureFile
    files: Sequence[tuple[str, Facts]]


class _Cleaner:
    def __init__(self, book: Journal, disposal: Disposal, merge: bool, inspect: Inspect) -> None:
        self.outcome = Applied(book.path)
        self._book, self._disposal, self._merge, self._inspect = book, disposal, merge, inspect

    def recover(self) -> None:
        """Put back what an interrupted run left half-done."""
        for entry in list(self._book.open_entries()):
            if entry.state == "begun":
                reason = self._put_back(entry, "")
                if reason:
                    self._refuse(entry.path, f"an interrupted run left it half-done{reason}")
        self._gone = {
            entry.path: entry
            for entry in self._book.entries.values()
            if entry.state == "done" and entry.action != _SIDECAR
        }

    def clean(self, planned: PlannedGroup) -> None:
        left = [(file, fate) for file, fate in planned.removed if not self._already(file.path)]
        self.outcome.already += len(planned.removed) - len(left)
        keeper = planned.keeper
        if not left or keeper is None:
            return
        try:
            facts = verified(keeper.path, keeper.size, keeper.modified, keeper.sha256)
        except (FileChanged, OSError) as error:
            for file, _ in left:
                self._refuse(file.path, f"its keeper {keeper.path} {_said(error)}")
            return
        verified_units = [unit for file, fate in left if (unit := self._verify(file, fate, facts))]
        units = self._showing_nothing_more(planned, keeper, verified_units)
        sidecar = self._merge_into(keeper, units) if self._merge and units else None
        if isinstance(sidecar, str):
            for unit in units:
                self._refuse(unit.file.path, sidecar)
            return
        gone = [self._dispose(unit, keeper, facts) for unit in units]
        if sidecar is not None and any(gone):
            self.outcome.sidecars.append(sidecar.path)
        elif sidecar is not None:
            roll_back(self._book, sidecar, Undone(self._book.path))

    def _already(self, path: str) -> bool:
        entry = self._gone.get(path)
        if entry is None:
            return False
        if disk.look(path) is None:
            return True
        try:
            return any(isinstance(step, Link) and disk.digest(path) == step.facts.sha256 for step in entry.steps)
        except (FileChanged, OSError):
            return False

    def _verify(self, file: PictureFile, fate: Fate, keeper: Facts) -> _Unit | None:
        companions: Sequence[Companion] = () if self._disposal.links else fate.companions
        path = file.path
        try:
            facts = verified(path, file.size, file.modified, file.sha256)
            if (facts.device, facts.inode) == (keeper.device, keeper.inode):
                raise FileChanged(path, "is the keeper itself under another name")
            files = [(path, facts)]
            for one in companions:
                path = one.path
                files.append((path, verified(path, one.size, one.modified, one.sha256)))
        except (FileChanged, OSError) as error:
            self._refuse(file.path, f"it {_said(error)}" if path == file.path else f"its {path} {_said(error)}")
            return None
        return _Unit(file, files)

    def _showing_nothing_more(
        self, planned: PlannedGroup, keeper: PictureFile, units: Sequence[_Unit]
    ) -> Sequence[_Unit]:
        """Return the files that show nothing that their keeper doesn't; who chose it by hand has seen them."""
        if any(fate.does == "keep" and fate.by_hand for fate in planned.fates):
            return units
        pairs, files = Pairs(planned.group), {member.path: member for member in planned.group.members}
        left = []
        for unit in units:
            pair = pairs.find(keeper, unit.file)
            if pair and (change := self._inspect(*keeper_first(keeper, pair, files), pair)):
                told = f"{change} beside its keeper {keeper.path}: a review tells which of the two goes"
                self._refuse(unit.file.path, told)
            else:
                left.append(unit)
        return left

    def _merge_into(self, keeper: PictureFile, units: Sequence[_Unit]) -> Entry | str | None:
        """Write the keeper's sidecar. Returns its entry, None if there is nothing to add, or why it can't be."""
        try:
            found = merged_sidecar(keeper, [unit.file for unit in units])
            if found is None:
                return None
            path, text = found
            step = Rewrite.of(path, f"{self._tag()}.part", text)
            entry = self._book.begin(path, _SIDECAR, [step])
        except (SidecarUnreadable, JournalUnreadable, FileChanged, OSError) as error:
            return f"what it says of itself can't be merged: {_said(error)}"
        reason = self._do(entry)
        return f"the sidecar {path} can't be written: {reason}" if reason else entry

    def _dispose(self, unit: _Unit, keeper: PictureFile, facts: Facts) -> bool:
        path, reason = unit.file.path, ""
        for _ in range(_ATTEMPTS):
            now = disk.look(keeper.path)
            if now is None or (now.st_ino, now.st_size, now.st_mtime_ns) != (facts.inode, facts.size, facts.modified):
                reason = f"its keeper {keeper.path} was changed just now"
                break
            try:
                steps = self._steps(unit, keeper, facts)
                entry = self._book.begin(path, self._disposal.action, steps)
            except (DisposalUnavailable, JournalUnreadable, FileChanged, OSError) as error:
                reason = _said(error)
                break
            reason = self._do(entry)
            if not reason:
                self._gone[path] = entry
                target = keeper.path if self._disposal.links else getattr(steps[0], "target", "")
                self.outcome.done.append(Removed(path, target, sum(one.size for _, one in unit.files)))
                return True
            if reason != _TAKEN:
                break
        self._refuse(path, reason)
        return False

    def _steps(self, unit: _Unit, keeper: PictureFile, facts: Facts) -> list[Step]:
        tag = self._tag()
        if self._disposal.links:
            path, own = unit.files[0]
            return [self._disposal.link(path, own, keeper.path, facts, tag)]
        return [self._disposal.move(path, own, f"{tag}.{at}") for at, (path, own) in enumerate(unit.files)]

    def _do(self, entry: Entry) -> str:
        """Carry out an entry whole, or put everything back. Returns why it wasn't, or ""."""
        try:
            for step in entry.steps:
                step.do()
        except FileExistsError:
            return self._put_back(entry, _TAKEN)
        except (FileChanged, DisposalUnavailable, OSError) as error:
            return self._put_back(entry, _said(error))
        except BaseException:  # interrupted by the user
            self._put_back(entry, "")
            raise
        try:
            self._book.mark(entry, "done")
        except JournalUnreadable:
            entry.state = "done"  # the disk of the journal is full: the next run looks at it anew
        return ""

    def _put_back(self, entry: Entry, reason: str) -> str:
        """Roll an entry back. Returns the reason, and what went wrong with that."""
        undone = Undone(self._book.path)
        if roll_back(self._book, entry, undone):
            return reason
        failed = "; ".join(f"{one.path}: {one.reason}" for one in undone.failed)
        return f"{reason}; what was done is not all put back yet, undo will try again ({failed})"

    def _refuse(self, path: str, reason: str) -> None:
        self.outcome.refused.append(Refused(path, reason))

    def _tag(self) -> str:
        return f".lookalike-{self._book.plan}-{self._book.next_number}"


_TAKEN: Final = "the name it was to get was taken just now"


def _said(error: Exception) -> str:
    if isinstance(error, FileChanged):
        return error.reason
    if isinstance(error, DisposalUnavailable):
        return f"{error.reason}. {error.advice.rstrip('.')}"
    if isinstance(error, OSError):
        return f"can't be read or moved ({error.strerror or error})"
    return str(error)
