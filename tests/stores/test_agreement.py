"""The embedded store gives the reference's answers to any question about any rows."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.filters import parse
from lookalike.stores.base import Nearest, Row
from lookalike.stores.cluster import Connection, Layout
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.memory import MemoryStore
from lookalike.stores.qdrant import QdrantStore

DIMS = {"meaning": 4, "copy": 2}
MEMORY = Path("/dev/shm")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(
        [0.5, 1.0, 0.1, 0.1 + 1e-16, -0.0, 1e300, 2.0**53, 2**53 + 1, 2**53 - 1, 2**64, 10**400, -(10**400)]
    )
    | st.sampled_from(["", "a", "b", "1", "true", "é", "\ud800"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "0", ".", ""]), inner, max_size=2)
    ),
    max_leaves=5,
)
PAYLOADS = st.dictionaries(st.sampled_from(["p", "q", "x.y", "0", "_id"]), VALUES, max_size=3)
IDS = st.sampled_from([f"row {n}" for n in range(12)] + ["", "\ud800"])

PATHS = st.sampled_from(
    ["p", "q", "p.x", "p.y", "q.x", "p.x.y", "p.0", "p.x.0", "q.0.x", "0", "x.y", "_id", "nope", ""]
)
BOUNDS = SCALARS.filter(lambda value: value is not None and not isinstance(value, bool))
CONDITIONS = st.one_of(
    st.builds(lambda value: {"$eq": value}, VALUES),
    st.builds(lambda value: {"$ne": value}, VALUES),
    st.builds(lambda values: {"$in": values}, st.lists(VALUES | IDS, max_size=3)),
    st.builds(lambda values: {"$nin": values}, st.lists(VALUES, max_size=3)),
    st.builds(lambda there: {"$exists": there}, st.booleans()),
    st.builds(lambda name, bound: {name: bound}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), BOUNDS),
    st.builds(lambda name, bound: {"$not": {name: bound}}, st.sampled_from(["$gt", "$lte"]), BOUNDS),
)
FILTERS = st.recursive(
    st.builds(lambda path, condition: {path: condition}, PATHS, CONDITIONS),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"$and": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"$or": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"$nor": [part]}, inner),
    ),
    max_leaves=4,
)


def directions(dim):
    coarse = st.lists(st.integers(-1, 1), min_size=dim, max_size=dim).filter(any)
    return coarse.map(lambda numbers: np.array(numbers, np.float32) / np.float32(np.linalg.norm(numbers)))


ROWS = st.builds(
    lambda row_id, vectors, payload: Row(row_id, {n: v for n, v in vectors.items() if v is not None}, payload),
    IDS,
    st.fixed_dictionaries({name: st.none() | directions(dim) for name, dim in DIMS.items()}),
    PAYLOADS,
)
QUERIES = st.one_of(
    *(
        st.builds(
            Nearest,
            st.just(name),
            directions(dim),
            st.integers(1, 15),
            st.none() | FILTERS.map(parse),
            st.none() | st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]),
            st.booleans(),
        )
        for name, dim in DIMS.items()
    )
)


def contents(store, where, limit):
    rows, after = [], None
    while True:
        some = store.scroll(where=where, after=after, limit=limit, with_vectors=True)
        rows += [(r.id, repr(r.payload), {n: v.tobytes() for n, v in r.vectors.items()}) for r in some.rows]
        after = some.next
        if after is None:
            return rows


def agree(edge, memory, filters, queries):
    for where in [None, *map(parse, filters)]:
        assert edge.count(where) == memory.count(where)
        assert contents(edge, where, 3) == contents(memory, where, 3)
    for query in queries:
        got, want = edge.nearest(query), memory.nearest(query)
        assert [(hit.id, repr(hit.payload)) for hit in got] == [(hit.id, repr(hit.payload)) for hit in want]
        assert np.allclose([hit.similarity for hit in got], [hit.similarity for hit in want], atol=1.1e-6, rtol=0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(ROWS, max_size=25),
    st.dictionaries(IDS, PAYLOADS, max_size=3),
    st.lists(IDS, max_size=3),
    st.lists(FILTERS, max_size=8),
    st.lists(QUERIES, max_size=5),
)
def test_the_stores_agree(rows, payloads, gone, filters, queries):
    memory = MemoryStore(DIMS)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        path, tuning = Path(folder) / "rows", Tuning(scan_floats=0)
        edge = EdgeStore.open(path, DIMS, tuning)
        for store in (edge, memory):
            store.upsert(rows[: len(rows) // 2])
            store.upsert(rows[len(rows) // 2 :])
            store.set_payload(payloads)
        assert edge.delete(gone) == memory.delete(gone)
        agree(edge, memory, filters, queries)
        edge.optimize()
        agree(edge, memory, filters, queries)
        edge.close()
        edge = EdgeStore.open(path, DIMS, tuning)
        agree(edge, memory, filters, queries)
        edge.close()


@settings(deadline=None, max_examples=15)
@given(
    st.lists(ROWS, max_size=12),
    st.dictionaries(IDS, PAYLOADS, max_size=3),
    st.lists(IDS, max_size=3),
    st.lists(FILTERS, max_size=5),
    st.lists(QUERIES, max_size=4),
)
def test_the_distributed_store_agrees(rows, payloads, gone, filters, queries):
    memory = MemoryStore(DIMS)
    cluster = QdrantStore.open(Connection.to(":memory:"), "rows", DIMS, Layout(scan_floats=0))
    for store in (cluster, memory):
        store.upsert(rows)
        store.set_payload(payloads)
    assert cluster.delete(gone) == memory.delete(gone)
    agree(cluster, memory, filters, queries)
