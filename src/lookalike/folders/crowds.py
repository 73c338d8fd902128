"""A crowd of files that may show one picture, settled: what has to be looked at is, and groups come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates import UnionFind
from lookalike.folders.decided import Decided
from lookalike.folders.findings import FileGroup, FilePair, Tier
from lookalike.folders.glance import Glance
from lookalike.folders.linkage import ALL_PAIRS, Crowd, Link, Linkage, linked_groups
from lookalike.folders.seen import Seen
from lookalike.folders.verify import Verifier
from lookalike.folders.wholes import Wholes

__all__ = ["Candidates", "Settling"]

_AHEAD = 12  # pairs whose pictures are made ready while one is judged

Pair = tuple[int, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """A crowd before anything was looked at.

    pictures: numbers of the files of equal bytes, of each different picture. clear, doubtful: pairs of places in
    `pictures`; the same picture by what is known of them, surest first, or worth a look, most promising first.
    """

    pictures: Sequence[Sequence[int]]
    clear: Sequence[Pair]
    doubtful: Sequence[Pair]

    def asked(self) -> Iterator[Pair]:
        """Yield the pairs of files that are asked for whatever is found: all of a small crowd, else the clear ones."""
        firsts = [files[0] for files in self.pictures]
        if len(firsts) <= ALL_PAIRS:
            yield from combinations(firsts, 2)
        else:
            yield from ((firsts[min(pair)], firsts[max(pair)]) for pair in self.clear)


@dataclass(slots=True, eq=False)
class Settling:
    """How crowds are settled. near: whether another shot of a scene counts as well. told: called after each candidate
    pair, from whatever thread settles its crowd.
    """

    verifier: Verifier | Glance
    decided: Decided
    least: float
    linkage: Linkage = "average"
    near: bool = False
    told: Callable[[], None] = lambda: None

    def groups(self, candidates: Candidates) -> list[FileGroup]:
        """Return the groups of a crowd."""
        return list(_Crowd(self, candidates).groups())


@dataclass(slots=True, eq=False)
class _Crowd:
    """A crowd being settled; members by place. seen: what was found of pairs (a, b), a < b; links: what that means."""

    how: Settling
    given: Candidates
    seen: dict[Pair, Seen] = field(default_factory=dict)
    links: dict[Pair, Link] = field(default_factory=dict)
    whole: Wholes = field(default_factory=Wholes)

    def groups(self) -> Iterator[FileGroup]:
        for part in self._connected():
            for members in self._linked(part):
                digests = [self._digest(member) for member in members]
                apart, reopened = self.how.decided.apart(digests)
                split = self._linked(members, {(members[i], members[j]) for i, j in apart}) if apart else [members]
                for group in split:
                    yield from self._told(group, reopened)

    def _connected(self) -> list[list[int]]:
        """Judge candidates until what belongs together is connected; what is connected already needs no more."""
        joined = UnionFind(len(self.given.pictures))
        for pair in self.given.clear:
            if joined.find(pair[0]) != joined.find(pair[1]) and self._link(*pair).probability >= self.how.least:
                joined.union(*pair)
                if not isinstance(self.how.verifier, Glance):
                    self._note_whole(pair)
            self.how.told()
        doubtful = _near_together(self.given.doubtful)
        ahead = 0
        for at, pair in enumerate(doubtful):
            if joined.find(pair[0]) != joined.find(pair[1]):
                apart = (
                    ab for ab in doubtful[max(at, ahead) : at + _AHEAD] if joined.find(ab[0]) != joined.find(ab[1])
                )
                self.how.verifier.prepare(self._files(self.whole.pair(*ab) for ab in apart))
                ahead = at + _AHEAD
                if self._link(*pair).probability >= self.how.least:
                    joined.union(*pair)
            self.how.told()
        return joined.groups()

    def _linked(self, members: Sequence[int], apart: Iterable[Pair] = ()) -> list[list[int]]:
        place = {member: n for n, member in enumerate(members)}
        links = {(place[a], place[b]): link for (a, b), link in self.links.items() if a in place and b in place}
        crowd = Crowd(len(members), links, lambda i, j: self._link(members[i], members[j]))
        apart = [(place[a], place[b]) for a, b in apart]
        return [[members[n] for n in group] for group in linked_groups(crowd, self.how.least, self.how.linkage, apart)]

    def _link(self, a: int, b: int) -> Link:
        """Judge two members; who can't be used any more is like nobody."""
        pair = (a, b) if a < b else (b, a)
        while (link := self.links.get(pair)) is None:
            one, other = self._usable(pair[0]), self._usable(pair[1])
            if not one or not other:
                return Link(0.0)
            found = self._following(*pair) or self.how.verifier.judged(one[0], other[0])
            if found is not None:
                self.seen[pair], self.links[pair] = found, self._as_link(found)
        return link

    def _note_whole(self, pair: Pair) -> None:
        """Remember that one is the other as a whole, edited as it may be."""
        found = self.seen[min(pair), max(pair)].pair
        if found.tier == "hash" and found.transform and min(found.overlap_a, found.overlap_b) == 1.0:
            self.whole.join(*pair, self._transform(*pair, found), found.probability)

    def _following(self, a: int, b: int) -> Seen | None:
        """Judge two members by what was found of those they are copies of as a whole."""
        if isinstance(self.how.verifier, Glance):
            return None
        one, other = self.whole.pair(a, b)
        if (one, other) == (a, b):
            return None
        between, likely = np.eye(3), 1.0
        tier: Tier = "hash"
        if one != other:
            self._link(one, other)
            seen = self.seen.get((min(one, other), max(one, other)))
            if seen is None or seen.pair.verdict != "edited-copy" or not seen.pair.transform:
                return None
            between, likely, tier = self._transform(one, other, seen.pair), seen.pair.probability, seen.pair.tier
        (to_one, sure), (to_other, as_sure) = self.whole.way(a), self.whole.way(b)
        transform = np.linalg.inv(to_other) @ between @ to_one
        i, j = (self._usable(member)[0] for member in (a, b))
        return self.how.verifier.follows(i, j, transform, min(likely, sure, as_sure), tier)

    def _transform(self, a: int, b: int, found: FilePair) -> Floats:
        """Return the transform from a to b; found: what was seen of the two."""
        transform = np.array(found.transform).reshape(3, 3)
        own = (self.how.verifier.file(number).path for number in self.given.pictures[a])
        return transform if found.a in own else np.linalg.inv(transform)

    def _as_link(self, seen: Seen) -> Link:
        if self.how.near and seen.pair.verdict == "near-duplicate":
            return Link(max(seen.pair.probability, self.how.least))
        return Link(seen.pair.probability, seen.differs)

    def _told(self, group: Sequence[int], reopened: bool) -> Iterator[FileGroup]:
        """Yield a group as it is told, if it has two files that may be paired."""
        survey, file = self.how.verifier.survey, self.how.verifier.file
        of = {number: member for member in group for number in self._usable(member)}
        numbers = sorted(of, key=lambda number: file(number).path)
        chosen = np.array(numbers, np.intp)
        sides = set(survey.side[chosen].tolist())
        if len(numbers) < 2 or survey.reference[chosen].all() or (max(sides) > 0 and len(sides) < 2):
            return
        every = (
            combinations(numbers, 2) if len(numbers) <= ALL_PAIRS else ((numbers[0], other) for other in numbers[1:])
        )
        pairs = [pair for a, b in every if (pair := self._pair(a, b, (of[a], of[b])))]
        pairs.sort(key=lambda pair: (-pair.probability, pair.a, pair.b))
        yield FileGroup([file(number) for number in numbers], pairs, reopened)

    def _pair(self, a: int, b: int, members: Pair) -> FilePair | None:
        """Return what is known of two files, a before b; of pictures judged before, by their first files."""
        if members[0] != members[1]:
            self._link(*members)
        known = self.seen.get((min(members), max(members)))
        if known is not None and members[0] != members[1]:
            first = self.how.verifier.file(self._usable(members[0])[0]).path
            if known.pair.a == first:
                one, other = self.how.verifier.file(a).path, self.how.verifier.file(b).path
                return (
                    known.pair if (known.pair.a, known.pair.b) == (one, other) else replace(known.pair, a=one, b=other)
                )
        found = self.how.verifier.judged(a, b)
        return None if found is None else found.pair

    def _usable(self, member: int) -> Sequence[int]:
        files, unused = self.given.pictures[member], self.how.verifier.unused
        return [number for number in files if number not in unused] if unused else files

    def _digest(self, member: int) -> str:
        return self.how.verifier.file(self.given.pictures[member][0]).sha256

    def _files(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        for pair in pairs:
            a, b = (self._usable(member) for member in pair)
            if a and b:
                yield a[0], b[0]


def _near_together(pairs: Sequence[Pair]) -> list[Pair]:
    """Order pairs so that those which share a picture follow one another, as far as pictures may be few enough to keep.

    By the ranks that a breadth-first walk gives the members (Cuthill and McKee 1969).
    """
    near: dict[int, list[int]] = {}
    for a, b in pairs:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    rank: dict[int, int] = {}
    for start in near:
        waiting = deque([start])
        while waiting:
            member = waiting.popleft()
            if member not in rank:
                rank[member] = len(rank)
                waiting.extend(near[member])
    return sorted(pairs, key=lambda pair: sorted((rank[pair[0]], rank[pair[1]]), reverse=True))
