"""From a search for duplicates to the plan of cleaning them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookalike.cleaning.plan import Plan, Terms, make_plan
from lookalike.describers.ensemble import calibrated, standard_ensemble
from lookalike.errors import ImageError
from lookalike.folders.changes import Shown
from lookalike.folders.finding import DuplicateSearch
from lookalike.folders.findings import FilePair, PictureFile
from lookalike.folders.verify import look_closely, show
from lookalike.settings import Settings
from lookalike.signals import Portrait

__all__ = ["comparing", "plan_of"]


def plan_of(
    search: DuplicateSearch,
    *,
    roots: Sequence[str],
    terms: Terms,
    settings: Settings,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Plan:
    """Return the plan for all groups of a search, those that free most bytes first, ties by their first path.

    Where a large group has no pair of the keeper and a member, the two are compared now.
    Raises as the search does when it is run.
    """

    groups = search.groups
    done = iter(range(1, len(groups) + 1))
    plan = make_plan(
        groups,
        roots=roots,
        terms=terms,
        unused=search.unused,
        compare=comparing(settings),
        progress=lambda count: progress("planning", next(done), len(groups)),
    )
    ordered = sorted(plan.groups, key=lambda planned: (-planned.bytes_freed, planned.group.members[0].path))
    return Plan(tuple(ordered), plan.roots, plan.terms, plan.unused, plan.id, plan.made)


def comparing(settings: Settings) -> Callable[[PictureFile, PictureFile], FilePair | None]:
    """Return what compares a keeper with another file by their pixels, with what changed between them; None for a file
    that can't be read any more or isn't what was scanned.
    """

    kept: dict[str, tuple[Shown, Portrait] | None] = {}  # the keeper, which is asked about again and again

    def shown(file: PictureFile) -> tuple[Shown, Portrait] | None:
        try:
            return show(file, settings, calibrated(standard_ensemble(settings.model)))
        except (ImageError, OSError):
            return None

    def compared(keeper: PictureFile, member: PictureFile) -> FilePair | None:
        if keeper.path not in kept:
            kept.clear()
            kept[keeper.path] = shown(keeper)
        own, other = kept[keeper.path], shown(member)
        if own is None or other is None:
            return None
        pair = (own, other) if keeper.path <= member.path else (other, own)
        return look_closely(*pair, settings).pair

    return compared
