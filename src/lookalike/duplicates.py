"""Who belongs together: what is alike -> groups, by transitive closure or by average linkage. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.ssim import Gray, Prepared, common_shape, decide, filled, outline, prepare, shrunk, upper_bounds

__all__ = ["Tally", "UnionFind", "average_groups", "connected_groups", "group_by_ssim", "transitive_groups"]

_CACHE_BYTES = 1 << 28
_BYTES_PER_PIXEL = 9  # of a prepared picture


class UnionFind:
    """A partition of 0..n-1 that only ever grows coarser (Tarjan 1975; union by size, path halving)."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))
        self._size = [1] * n

    def find(self, item: int) -> int:
        """Return the item that stands for the group of this one; equal for two items exactly if they are joined."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def union(self, a: int, b: int) -> bool:
        """Join the groups of a and b. Returns False if they were one already."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return False
        if self._size[a] < self._size[b]:
            a, b = b, a
        self._parent[b] = a
        self._size[a] += self._size[b]
        return True

    def groups(self) -> list[list[int]]:
        """Return every group, those of one included: ordered by first member, members ascending."""
        found: dict[int, list[int]] = {}
        for item in range(len(self._parent)):
            found.setdefault(self.find(item), []).append(item)
        return list(found.values())


def connected_groups(n: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the connected components of 0..n-1: every item is in one group, alone if in no pair.

    Groups are ordered by first member, members ascending. Pairs may repeat, turn around and join an item to itself.
    Raises InvalidArgument for a pair outside 0..n-1.
    """
    joined = UnionFind(n)
    for a, b in pairs:
        if not (0 <= a < n and 0 <= b < n):
            raise InvalidArgument("pair", (a, b), f"of items from 0 to {n - 1}")
        joined.union(int(a), int(b))
    return joined.groups()


def transitive_groups(n: int, alike: Callable[[int, int], bool]) -> list[list[int]]:
    """Group 0..n-1 by the transitive closure of a symmetric relation, asking as little as that allows.

    alike: called with i < j, in ascending order, once at most for a pair and never for two items joined already.
    Returns what `connected_groups` returns of all pairs that are alike.
    """
    joined = UnionFind(n)
    for i in range(n):
        for j in range(i + 1, n):
            if joined.find(i) != joined.find(j) and alike(i, j):
                joined.union(i, j)
    return joined.groups()


def average_groups(
    likeness: NDArray[np.float64], threshold: float, apart: Iterable[tuple[int, int]] = ()
) -> list[list[int]]:
    """Group items so that a chain of likenesses doesn't join strangers: the two groups most alike on average merge,
    as long as that average is at least the threshold (UPGMA; Sokal and Michener 1958).

    likeness: (n, n), symmetric, in [0, 1]. apart: pairs that never share a group. Returns groups of all n items,
    ordered by first member, members ascending; of equal averages the one of the earliest items merges first.
    """
    alike = likeness.astype(np.float64, copy=True)
    np.fill_diagonal(alike, -np.inf)
    for a, b in apart:
        alike[a, b] = alike[b, a] = -np.inf
    sizes = np.ones(len(alike))
    groups: dict[int, list[int]] = {item: [item] for item in range(len(alike))}
    while len(groups) > 1:
        a, b = divmod(int(alike.argmax()), len(alike))
        if not alike[a, b] >= threshold:
            break
        total = sizes[a] + sizes[b]
        alike[a] = (alike[a] * sizes[a] + alike[b] * sizes[b]) / total
        alike[:, a] = alike[a]
        alike[a, a] = -np.inf
        alike[b, :] = alike[:, b] = -np.inf
        sizes[a] = total
        groups[a] += groups.pop(b)
    return sorted(sorted(group) for group in groups.values())


@dataclass(slots=True)
class Tally:
    """How a grouping went. asked: pairs it had to know of; ruled_out: those that their outlines decided.

    compared: what the others cost, in whole comparisons.
    """

    asked: int = 0
    ruled_out: int = 0
    compared: float = 0.0


def group_by_ssim(grays: Sequence[Gray], grade: float, tally: Tally | None = None) -> list[list[int]]:
    """Group pictures by the transitive closure of SSIM at or above the grade.

    grays: (h, w) uint8 each, of any sizes. grade: in [0, 1]. tally, if given, is added to. Returns indices: groups
    ordered by first member, members ascending, single ones included; the same that `ssim` of all pairs would give.
    At high grades a pair of one size costs microseconds; a pair of different sizes has to be brought to one
    first, which costs milliseconds. Raises InvalidArgument for a grade outside [0, 1], and for what is no gray
    picture.
    """
    if not 0 <= grade <= 1:
        raise InvalidArgument("grade", grade, "between 0 and 1")
    return transitive_groups(len(grays), _Matcher(grays, grade, tally or Tally()).alike)


class _Matcher:
    """Answers whether the SSIM of two of the pictures reaches the grade, the cheapest way first."""

    def __init__(self, grays: Sequence[Gray], grade: float, tally: Tally) -> None:
        self._grays = [filled(gray) for gray in grays]
        self._grade, self._tally = grade, tally
        largest = max((gray.size for gray in self._grays), default=1)
        self._at = lru_cache(max(2, _CACHE_BYTES // (_BYTES_PER_PIXEL * largest)))(self._prepare_at)
        self._by_size: dict[tuple[int, ...], list[int]] = {}
        for i, gray in enumerate(self._grays):
            self._by_size.setdefault(gray.shape, []).append(i)
        self._outlines = {
            size: np.stack([outline(self._at(i, size)) for i in members], axis=1)
            for size, members in self._by_size.items()
        }
        self._bounds = lru_cache(1)(self._bound_later)

    def alike(self, i: int, j: int) -> bool:
        self._tally.asked += 1
        if self._bounds(i)[j] < self._grade:
            self._tally.ruled_out += 1
            return False
        shape = common_shape(self._grays[i], self._grays[j])
        answer, share = decide(self._at(i, shape), self._at(j, shape), self._grade)
        self._tally.compared += share
        return answer

    def _prepare_at(self, i: int, shape: tuple[int, ...]) -> Prepared:
        return prepare(shrunk(self._grays[i], shape))

    def _bound_later(self, i: int) -> NDArray[np.float64]:
        """Upper bounds of the SSIM of picture i with every other; 1 for those before it and of other sizes."""
        bounds = np.ones(len(self._grays))
        size = self._grays[i].shape
        members, outlines = self._by_size[size], self._outlines[size]
        later = bisect_right(members, i)
        bounds[members[later:]] = upper_bounds(outlines[:, later - 1 : later], outlines[:, later:])
        return bounds
