"""What is to become of every file of every group: which one stays, which go and why, which are left alone.

Plans are values: reviewing one gives another. Nothing here touches a file; companions are read, to know their bytes.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from lookalike.cleaning import disk
from lookalike.cleaning.evidence import Pairs, edited_change, lesser_copies, raw_files, unclear_change
from lookalike.cleaning.keeper import Choice, Rule, choose, parse_rules
from lookalike.errors import FileChanged, InvalidArgument
from lookalike.folders.findings import FileGroup, FilePair, PictureFile, Unused
from lookalike.records import Verdict

__all__ = [
    "COPIES",
    "Companion",
    "Fate",
    "Plan",
    "PlannedGroup",
    "Terms",
    "decided",
    "exclude",
    "keep_all",
    "make_plan",
    "reset",
    "set_keeper",
]

COPIES: Final[frozenset[Verdict]] = frozenset(["identical", "edited-copy"])
"""Verdicts that make a file superfluous beside its keeper; another shot of the scene is none."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes where a picture goes, as it was when the plan was made. sha256: "" if it couldn't be read."""

    path: str
    size: int
    modified: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What is to become of one file, and why, in words.

    verdict, probability: that it shows the same picture as the keeper, None where they were not compared. by_hand:
    decided in a review. companions: of the file, which go with it.
    """

    path: str
    does: Literal["keep", "remove", "leave"]
    reason: str
    verdict: Verdict | None = None
    probability: float | None = None
    by_hand: bool = False
    companions: Sequence[Companion] = ()


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """A group and the fates of its members, in the same order."""

    group: FileGroup
    fates: Sequence[Fate]

    @property
    def keeper(self) -> PictureFile | None:
        """The file that stays, None where all are left alone."""
        kept = {fate.path for fate in self.fates if fate.does == "keep"}
        return next((member for member in self.group.members if member.path in kept), None)

    @property
    def removed(self) -> Sequence[tuple[PictureFile, Fate]]:
        """The files that go."""
        pairs = zip(self.group.members, self.fates, strict=True)
        return [(member, fate) for member, fate in pairs if fate.does == "remove"]

    @property
    def bytes_freed(self) -> int:
        """Bytes that go with the files and their companions. What a hard link that stays still holds is not freed."""
        removed = self.removed
        gone = {member.path for member, _ in removed}
        held = {_identity(member) for member in self.group.members if member.path not in gone}
        freed = {_identity(member): member.size for member, _ in removed if _identity(member) not in held}
        return sum(freed.values()) + sum(one.size for _, fate in removed for one in fate.companions)


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a plan is made. keep: the rules, as `parse_rules` gives them. bar: least probability, in [0, 1], that a
    file is a copy of the keeper for it to go. Raises InvalidArgument for another bar.
    """

    keep: Sequence[Rule] = field(default_factory=parse_rules)
    bar: float = 0.95

    def __post_init__(self) -> None:
        if not 0.0 <= self.bar <= 1.0:
            raise InvalidArgument("bar", self.bar, "between 0 and 1")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. id: names its file and journal. made: ISO 8601, UTC. roots: folders that were looked into,
    to which places in a quarantine folder are relative. unused: what took no part.
    """

    groups: Sequence[PlannedGroup]
    roots: Sequence[str] = ()
    terms: Terms = field(default_factory=Terms)
    unused: Sequence[Unused] = ()
    id: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}")
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def bytes_freed(self) -> int:
        """Bytes that go, of all groups."""
        return sum(group.bytes_freed for group in self.groups)

    @property
    def files_removed(self) -> int:
        """How many files go, companions not counted."""
        return sum(len(group.removed) for group in self.groups)


def make_plan(
    groups: Iterable[FileGroup],
    *,
    roots: Sequence[str] = (),
    terms: Terms | None = None,
    unused: Sequence[Unused] = (),
    compare: Callable[[PictureFile, PictureFile], FilePair | None] = lambda a, b: None,
    progress: Callable[[int], None] = lambda count: None,
) -> Plan:
    """Plan the cleaning of groups, in the order given. progress: called with 1 after each group.

    Only a file that is a copy of the keeper itself goes, never one that is merely like another member. compare: asked
    about a keeper and a member that large groups have no pair of; without an answer the member is left alone, as is
    all that is ambiguous, with the reason.
    """
    terms = terms or Terms()
    planned = []
    for group in groups:
        every = len(group.pairs) >= len(group.members) * (len(group.members) - 1) // 2
        whole = group if every else _with_pairs(group, choose(group, terms.keep).keeper, compare)
        own = _companions(group)
        fates = [Fate(member.path, "leave", "", companions=own[member.path]) for member in group.members]
        planned.append(decided(PlannedGroup(whole, fates), terms))
        progress(1)
    return Plan(tuple(planned), tuple(roots), terms, tuple(unused))


def set_keeper(
    plan: Plan,
    number: int,
    path: str,
    compare: Callable[[PictureFile, PictureFile], FilePair | None] = lambda a, b: None,
) -> Plan:
    """Return the plan with another keeper of one group: the others go if they are copies of it.

    number: of the group, from 0. compare: as in `make_plan`. Files excluded before stay excluded. Raises
    InvalidArgument for no such group or member.
    """
    planned, member = _member(plan, number, path)
    planned = replace(planned, group=_with_pairs(planned.group, member, compare))
    left = [
        replace(fate, by_hand=False) if fate.path == path or fate.does == "keep" else fate for fate in planned.fates
    ]
    return _with(plan, number, decided(replace(planned, fates=left), plan.terms, member))


def keep_all(plan: Plan, number: int) -> Plan:
    """Return the plan with nothing of one group going. Raises InvalidArgument for no such group."""
    planned = _numbered(plan, number)
    fates = [replace(fate, does="leave", reason="kept in the review", by_hand=True) for fate in planned.fates]
    return _with(plan, number, replace(planned, fates=tuple(fates)))


def exclude(plan: Plan, number: int, path: str) -> Plan:
    """Return the plan with one file left alone. Of an excluded keeper the next best takes the place, and the file
    itself stays, too. Raises InvalidArgument for no such group or member.
    """
    planned, member = _member(plan, number, path)
    fates = [
        replace(fate, does="leave", reason="kept in the review", by_hand=True) if fate.path == path else fate
        for fate in planned.fates
    ]
    changed = replace(planned, fates=tuple(fates))
    if planned.keeper != member:
        return _with(plan, number, changed)
    return _with(plan, number, decided(changed, plan.terms))


def reset(plan: Plan, number: int) -> Plan:
    """Return the plan with one group as the rules alone have it. Raises InvalidArgument for no such group."""
    planned = _numbered(plan, number)
    fates = tuple(replace(fate, does="leave", by_hand=False) for fate in planned.fates)
    return _with(plan, number, decided(replace(planned, fates=fates), plan.terms))


def decided(planned: PlannedGroup, terms: Terms, keeper: PictureFile | None = None) -> PlannedGroup:
    """Return a group decided on by its pairs, all members but those that a review left alone.

    keeper: chosen by hand.
    """
    by_path = {fate.path: fate for fate in planned.fates}
    open_ = tuple(member for member in planned.group.members if not by_path[member.path].by_hand)
    if not open_:
        return planned
    choice = choose(replace(planned.group, members=open_), terms.keep) if keeper is None else Choice(keeper, {})
    whole = _unclear(planned.group, terms.keep) if keeper is None else ""
    judge = _Judge(planned, choice, terms.bar, keeper is not None)
    fates = []
    for member in planned.group.members:
        fate = by_path[member.path]
        if fate.by_hand:
            fates.append(fate)
        elif whole:
            fates.append(replace(fate, does="leave", reason=whole))
        else:
            fates.append(judge.fate(member, fate))
    return replace(planned, fates=tuple(fates))


def _unclear(group: FileGroup, rules: Sequence[Rule]) -> str:
    """Return why nothing of a group may go, or ""."""
    if all(member.reference for member in group.members):
        return "every file of the group is in a reference folder"
    if len({member.side for member in group.members} - {""}) > 1 and not any(rule.name == "side" for rule in rules):
        return "one set is held against another: the rule side:a or side:b would say which one stays"
    return ""


class _Judge:
    """Decides on each member of a group beside its keeper."""

    def __init__(self, planned: PlannedGroup, choice: Choice, bar: float, by_hand: bool) -> None:
        self._group, self._choice, self._bar, self._by_hand = planned.group, choice, bar, by_hand
        self._pairs = Pairs(planned.group)
        self._raws = {fate.path: _raws(fate) for fate in planned.fates}
        self._lesser = lesser_copies(planned.group)

    def fate(self, member: PictureFile, fate: Fate) -> Fate:
        keeper = self._choice.keeper
        if member.path == keeper.path:
            return Fate(fate.path, "keep", self._why_kept(), by_hand=self._by_hand, companions=fate.companions)
        pair = self._pairs.find(keeper, member)
        if member.sha256 == keeper.sha256:
            known = replace(fate, verdict="identical", probability=1.0)
        elif pair is not None:
            known = replace(fate, verdict=pair.verdict, probability=pair.probability)
        else:
            known = replace(fate, verdict=None, probability=None)
        reason = self._why_left(member, known)
        if not reason and pair and not self._by_hand and (change := self._undecided(pair, member)):
            reason = f"{change}: nothing tells which of the two is the original"
        if reason:
            return replace(known, does="leave", reason=reason)
        why = "copy of the keeper chosen in the review" if self._by_hand else self._choice.reasons[member.path]
        return replace(known, does="remove", reason=why)

    def _undecided(self, pair: FilePair, member: PictureFile) -> str:
        lesser = (self._choice.keeper.path, member.path) in self._lesser
        return unclear_change(pair) or ("" if lesser else edited_change(pair))

    def _why_kept(self) -> str:
        """Name what decided between the keeper and the last that was left beside it."""
        if self._by_hand:
            return "chosen in the review"
        path, reason = next(reversed(list(self._choice.reasons.items())), ("", ""))
        name = os.path.basename(path)  # noqa: PTH119 - of thousands of groups
        return f"kept before {name}: {reason}" if path else "the only one left to choose from"

    def _why_left(self, member: PictureFile, fate: Fate) -> str:
        keeper = self._choice.keeper
        if member.reference:
            return "it is in a reference folder"
        if _identity(member) == _identity(keeper):
            return "it is the keeper itself under another name (a hard link): removing it frees nothing"
        if self._group.reopened and not self._by_hand and member.sha256 != keeper.sha256:
            return "these were said to be no duplicates before a new file joined: the review tells which go"
        if fate.verdict is None or fate.probability is None:
            return "it was compared with other members, and not with the keeper"
        if fate.verdict not in COPIES:
            return f"{fate.verdict}: it is like the keeper and no copy of it"
        if fate.probability < self._bar:
            return f"it is a copy of the keeper with a probability of {fate.probability:.3f}, below {self._bar:g}"
        if (member.path, keeper.path) in self._lesser and not self._by_hand:
            return "it shows more than the keeper"
        return self._why_left_for_companions(member, fate)

    def _why_left_for_companions(self, member: PictureFile, fate: Fate) -> str:
        if unread := [one.path for one in fate.companions if not one.sha256]:
            return f"its companion {unread[0]} can't be read"
        if not self._raws[member.path] <= self._raws[self._choice.keeper.path]:
            return f"it has a RAW, {raw_files(member)[0]}, that the keeper has not"
        return ""


def _raws(fate: Fate) -> set[str]:
    return {one.sha256 for one in fate.companions if not one.path.lower().endswith(".xmp")}


def _identity(file: PictureFile) -> tuple[int, int] | str:
    return (file.device, file.inode) if file.inode else file.path


def _with_pairs(
    group: FileGroup, keeper: PictureFile, compare: Callable[[PictureFile, PictureFile], FilePair | None]
) -> FileGroup:
    """Return the group with the pairs of its keeper that were missing, as far as they can be had."""
    known = Pairs(group)
    unknown = [one for one in group.members if one.sha256 != keeper.sha256 and known.find(keeper, one) is None]
    more = [pair for one in unknown if (pair := compare(keeper, one))]
    return replace(group, pairs=(*group.pairs, *more)) if more else group


def _companions(group: FileGroup) -> dict[str, tuple[Companion, ...]]:
    """Return path -> the companions that are its alone; what two members share goes with neither."""
    named = {file.path: [str(Path(file.path).parent / name) for name in file.companions] for file in group.members}
    owners = Counter(path for paths in named.values() for path in set(paths))
    return {
        file: tuple(_companion(path) for path in paths if owners[path] == 1 and path not in named)
        for file, paths in named.items()
    }


def _companion(path: str) -> Companion:
    try:
        facts = disk.read_facts(path)
    except (OSError, FileChanged):
        return Companion(path, 0, 0, "")
    return Companion(path, facts.size, facts.modified, facts.sha256)


def _numbered(plan: Plan, number: int) -> PlannedGroup:
    if not 0 <= number < len(plan.groups):
        raise InvalidArgument("group", number, f"from 0 to {len(plan.groups) - 1}")
    return plan.groups[number]


def _member(plan: Plan, number: int, path: str) -> tuple[PlannedGroup, PictureFile]:
    planned = _numbered(plan, number)
    for member in planned.group.members:
        if member.path == path:
            return planned, member
    raise InvalidArgument("file", path, "a member of the group")


def _with(plan: Plan, number: int, planned: PlannedGroup) -> Plan:
    groups = list(plan.groups)
    groups[number] = planned
    return replace(plan, groups=tuple(groups))
