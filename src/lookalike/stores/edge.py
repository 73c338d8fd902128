"""The embedded store: a Qdrant Edge shard in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import qdrant_edge as qe

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
from lookalike.stores.copies import COPIES, excess_of, plain_name, tokens_by_vector, tokens_of
from lookalike.stores.edge_conditions import Conditions
from lookalike.stores.encoding import NUMBERS, TEXT, TOKENS, checked_cursor, decode, encode, point_id
from lookalike.stores.engine import Tuning, create_shard, engine_errors, make_point
from lookalike.stores.folder import (
    SPARE_BYTES,
    check_folder,
    check_space,
    is_outdated,
    make_folder,
    mark_upgraded,
    unreadable,
)
from lookalike.stores.plan import Plan, doubtful, plan
from lookalike.stores.ranking import DEEPEST, best, verified
from lookalike.stores.shards import Shards
from lookalike.stores.statistics import count_by_index, count_values, drawn, ranked
from lookalike.stores.upkeep import Upkeep

__all__ = ["EdgeStore", "Tuning"]

_PAGE: Final = 1000
_MOST_INDEXES: Final = 64
_LARGEST: Final = 2**31 - 1
_WIDE: Final = 4
_WORTH_IT: Final = 10_000


class EdgeStore(Store):
    """Rows in a folder, searched through an HNSW graph over int8 vectors and ranked by float32 ones.

    Good for some millions of rows: int8 vectors, graph and indexes are held in memory, the rest is read from
    memory-mapped files.

    *Right answers.* Without a filter, or with one that a quarter of the rows match, the graph proposes and
    `filters.matches` verifies; fewer matching rows, small collections and proposals that fall short are scanned
    instead. Nothing is ever short, and only the graph approximates: it may miss a neighbor, rarely for a query
    like the pictures kept, more often for one unlike all of them or amid thousands of near-copies. `exact` avoids
    it. Of many rows with one and the same vector 16 are in the graph, the rest are scanned beside it (`copies`).

    *Filters.* What `plan` calls exact is answered by indexes (the first comparison on a path builds its own); for the
    rest the payloads of the rows in doubt are read, at some 10 microseconds each.

    *Durability.* A write that returned is in the write-ahead log: it survives the end of the process however that
    comes. A power cut may take what came after the last `flush`, which happens every 20,000 rows and on `close`.
    With too little disk space left writes are refused, since the engine dies of a full disk.

    *Threads.* Any number search while one writes; writers wait for one another. Rows added since the last `optimize`
    are scanned. It runs by itself, in a process of its own, when it is worth it (`upkeep`; `Tuning.background`
    switches that off), and the new index takes the place of the old one while searches go on (`shards`).
    *Processes.* One at a time: a second `open` raises WorkspaceLocked.
    """

    def __init__(self, path: Path, dims: Mapping[str, int], tuning: Tuning) -> None:
        """Use `EdgeStore.open`."""
        self.dims = dict(dims)
        self._path = path
        self._tuning = tuning
        self._shards = Shards(path, dims, tuning)
        self._writing = self._shards.writing
        self._conditions = Conditions(lambda: self._shard, self._index_numbers)
        self._with_copies = {
            name for name in dims if self._conditions.count(qe.Filter(must=[qe.HasVectorCondition(name + COPIES)]))
        }
        most = max(1, tuning.segment_floats // max(dims.values()))
        self._upkeep = Upkeep(self.optimize, lambda: self._shards.unoptimized, self._worth_it, most)
        if tuning.background:
            self._upkeep.wrote()

    @classmethod
    def open(cls, path: str | Path, dims: Mapping[str, int], tuning: Tuning = Tuning()) -> EdgeStore:
        """Open the store in a folder, or make one where there is none or an empty folder.

        dims: vector name -> number of floats. tuning: the links and ef_construct of a store made earlier stay.
        Rows written by version 0.1.0 are written anew first, some 100 microseconds each.
        Raises WorkspaceLocked if the folder is in use; StoreUnreadable if it holds something else, a damaged
        store, other dims or another format; StoreFailed if the disk is full; InvalidArgument for impossible dims.
        """
        path = Path(path)
        try:
            make_folder(path, dims, lambda shard: create_shard(shard, dims, tuning))
            check_folder(path, dims)
        except OSError as problem:
            raise unreadable(path, str(problem), problem.errno) from problem
        check_space(path, SPARE_BYTES // 4, "open")
        with engine_errors("open"):
            if is_outdated(path):
                with closing(cls(path, dims, replace(tuning, background=False))) as store:
                    store._write_anew()
                    mark_upgraded(path)
            return cls(path, dims, tuning)

    def upsert(self, rows: Sequence[Row]) -> None:
        check_rows(rows, self.dims)
        latest = {row.id: row for row in rows}
        vectors = {i: {n: np.ascontiguousarray(v, np.float32) for n, v in r.vectors.items()} for i, r in latest.items()}
        tokens = tokens_by_vector(vectors)
        payloads = {i: encode(i, r.payload, [tokens[i, name] for name in r.vectors]) for i, r in latest.items()}
        with self._writing, engine_errors("keep the rows"):
            excess = excess_of(tokens, lambda some: self._conditions.count(self._conditions.tokens(some)))
            self._with_copies.update(name for _, name in excess)
            slots = {
                i: {name + COPIES if (i, name) in excess else name: v for name, v in named.items()}
                for i, named in vectors.items()
            }
            points = {row_id: point_id(row_id) for row_id in latest}
            self._write({points[i]: named for i, named in slots.items()}, {points[i]: p for i, p in payloads.items()})

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        encoded = {point_id(row_id): encode(row_id, payload) for row_id, payload in payloads.items()}
        with self._writing, engine_errors("change the payloads"):
            records = self._shard.retrieve(list(encoded), False, True)
            slots = {str(record.id): _arrays(record.vector) for record in records}
            for point, vectors in slots.items():
                encoded[point][TOKENS] += tokens_of(vectors)
            self._write(slots, encoded)

    def delete(self, ids: Sequence[str]) -> int:
        wanted: list[Any] = [point_id(row_id) for row_id in set(ids)]
        with self._writing, engine_errors("delete"):
            return self._delete([str(record.id) for record in self._shard.retrieve(wanted, False, False)])

    def delete_where(self, where: Filter | None) -> int:
        with self._writing, engine_errors("delete"):
            return self._delete(list(self._points(where)))

    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        points = [point_id(row_id) for row_id in ids]
        with engine_errors("read"):
            records = self._shard.retrieve(list(dict.fromkeys(points)), [TEXT], with_vectors)
        found = {str(record.id): _row(record) for record in records}
        return [found.get(point) for point in points]

    def nearest(self, query: Nearest) -> list[Hit]:
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
        with engine_errors("count"):
            planned = plan(where, self._conditions)
            if planned.exact:
                return self._conditions.count(planned.condition)
            sure = 0 if planned.sure is None else self._conditions.count(planned.sure)
            return sure + sum(1 for _ in self._walk(where, doubtful(planned, self._conditions), None, _PAGE, False))

    def facets(self, paths: Sequence[str], *, where: Filter | None = None, limit: int = 10) -> dict[str, list[Facet]]:
        check_limit(limit)
        with engine_errors("count"):
            planned = plan(where, self._conditions)
            counts = {
                path: count_by_index(path, planned.condition, self._conditions) if planned.exact else None
                for path in paths
            }
            facets = {path: ranked(counted, limit) for path, counted in counts.items() if counted is not None}
            if to_read := [path for path in paths if path not in facets]:
                walk = self._walk(where, planned.condition, None, _PAGE, False)
                facets |= count_values(({**row.payload, "_id": row.id} for _, row in walk), to_read, limit)
            return {path: facets[path] for path in paths}

    def sample(self, size: int, *, where: Filter | None = None, seed: int | None = None) -> list[Row]:
        check_limit(size, "size")
        with engine_errors("read"):
            planned = plan(where, self._conditions)
            if seed is None and planned.exact:  # the engine draws as evenly, without going through all ids
                draw, most = qe.Sample.Random, min(size, _LARGEST)
                request = qe.QueryRequest(most, query=draw, with_payload=[TEXT], filter=planned.condition)
                rows = [_decoded(point.payload) for point in self._shard.query(request)]
                return [Row(row_id, {}, payload) for row_id, payload in rows]
            points: list[Any] = drawn(self._points(where), size, seed)
            found = {str(record.id): _row(record) for record in self._shard.retrieve(points, [TEXT], False)}
        return [found[point] for point in points if point in found]

    def scroll(
        self, *, where: Filter | None = None, after: str | None = None, limit: int = 100, with_vectors: bool = False
    ) -> Slice:
        check_limit(limit)
        start = None if after is None else checked_cursor(after)
        with engine_errors("read"):
            condition = plan(where, self._conditions).condition
            walk = self._walk(where, condition, start, min(limit + 1, _PAGE), with_vectors)
            found = list(islice(walk, limit + 1))
        rows = [row for _, row in found[:limit]]
        return Slice(rows, found[limit][0] if len(found) > limit else None)

    def optimize(self) -> bool:
        with engine_errors("optimize"):
            return self._shards.renew()

    def purge(self) -> bool:
        with engine_errors("write the rows anew"):
            self._shards.purge()
        return True

    def flush(self) -> None:
        with engine_errors("flush"):
            self._shards.flush()

    def close(self) -> None:
        self._upkeep.stop()
        with engine_errors("close"):
            self._shards.close()
        self._upkeep.join()

    @property
    def _shard(self) -> qe.EdgeShard:
        return self._shards.current

    # Writing

    def _write(self, vectors: Mapping[str, Mapping[str, Vector]], payloads: Mapping[str, dict[str, Any]]) -> None:
        """Write points; vectors: point id -> slot -> vector, payloads: point id -> encoded payload."""
        if not vectors:
            return
        size = sum(vector.nbytes for slots in vectors.values() for vector in slots.values())
        size += sum(len(payloads[point][TEXT]) + 64 * len(payloads[point][TOKENS]) for point in vectors)
        check_space(self._path, SPARE_BYTES + 4 * size, "keep the rows")
        points = [make_point(point, slots, payloads[point]) for point, slots in vectors.items()]
        self._shards.change(qe.UpdateOperation.upsert_points(points), vectors.keys())
        if self._tuning.background:
            self._upkeep.wrote()

    def _write_anew(self) -> None:
        """Write all rows again, as this version does; whoever is interrupted begins again."""
        after: str | None = None
        while True:
            part = self.scroll(after=after, limit=_PAGE)
            self.set_payload({row.id: row.payload for row in part.rows})
            if part.next is None:
                return
            after = part.next

    def _delete(self, points: list[Any]) -> int:
        if points:
            self._shards.change(qe.UpdateOperation.delete_points(points), points)
        return len(points)

    def _index_numbers(self, key: str) -> None:
        """Index the numbers of a path when they are first asked for; without, the engine reads every payload."""
        field, indexed = f"{NUMBERS}.{key}", self._shards.indexed
        if field in indexed or len(indexed) >= _MOST_INDEXES or not self._writing.acquire(blocking=False):
            return
        try:
            self._shards.index(field)
        finally:
            self._writing.release()

    def _worth_it(self) -> int:
        """Return how many rows outside the graph are worth its renewal: they cost a scan, that costs a copy."""
        return max(
            _WORTH_IT, self._tuning.scan_floats // max(self.dims.values()), self._shard.info().points_count // 20
        )

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
                params=qe.SearchParams(exact=True) if scan else self._graph(depth),
            )
            for point in self._shard.query(request):
                row_id, payload = _decoded(point.payload)
                found.append(Hit(row_id, rounded(point.score), payload))
        return sorted(found, key=lambda hit: -hit.similarity)[:depth]

    def _graph(self, depth: int) -> qe.SearchParams:
        graphs = max(1, self._shard.info().segments_count - 1)  # one segment takes what is written
        ef = max(int(self._tuning.ef / graphs**0.5), self._tuning.ef // 2, 2 * depth)
        ranked_again = qe.QuantizationSearchParams(rescore=True, oversampling=self._tuning.oversampling)
        return qe.SearchParams(hnsw_ef=ef, quantization=ranked_again)

    def _points(self, where: Filter | None) -> Iterator[str]:
        """Yield the ids of the points that match; payloads are read only where the engine can't tell."""
        planned = plan(where, self._conditions)
        if not planned.exact:
            condition = doubtful(planned, self._conditions)
            yield from (point for point, _ in self._walk(where, condition, None, _PAGE, False))
        if planned.exact or planned.sure is not None:
            condition = planned.condition if planned.exact else planned.sure
            offset: Any = None
            while True:
                records, offset = self._shard.scroll(qe.ScrollRequest(offset, _PAGE, condition, False, False))
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


def _row(record: qe.Record) -> Row:
    row_id, payload = _decoded(record.payload)
    vectors = {plain_name(slot): vector for slot, vector in _arrays(record.vector).items()}
    return Row(row_id, vectors, payload)


def _decoded(payload: Any) -> tuple[str, dict[str, Any]]:
    return decode(payload[TEXT])


def _arrays(vectors: Any) -> dict[str, Vector]:
    return {slot: np.array(vector, np.float32) for slot, vector in (vectors or {}).items()}
