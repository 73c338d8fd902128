"""Plans of cleaning up that lie open for review: read from the folder of plans, and changed a group at a time."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, get_args

from lookalike.catalog import Catalog
from lookalike.cleaning import plan as plans
from lookalike.cleaning.applying import Applied
from lookalike.cleaning.journal import Journal
from lookalike.cleaning.plan import Plan, PlannedGroup
from lookalike.cleaning.planfile import journal_of, read_plan, write_plan
from lookalike.cleaning.planning import Comparing
from lookalike.cleaning.undoing import Undone
from lookalike.errors import EntryNotFound, InvalidArgument, PlanNotFound
from lookalike.pages.errands import Errand
from lookalike.settings import Settings

__all__ = ["CHANGES", "Change", "Desk", "Notes", "Opened", "Order", "certainty"]

Change = Literal["keep", "spare", "keep-all", "different", "set-aside", "reset", "seen"]
"""What a review does to a group: choose the keeper; leave one file, or all, alone; say that they are no duplicates, or
known pictures that never count; go back to what the rules say; let it be as it is."""

CHANGES: Final = get_args(Change)

Order = Literal["doubtful", "sure", "bytes"]

_ID: Final = re.compile(r"[0-9a-z][0-9a-z-]{0,63}\Z")
_KEPT_OPEN: Final = 4
_VERDICTS: Final = ("different", "set-aside")


@dataclass(frozen=True, slots=True)
class Notes:
    """How far a review is. seen: numbers of the groups that were looked at. decided: number -> what was decided of it
    for good, and the id of that decision.
    """

    seen: frozenset[int] = frozenset()
    decided: Mapping[int, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """A plan, and the notes about it. Groups are numbered from 0, in the plan's order."""

    plan: Plan
    path: Path
    notes: Notes

    def ordered(self, order: Order) -> Sequence[int]:
        """Return the numbers of all groups; the order stays the same whatever is changed in them."""
        return self._orders[order]

    @cached_property
    def _orders(self) -> Mapping[Order, Sequence[int]]:
        sure = [certainty(planned) for planned in self.plan.groups]
        numbers = range(len(sure))
        return {
            "bytes": numbers,
            "doubtful": sorted(numbers, key=lambda number: sure[number]),
            "sure": sorted(numbers, key=lambda number: -sure[number]),
        }

    @cached_property
    def part_seen(self) -> Plan:
        """The plan with the groups alone that were looked at."""
        return replace(self.plan, groups=tuple(self.plan.groups[number] for number in sorted(self.notes.seen)))


