"""From a ranking to one page of matches: groups, copies, where the last page ended, where the next begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lookalike.filters import Equal, Filter, Not, canonical, reach
from lookalike.records import Group, Match, Matches
from lookalike.search.copies import Copies
from lookalike.search.cursor import Cursor
from lookalike.search.matches import match_of
from lookalike.search.query import MAX_K
from lookalike.search.ranking import Ranking, both, key_of
from lookalike.search.target import Target
from lookalike.stores.base import Hit, Store

__all__ = ["Selection", "page_of"]

_FOURFOLD = 4  # rows looked at for a match wanted, where some stand behind others of their group or are copies
_DEEPEST = 100_000  # rows that a cursor may have looked at first, on its word alone


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which of a ranking are wanted, of one collection.

    question: the fingerprint of what was asked. leave_out: ids never given. group_by, group_size, k, after: as in
    `Query`. copies: given to leave out the copies of a picture.
    """

    store: Store
    where: Filter | None
    question: str
    leave_out: frozenset[str]
    k: int | None
    group_by: str | None
    group_size: int
    copies: Copies | None
    after: str | None


@dataclass(slots=True)
class _Walk:
    """A ranking from its top down, fetched ever deeper. The store skips rows with one of the values `passed`."""

    ranking: Ranking
    where: Filter | None
    path: str | None
    limit: int
    passed: set[str] = field(default_factory=set)
    seen: int = 0

    def __iter__(self) -> Iterator[Hit]:
        last: tuple[float, str] | None = None
        while True:
            hits = self.ranking.best(self.limit, self._condition())
            for hit in hits:
                if last is None or key_of(hit) > last:
                    self.seen += 1
                    yield hit
            if len(hits) < self.limit:
                return
            last = max(last, key_of(hits[-1])) if last else key_of(hits[-1])
            self.limit *= 2

    def _condition(self) -> Filter | None:
        if self.path is None or not self.passed:
            return self.where
        return both(self.where, Not(Equal(self.path, frozenset(self.passed))))


def page_of(ranking: Ranking, selection: Selection, target: Target) -> Matches:
    """Return the page that the selection asks for. Raises InvalidArgument for a cursor that is none of its own.

    Every page is taken from the top of the ranking, so that groups and copies already given are known again, and
    begins strictly after the last match of the one before.
    """
    k = selection.k or MAX_K
    start = None if selection.after is None else Cursor.decode(selection.after, selection.question)
    spread = _FOURFOLD if selection.group_by is not None or selection.copies else 1
    first = min(start.seen if start else 0, _DEEPEST) + spread * (k + 1 + len(selection.leave_out))
    walk = _Walk(ranking, selection.where, selection.group_by, first)
    copies: Counter[str] = Counter()
    found: list[Hit] = []
    for hit in _shown(walk, selection, copies):
        if start is None or key_of(hit) > start.key:
            found.append(hit)
            if len(found) > k:
                break
    given = (start.given if start else 0) + min(k, len(found))
    more = len(found) > k
    last = found[k - 1] if more else None
    return Matches(
        items=tuple(_match(hit, ranking, selection, copies) for hit in found[:k]),
        unknown_words=target.unknown_words,
        next=Cursor(selection.question, last.similarity, last.id, given, walk.seen).encode() if last else None,
        total=None if more else given,
        shares=target.shares,
    )


def _shown(walk: _Walk, selection: Selection, copies: Counter[str]) -> Iterator[Hit]:
    """Yield what is neither left out, nor of a group that has its match, nor a copy, which is counted."""
    for hit in walk:
        if hit.id in selection.leave_out:
            continue
        values = frozenset[str]()
        if selection.group_by is not None:
            values = _group_values(hit.payload, hit.id, selection.group_by)
            if not walk.passed.isdisjoint(values):
                continue
        if selection.copies is not None:
            original = selection.copies.original(hit)
            if original is not None:
                copies[original] += 1
                continue
        walk.passed |= values
        yield hit


def _match(hit: Hit, ranking: Ranking, selection: Selection, copies: Mapping[str, int]) -> Match:
    match = replace(match_of(hit), copies=copies.get(hit.id, 0))
    if selection.group_by is None:
        return match
    values = _group_values(hit.payload, hit.id, selection.group_by)
    if not values:
        return replace(match, group=Group(None, 1, (match,)))
    where = both(selection.where, Equal(selection.group_by, values))
    members: tuple[Match, ...] = (match,)
    if selection.group_size > 1:
        nearest = ranking.best(selection.group_size + len(selection.leave_out), where)
        kept = [match_of(one) for one in nearest if one.id not in selection.leave_out]
        members = tuple(kept[: selection.group_size])
    return replace(match, group=Group(_value(hit, selection.group_by), selection.store.count(where), members))


def _group_values(payload: Mapping[str, Any], id_: str, path: str) -> frozenset[str]:
    """Return what makes records one group: a value at the path that both have; none for a record without any."""
    return frozenset(canonical(value) for value in reach({**payload, "_id": id_}, path)) - {"null"}


def _value(hit: Hit, path: str) -> Any:
    return reach({**hit.payload, "_id": hit.id}, path)[-1]
