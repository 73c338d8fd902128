"""The inner loop of `hashjoin`, compiled by numba. Importing this takes a second, and a second more the first time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic

__all__ = ["compare"]


def _popcount(typing: Any, word: Any) -> Any:
    """Count the ones of a word, in one instruction."""
    return types.uint64(types.uint64), lambda context, builder, signature, given: builder.ctpop(given[0])


_ones: Any = intrinsic(_popcount)


def _compare(left: Any, right: Any, starts: Any, differences: Any, rules: Any, progress: Any, found: Any) -> Any:
    """Fill `found` (2, m) with places (i, j), left[i] near right[j], and return how many; call again for the rest.

    left, right: (n,) uint64, ascending by the quarter looked at. starts: (65537,) where each value of the quarter
    begins in `right`. differences: (d,) uint64. rules: bits; shift of the quarter; whether left is right, of which
    each pair counts once; then the most bits by which each earlier quarter would have found a pair.
    progress: (row, difference) to begin with; changed to where it stopped, the row len(left) at the end.
    """
    bits, shift, alone = np.uint64(rules[0]), np.uint64(rules[1]), rules[2]
    count: Any = 0
    for row in range(progress[0], len(left)):
        code = left[row]
        key = (code >> shift) & np.uint64(0xFFFF)
        for place in range(progress[1], len(differences)):
            other = key ^ differences[place]
            first, last = starts[other], starts[other + np.uint64(1)]
            if alone:
                if other < key:
                    continue
                if other == key:
                    first = row + 1
            near: Any = 0
            for at in range(first, last):
                near += _ones(code ^ right[at]) <= bits
            if near == 0:
                continue
            if count + near > found.shape[1]:
                progress[0], progress[1] = row, place
                return count
            for at in range(first, last):
                apart = code ^ right[at]
                if _ones(apart) > bits:
                    continue
                new = True
                for quarter in range(3, len(rules)):
                    part = (apart >> np.uint64(16 * (quarter - 3))) & np.uint64(0xFFFF)
                    if rules[quarter] >= 0 and _ones(part) <= np.uint64(rules[quarter]):
                        new = False
                if new:
                    found[0, count], found[1, count] = row, at
                    count += 1
        progress[1] = 0
    progress[0] = len(left)
    return count


compare: Any = numba.njit(nogil=True, cache=True)(_compare)