class Desk:
    """The plans of one folder. Safe to call from several threads.

    catalog: opens the catalog that decisions are kept in. alone: nothing but reviews is served here.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        catalog: Callable[[], AbstractContextManager[Catalog]],
        *,
        alone: bool = False,
    ) -> None:
        self.folder, self.alone = folder, alone
        self.errands: dict[str, Errand[Applied | Undone]] = {}
        self._catalog, self._compare = catalog, Comparing(settings)
        self._elsewhere: dict[str, Path] = {}
        self._kept: dict[str, tuple[object, Opened]] = {}
        self._guard = threading.RLock()

    def lay(self, path: Path) -> Opened:
        """Open a plan that lies in another folder, under its id. Raises PlanUnreadable."""
        plan = read_plan(path)
        if path.parent.resolve() != self.folder.resolve() or path.stem != plan.id:
            self._elsewhere[plan.id] = path
        return self.open(plan.id)

    def recent(self, most: int) -> list[str]:
        """Return ids of plans, the newest first."""
        return sorted((path.stem for path in self.folder.glob("*.json") if _ID.match(path.stem)), reverse=True)[:most]

    def open(self, id_: str) -> Opened:
        """Return a plan as it is on the disk now. Raises PlanNotFound, PlanUnreadable."""
        if not _ID.match(id_):
            raise PlanNotFound(str(self.folder), "plan")
        path = self._elsewhere.get(id_, self.folder / f"{id_}.json")
        with self._guard:
            try:
                status = path.stat()
            except OSError:
                raise PlanNotFound(str(path.parent), "plan") from None
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            kept = self._kept.pop(id_, None)
            if kept is None or kept[0] != stamp:
                plan = read_plan(path)
                kept = (stamp, Opened(plan, path, self._read_notes(plan)))
            self._kept[id_] = kept
            while len(self._kept) > _KEPT_OPEN:
                del self._kept[next(iter(self._kept))]
            return kept[1]

    def change(self, id_: str, number: int, change: Change, path: str = "") -> Opened:
        """Change one group and note that it was looked at. path: of the member to keep or to spare.

        Raises InvalidArgument for no such group or member, and for equal bytes that are said to differ; OSError.
        """
        with self._guard:
            opened = self.open(id_)
            planned = self._changed(opened.plan, number, change, path)
            notes = replace(opened.notes, seen=opened.notes.seen | {number})
            if change == "reset":
                notes = replace(notes, seen=notes.seen - {number})
            if change not in ("seen", "spare"):
                notes = self._decide(opened.plan.groups[number], number, change, notes)
            if planned is not opened.plan:
                write_plan(planned, opened.path)
            self._write_notes(planned, notes)
            self._kept.pop(id_, None)
            return self.open(id_)

    def begin(self, id_: str, start: Callable[[], Errand[Applied | Undone]]) -> bool:
        """Start work on a plan, unless some is under way. Returns whether it was started."""
        with self._guard:
            before = self.errands.get(id_)
            if before is not None and before.running:
                return False
            self.errands[id_] = start()
            return True

    @property
    def busy(self) -> bool:
        """Whether work on any plan is under way."""
        return any(errand.running for errand in list(self.errands.values()))

    def gone(self, plan: Plan) -> Mapping[str, str]:
        """Return path -> where it is now, of files that went and did not come back. Raises JournalUnreadable."""
        path = journal_of(plan, self.folder)
        if not path.is_file():
            return {}
        entries = Journal(path).open_entries()
        return {one.path: getattr(one.steps[0], "target", "") for one in entries if one.action != "sidecar"}

    def _changed(self, plan: Plan, number: int, change: Change, path: str) -> Plan:
        match change:
            case "keep":
                return plans.set_keeper(plan, number, path, self._compare)
            case "spare":
                return plans.exclude(plan, number, path)
            case "reset":
                return plans.reset(plan, number)
            case "seen":
                if not 0 <= number < len(plan.groups):
                    raise InvalidArgument("group", number, f"from 0 to {len(plan.groups) - 1}")
                return plan
        return plans.keep_all(plan, number)

    def _decide(self, planned: PlannedGroup, number: int, change: Change, notes: Notes) -> Notes:
        """Withdraw what was decided of a group before, and keep what is decided now."""
        decided = dict(notes.decided)
        before = decided.pop(number, None)
        digests = {member.sha256 for member in planned.group.members}
        if change == "different" and len(digests) < 2:
            raise InvalidArgument("different", "equal bytes", "said of pictures that differ; keep all of them instead")
        if before is None and change not in _VERDICTS:
            return notes
        with self._catalog() as catalog:
            if before is not None:
                with suppress(EntryNotFound):  # where it was withdrawn elsewhere
                    catalog.decisions.withdraw(before[1])
            if change == "different" or change == "set-aside":
                decided[number] = (change, catalog.decisions.add(change, digests).id)
        return replace(notes, decided=decided)

    def _notes_of(self, plan: Plan) -> Path:
        return self.folder / f"{plan.id}.review"

    def _read_notes(self, plan: Plan) -> Notes:
        """Read how far the review was; one that can't be read begins anew, the plan itself has all that counts."""
        try:
            told = json.loads(self._notes_of(plan).read_bytes())
            seen = frozenset(number for number in told["seen"] if 0 <= number < len(plan.groups))
            decided = {int(number): (str(what), int(id_)) for number, (what, id_) in told["decided"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Notes()
        return Notes(seen, decided)

    def _write_notes(self, plan: Plan, notes: Notes) -> None:
        path = self._notes_of(plan)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.new")
        aside.write_text(json.dumps({"seen": sorted(notes.seen), "decided": notes.decided}), "ascii")
        aside.replace(path)


def certainty(planned: PlannedGroup) -> float:
    """Return how sure it is that a group shows one picture: the least that a member resembles the one most like it."""
    best: dict[str, float] = {}
    for pair in planned.group.pairs:
        for path in (pair.a, pair.b):
            best[path] = max(best.get(path, 0.0), pair.probability)
    return min(best.values(), default=1.0)
