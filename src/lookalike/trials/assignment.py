"""Which visitor sees what: a stable split, and two answers drafted into one."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["SIDES", "Drafted", "Side", "digest", "draft", "side_of"]

Side = Literal["a", "b"]
SIDES: Final[tuple[Side, Side]] = ("a", "b")


@dataclass(frozen=True, slots=True)
class Drafted:
    """Where an item of a drafted list comes from. place: in the list of `side`. counts: whether it is in the contest;
    what only fills up, when the other list is at its end, is not.
    """

    side: Side
    place: int
    counts: bool


def digest(*parts: str) -> bytes:
    """Return the SHA-256 of texts, whatever characters they have; no two sequences of texts are one."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.digest()


def side_of(trial: str, visitor: str, share: float) -> Side:
    """Return the variant of a visitor, always the same; a `share` of visitors gets b. Trials split independently."""
    at = int.from_bytes(digest("split", trial, visitor)[:8], "big")
    return "b" if at < share * 2.0**64 else "a"


def draft(a: Sequence[Hashable], b: Sequence[Hashable], k: int, seed: bytes) -> list[Drafted]:
    """Return at most k items, picked by two teams in turns (team draft: Radlinski, Kurup and Joachims 2008).

    a, b: keys of the two lists, best first. Each round a coin says who picks first, and a team picks its best item that
    nobody has; so neither has more picks, or better places, but by chance. seed: the same one tosses the same coins.
    """
    taken: set[Hashable] = set()
    teams = {"a": _Team("a", a, taken), "b": _Team("b", b, taken)}
    coins = _coins(seed)
    found: list[Drafted] = []
    counts = True
    while len(found) < k:
        turns = [teams["a"], teams["b"]] if next(coins) else [teams["b"], teams["a"]]
        # What one team adds alone, when the other list is at its end, is no contest.
        counts = counts and all(team.has_more() for team in turns)
        picked = [Drafted(team.side, team.pick(), counts) for team in turns if team.has_more()]
        if not picked:
            break
        found += picked
    return found[:k]


class _Team:
    """One list, and how far it is picked from. taken: what any team has."""

    def __init__(self, side: Side, items: Sequence[Hashable], taken: set[Hashable]) -> None:
        self.side: Side = side
        self._items, self._taken, self._next = items, taken, 0

    def has_more(self) -> bool:
        while self._next < len(self._items) and self._items[self._next] in self._taken:
            self._next += 1
        return self._next < len(self._items)

    def pick(self) -> int:
        """Take the best item that nobody has, and return its place; only where there is one."""
        self._taken.add(self._items[self._next])
        self._next += 1
        return self._next - 1


def _coins(seed: bytes) -> Iterator[bool]:
    block = 0
    while True:
        for byte in hashlib.sha256(seed + block.to_bytes(8, "big")).digest():
            yield bool(byte & 1)
        block += 1
