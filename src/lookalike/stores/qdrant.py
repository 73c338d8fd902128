"""The distributed store: the rows of one collection on a Qdrant server or cluster."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import numpy as np
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

from lookalike.errors import StoreFailed, StoreUnreadable
from lookalike.filters import Filter
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
from lookalike.stores.cluster import (
    Connection,
    Layout,
    check_collection,
    create_collection,
    engine_errors,
    integer_index,
)
from lookalike.stores.copies import COPIES, excess_copies, plain_name, tokens_of
from lookalike.stores.encoding import NUMBERS, TEXT, TOKENS, checked_cursor, decode, encode, number_key, point_id
from lookalike.stores.plan import Plan, plan
from lookalike.stores.ranking import DEEPEST, best, verified
from lookalike.stores.shelf import Shelf
from lookalike.stores.statistics import count_values, drawn

__all__ = ["QdrantShelf", "QdrantStore"]

_PAGE: Final = 1000
_LARGEST: Final = 2**31 - 1
_WIDE: Final = 4
_MOST_INDEXES: Final = 64
_NOT_FOUND: Final = 404
_ORDERING: Final = models.WriteOrdering.MEDIUM  # two writers of one row leave all its replicas alike


class QdrantStore(Store):
    """Rows in a collection of their own on a Qdrant cluster, searched through HNSW graphs over int8 vectors.

    *Right answers.* As in the embedded store: the graph proposes where at least a quarter of the rows match, twice
    as many as wanted by their int8 vectors, ranked by the float32 ones and verified; what it can't fill is scanned
    on the float32 vectors, each shard by its own node. Nothing is ever short.

    *Durability.* A write that returned is in the write-ahead log of `Layout.consistency` nodes at least.

    *Threads and processes.* Any number may read and write. Of two that write one row at once the later stays;
    changes of a payload that build on what was read before may then go over one another.
    """

    def __init__(self, connection: Connection, name: str, dims: Mapping[str, int], layout: Layout) -> None:
        """Use `QdrantStore.open`."""
        self.dims = dict(dims)
        self._connection, self._name, self._layout = connection, name, layout
        self._closed = False
        self._writing = threading.RLock()
        self._conditions = _Conditions(self)
        self._indexed = set(self._call("get_collection").payload_schema or {})

    @classmethod
    def open(
        cls, connection: Connection, name: str, dims: Mapping[str, int], layout: Layout = Layout(), *, make: bool = True
    ) -> QdrantStore:
        """Open the collection of this name, or make one if `make` allows; the layout of one made earlier stays.

        dims: vector name -> number of floats. Raises StoreUnreadable if it is gone, is something else, has other dims
        or another format; StoreFailed if the cluster can't be reached or refuses.
        """
        with engine_errors("open"):
            if not connection.call("collection_exists", name):
                if not make:
                    raise _gone(connection, name)
                create_collection(connection, name, dims, layout)
            check_collection(connection, name, dims)
            return cls(connection, name, dims, layout)

    def upsert(self, rows: Sequence[Row]) -> None:
        self._check_open()
        check_rows(rows, self.dims)
        latest = {row.id: row for row in rows}
        vectors = {row.id: {n: np.asarray(v, np.float32) for n, v in row.vectors.items()} for row in latest.values()}
        payloads = {row_id: encode(row_id, row.payload, tokens_of(vectors[row_id])) for row_id, row in latest.items()}
        with self._writing, engine_errors("keep the rows"):
            excess = excess_copies(vectors, self._copies_there(vectors.values()))
            points = [
                models.PointStruct(
                    id=point_id(row_id),
                    vector={n + COPIES if (row_id, n) in excess else n: v.tolist() for n, v in named.items()},
                    payload=payloads[row_id],
                )
                for row_id, named in vectors.items()
            ]
            for part in _parts(points):
                self._call("upsert", part, wait=True, ordering=_ORDERING)

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        self._check_open()
        encoded = {point_id(row_id): encode(row_id, payload) for row_id, payload in payloads.items()}
        with self._writing, engine_errors("change the payloads"):
            for part in _parts(list(encoded)):
                changes: list[Any] = []
                for record in self._call("retrieve", part, with_payload=False, with_vectors=True):
                    point = str(record.id)
                    encoded[point][TOKENS] += tokens_of(_arrays(record.vector))
                    change = models.SetPayload(payload=encoded[point], points=[point])
                    changes.append(models.OverwritePayloadOperation(overwrite_payload=change))
                if changes:
                    self._call("batch_update_points", changes, wait=True, ordering=_ORDERING)

    def delete(self, ids: Sequence[str]) -> int:
        self._check_open()
        with self._writing, engine_errors("delete"):
            return self._delete([point_id(row_id) for row_id in set(ids)])

    def delete_where(self, where: Filter | None) -> int:
        self._check_open()
        with self._writing, engine_errors("delete"):
            return self._delete(list(self._points(where)))

    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        self._check_open()
        points = [point_id(row_id) for row_id in ids]
        with engine_errors("read"):
            found = self._retrieve(list(dict.fromkeys(points)), with_vectors)
        return [found.get(point) for point in points]

    def nearest(self, query: Nearest) -> list[Hit]:
        self._check_open()
        check_nearest(query, self.dims)
        with engine_errors("search"):
            planned = plan(query.where, self._conditions)
            depth = 0 if query.exact else self._graph_depth(query, planned)
            if depth:
                hits = best(partial(self._search, query, None, exact=False), query, depth, exact=False)
                if hits is not None:
                    return hits
            scan = partial(self._search, query, planned.condition, exact=True)
            return best(scan, query, query.limit + 1, exact=True) or []

    def count(self, where: Filter | None = None) -> int:
        self._check_open()
        with engine_errors("count"):
            planned = plan(where, self._conditions)
            if planned.exact:
                return self._conditions.count(planned.condition)
            return sum(1 for _ in self._walk(where, planned.condition, None, _PAGE, False))

    def facets(self, paths: Sequence[str], *, where: Filter | None = None, limit: int = 10) -> dict[str, list[Facet]]:
        self._check_open()
        check_limit(limit)
        with engine_errors("count"):
            walk = self._walk(where, plan(where, self._conditions).condition, None, _PAGE, False)
            return count_values(({**row.payload, "_id": row.id} for _, row in walk), paths, limit)

    def sample(self, size: int, *, where: Filter | None = None, seed: int | None = None) -> list[Row]:
        self._check_open()
        check_limit(size, "size")
        with engine_errors("read"):
            points = drawn(self._points(where), size, seed)
            found = self._retrieve(points, False)
        return [found[point] for point in points if point in found]

    def scroll(
        self, *, where: Filter | None = None, after: str | None = None, limit: int = 100, with_vectors: bool = False
    ) -> Slice:
        self._check_open()
        check_limit(limit)
        start = None if after is None else checked_cursor(after)
        with engine_errors("read"):
            condition = plan(where, self._conditions).condition
            walk = self._walk(where, condition, start, min(limit + 1, _PAGE), with_vectors)
            found = list(islice(walk, limit + 1))
        rows = [row for _, row in found[:limit]]
        return Slice(rows, found[limit][0] if len(found) > limit else None)

    def optimize(self) -> bool:
        """Do nothing: a cluster brings its indexes up to date by itself."""
        self._check_open()
        return False

    def purge(self) -> bool:
        """Do nothing: a cluster removes what was deleted when it next merges segments."""
        self._check_open()
        return False

    def flush(self) -> None:
        """Do nothing: a write is acknowledged when it is in the cluster's log."""
        self._check_open()

    def index_numbers(self, paths: Sequence[str]) -> None:
        """Have the numbers at these paths indexed now, before the first comparison. Raises StoreFailed."""
        with engine_errors("index"):
            for path in paths:
                self._index_numbers(number_key(path))

    def close(self) -> None:
        """Leave the collection; the connection belongs to whoever made it."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreFailed("answer", "it was closed; open it again")

    def _call(self, verb: str, *arguments: Any, **options: Any) -> Any:
        try:
            return self._connection.call(verb, self._name, *arguments, **options)
        except (UnexpectedResponse, ValueError) as problem:  # the latter is what the engine in memory raises
            refused = isinstance(problem, UnexpectedResponse) and problem.status_code != _NOT_FOUND
            if refused or self._closed or self._connection.call("collection_exists", self._name):
                raise
            raise _gone(self._connection, self._name) from problem

    def _copies_there(self, rows: Iterable[Mapping[str, Vector]]) -> Callable[[Sequence[int]], int]:
        """Return what counts the rows with one of some tokens; asks once where that is enough."""
        wanted = self._conditions.tokens([token for vectors in rows for token in tokens_of(vectors)])
        records, more = self._call("scroll", scroll_filter=wanted, limit=_PAGE, with_payload=[TOKENS])
        if more is not None:
            return lambda tokens: self._conditions.count(self._conditions.tokens(tokens))
        known = Counter(token for record in records for token in record.payload[TOKENS])
        return lambda tokens: sum(known[token] for token in tokens)

    def _delete(self, points: Sequence[str]) -> int:
        there = [point for part in _parts(points) for point in self._retrieve(part, False)]
        for part in _parts(there):
            self._call("delete", models.PointIdsList(points=list(part)), wait=True, ordering=_ORDERING)
        return len(there)

    def _index_numbers(self, key: str) -> None:
        """Index the numbers of a path when they are first asked for; until it is built, payloads are read."""
        field = f"{NUMBERS}.{key}"
        full = self._connection.in_memory or len(self._indexed) >= _MOST_INDEXES
        if field not in self._indexed and not full:
            self._indexed.add(field)
            self._call("create_payload_index", field, integer_index(lookup=False), wait=False)

    def _graph_depth(self, query: Nearest, planned: Plan[models.Filter]) -> int:
        """Return how many of the graph's best are likely to hold `limit` that match; 0 if a scan is better."""
        total = self._conditions.count(None, exact=False)
        rows = total if planned.condition is None else self._conditions.count(planned.condition, exact=False)
        if rows * self.dims[query.name] <= self._layout.scan_floats or rows * _WIDE < total:
            return 0
        depth = query.limit + 1 if query.where is None else int(2 * query.limit * total / rows) + 1
        return depth if depth <= DEEPEST else 0

    def _search(self, query: Nearest, condition: models.Filter | None, depth: int, *, exact: bool) -> list[Hit]:
        """Return the `depth` most similar, from the graph or by a scan, and from the copies beside it."""
        lowest = None if query.min_similarity is None or not exact else query.min_similarity - 2e-6
        requests = [
            models.QueryRequest(
                query=np.asarray(query.vector, np.float32).tolist(),
                using=slot,
                filter=condition,
                limit=min(depth, _LARGEST),
                score_threshold=lowest,
                params=None if self._connection.in_memory else _params(depth, exact=exact or slot != query.name),
                with_payload=[TEXT],
            )
            for slot in (query.name, query.name + COPIES)
        ]
        answers = self._call("query_batch_points", requests)
        found = []
        for point in (point for answer in answers for point in answer.points):
            row_id, payload = decode(point.payload[TEXT])
            found.append(Hit(row_id, rounded(point.score), payload))
        return sorted(found, key=lambda hit: -hit.similarity)[:depth]

    def _retrieve(self, points: Sequence[str], with_vectors: bool) -> dict[str, Row]:
        parts = _parts(points)
        records = (self._call("retrieve", part, with_payload=[TEXT], with_vectors=with_vectors) for part in parts)
        return {str(record.id): _row(record) for part in records for record in part}

    def _points(self, where: Filter | None) -> Iterator[str]:
        """Yield the ids of the points that match; payloads are read only where the engine can't tell."""
        planned = plan(where, self._conditions)
        if not planned.exact:
            yield from (point for point, _ in self._walk(where, planned.condition, None, _PAGE, False))
            return
        for record in self._scroll(planned.condition, None, _PAGE, with_payload=False):
            yield str(record.id)

    def _walk(
        self, where: Filter | None, condition: models.Filter | None, start: str | None, page: int, with_vectors: bool
    ) -> Iterator[tuple[str, Row]]:
        """Yield (point id, row) of the rows that match, ascending by point id."""
        for record in self._scroll(condition, start, page, with_payload=[TEXT], with_vectors=with_vectors):
            row = _row(record)
            if verified(where, row.id, row.payload):
                yield str(record.id), row

    def _scroll(self, condition: models.Filter | None, start: Any, page: int, **options: Any) -> Iterator[Any]:
        while True:
            records, start = self._call("scroll", scroll_filter=condition, limit=page, offset=start, **options)
            yield from records
            if start is None:
                return


