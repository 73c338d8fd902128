"""From a search for duplicates to the plan of cleaning them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.cleaning.plan import Plan, Terms, make_plan
from lookalike.describers.ensemble import Ensemble, calibrated, standard_ensemble
from lookalike.errors import ImageError
from lookalike.folders.details import FINE, shown_by_one
from lookalike.folders.finding import DuplicateSearch
from lookalike.folders.findings import FilePair, PictureFile
from lookalike.folders.frames import seen_throughout
from lookalike.folders.seen import Recollection
from lookalike.folders.shown import Shown
from lookalike.folders.verify import look_closely, show
from lookalike.images import read_image
from lookalike.images.resize import thumbnail, to_gray
from lookalike.settings import Settings
from lookalike.signals import Portrait

__all__ = ["Comparing", "Inspecting", "plan_of"]

_Looked: TypeAlias = tuple[Shown, Portrait]

_COARSE: Final = 250  # pixels of the longer side at which what is blurred or noisy is inspected
_DULL: Final = ("blurred", "sharpened", "noisy")
_OTHER_COLORS: Final = ("toned", "gray", "in color", "recolored")


def plan_of(
    search: DuplicateSearch,
    *,
    roots: Sequence[str],
    terms: Terms,
    settings: Settings,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Plan:
    """Return the plan for all groups of a search, those that free most bytes first, ties by their first path.

    Where a large group has no pair of the keeper and a member, the two are compared now. What would go for another
    reason than its bytes is held against the keeper once more, finely.
    Raises as the search does when it is run.
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
            inspect=Inspecting(settings),
            progress=lambda count: progress("planning", next(done), len(groups)),
        )
    ordered = sorted(plan.groups, key=lambda planned: (-planned.bytes_freed, planned.group.members[0].path))
    return Plan(tuple(ordered), plan.roots, plan.terms, plan.unused, plan.id, plan.made)


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


class Inspecting:
    """Holds a keeper and its copy against one another at a resolution at which a figure on a form can be seen."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fine = lru_cache(2)(self._read)  # the keeper is asked for again and again

    def __call__(self, a: PictureFile, b: PictureFile, pair: FilePair) -> FilePair:
        """Return the pair of a and b, with "different on ..." added where either shows what the other doesn't.

        Where the two can't be read, or nothing is known of how they lie on one another, all of it counts as different.
        """
        if pair.verdict == "identical":
            return pair
        side = _COARSE if any(change.startswith(_DULL) for change in pair.changes) else FINE
        one, other = self._fine(a, side), self._fine(b, side)
        if one is None or other is None:
            share = 1.0
        else:
            if any(change.startswith(_OTHER_COLORS) for change in pair.changes):
                one, other = (np.repeat(to_gray(pixels)[..., None], 3, axis=2) for pixels in (one, other))
            way = np.eye(3) if pair.transform is None else np.reshape(np.array(pair.transform, np.float64), (3, 3))
            share = shown_by_one(one, other, way)
        return replace(pair, changes=(*pair.changes, f"different on {100 * share:.2g} %")) if share else pair

    def _read(self, file: PictureFile, side: int) -> NDArray[Any] | None:
        try:
            return thumbnail(read_image(file.path, limits=self._settings.limits, wants=side).pixels, side)
        except (ImageError, OSError):
            return None
