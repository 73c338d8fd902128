"""From what an engine proposes to hits that are verified, complete and in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lookalike.filters import Filter, matches
from lookalike.stores.base import Hit, Nearest, rounded

__all__ = ["DEEPEST", "best", "verified"]

DEEPEST: Final = 2000
"""How many proposals of a graph are looked at before a scan is cheaper."""


def best(search: Callable[[int], list[Hit]], query: Nearest, depth: int, *, exact: bool) -> list[Hit] | None:
    """Look ever deeper until `limit` hits are verified and all that tie with the last of them are seen.

    search: number of rows -> that many of the most similar, most alike first; fewer only if there are no more.
    depth: where to begin. exact: whether `search` never misses one.
    Returns None if an inexact search proposed too few, or more than DEEPEST tie: only a scan can tell then.
    """
    floor = -1.0 if query.min_similarity is None else rounded(query.min_similarity)
    while exact or depth <= DEEPEST:
        found = search(depth)
        hits = [hit for hit in found if hit.similarity >= floor and verified(query.where, hit.id, hit.payload)]
        hits.sort(key=lambda hit: (-hit.similarity, hit.id))
        bar = hits[query.limit - 1].similarity if len(hits) >= query.limit else floor
        ran_dry = len(found) < depth
        if (found and found[-1].similarity < bar) or (ran_dry and exact):
            return hits[: query.limit]
        if ran_dry or (not exact and len(hits) < query.limit):
            return None
        depth *= 4
    return None


def verified(where: Filter | None, row_id: str, payload: Mapping[str, Any]) -> bool:
    """Whether a row is one the filter means."""
    return where is None or matches(where, {**payload, "_id": row_id})