class _Conditions:
    """What the engine can tell apart; see `plan.Engine`."""

    def __init__(self, store: QdrantStore) -> None:
        self._store = store

    def tokens(self, wanted: Sequence[int]) -> models.Filter:
        return models.Filter(must=[models.FieldCondition(key=TOKENS, match=models.MatchAny(any=list(wanted)))])

    def numbers(self, key: str, low: int | None, high: int | None) -> models.Filter:
        self._store._index_numbers(key)
        return models.Filter(
            must=[models.FieldCondition(key=f"{NUMBERS}.{key}", range=models.Range(gte=low, lte=high))]
        )

    def every(self, parts: Sequence[models.Filter]) -> models.Filter:
        return models.Filter(must=list(parts))

    def some(self, parts: Sequence[models.Filter]) -> models.Filter:
        return models.Filter(should=list(parts))

    def outside(self, part: models.Filter) -> models.Filter:
        return models.Filter(must_not=[part])

    def any(self, condition: models.Filter) -> bool:
        records, _ = self._store._call("scroll", scroll_filter=condition, limit=1, with_payload=False)
        return bool(records)

    def count(self, condition: models.Filter | None, *, exact: bool = True) -> int:
        return int(self._store._call("count", count_filter=condition, exact=exact).count)


def _gone(connection: Connection, name: str) -> StoreUnreadable:
    return StoreUnreadable(f"{connection.name}/{name}", "it is gone from the cluster")


