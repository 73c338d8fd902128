"""From a search for duplicates to the plan of cleaning them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cached_property
from typing import TypeAlias

from lookalike.cleaning.inspection import Inspection, inspected
from lookalike.cleaning.plan import Plan, Terms, make_plan
from lookalike.describers.ensemble import Ensemble, calibrated, standard_ensemble
from lookalike.errors import ImageError
from lookalike.folders.finding import DuplicateSearch
from lookalike.folders.findings import FilePair, PictureFile
from lookalike.folders.frames import seen_throughout
from lookalike.folders.seen import Recollection
from lookalike.folders.shown import Shown
from lookalike.folders.verify import look_closely, show
from lookalike.images.threads import one_thread_each
from lookalike.settings import Settings
from lookalike.signals import Portrait

__all__ = ["Comparing", "plan_of"]

_Looked: TypeAlias = tuple[Shown, Portrait]


def plan_of(
    search: DuplicateSearch,
    *,
    roots: Sequence[str],
    terms: Terms,
    settings: Settings,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Plan:
    """Return the plan for all groups of a search, those that free most bytes first, ties by their first path.

    Where a large group has no pair of the keeper and a member, the two are compared now. Where the search looked at
    pixels, what would go for another reason than its bytes is held against the keeper once more, finely; where it
    didn't, that is left to whoever carries out the plan. Raises as the search does when it is run.
    """
    groups = search.groups
    done = iter(range(1, len(groups) + 1))
    with closing(Comparing(settings, search.remember)) as compare:
        plan = make_plan(
            groups,
            roots=roots,
            terms=terms,
            unused=search.unused,
            compare=compare,
            progress=lambda count: progress("planning", next(done), len(groups)),
        )
    if search.upto == "keypoints":
        plan = _inspected(plan, search, settings, progress)
    ordered = sorted(plan.groups, key=lambda planned: (-planned.bytes_freed, planned.group.members[0].path))
    return Plan(tuple(ordered), plan.roots, plan.terms, plan.unused, plan.id, plan.made)


def _inspected(
    plan: Plan, search: DuplicateSearch, settings: Settings, progress: Callable[[str, int, int], None]
) -> Plan:
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        progress("inspecting", done, len(plan.groups))

    with one_thread_each(), closing(Inspection(settings, search.remember)) as inspect:
        return inspected(plan, inspect, threads=settings.workers, progress=told)


class Comparing:
    """Compares a keeper with another file by their pixels; to be closed if it remembers."""

    def __init__(self, settings: Settings, remember: str = "") -> None:
        """remember: file where what is found of pairs is kept, as scans keep it, for the next time; "" for none."""
        self._settings, self._remember = settings, remember
        self._keeper: tuple[str, _Looked | None] = ("", None)  # who is asked about again and again

    def __call__(self, keeper: PictureFile, member: PictureFile) -> FilePair | None:
        """Return what was found, with what changed; None for a file that can't be read or isn't what was scanned."""
        files = (keeper, member) if keeper.path <= member.path else (member, keeper)
        if seen := self._known.get(*files):
            return seen.pair
        if keeper.path != self._keeper[0]:
            self._keeper = keeper.path, self._shown(keeper)
        own, other = self._keeper[1], self._shown(member)
        if own is None or other is None:
            return None
        seen = look_closely(*((own, other) if files[0] is keeper else (other, own)), self._settings)
        seen = seen_throughout(seen, *files, self._settings.limits)
        self._known.put(*files, seen)
        return seen.pair

    def close(self) -> None:
        """Write what was found."""
        if "_known" in self.__dict__:
            self._known.close()

    @cached_property
    def _ensemble(self) -> Ensemble:
        return calibrated(standard_ensemble(self._settings.model))

    @cached_property
    def _known(self) -> Recollection:
        return Recollection(self._remember, self._ensemble)

    def _shown(self, file: PictureFile) -> _Looked | None:
        try:
            return show(file, self._settings, self._ensemble)
        except (ImageError, OSError):
            return None
