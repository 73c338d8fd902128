"""Which pictures of a crowd belong together: judged pairs -> groups, asking for further pairs only where it matters.

A crowd is what chains of judged pairs connect. Of a small one every two members are judged. In a larger one hubs are
elected, members to whom the most is linked, and each is held against whatever is linked to its satellites: of an
original and its hundred edited copies each copy is judged beside the original, though two copies may have nothing left
in common. Two members are then as likely the same picture as they were judged to be, or as both are surely the hub's,
whichever is more; unless they were seen to align and yet to differ. By that likeness groups merge on average (UPGMA),
so that a chain of pictures, each a little like the next, joins no strangers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates import UnionFind, average_groups, connected_groups

__all__ = ["ALL_PAIRS", "Crowd", "Link", "Linkage", "linked_groups"]

Linkage = Literal["average", "complete", "transitive"]
"""average: a member is like its group on the whole, or surely like a hub of it. complete: each two members are the
same picture. transitive: each member is the same picture as some other one."""

ALL_PAIRS: Final = 10
"""Members up to which every two of a crowd are judged."""

_SURE: Final = 0.9  # probability from which a hub speaks for its satellite
_LARGEST: Final = 1000  # members held in one matrix; a larger crowd is first cut at surer links
_CUTS: Final = (0.9, 0.99, 0.999)

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Link:
    """What was found of two members. differs: they align, and yet what they share is not the same."""

    probability: float
    differs: bool = False


@dataclass(slots=True, eq=False)
class Crowd:
    """Members 0 to size - 1. links: pairs (i, j), i < j, judged so far, to which is added what `ask` says of others."""

    size: int
    links: MutableMapping[Pair, Link]
    ask: Callable[[int, int], Link]

    def link(self, i: int, j: int) -> Link:
        """Return what is found of two members, judging them if nobody has."""
        pair = (min(i, j), max(i, j))
        if pair not in self.links:
            self.links[pair] = self.ask(*pair)
        return self.links[pair]


def linked_groups(
    crowd: Crowd, least: float, linkage: Linkage = "average", apart: Collection[Pair] = ()
) -> list[list[int]]:
    """Return groups of all members, single ones included, ordered by first member, members ascending.

    least: probability from which two are the same picture. apart: pairs said to be different; they share no group,
    by transitive linkage none but through others. Of members with equally many links the first becomes a hub.
    """
    kept = {(min(pair), max(pair)) for pair in apart}
    if linkage == "transitive":
        return connected_groups(crowd.size, [pair for pair in _linked(crowd, least) if pair not in kept])
    if crowd.size <= ALL_PAIRS:
        for pair in combinations(range(crowd.size), 2):
            crowd.link(*pair)
    grouped = _complete(crowd, least, kept) if linkage == "complete" else _average(crowd, least, kept)
    return sorted(sorted(group) for group in grouped)


def _complete(crowd: Crowd, least: float, apart: Collection[Pair]) -> Iterator[list[int]]:
    """Merge along the links, the surest first, wherever all members of the two groups agree."""
    joined = UnionFind(crowd.size)
    groups = {member: [member] for member in range(crowd.size)}
    for pair in sorted(_linked(crowd, least), key=lambda pair: (-crowd.links[pair].probability, pair)):
        one, other = (groups[joined.find(member)] for member in pair)
        if one is not other and all(_agree(crowd, (a, b), least, apart) for a in one for b in other):
            joined.union(*pair)
            groups[joined.find(pair[0])] = one + other
    yield from joined.groups()


def _all_agree(crowd: Crowd, least: float) -> bool:
    """Whether every two were judged, and to be the same picture: most crowds are a picture and its copies."""
    every = crowd.size * (crowd.size - 1) // 2
    return len(crowd.links) == every and all(link.probability >= least for link in crowd.links.values())


def _agree(crowd: Crowd, pair: Pair, least: float, apart: Collection[Pair]) -> bool:
    return (min(pair), max(pair)) not in apart and crowd.link(*pair).probability >= least


def _average(crowd: Crowd, least: float, apart: Collection[Pair]) -> Iterator[list[int]]:
    if not apart and _all_agree(crowd, least):
        yield list(range(crowd.size))
        return
    parts = list(_cut(crowd, list(range(crowd.size)), least, _CUTS))
    for members, part in zip(parts, _divided(crowd, parts), strict=True):
        place = {member: n for n, member in enumerate(members)}
        kept = [(place[a], place[b]) for a, b in sorted(apart) if a in place and b in place]
        if part.size > _LARGEST:  # all but equal, in their thousands
            alone = {second for _, second in kept}
            yield from ([members[n]] for n in sorted(alone))
            yield [member for n, member in enumerate(members) if n not in alone]
            continue
        for group in average_groups(_likeness(part, least), least, kept):
            yield [members[n] for n in group]


def _divided(crowd: Crowd, parts: Sequence[Sequence[int]]) -> Iterator[Crowd]:
    """Yield each part as a crowd of its own, with the links inside of it. parts: of the crowd, members ascending."""
    if len(parts) == 1:
        yield crowd
        return
    at = {member: (n, place) for n, members in enumerate(parts) for place, member in enumerate(members)}
    inside: list[dict[Pair, Link]] = [{} for _ in parts]
    for (a, b), link in crowd.links.items():
        (one, i), (other, j) = at[a], at[b]
        if one == other:
            inside[one][i, j] = link
    for members, links in zip(parts, inside, strict=True):
        yield Crowd(len(members), links, _asking(crowd, members))


def _asking(crowd: Crowd, members: Sequence[int]) -> Callable[[int, int], Link]:
    return lambda i, j: crowd.link(members[i], members[j])


def _cut(crowd: Crowd, members: list[int], least: float, cuts: Sequence[float]) -> Iterator[list[int]]:
    """Split a crowd that is too large for a matrix where its links are weakest."""
    if len(members) <= _LARGEST or not cuts:
        yield members
        return
    inside = set(members)
    links = [pair for pair in _linked(crowd, max(least, cuts[0])) if pair[0] in inside and pair[1] in inside]
    place = {member: n for n, member in enumerate(members)}
    for group in connected_groups(len(members), [(place[a], place[b]) for a, b in links]):
        yield from _cut(crowd, [members[n] for n in group], least, cuts[1:])


def _likeness(crowd: Crowd, least: float) -> NDArray[np.float64]:
    """Return (size, size): how likely each two are the same picture, by themselves or through a hub."""
    through = np.zeros((crowd.size, crowd.size))
    for hub, satellites in _hubs(crowd, least):
        sure = np.zeros(crowd.size)
        sure[hub] = 1.0
        for satellite in satellites:
            likely = crowd.link(hub, satellite).probability
            sure[satellite] = likely if likely >= _SURE else 0.0
        np.maximum(through, np.outer(sure, sure), out=through)
    for (i, j), link in crowd.links.items():
        likely = link.probability if link.differs else max(link.probability, through[i, j])
        through[i, j] = through[j, i] = likely
    return through


def _hubs(crowd: Crowd, least: float) -> Iterator[tuple[int, list[int]]]:
    """Yield hubs with their satellites, judging each hub with what is linked to its satellites."""
    near: dict[int, dict[int, float]] = {member: {} for member in range(crowd.size)}
    for a, b in _linked(crowd, least):
        near[a][b] = near[b][a] = crowd.links[a, b].probability
    left = {member for member in near if near[member]}
    while left:
        hub = max(left, key=lambda member: (fsum(p for other, p in near[member].items() if other in left), -member))
        left.discard(hub)
        satellites = _around(crowd, hub, left, near, least)
        left.difference_update(satellites)
        yield hub, satellites


def _around(
    crowd: Crowd, hub: int, left: Collection[int], near: Mapping[int, Mapping[int, float]], least: float
) -> list[int]:
    satellites: list[int] = []
    asked = {hub}
    waiting = deque(sorted(near[hub]))
    while waiting:
        member = waiting.popleft()
        if member in asked or member not in left:
            continue
        asked.add(member)
        if crowd.link(hub, member).probability >= least:
            satellites.append(member)
            waiting.extend(sorted(near[member]))
    return satellites


def _linked(crowd: Crowd, least: float) -> list[Pair]:
    return [pair for pair, link in crowd.links.items() if link.probability >= least]
