"""Which pairs of files are worth judging: equal bytes, hashes that nearly agree in any way of holding, near vectors.

No file is held against every other. Of equal files, and of crowds that share a hash, the first stands for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.folders.survey import Progress, Survey
from lookalike.hashjoin import near_codes, near_pairs
from lookalike.likeness import TURNED_BITS
from lookalike.vectorjoin import near_rows

__all__ = ["LEAST_COSINE", "candidates"]

LEAST_COSINE: Final = 0.5
"""Cosine of copy vectors from which two files are worth judging. Of 4,000 copies in ten kinds of edits 1 % lay below
it, nearly all of them turned, which hashes find."""

Numbers: TypeAlias = NDArray[np.intp]
Pairs: TypeAlias = tuple[Numbers, Numbers]

_NEAR_BITS: Final = 11
_CROWD: Final = 32  # files of one hash up to which each of them meets whom any of them meets
_PARTNERS: Final = 200  # by hash, from which on a file meets only those that have fewer
_FLOOD: Final = 4096  # pairs at once from which they may belong to few files


def candidates(
    survey: Survey,
    *,
    least: float = LEAST_COSINE,
    neighbors: int = 12,
    progress: Progress = lambda stage, done, total: None,
) -> Iterator[Pairs]:
    """Yield blocks of pairs (i, j), i < j, of files that may show the same picture; a pair may come more than once.

    Only pairs that the selection means: of one scope, of two sides where there are sides, and not both of reference
    folders. Files of equal bytes are chained, each to the first that may be paired with it. Hashes count up to 11 bits
    of 64 upright and 7 turned. least: cosine of copy vectors from which the `neighbors` nearest of each file count.
    progress: stages "hashes" and "vectors".
    """
    rules = _Rules(survey)
    digests = _Crowds(rules, np.arange(len(survey)), survey.same, fewest=1)
    yield from rules.meant(digests.chained())
    yield from rules.meant(digests.spread(digests.across()))
    yield from rules.meant(digests.spread(_by_hash(rules, digests.leaders, progress)))
    if survey.copies.shape[1]:
        yield from rules.meant(digests.spread(_by_copy(rules, digests.leaders, least, neighbors, progress)))


class _Rules:
    """Which pairs a selection means."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.sides = bool(survey.side.any())

    def may(self, i: Numbers, j: Numbers) -> NDArray[np.bool_]:
        """Whether each pair is meant."""
        survey = self.survey
        meant = (i != j) & ~(survey.reference[i] & survey.reference[j]) & (survey.scope[i] == survey.scope[j])
        return np.asarray(meant & (survey.side[i] != survey.side[j]) if self.sides else meant)

    def meant(self, blocks: Iterable[Pairs]) -> Iterator[Pairs]:
        """Yield the pairs that are meant, the lower number first."""
        for i, j in blocks:
            chosen = self.may(i, j)
            if chosen.any():
                yield np.minimum(i, j)[chosen], np.maximum(i, j)[chosen]


