"""Which hashes of many lie near one another: an exact join without holding each against each.

Hashes within r bits can't differ more in every one of their four quarters than r allows: if the quarters may differ by
r1 to r4 bits with r1 + r2 + r3 + r4 = r - 3, one of them does so by no more (multi-index hashing; Norouzi, Punjani and
Fleet 2012). So each quarter, with each such difference, is looked up in the sorted quarters. A pair is told by the
first quarter that finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument

__all__ = ["MOST_BITS", "near_codes", "near_pairs"]

MOST_BITS: Final = 11
Codes: TypeAlias = NDArray[np.uint64]
Pairs: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]

_BLOCK: Final = 1 << 20  # candidates held at once
_WIDTH: Final = 16
_WORTH_COMPILING: Final = 50_000  # hashes from which a compiled loop saves more than it takes to load


def near_codes(left: Codes, right: Codes, bits: int) -> Iterator[Pairs]:
    """Yield the pairs (i, j) with left[i] within `bits` bits of right[j], each once, in blocks.

    Memory stays within some tens of megabytes beside the hashes, unless tens of thousands agree in a quarter. With
    numba installed, large joins take a fiftieth of the time. Raises InvalidArgument for more than 11 bits.
    """
    return _joined(left, right, bits, alone=False)


def near_pairs(codes: Codes, bits: int) -> Iterator[Pairs]:
    """Yield the pairs i < j with codes[i] within `bits` bits of codes[j], as `near_codes` does, in half the time."""
    return _joined(codes, codes, bits, alone=True)


def _joined(left: Codes, right: Codes, bits: int, *, alone: bool) -> Iterator[Pairs]:
    if not 0 <= bits <= MOST_BITS:
        raise InvalidArgument("bits", bits, f"between 0 and {MOST_BITS}")
    compare = _compiled() if min(len(left), len(right)) >= _WORTH_COMPILING else None
    radii = [(bits - 3 + spare) // 4 for spare in (3, 2, 1, 0)]
    for quarter in range(4):
        if radii[quarter] < 0:
            continue
        ours = _Sorted(left, quarter)
        step = _Step(ours, ours if alone else _Sorted(right, quarter), bits, radii[: quarter + 1], alone)
        for i, j in step.by_numpy() if compare is None else step.compiled(compare):
            a, b = step.left.order[i], step.right.order[j]
            yield (np.minimum(a, b), np.maximum(a, b)) if alone else (a, b)


class _Sorted:
    """Hashes by one quarter. order: (n,) numbers; codes, keys: in that order; starts: (65537,), of each value's run."""

    def __init__(self, codes: Codes, quarter: int) -> None:
        keys = (codes >> np.uint64(_WIDTH * quarter)).astype(np.uint16)
        self.order = np.argsort(keys, kind="stable")
        self.codes, self.keys = codes[self.order], keys[self.order].astype(np.intp)
        self.starts = np.zeros((1 << _WIDTH) + 1, np.intp)
        np.cumsum(np.bincount(keys, minlength=1 << _WIDTH), out=self.starts[1:])


@dataclass(frozen=True, slots=True)
class _Step:
    """The pairs that one quarter finds and none before it. radii: of the quarters up to this one."""

    left: _Sorted
    right: _Sorted
    bits: int
    radii: Sequence[int]
    alone: bool

    def by_numpy(self) -> Iterator[Pairs]:
        """Yield places in the sorted hashes, in blocks."""
        starts = self.right.starts
        taken = starts[1:] > starts[:-1]
        for difference in _differences(self.radii[-1]):
            rows = np.flatnonzero(taken[self.left.keys ^ difference])  # few, unless there are tens of thousands
            keys = self.left.keys[rows] ^ difference
            first, last = starts[keys], starts[keys + 1]
            if self.alone and difference:
                last = np.where(keys > self.left.keys[rows], last, first)
            elif self.alone:
                first = rows + 1
            for i, j in _looked_up(rows, first, last):
                apart = self.left.codes[i] ^ self.right.codes[j]
                near = np.flatnonzero(np.bitwise_count(apart) <= self.bits)
                near = near[self._new(apart[near])]
                if len(near):
                    yield i[near], j[near]

    def compiled(self, compare: Callable[..., int]) -> Iterator[Pairs]:
        """Yield the same, by `hashkernel.compare`."""
        largest = int(np.diff(self.right.starts).max(initial=0))
        found = np.empty((2, max(_BLOCK, largest)), np.intp)
        differences = np.array(_differences(self.radii[-1]), np.uint64)
        rules = np.array([self.bits, _WIDTH * (len(self.radii) - 1), self.alone, *self.radii[:-1]], np.intp)
        progress = np.zeros(2, np.intp)
        while progress[0] < len(self.left.codes):
            count = compare(self.left.codes, self.right.codes, self.right.starts, differences, rules, progress, found)
            if count:
                yield found[0, :count].copy(), found[1, :count].copy()

    def _new(self, apart: Codes) -> NDArray[np.bool_]:
        """Whether no quarter before found pairs that differ so."""
        new = np.ones(len(apart), np.bool_)
        for quarter, radius in enumerate(self.radii[:-1]):
            part = (apart >> np.uint64(_WIDTH * quarter)).astype(np.uint16)
            new &= np.bitwise_count(part) > radius if radius >= 0 else True
        return new


@cache
def _compiled() -> Callable[..., int] | None:
    if find_spec("numba") is None:
        return None
    from lookalike.hashkernel import compare

    found: Callable[..., int] = compare
    return found


def _differences(bits: int) -> list[int]:
    places = [1 << place for place in range(_WIDTH)]
    return [sum(chosen) for count in range(bits + 1) for chosen in combinations(places, count)]


def _looked_up(rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Iterator[Pairs]:
    """Yield (rows[n], j) for every n and each j from starts[n] to before ends[n], in blocks."""
    counts = ends - starts
    hits = np.flatnonzero(counts > 0)
    upto = np.cumsum(counts[hits])
    first = 0
    while first < len(hits):
        base = upto[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(upto, base + _BLOCK, side="right")))
        chosen = hits[first:last]
        sizes = counts[chosen]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield np.repeat(rows[chosen], sizes), np.repeat(starts[chosen], sizes) + within
        first = last
