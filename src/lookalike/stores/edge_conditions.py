"""Conditions of Qdrant Edge over the two fields of integers that `encoding` writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qdrant_edge as qe

from lookalike.stores.encoding import NUMBERS, TEXT, TOKENS, decode

__all__ = ["Conditions"]


class Conditions:
    """What the engine can tell apart; see `plan.Engine`."""

    def __init__(self, shard: Callable[[], qe.EdgeShard], index_numbers: Callable[[str], None]) -> None:
        """shard: gives the open one. index_numbers: called before the numbers of a key are compared."""
        self._shard, self._index_numbers = shard, index_numbers

    def tokens(self, wanted: Sequence[int]) -> qe.Filter:
        return qe.Filter(must=[qe.FieldCondition(TOKENS, match=qe.MatchAny(list(wanted)))])

    def numbers(self, key: str, low: int | None, high: int | None) -> qe.Filter:
        self._index_numbers(key)
        return qe.Filter(must=[qe.FieldCondition(f"{NUMBERS}.{key}", range=qe.RangeFloat(gte=low, lte=high))])

    def every(self, parts: Sequence[qe.Filter]) -> qe.Filter:
        return qe.Filter(must=list(parts))

    def some(self, parts: Sequence[qe.Filter]) -> qe.Filter:
        return qe.Filter(should=list(parts))

    def outside(self, part: qe.Filter) -> qe.Filter:
        return qe.Filter(must_not=[part])

    def any(self, condition: qe.Filter) -> bool:
        records, _ = self._shard().scroll(qe.ScrollRequest(None, 1, condition, False, False))
        return bool(records)

    def count(self, condition: qe.Filter | None, *, exact: bool = True) -> int:
        return self._shard().count(qe.CountRequest(exact, condition))

    def first(self, condition: qe.Filter | None, limit: int) -> list[dict[str, Any]]:
        records, _ = self._shard().scroll(qe.ScrollRequest(None, limit, condition, [TEXT], False))
        texts = [record.payload[TEXT] for record in records if record.payload]
        return [{**payload, "_id": row_id} for row_id, payload in map(decode, texts)]
