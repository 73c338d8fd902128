"""The embedded store: one Qdrant Edge shard in a folder. The only file that knows that engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import qdrant_edge as qe

from lookalike.errors import LookalikeError, StoreFailed, StoreUnreadable, WorkspaceLocked
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
from lookalike.stores.copies import COPIES, excess_copies, plain_name, tokens_of
from lookalike.stores.edge_conditions import Conditions
from lookalike.stores.encoding import NUMBERS, TEXT, TOKENS, checked_cursor, decode, encode, point_id
from lookalike.stores.folder import SHARD, SPARE_BYTES, check_folder, check_space, make_folder, size_on_disk
from lookalike.stores.plan import Plan, plan
from lookalike.stores.ranking import DEEPEST, best, verified
from lookalike.stores.statistics import count_values, drawn

__all__ = ["EdgeStore", "Tuning"]

_PAGE: Final = 1000
_FLUSH_EVERY: Final = 20_000
_MOST_INDEXES: Final = 64
_LARGEST: Final = 2**31 - 1
_WIDE: Final = 4


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is traded for speed; the defaults suit 256 floats.

    m, ef_construct, ef: the HNSW graph's links a node, candidates when building, candidates when searching.
    scan_floats: a search over no more floats than this is a scan (5 million: about 2 ms), exact and without graph.
    """

    m: int = 16
    ef_construct: int = 100
    ef: int = 128
    scan_floats: int = 5_000_000