def _params(depth: int, *, exact: bool) -> models.SearchParams:
    if exact:
        return models.SearchParams(exact=True, quantization=models.QuantizationSearchParams(ignore=True))
    again = models.QuantizationSearchParams(rescore=True, oversampling=2.0)
    return models.SearchParams(hnsw_ef=min(_LARGEST, max(128, 2 * depth)), quantization=again)


def _parts(points: Sequence[Any]) -> list[Sequence[Any]]:
    """Cut into what one request may carry."""
    return [points[at : at + _PAGE] for at in range(0, len(points), _PAGE)]


def _row(record: Any) -> Row:
    row_id, payload = decode(record.payload[TEXT])
    vectors = {plain_name(slot): vector for slot, vector in _arrays(record.vector).items()}
    return Row(row_id, vectors, payload)


def _arrays(vectors: Any) -> dict[str, Vector]:
    return {slot: np.array(vector, np.float32) for slot, vector in (vectors or {}).items()}


class QdrantShelf(Shelf):
    """Stores on a cluster; several workspaces may share it under different prefixes."""

    is_shared = True

    def __init__(self, connection: Connection, prefix: str, layout: Layout = Layout()) -> None:
        """prefix: begins the names of this workspace's collections there."""
        self._connection, self._prefix, self._layout = connection, f"{prefix}.", layout

    def open(self, key: str, dims: Mapping[str, int], index: Sequence[str] = (), *, make: bool = True) -> Store:
        """Open a store, and have the numbers at these paths indexed."""
        store = QdrantStore.open(self._connection, self._prefix + key, dims, self._layout, make=make)
        store.index_numbers(index)
        return store

    def drop(self, key: str) -> None:
        self._connection.drop(self._prefix + key)

    def contents(self) -> list[str]:
        names = self._connection.collections()
        return [name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix)]

    def close(self) -> None:
        self._connection.close()
