"""What stores say about many rows at once, where an engine can't: values counted, rows drawn at random."""

from __future__ import annotations

import heapq
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Protocol, TypeVar

from lookalike.filters import canonical, is_number, reach
from lookalike.stores.base import Facet
from lookalike.stores.encoding import array_token, has_position, path_tokens, value_token, whole_token
from lookalike.stores.plan import Engine

__all__ = ["count_by_index", "count_values", "drawn", "ranked"]

C = TypeVar("C")

_AT_ONCE: Final = 128
_MANY: Final = 100
_MOST_VALUES: Final = 500


def count_values(rows: Iterable[Mapping[str, Any]], paths: Sequence[str], limit: int) -> dict[str, list[Facet]]:
    """Count as `Store.facets` does. rows: each one's fields, `_id` among them."""
    counts: dict[str, Counter[str]] = {path: Counter() for path in paths}
    for fields in rows:
        for path, counter in counts.items():
            counter.update(_scalars(fields, path))
    return {path: ranked(counter, limit) for path, counter in counts.items()}


class Counting(Engine[C], Protocol[C]):
    """An engine that counts rows and shows the first of them."""

    def count(self, condition: C | None) -> int: ...

    def first(self, condition: C | None, limit: int) -> list[dict[str, Any]]: ...


def count_by_index(path: str, within: C | None, engine: Counting[C]) -> dict[str, int] | None:
    """Count the rows within a condition by their scalars at a path, canonical text -> rows, reading few of them.

    None where that would be slower than to read all: a path of several parts, or one with many different values.
    """
    if "." in path or has_position(path) or path == "_id":
        return None
    there = engine.tokens(path_tokens(path))
    left = there if within is None else engine.every([within, there])
    arrays = engine.tokens([array_token(path)])
    single = _discovered(path, engine.every([left, engine.outside(arrays)]), value_token, engine)
    several = None if single is None else _discovered(path, engine.every([left, arrays]), whole_token, engine)
    if single is None or several is None:
        return None
    values = {text: engine.tokens([value_token(path, text)]) for text in single | several}
    return {text: engine.count(engine.every([left, value])) for text, value in values.items()}


def _discovered(path: str, within: C, token_of: Callable[[str, str], int], engine: Counting[C]) -> set[str] | None:
    """Return the scalars there are: look at some rows, then at some of those with anything else, till none is left."""
    scalars: set[str] = set()
    known: set[int] = set()
    while rows := engine.first(engine.every([within, engine.outside(engine.tokens(list(known)))]), _AT_ONCE):
        found = {token_of(path, canonical(fields.get(path))) for fields in rows}
        if len(found) > _MANY or len(known) > _MOST_VALUES or found <= known:
            return None
        known |= found
        scalars.update(*(_scalars(fields, path) for fields in rows))
    return scalars


def _scalars(fields: Mapping[str, Any], path: str) -> set[str]:
    """Return the `canonical` texts of the strings, numbers and booleans at a path."""
    return {canonical(value) for value in reach(fields, path) if isinstance(value, (str, bool)) or is_number(value)}


def ranked(counts: Mapping[str, int], limit: int) -> list[Facet]:
    """Return the most frequent first. counts: canonical text -> rows."""
    best = heapq.nsmallest(limit, counts.items(), key=lambda item: (-item[1], item[0]))
    return [Facet(json.loads(text), count) for text, count in best]


def drawn(points: Iterable[str], size: int, seed: int | None) -> list[str]:
    """Draw `size` of the point ids: those that come first when all are put in the order of their keyed hashes."""
    key = secrets.token_bytes(16) if seed is None else blake2b(str(seed).encode(), digest_size=16).digest()
    return heapq.nsmallest(size, points, key=lambda point: blake2b(point.encode(), digest_size=16, key=key).digest())
