"""What stores say about many rows at once, where an engine can't: values counted, rows drawn at random."""

from __future__ import annotations

import heapq
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from lookalike.filters import canonical, is_number, reach
from lookalike.stores.base import Facet

__all__ = ["count_values", "drawn", "ranked", "scalars"]


def count_values(rows: Iterable[Mapping[str, Any]], paths: Sequence[str], limit: int) -> dict[str, list[Facet]]:
    """Count as `Store.facets` does. rows: each one's fields, `_id` among them."""
    counts: dict[str, Counter[str]] = {path: Counter() for path in paths}
    for fields in rows:
        for path, counter in counts.items():
            counter.update(scalars(fields, path))
    return {path: ranked(counter, limit) for path, counter in counts.items()}


def scalars(fields: Mapping[str, Any], path: str) -> set[str]:
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
