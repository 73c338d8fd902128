"""The exact reference: every row in memory, every question a scan. Other stores must agree with it."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import StoreFailed
from lookalike.filters import Filter, matches
from lookalike.stores.base import (
    Facet,
    Hit,
    Nearest,
    Row,
    Slice,
    Store,
    Vector,
    check_limit,
    check_nearest,
    check_rows,
    rounded,
)
from lookalike.stores.encoding import checked_cursor, decode, point_id, text_of
from lookalike.stores.statistics import count_values, drawn

__all__ = ["MemoryStore"]

_BLOCK = 4096
"""Rows multiplied at a time: their products stay in the cache."""


class MemoryStore(Store):
    """Rows in this process's memory, gone with it. One thread at a time; nothing is approximated.

    dims: vector name -> number of floats.
    """

    def __init__(self, dims: Mapping[str, int]) -> None:
        self.dims = dict(dims)
        self._texts: dict[str, str] = {}
        self._fields: dict[str, dict[str, Any]] = {}
        self._vectors: dict[str, dict[str, Vector]] = {name: {} for name in dims}
        self._columns: dict[str, tuple[list[str], NDArray[np.float32]]] = {}
        self._order: list[tuple[str, str]] | None = None
        self._lock = threading.RLock()
        self._closed = False

    def upsert(self, rows: Sequence[Row]) -> None:
        with self._open():
            check_rows(rows, self.dims)
            texts = [text_of(row.id, row.payload) for row in rows]
            for row, text in zip(rows, texts, strict=True):
                self._put(row.id, text)
                for name, column in self._vectors.items():
                    column.pop(row.id, None)
                    if name in row.vectors:
                        column[row.id] = np.array(row.vectors[name], dtype=np.float32)
            self._changed()

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        with self._open():
            texts = {row_id: text_of(row_id, payload) for row_id, payload in payloads.items()}
            for row_id, text in texts.items():
                if row_id in self._texts:
                    self._put(row_id, text)

    def delete(self, ids: Sequence[str]) -> int:
        with self._open():
            known = {row_id for row_id in ids if row_id in self._texts}
            for row_id in known:
                del self._texts[row_id], self._fields[row_id]
                for column in self._vectors.values():
                    column.pop(row_id, None)
            self._changed()
            return len(known)

    def delete_where(self, where: Filter | None) -> int:
        with self._open():
            return self.delete([row_id for row_id, fields in self._fields.items() if _means(where, fields)])

    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        with self._open():
            return [self._row(row_id, with_vectors) if row_id in self._texts else None for row_id in ids]

    def nearest(self, query: Nearest) -> list[Hit]:
        with self._open():
            check_nearest(query, self.dims)
            floor = -1.0 if query.min_similarity is None else rounded(query.min_similarity)
            ids, column = self._column(query.name)
            scores = _similarities(column, query.vector)
            hits: list[Hit] = []
            for at in np.argsort(-scores, kind="stable"):
                row_id, similarity = ids[at], rounded(scores[at])
                if len(hits) >= query.limit and similarity < hits[query.limit - 1].similarity:
                    break
                if similarity >= floor and (_means(query.where, self._fields[row_id])):
                    hits.append(Hit(row_id, similarity, decode(self._texts[row_id])[1]))
            return sorted(hits, key=lambda hit: (-hit.similarity, hit.id))[: query.limit]

    def count(self, where: Filter | None = None) -> int:
        with self._open():
            return sum(_means(where, fields) for fields in self._fields.values())

    def facets(self, paths: Sequence[str], *, where: Filter | None = None, limit: int = 10) -> dict[str, list[Facet]]:
        with self._open():
            check_limit(limit)
            return count_values((fields for fields in self._fields.values() if _means(where, fields)), paths, limit)

    def sample(self, size: int, *, where: Filter | None = None, seed: int | None = None) -> list[Row]:
        with self._open():
            check_limit(size, "size")
            points = {point_id(row_id): row_id for row_id, fields in self._fields.items() if _means(where, fields)}
            return [self._row(points[point], False) for point in drawn(points, size, seed)]

    def scroll(
        self, *, where: Filter | None = None, after: str | None = None, limit: int = 100, with_vectors: bool = False
    ) -> Slice:
        with self._open():
            check_limit(limit)
            rows: list[Row] = []
            for point, row_id in self._from(after):
                if _means(where, self._fields[row_id]):
                    if len(rows) == limit:
                        return Slice(rows, point)
                    rows.append(self._row(row_id, with_vectors))
            return Slice(rows)

    def optimize(self) -> bool:
        with self._open():
            return False

    def purge(self) -> bool:
        with self._open():
            return True

    def flush(self) -> None:
        with self._open():
            pass

    def close(self) -> None:
        self._closed = True

    def _open(self) -> threading.RLock:
        if self._closed:
            raise StoreFailed("answer", "it was closed; open it again")
        return self._lock

    def _put(self, row_id: str, text: str) -> None:
        self._texts[row_id] = text
        self._fields[row_id] = {**decode(text)[1], "_id": row_id}

    def _changed(self) -> None:
        self._columns.clear()
        self._order = None

    def _row(self, row_id: str, with_vectors: bool) -> Row:
        vectors = {n: column[row_id].copy() for n, column in self._vectors.items() if row_id in column}
        return Row(row_id, vectors if with_vectors else {}, decode(self._texts[row_id])[1])

    def _column(self, name: str) -> tuple[list[str], NDArray[np.float32]]:
        if name not in self._columns:
            column = self._vectors[name]
            stacked = np.stack(list(column.values())) if column else np.empty((0, self.dims[name]), np.float32)
            self._columns[name] = list(column), stacked
        return self._columns[name]

    def _from(self, after: str | None) -> Iterator[tuple[str, str]]:
        if self._order is None:
            self._order = sorted((point_id(row_id), row_id) for row_id in self._texts)
        start = 0 if after is None else bisect_left(self._order, (checked_cursor(after), ""))
        return iter(self._order[start:])


def _means(where: Filter | None, fields: Mapping[str, Any]) -> bool:
    return where is None or matches(where, fields)


def _similarities(rows: NDArray[np.float32], query: Vector) -> NDArray[np.float32]:
    """Return the dot products, (n,). Unlike BLAS, a sum per row gives equal rows equal results wherever they are."""
    blocks = range(0, len(rows), _BLOCK)
    parts = [(rows[at : at + _BLOCK] * query).sum(axis=1, dtype=np.float32) for at in blocks]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
