"""Rows with one and the same vector, which an HNSW graph can't hold many of.

A node's links go to its nearest; where those are all copies of itself, no path leads out of the crowd, nor to
most of its members: asked for ten of 100 copies among 60,000 vectors, a graph gave five. So a few go into the
graph, and the excess into a second vector beside it, `COPIES`, which is scanned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from lookalike.stores.base import Vector
from lookalike.stores.encoding import vector_token

__all__ = ["COPIES", "excess_copies", "excess_of", "plain_name", "tokens_by_vector", "tokens_of"]

COPIES: Final = ".copies"
"""The suffix of the second vector's name; no name of a store's vector contains a dot."""

_ENOUGH: Final = 16


def plain_name(slot: str) -> str:
    """Return the name of a vector, wherever it is kept."""
    return slot.removesuffix(COPIES)


def tokens_of(vectors: Mapping[str, Vector]) -> list[int]:
    """Return the tokens by which a row's vectors are recognized; keys may be names or slots."""
    return [vector_token(plain_name(slot), vector.tobytes()) for slot, vector in vectors.items()]


def excess_copies(
    rows: Mapping[str, Mapping[str, Vector]], count: Callable[[Sequence[int]], int]
) -> set[tuple[str, str]]:
    """Return the (row, vector name) that don't go into the graph.

    rows: row id -> its vectors. count: tokens -> how many rows are kept with one of them.
    """
    return excess_of(tokens_by_vector(rows), count)


def tokens_by_vector(rows: Mapping[str, Mapping[str, Vector]]) -> dict[tuple[str, str], int]:
    """Return (row id, vector name) -> token."""
    return {
        (row_id, name): vector_token(name, vector.tobytes())
        for row_id, vectors in rows.items()
        for name, vector in vectors.items()
    }


def excess_of(tokens: Mapping[tuple[str, str], int], count: Callable[[Sequence[int]], int]) -> set[tuple[str, str]]:
    """Return what `excess_copies` does, for who has the tokens already."""
    kept: Counter[int] = Counter()
    if count(list(tokens.values())):
        kept.update({token: count([token]) for token in set(tokens.values())})
    excess = set()
    for key, token in tokens.items():
        kept[token] += 1
        if kept[token] > _ENOUGH:
            excess.add(key)
    return excess