class _Crowds:
    """Files of equal keys, scope and side, of which one leads: the first that is no reference, if there is one.

    fewest: in crowds of up to so many, each leads itself. leaders: ascending.
    """

    def __init__(self, rules: _Rules, numbers: Numbers, keys: NDArray[Any], *, fewest: int) -> None:
        survey = rules.survey
        self._rules = rules
        side, scope = survey.side[numbers], survey.scope[numbers]
        order = np.lexsort((survey.reference[numbers], side, scope, keys))
        ordered = numbers[order]
        keys, scope, side = keys[order], scope[order], side[order]
        starts = np.flatnonzero(_changes(keys, scope, side))
        sizes = np.diff(starts, append=len(order))
        leads = np.repeat(sizes <= fewest, sizes)
        leads[starts] = True
        self.leaders = np.sort(ordered[leads])
        self._followers = ordered[~leads]
        self._leading = np.repeat(ordered[starts], sizes)[~leads]
        again = np.flatnonzero(~_changes(keys[starts], scope[starts]))  # crowds of the other side
        self._across = ordered[starts[again - 1]], ordered[starts[again]]
        loose = ~rules.may(self._leading, self._followers)
        by_leader = np.argsort(self._leading[loose], kind="stable")
        self._loose = self._followers[loose][by_leader]
        self._loose_of = self._leading[loose][by_leader]

    def chained(self) -> Iterator[Pairs]:
        """Yield each follower with its leader."""
        yield self._leading, self._followers

    def across(self) -> Iterator[Pairs]:
        """Yield the leaders of equal keys and scope on two sides."""
        yield self._across

    def spread(self, blocks: Iterable[Pairs]) -> Iterator[Pairs]:
        """Yield pairs of leaders, and in the leaders' places also those followers that can't be paired with them."""
        for i, j in blocks:
            yield i, j
            if len(self._loose):
                for near, far in ((i, j), (j, i)):
                    at, of = self._of(near)
                    yield self._loose[at], far[of]

    def _of(self, leaders: Numbers) -> Pairs:
        """Return places of loose followers, and of the leader of each."""
        first = np.searchsorted(self._loose_of, leaders)
        sizes = np.searchsorted(self._loose_of, leaders, side="right") - first
        of = np.repeat(np.arange(len(leaders)), sizes)
        return np.arange(len(of)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[of], of


def _by_hash(rules: _Rules, numbers: Numbers, progress: Progress) -> Iterator[Pairs]:
    survey = rules.survey
    told = numbers[survey.codes[numbers] != 0]
    crowds = _Crowds(rules, told, survey.codes[told], fewest=_CROWD)
    yield from crowds.chained()
    leaders = crowds.leaders
    codes, partners = survey.codes[leaders], _Partners(len(leaders))
    for how in range(8):
        progress("hashes", how, 8)
        turned = survey.turned[leaders, how]
        found = near_codes(turned, codes, TURNED_BITS) if how else near_pairs(codes, _NEAR_BITS)
        yield from crowds.spread((leaders[i], leaders[j]) for i, j in map(partners.thinned, found))
    progress("hashes", 8, 8)


def _by_copy(rules: _Rules, numbers: Numbers, least: float, most: int, progress: Progress) -> Iterator[Pairs]:
    survey = rules.survey
    order = numbers[np.argsort(survey.scope[numbers], kind="stable")]
    done = 0
    for members in np.split(order, np.flatnonzero(np.diff(survey.scope[order])) + 1):
        ways = [(members, members)]
        if rules.sides:
            a, b = (members[survey.side[members] == side] for side in (1, 2))
            ways = [(a, b), (b, a)]
        for at, (left, right) in enumerate(ways):

            def tick(share: float, done: int = done, at: int = at, size: float = len(members) / len(ways)) -> None:
                survey.release()
                progress("vectors", done + int((at + share) * size), len(numbers))

            ours = _Chosen(survey.copies, left)
            for i, j, _ in near_rows(ours, ours if right is left else _Chosen(survey.copies, right), least, most, tick):
                yield left[i], right[j]
        done += len(members)
    progress("vectors", len(numbers), len(numbers))


class _Chosen:
    """Some rows of many, which stay where they are."""

    def __init__(self, rows: NDArray[np.float16], numbers: Numbers) -> None:
        self._rows, self._numbers = rows, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, chosen: Any) -> NDArray[np.float16]:
        return np.asarray(self._rows[self._numbers[chosen]])


class _Partners:
    """How many partners each of n files has by now: thousands of files all alike don't meet all of each other."""

    def __init__(self, n: int) -> None:
        self._count = np.zeros(n, np.int32)

    def thinned(self, pairs: Pairs) -> Pairs:
        """Leave out pairs of which both have enough partners."""
        i, j = pairs
        counts = [self._count[side] + (_ranks(side) if len(i) > _FLOOD else 0) for side in (i, j)]
        kept = (counts[0] < _PARTNERS) | (counts[1] < _PARTNERS)
        i, j = i[kept], j[kept]
        np.add.at(self._count, i, 1)
        np.add.at(self._count, j, 1)
        return i, j


def _ranks(numbers: Numbers) -> Numbers:
    """Return for each number how many of its like stand before it."""
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(_changes(numbers[order]))
    ranks = np.empty(len(numbers), np.intp)
    ranks[order] = np.arange(len(numbers)) - np.repeat(starts, np.diff(starts, append=len(numbers)))
    return ranks


def _changes(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each row differs from the one before it; the first does."""
    new = np.ones(len(columns[0]), np.bool_)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return new