class EdgeStore(Store):
    """Rows in a folder, searched through an HNSW graph over float32 vectors.

    Good for some 100,000 rows in memory-mapped files; quantization, which a million want, is not here yet.

    *Right answers.* Without a filter, or with one that a quarter of the rows match, the graph proposes and
    `filters.matches` verifies; fewer matching rows, small collections and proposals that fall short are scanned
    instead. Nothing is ever short, and only the graph approximates: it may miss a neighbor, rarely for a query
    like the pictures kept, more often for one unlike all of them or amid thousands of near-copies. `exact` avoids
    it. Of many rows with one and the same vector 16 are in the graph, the rest are scanned beside it (`copies`).

    *Filters.* Equality, `$in`, `$exists`, their opposites and comparisons of numbers are answered by indexes
    (the first comparison on a path builds its own). Comparisons of strings and paths with a position read the
    payloads of all rows the rest of the filter leaves, at some 10 microseconds each.

    *Durability.* A write that returned is in the write-ahead log: it survives the end of the process however that
    comes. A power cut may take what came after the last `flush`, which happens every 20,000 rows and on `close`.
    With too little disk space left writes are refused, since the engine dies of a full disk.

    *Threads.* Any number search while one writes; writers wait for one another, and for `optimize`, which takes
    minutes but stops no search. Rows added since are scanned. *Processes.* One at a time: a second `open` raises
    WorkspaceLocked.
    """

    def __init__(self, path: Path, dims: Mapping[str, int], shard: qe.EdgeShard, tuning: Tuning) -> None:
        """Use `EdgeStore.open`."""
        self.dims = dict(dims)
        self._path = path
        self._tuning = tuning
        self._open_shard: qe.EdgeShard | None = shard
        self._writing = threading.RLock()
        self._unflushed = 0
        self._indexed = set(shard.info().payload_schema)
        self._conditions = Conditions(lambda: self._shard, self._index_numbers)
        self._with_copies = {
            name for name in dims if self._conditions.count(qe.Filter(must=[qe.HasVectorCondition(name + COPIES)]))
        }

    @classmethod
    def open(cls, path: str | Path, dims: Mapping[str, int], tuning: Tuning = Tuning()) -> EdgeStore:
        """Open the store in a folder, or make one where there is none or an empty folder.

        dims: vector name -> number of floats. tuning: the links and ef_construct of a store made earlier stay.
        Raises WorkspaceLocked if the folder is in use; StoreUnreadable if it holds something else, a damaged
        store, other dims or another format; StoreFailed if the disk is full; InvalidArgument for impossible dims.
        """
        path = Path(path)
        try:
            make_folder(path, dims, lambda shard: _create(shard, dims, tuning))
            check_folder(path, dims)
        except OSError as problem:
            raise StoreUnreadable(str(path), str(problem)) from problem
        check_space(path, SPARE_BYTES // 4, "open")
        with _engine("open"):
            return cls(path, dims, _load(path), tuning)

    def upsert(self, rows: Sequence[Row]) -> None:
        shard = self._shard
        check_rows(rows, self.dims)
        latest = {row.id: row for row in rows}
        vectors = {row.id: {n: np.asarray(v, np.float32) for n, v in row.vectors.items()} for row in latest.values()}
        payloads = {point_id(i): encode(i, row.payload, tokens_of(vectors[i])) for i, row in latest.items()}
        with self._writing, _engine("keep the rows"):
            excess = excess_copies(vectors, lambda tokens: self._conditions.count(self._conditions.tokens(tokens)))
            self._with_copies.update(name for _, name in excess)
            slots = {
                point_id(i): {name + COPIES if (i, name) in excess else name: v for name, v in named.items()}
                for i, named in vectors.items()
            }
            self._write(shard, slots, payloads)

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        shard = self._shard
        encoded = {point_id(row_id): encode(row_id, payload) for row_id, payload in payloads.items()}
        with self._writing, _engine("change the payloads"):
            records = shard.retrieve(list(encoded), False, True)
            slots = {str(record.id): _arrays(record.vector) for record in records}
            for point, vectors in slots.items():
                encoded[point][TOKENS] += tokens_of(vectors)
            self._write(shard, slots, encoded)

    def delete(self, ids: Sequence[str]) -> int:
        shard = self._shard
        with self._writing, _engine("delete"):
            points = [record.id for record in shard.retrieve([point_id(row_id) for row_id in set(ids)], False, False)]
            if points:
                shard.update(qe.UpdateOperation.delete_points(points))
            return len(points)

    def delete_where(self, where: Filter | None) -> int:
        shard = self._shard
        with self._writing, _engine("delete"):
            points: list[Any] = list(self._points(where))
            if points:
                shard.update(qe.UpdateOperation.delete_points(points))
            return len(points)

    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        points = [point_id(row_id) for row_id in ids]
        with _engine("read"):
            records = self._shard.retrieve(list(dict.fromkeys(points)), [TEXT], with_vectors)
        found = {str(record.id): _row(record) for record in records}
        return [found.get(point) for point in points]

    def nearest(self, query: Nearest) -> list[Hit]:
        check_nearest(query, self.dims)
        with _engine("search"):
            planned = plan(query.where, self._conditions)
            depth = 0 if query.exact else self._graph_depth(query, planned)
            if depth:
                hits = best(partial(self._search, query, None, exact=False), query, depth, exact=False)
                if hits is not None:
                    return hits
            scan = partial(self._search, query, planned.condition, exact=True)
            return best(scan, query, query.limit + 1, exact=True) or []

    def count(self, where: Filter | None = None) -> int:
        with _engine("count"):
            planned = plan(where, self._conditions)
            if planned.exact:
                return self._conditions.count(planned.condition)
            return sum(1 for _ in self._walk(where, planned.condition, None, _PAGE, False))

    def facets(self, paths: Sequence[str], *, where: Filter | None = None, limit: int = 10) -> dict[str, list[Facet]]:
        check_limit(limit)
        with _engine("count"):
            walk = self._walk(where, plan(where, self._conditions).condition, None, _PAGE, False)
            return count_values(({**row.payload, "_id": row.id} for _, row in walk), paths, limit)

    def sample(self, size: int, *, where: Filter | None = None, seed: int | None = None) -> list[Row]:
        check_limit(size, "size")
        with _engine("read"):
            points: list[Any] = drawn(self._points(where), size, seed)
            found = {str(record.id): _row(record) for record in self._shard.retrieve(points, [TEXT], False)}
        return [found[point] for point in points if point in found]

    def scroll(
        self, *, where: Filter | None = None, after: str | None = None, limit: int = 100, with_vectors: bool = False
    ) -> Slice:
        check_limit(limit)
        start = None if after is None else checked_cursor(after)
        with _engine("read"):
            condition = plan(where, self._conditions).condition
            walk = self._walk(where, condition, start, min(limit + 1, _PAGE), with_vectors)
            found = list(islice(walk, limit + 1))
        rows = [row for _, row in found[:limit]]
        return Slice(rows, found[limit][0] if len(found) > limit else None)

    def optimize(self) -> bool:
        shard = self._shard
        with self._writing, _engine("optimize"):
            check_space(self._path, SPARE_BYTES + size_on_disk(self._path / SHARD), "optimize")
            return shard.optimize()

    def flush(self) -> None:
        with self._writing, _engine("flush"):
            self._shard.flush()
            self._unflushed = 0

    def close(self) -> None:
        with self._writing, _engine("close"):
            if self._open_shard is not None:
                self._open_shard.close()
                self._open_shard = None

    @property
    def _shard(self) -> qe.EdgeShard:
        if self._open_shard is None:
            raise StoreFailed("answer", "it was closed; open it again")
        return self._open_shard

    # Writing

    def _write(
        self, shard: qe.EdgeShard, vectors: Mapping[str, Mapping[str, Vector]], payloads: Mapping[str, dict[str, Any]]
    ) -> None:
        """Write points; vectors: point id -> slot -> vector, payloads: point id -> encoded payload."""
        if not vectors:
            return
        size = sum(vector.nbytes for slots in vectors.values() for vector in slots.values())
        size += sum(len(payloads[point][TEXT]) + 64 * len(payloads[point][TOKENS]) for point in vectors)
        check_space(self._path, SPARE_BYTES + 4 * size, "keep the rows")
        points = [
            qe.Point(point, {slot: vector.tolist() for slot, vector in slots.items()}, payloads[point])
            for point, slots in vectors.items()
        ]
        shard.update(qe.UpdateOperation.upsert_points(points))
        self._unflushed += len(points)
        if self._unflushed >= _FLUSH_EVERY:  # else the log grows without end, and opening takes as long as writing
            self.flush()

    def _index_numbers(self, key: str) -> None:
        """Index the numbers of a path when they are first asked for; without, the engine reads every payload."""
        if key in self._indexed or len(self._indexed) >= _MOST_INDEXES or not self._writing.acquire(blocking=False):
            return
        try:
            self._shard.update(_index(f"{NUMBERS}.{key}", lookup=False))
            self._indexed.add(key)
        finally:
            self._writing.release()

    # Reading

    def _graph_depth(self, query: Nearest, planned: Plan[qe.Filter]) -> int:
        """Return how many of the graph's best are likely to hold `limit` that match; 0 if a scan is better.

        The further down its proposals go the more the graph misses, so few matching rows are always scanned.
        """
        total = self._shard.info().points_count
        rows = total if planned.condition is None else self._conditions.count(planned.condition, exact=False)
        if rows * self.dims[query.name] <= self._tuning.scan_floats or rows * _WIDE < total:
            return 0
        depth = query.limit + 1 if query.where is None else int(2 * query.limit * total / rows) + 1
        return depth if depth <= DEEPEST else 0

    def _search(self, query: Nearest, condition: qe.Filter | None, depth: int, *, exact: bool) -> list[Hit]:
        """Return the `depth` most similar, from the graph or by a scan, and from the copies beside it."""
        vector = np.asarray(query.vector, np.float32).tolist()
        lowest = None if query.min_similarity is None or not exact else query.min_similarity - 2e-6
        slots = [query.name, query.name + COPIES] if query.name in self._with_copies else [query.name]
        found = []
        for slot in slots:
            scan = exact or slot != query.name
            request = qe.QueryRequest(
                min(depth, _LARGEST),
                query=qe.Query.Nearest(vector, using=slot),
                with_payload=[TEXT],
                filter=condition,
                score_threshold=lowest,
                params=qe.SearchParams(hnsw_ef=None if scan else max(self._tuning.ef, 2 * depth), exact=scan),
            )
            for point in self._shard.query(request):
                row_id, payload = _decoded(point.payload)
                found.append(Hit(row_id, rounded(point.score), payload))
        return sorted(found, key=lambda hit: -hit.similarity)[:depth]

    def _points(self, where: Filter | None) -> Iterator[str]:
        """Yield the ids of the points that match; payloads are read only where the engine can't tell."""
        planned = plan(where, self._conditions)
        if not planned.exact:
            yield from (point for point, _ in self._walk(where, planned.condition, None, _PAGE, False))
            return
        offset: Any = None
        while True:
            records, offset = self._shard.scroll(qe.ScrollRequest(offset, _PAGE, planned.condition, False, False))
            yield from (str(record.id) for record in records)
            if offset is None:
                return

    def _walk(
        self, where: Filter | None, condition: qe.Filter | None, start: str | None, page: int, with_vectors: bool
    ) -> Iterator[tuple[str, Row]]:
        """Yield (point id, row) of the rows that match, ascending by point id."""
        offset: Any = start
        while True:
            request = qe.ScrollRequest(offset, page, condition, [TEXT], with_vectors)
            records, offset = self._shard.scroll(request)
            for record in records:
                row = _row(record)
                if verified(where, row.id, row.payload):
                    yield str(record.id), row
            if offset is None:
                return


@contextmanager
def _engine(operation: str) -> Iterator[None]:
    """Turn what the engine raises, its panics included, into StoreFailed."""
    try:
        yield
    except LookalikeError:
        raise
    except Exception as problem:
        raise StoreFailed(operation, str(problem)) from problem
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # not an Exception, and its class can't be imported
            raise
        raise StoreFailed(operation, str(problem)) from problem


def _create(path: Path, dims: Mapping[str, int], tuning: Tuning) -> None:
    with _engine("make a store"):
        shard = qe.EdgeShard.create(str(path), _config(dims, tuning))
        shard.update(_index(TOKENS, lookup=True))
        shard.close()


def _config(dims: Mapping[str, int], tuning: Tuning) -> qe.EdgeConfig:
    graph = qe.HnswIndexConfig(tuning.m, tuning.ef_construct, full_scan_threshold=10_000)
    none = qe.HnswIndexConfig(0, tuning.ef_construct, full_scan_threshold=10_000)
    vectors = {name: qe.EdgeVectorParams(dim, qe.Distance.Dot) for name, dim in dims.items()}
    for name, dim in dims.items():
        vectors[name + COPIES] = qe.EdgeVectorParams(dim, qe.Distance.Dot, hnsw_config=none)
    optimizers = qe.EdgeOptimizersConfig(indexing_threshold=max(1, tuning.scan_floats * 4 // 1024))
    return qe.EdgeConfig(vectors=vectors, hnsw_config=graph, optimizers=optimizers)


def _index(field: str, *, lookup: bool) -> qe.UpdateOperation:
    """An integer index in memory-mapped files. No graph links of its own: they make building endless."""
    params = qe.IntegerIndexParams(lookup=lookup, range=not lookup, enable_hnsw=False, memory=qe.Memory.Cached)
    return qe.UpdateOperation.create_field_index(field, params)


def _load(path: Path) -> qe.EdgeShard:
    try:
        with _engine("open"):
            return qe.EdgeShard.load(str(path / SHARD))
    except StoreFailed as problem:
        if "WouldBlock" in problem.reason:
            raise WorkspaceLocked(str(path), "another process") from problem
        raise StoreUnreadable(str(path), problem.reason) from problem


def _row(record: qe.Record) -> Row:
    row_id, payload = _decoded(record.payload)
    vectors = {plain_name(slot): vector for slot, vector in _arrays(record.vector).items()}
    return Row(row_id, vectors, payload)


def _decoded(payload: Any) -> tuple[str, dict[str, Any]]:
    return decode(payload[TEXT])


def _arrays(vectors: Any) -> dict[str, Vector]:
    return {slot: np.array(vector, np.float32) for slot, vector in (vectors or {}).items()}
