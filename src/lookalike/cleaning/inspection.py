"""A file that would go, held against its keeper once more, finely: whether it shows anything that the keeper doesn't.

Scans look at pictures small, at which two forms with different figures are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.ahead import in_order
from lookalike.cleaning.evidence import Pairs
from lookalike.cleaning.plan import Plan, PlannedGroup, Terms, decided
from lookalike.errors import ImageError
from lookalike.folders.details import FINE, differing_share
from lookalike.folders.findings import FilePair, PictureFile
from lookalike.folders.remembered import Remembered
from lookalike.images import read_image
from lookalike.images.image import Pixels
from lookalike.images.resize import thumbnail, to_gray
from lookalike.settings import Settings

Floats = NDArray[np.float64]

__all__ = ["Inspect", "Inspection", "inspected", "keeper_first"]

Inspect: TypeAlias = Callable[[PictureFile, PictureFile, FilePair], str]
"""Of a keeper, a file that would go and what is known of the pair, to what else is to be told of it, "" for nothing."""

_VERSION: Final = "details 3"  # who changes what is found of the same two pictures raises it
_AT_ONCE: Final = 16  # groups a thread inspects at once
_KEPT: Final = 8  # pictures that are asked for again, of a few threads: keepers
_COARSE: Final = 250  # pixels of the longer side at which what is blurred or noisy has nothing more or less
_DULL: Final = ("blurred", "sharpened", "noisy")
_OTHER_COLORS: Final = ("toned", "gray", "in color", "recolored")


class Inspection:
    """Inspects pairs at up to 1,000 pixels; to be closed if it remembers. Safe for several threads."""

    def __init__(self, settings: Settings, remember: str = "") -> None:
        """remember: file where what is found of pairs is kept, as scans keep it, for the next time; "" for none."""
        self._settings = settings
        self._fine = lru_cache(_KEPT)(self._read)
        self._known = Remembered(remember, _VERSION, "details")

    def __call__(self, keeper: PictureFile, file: PictureFile, pair: FilePair) -> str:
        """Return "different on 0.02 %" where one of two shows what the other doesn't, else "".

        pair: what is known of the two. Where they can't be read all counts as different; where nothing is known of how
        they lie on one another, they are held as they are.
        """
        if pair.verdict == "identical":
            return ""
        share = self._share(keeper, file, pair)
        return f"different on {100 * share:.2g} %" if share else ""

    def close(self) -> None:
        """Write what was found."""
        self._known.close()

    def _share(self, keeper: PictureFile, file: PictureFile, pair: FilePair) -> float:
        dull = any(change.startswith(_DULL) for change in pair.changes)
        gray = any(change.startswith(_OTHER_COLORS) for change in pair.changes)
        way = _way(keeper, pair)
        how = [dull, gray, *way.ravel().tolist()]
        known = self._known.get(keeper.sha256, file.sha256)
        if known is not None and known.get("how") == how:
            return float(known["share"])
        one, other = self._fine(keeper), self._fine(file)
        if one is None or other is None:
            return 1.0
        if gray:
            one, other = (np.repeat(to_gray(pixels)[..., None], 3, axis=2) for pixels in (one, other))
        if dull:
            one, other = thumbnail(one, _COARSE), thumbnail(other, _COARSE)
        share = differing_share(one, other, way)
        self._known.put(keeper.sha256, file.sha256, {"how": how, "share": share})
        return share

    def _read(self, file: PictureFile) -> Pixels | None:
        try:
            image = read_image(file.path, limits=self._settings.limits, wants=FINE)
        except (ImageError, OSError):
            return None
        return thumbnail(image.pixels, FINE) if image.sha256 == file.sha256 else None


def _way(keeper: PictureFile, pair: FilePair) -> Floats:
    """Return the transform from the keeper to the other; a pair's is from its first file to its second."""
    if pair.transform is None:
        return np.eye(3)
    way = np.reshape(np.array(pair.transform, np.float64), (3, 3))
    return way if keeper.path == pair.a else np.asarray(np.linalg.inv(way), np.float64)


def keeper_first(
    keeper: PictureFile, pair: FilePair, files: Mapping[str, PictureFile]
) -> tuple[PictureFile, PictureFile]:
    """Return the two files of a pair, first the one that is the keeper or has its bytes. files: path -> file."""
    one, other = files[pair.a], files[pair.b]
    return (one, other) if one.sha256 == keeper.sha256 else (other, one)


def inspected(
    plan: Plan,
    inspect: Inspect,
    *,
    threads: int = 1,
    progress: Callable[[int], None] = lambda count: None,
) -> Plan:
    """Return the plan with each file that would go held against its keeper once more; what differs then stays.

    inspect: called from several threads. Groups whose keeper was chosen by hand are as they are. progress: called with
    how many more groups were looked at.
    """
    groups: list[PlannedGroup] = []
    source = iter(plan.groups)
    batches: Iterator[list[PlannedGroup]] = iter(lambda: list(islice(source, _AT_ONCE)), [])

    def work(some: list[PlannedGroup]) -> list[PlannedGroup]:
        return [_inspected(planned, plan.terms, inspect) for planned in some]

    for some in in_order(work, batches, threads=threads, ahead=2 * threads, name="inspection"):
        groups += some
        progress(len(some))
    return replace(plan, groups=tuple(groups))


def _inspected(planned: PlannedGroup, terms: Terms, inspect: Inspect) -> PlannedGroup:
    """Decide on all members again until every pair for which one goes was inspected."""
    if any(fate.does == "keep" and fate.by_hand for fate in planned.fates):
        return planned
    files = {member.path: member for member in planned.group.members}
    done: set[tuple[str, str, str]] = set()
    while (keeper := planned.keeper) is not None:
        pairs = Pairs(planned.group)
        found = [pairs.find(keeper, file) for file, _ in planned.removed if file.sha256 != keeper.sha256]
        fresh = [pair for pair in found if pair and (keeper.path, pair.a, pair.b) not in done]
        done |= {(keeper.path, pair.a, pair.b) for pair in fresh}
        differ = {(pair.a, pair.b): inspect(*keeper_first(keeper, pair, files), pair) for pair in fresh}
        if not any(differ.values()):
            break
        told = tuple(_with(pair, differ.get((pair.a, pair.b), "")) for pair in planned.group.pairs)
        planned = decided(replace(planned, group=replace(planned.group, pairs=told)), terms)
    return planned


def _with(pair: FilePair, change: str) -> FilePair:
    return replace(pair, changes=(*pair.changes, change)) if change else pair
