"""The records in order: by one description, or by several and keywords weighed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lookalike.filters import And, Filter, one_of
from lookalike.search.keywords import carriers, keyword_share
from lookalike.search.query import TAGS
from lookalike.search.target import Target
from lookalike.stores.base import Hit, Nearest, Store, rounded

__all__ = ["Blended", "ByVector", "Ranking", "both", "key_of", "ranking_of"]

_SHALLOWEST = 200  # proposals of each description, at least
_OVER = 8  # proposals for each match wanted
_PAGE = 1000


class Ranking(Protocol):
    """An order of the records that match a filter: descending by similarity, ties ascending by id."""

    def best(self, limit: int, where: Filter | None) -> list[Hit]:
        """Return the `limit` first; fewer only if there are no more."""
        ...


def key_of(hit: Hit) -> tuple[float, str]:
    """Rankings are ascending in this."""
    return -hit.similarity, hit.id


def both(*filters: Filter | None) -> Filter | None:
    """Return the filter for what all of them match; None matches everything."""
    parts = tuple(part for part in filters if part is not None)
    return parts[0] if len(parts) == 1 else And(parts) if parts else None


def ranking_of(store: Store, target: Target, min_score: float | None, *, exact: bool) -> Ranking:
    """Return the order for what is looked for. min_score: of those below it none is given."""
    floor = min_score or None  # every record has a score of at least 0
    if list(target.shares) == list(target.vectors) and len(target.vectors) == 1:
        return ByVector(store, next(iter(target.vectors)), target, floor, exact)
    return Blended(store, target, floor, exact)


@dataclass(frozen=True, slots=True, eq=False)
class ByVector:
    """One description: the store's own order."""

    store: Store
    name: str
    target: Target
    floor: float | None
    exact: bool

    def best(self, limit: int, where: Filter | None) -> list[Hit]:
        """See Ranking."""
        vector = self.target.vectors[self.name]
        return self.store.nearest(Nearest(self.name, vector, limit, where, self.floor, self.exact))


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """The nearest by one description. last: what no record that is not among them surpasses by it."""

    hits: list[Hit]
    last: float
    whole: bool


@dataclass(frozen=True, slots=True, eq=False)
class Blended:
    """Several parts: the mean of a record's similarities by each, weighted by their shares.

    A record counts 0 by a description it lacks, and is not found if it has none of them; by keywords alone, if it
    has none that is wanted.
    Each description proposes its nearest, those among the records with a wanted keyword once more; whatever is
    proposed is then measured by every part. With `exact` the lists grow until no record outside them can be among
    the best (the threshold algorithm of Fagin, Lotem and Naor 2003); else eight proposals a match must do.
    """

    store: Store
    target: Target
    floor: float | None
    exact: bool

    def best(self, limit: int, where: Filter | None) -> list[Hit]:
        """See Ranking. Without `exact` a record that is mediocre by every part may be missed."""
        if not self.target.vectors:
            return self._by_tags(where)[:limit]
        depth = max(_SHALLOWEST, _OVER * limit)
        tagged = both(where, self._carriers()) if self.target.keywords else None
        while True:
            plain = self._lists(depth, where)
            lists = [plain] if tagged is None else [plain, self._lists(depth, tagged)]
            proposed = {hit.id: hit.payload for one in lists for part in one.values() for hit in part.hits}
            found = self._kept(self._measured(proposed, lists))
            if self._is_enough(found, limit, lists):
                return found[:limit]
            depth *= 4

    def measure(self, payloads: Mapping[str, Mapping[str, Any]]) -> list[Hit]:
        """Put given records, id -> payload, in order, whatever their score."""
        return self._measured(payloads, [])

    def _by_tags(self, where: Filter | None) -> list[Hit]:
        found: dict[str, Mapping[str, Any]] = {}
        after: str | None = None
        tagged = both(where, self._carriers())
        while True:
            part = self.store.scroll(where=tagged, after=after, limit=_PAGE)
            found.update((row.id, row.payload) for row in part.rows)
            after = part.next
            if after is None:
                return self._kept(self._measured(found, []))

    def _lists(self, depth: int, where: Filter | None) -> dict[str, _Listed]:
        lists = {}
        for name, vector in self.target.vectors.items():
            hits = self.store.nearest(Nearest(name, vector, depth, where, None, self.exact))
            whole = len(hits) < depth
            # A record that lacks the description counts 0 by it, and is in no list of it.
            lists[name] = _Listed(hits, 0.0 if whole else max(0.0, hits[-1].similarity), whole)
        return lists

    def _is_enough(self, found: Sequence[Hit], limit: int, lists: Iterable[Mapping[str, _Listed]]) -> bool:
        if all(part.whole for one in lists for part in one.values()):
            return True
        if not self.exact and len(found) >= limit:
            return True
        bar = found[limit - 1].similarity if len(found) >= limit else (self.floor or -1.0)
        most = 0.0
        for at, one in enumerate(lists):
            if not all(part.whole for part in one.values()):
                shares = [self.target.shares[name] * part.last for name, part in one.items()]
                most = max(most, sum(shares) + (self.target.shares[TAGS] if at else 0.0))
        return rounded(most) < bar

    def _measured(self, payloads: Mapping[str, Mapping[str, Any]], lists: Sequence[Mapping[str, _Listed]]) -> list[Hit]:
        """Return the proposed records with the weighted mean of all parts, in order."""
        total = dict.fromkeys(payloads, 0.0)
        for name, share in self.target.shares.items():
            if name == TAGS:
                known = {id_: self._keyword_share(payload) for id_, payload in payloads.items()}
            else:
                known = {hit.id: hit.similarity for one in lists for hit in one[name].hits}
                lacking = [id_ for id_ in payloads if id_ not in known]
                known |= self._similarities(name, lacking)
            for id_ in total:
                total[id_] += share * known.get(id_, 0.0)
        hits = [Hit(id_, rounded(similarity), payloads[id_]) for id_, similarity in total.items()]
        return sorted(hits, key=key_of)

    def _carriers(self) -> Filter:
        return carriers(self.target.keywords, self.target.fields)

    def _keyword_share(self, payload: Mapping[str, Any]) -> float:
        return keyword_share(self.target.keywords, payload, self.target.fields)

    def _similarities(self, name: str, ids: Sequence[str]) -> dict[str, float]:
        """Return how alike records are by one description, exactly; those that lack it are left out."""
        if not ids:
            return {}
        question = Nearest(name, self.target.vectors[name], len(ids), one_of("_id", ids), None, True)
        return {hit.id: hit.similarity for hit in self.store.nearest(question)}

    def _kept(self, hits: list[Hit]) -> list[Hit]:
        return hits if self.floor is None else [hit for hit in hits if hit.similarity >= self.floor]
