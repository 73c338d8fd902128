"""Search: a question about pictures -> a plan for the store -> matches with scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike import filters
from lookalike.errors import InvalidArgument
from lookalike.records import Match, Record
from lookalike.stores.base import Hit, Nearest, Store

__all__ = ["MAX_K", "Query", "nearest_matches", "record_of", "score_of"]

MAX_K = 10_000
"""Most matches one search returns; walk a collection with `scroll` for more."""


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question, described already.

    vector: unit float32 row of the description `by`. k: matches wanted. where: MongoDB-like filter.
    group_by: keep only the best match per value of this field; records without it stand alone.
    leave_out: ids never returned (the query record itself, say). min_score: matches exactly at it are kept.
    """

    by: str
    vector: NDArray[np.float32]
    k: int = 10
    where: Mapping[str, Any] | None = None
    min_score: float | None = None
    exact: bool = False
    group_by: str | None = None
    leave_out: Sequence[str] = ()


def nearest_matches(store: Store, query: Query) -> list[Match]:
    """Return at most k matches, best first, ties ascending by id.

    Raises InvalidArgument, InvalidFilter, UnknownVector, ShapeMismatch.
    """
    if not 1 <= query.k <= MAX_K:
        raise InvalidArgument("k", query.k, f"between 1 and {MAX_K:,}")
    if query.min_score is not None and not 0.0 <= query.min_score <= 1.0:
        raise InvalidArgument("min_score", query.min_score, "between 0 and 1")
    where = filters.parse(query.where)
    limit = query.k + len(query.leave_out)
    while True:
        hits = store.nearest(Nearest(query.by, query.vector, limit, where, None, query.exact))
        found = _select(hits, query)
        if len(found) >= query.k or len(hits) < limit:
            return found[: query.k]
        limit *= 4  # grouping swallowed too many: ask for more until k groups are full or the store is empty


def score_of(similarity: float) -> float:
    """Turn a cosine into a score: opposite and unrelated directions are 0, the same direction is 1.

    Rounded to six places, so that a picture found as itself scores exactly 1 whatever the arithmetic.
    """
    return round(min(1.0, max(0.0, similarity)), 6)


def record_of(id_: str, payload: Mapping[str, Any]) -> Record:
    """Return the record that a store's payload holds."""
    return Record(id_, {name: value for name, value in payload.items() if name != "_id"})


def _select(hits: Sequence[Hit], query: Query) -> list[Match]:
    seen: set[str] = set()
    found = []
    for hit in hits:
        score = score_of(hit.similarity)
        if hit.id in query.leave_out or (query.min_score is not None and score < query.min_score):
            continue
        if query.group_by is not None:
            group = hit.payload.get(query.group_by)
            key = repr(group)
            if group is not None and key in seen:
                continue
            seen.add(key)
        found.append(Match(hit.id, score, record_of(hit.id, hit.payload)))
    return found
