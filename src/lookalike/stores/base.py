"""What a store is: rows of vectors and payload, kept and searched. Every verb is mandatory.

A store holds the rows of one collection. It knows vectors, not pictures; cosine similarity in [-1, 1],
not scores; and never decides what a row means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument, ShapeMismatch, UnknownVector
from lookalike.filters import Filter

__all__ = [
    "Facet",
    "Hit",
    "Nearest",
    "Row",
    "Slice",
    "Store",
    "Vector",
    "check_limit",
    "check_nearest",
    "check_rows",
    "rounded",
]

Vector = NDArray[np.float32]
"""(d,) float32 of unit length."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What a store keeps under one id. A row may lack some of the store's vectors.

    vectors: name -> (dim,) float32 unit vector; it comes back bit for bit. payload: JSON values only; what
    comes back is what `json` would read from what it wrote.
    """

    id: str
    vectors: Mapping[str, Vector]
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row found. similarity: cosine in [-1, 1], to six decimals: float32 promises no more (see `rounded`)."""

    id: str
    similarity: float
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """A question: the rows whose vector `name` is most like `vector`.

    limit: at least 1. where: only rows it matches; `_id` is the row's id, so that `filters.one_of("_id", ids)`
    ranks a supplied list. min_similarity: a row exactly at it is kept. exact: no approximation, whatever it costs.
    """

    name: str
    vector: Vector
    limit: int
    where: Filter | None = None
    min_similarity: float | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of a scroll, ascending by the store's own stable order, and where to go on.

    next: give it as `after` to continue; None at the end.
    """

    rows: list[Row] = field(default_factory=list)
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """How many rows have a value: as many as `filters.equals(path, value)` would count."""

    value: str | int | float | bool
    count: int


class Store(ABC):
    """The rows of one collection. Safe to call from several threads. Every verb raises StoreFailed once closed."""

    dims: Mapping[str, int]
    """Vector name -> number of floats."""

    @abstractmethod
    def upsert(self, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those whose ids exist. When it returns, they survive a crash.

        The last of several rows with one id wins. A refused batch changes nothing. Raises ShapeMismatch,
        UnknownVector, InvalidArgument (not of unit length), InvalidRecord (a payload that is not JSON), StoreFailed.
        """

    @abstractmethod
    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the payload of existing rows and leave their vectors; unknown ids are ignored.

        Raises InvalidRecord for a payload that is not JSON, and then changes nothing; StoreFailed.
        """

    @abstractmethod
    def delete(self, ids: Sequence[str]) -> int:
        """Delete rows; returns how many of the ids existed."""

    @abstractmethod
    def delete_where(self, where: Filter | None) -> int:
        """Delete the rows that match, all of them for None, as one write; returns how many."""

    @abstractmethod
    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        """Return rows in the order asked, None where there is none; `vectors` is empty unless wanted."""

    @abstractmethod
    def nearest(self, query: Nearest) -> list[Hit]:
        """Return the rows most like the query, most alike first, ties (of the six decimals) ascending by id.

        Returns min(limit, number of rows that match, have the vector and reach min_similarity) hits, filtered
        or not: a store that can't do so by its index scans. Raises ShapeMismatch, UnknownVector, InvalidArgument.
        """

    @abstractmethod
    def count(self, where: Filter | None = None) -> int:
        """Count the rows that match, exactly."""

    @abstractmethod
    def facets(self, paths: Sequence[str], *, where: Filter | None = None, limit: int = 10) -> dict[str, list[Facet]]:
        """Count, exactly, the rows that match by each string, number and boolean at each of the paths.

        A row with an array counts once for each different element; null, objects and what is not there count
        nowhere. Returns for each path at most `limit` values, the most frequent first, ties ascending by their
        `canonical` text. Raises InvalidArgument for a limit under 1.
        """

    @abstractmethod
    def sample(self, size: int, *, where: Filter | None = None, seed: int | None = None) -> list[Row]:
        """Return min(size, number of rows that match) of the rows that match, each equally likely, without vectors.

        With a seed the same rows in the same order, in every store that holds them; without one others each time.
        Raises InvalidArgument for a size under 1.
        """

    @abstractmethod
    def scroll(
        self, *, where: Filter | None = None, after: str | None = None, limit: int = 100, with_vectors: bool = False
    ) -> Slice:
        """Walk all rows that match, each once, ascending by `encoding.point_id`: the same order in every store.

        Rows added meanwhile may or may not appear. Raises InvalidArgument for a limit under 1 or a cursor that
        no scroll returned.
        """

    @abstractmethod
    def optimize(self) -> bool:
        """Bring the index up to date; slow, never needed for right answers. Returns whether anything changed."""

    @abstractmethod
    def purge(self) -> bool:
        """Write all rows anew, so that nothing of deleted or replaced ones is left in the store's files.

        Slow, and writers wait for it. Returns False where the engine removes such remains in its own time.
        """

    @abstractmethod
    def flush(self) -> None:
        """Write everything to disk."""

    @abstractmethod
    def close(self) -> None:
        """Flush and release; the store can't be used afterwards. Closing twice is allowed."""


def rounded(similarity: float) -> float:
    """Return a computed similarity as every store reports and compares it: six decimals, within [-1, 1].

    Float32 sums differ by some 1e-7 with the order of adding. Rounded, a row is 1.0 like itself, rows that are
    alike tie, and a threshold falls the same way in every store.
    """
    return max(-1.0, min(1.0, round(float(similarity), 6)))


def check_rows(rows: Sequence[Row], dims: Mapping[str, int]) -> None:
    """Raise UnknownVector, ShapeMismatch or InvalidArgument if any vector doesn't fit the store; changes nothing."""
    for row in rows:
        for name, vector in row.vectors.items():
            _check_vector(f"vector {name!r} of {row.id!r}", name, vector, dims)


def check_nearest(query: Nearest, dims: Mapping[str, int]) -> None:
    """Raise UnknownVector, ShapeMismatch or InvalidArgument if the question doesn't fit the store."""
    check_limit(query.limit)
    if query.min_similarity is not None and not -1 <= query.min_similarity <= 1:
        raise InvalidArgument("min_similarity", query.min_similarity, "a cosine, between -1 and 1")
    _check_vector(f"the query vector {query.name!r}", query.name, query.vector, dims)


def check_limit(limit: int, name: str = "limit") -> None:
    """Raise InvalidArgument unless the limit is at least 1."""
    if limit < 1:
        raise InvalidArgument(name, limit, "at least 1")


def _check_vector(what: str, name: str, vector: Vector, dims: Mapping[str, int]) -> None:
    if name not in dims:
        raise UnknownVector(name, sorted(dims))
    if vector.shape != (dims[name],):
        raise ShapeMismatch(what, expected=(dims[name],), got=vector.shape)
    squared = float(vector @ vector)
    if not abs(squared - 1.0) < 2e-3:  # NaN fails this too
        raise InvalidArgument(what, f"of length {squared**0.5:.4g}", "finite and of length 1 within 0.001")
