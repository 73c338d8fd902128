"""Which hashes of many lie near one another: an exact join without holding each against each.

Hashes within r bits agree in at least one of their four quarters up to r // 4 bits (multi-index hashing; Norouzi,
Punjani and Fleet 2012), so each quarter, with each such difference, is looked up in the sorted quarters.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument

__all__ = ["MOST_BITS", "near_codes"]

MOST_BITS: Final = 11
_BLOCK: Final = 1 << 20  # candidates held at once
_WIDTH: Final = 16


def near_codes(
    left: NDArray[np.uint64], right: NDArray[np.uint64], bits: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the pairs (i, j) with left[i] within `bits` bits of right[j], in blocks; a pair may come more than once.

    Memory stays within some tens of megabytes beside the hashes. Raises InvalidArgument for more than 11 bits.
    """
    if not 0 <= bits <= MOST_BITS:
        raise InvalidArgument("bits", bits, f"between 0 and {MOST_BITS}")
    for quarter in range(4):
        shift = np.uint64(_WIDTH * quarter)
        ours, theirs = ((codes >> shift).astype(np.uint16) for codes in (left, right))
        order = np.argsort(theirs, kind="stable")
        starts = np.searchsorted(theirs[order], np.arange((1 << _WIDTH) + 1))
        for difference in _differences(bits // 4):
            keys = (ours ^ np.uint16(difference)).astype(np.intp)
            for i, j in _looked_up(starts[keys], starts[keys + 1], order):
                near = np.bitwise_count(left[i] ^ right[j]) <= bits
                if near.any():
                    yield i[near], j[near]


def _differences(bits: int) -> list[int]:
    places = [1 << place for place in range(_WIDTH)]
    return [sum(chosen) for count in range(bits + 1) for chosen in combinations(places, count)]


def _looked_up(
    starts: NDArray[np.intp], ends: NDArray[np.intp], order: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield (i, j) for every i and each j of order[starts[i]:ends[i]], in blocks."""
    counts = ends - starts
    hits = np.flatnonzero(counts)
    upto = np.cumsum(counts[hits])
    first = 0
    while first < len(hits):
        base = upto[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(upto, base + _BLOCK, side="right")))
        chosen = hits[first:last]
        sizes = counts[chosen]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield np.repeat(chosen, sizes), order[np.repeat(starts[chosen], sizes) + within]
        first = last
