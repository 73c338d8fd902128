"""The embedded store gives the reference's answers to any question about any rows, and a plan never loses one."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.filters import matches, parse
from lookalike.stores.base import Nearest, Row
from lookalike.stores.cluster import Connection, Layout
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.encoding import encode
from lookalike.stores.memory import MemoryStore
from lookalike.stores.plan import plan
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
    | st.sampled_from(["", "a", "b", "A", "É", "1", "true", "é", "ß", "SS", "\ud800"])
    | st.sampled_from(["2024", "2024-01", "2024-01-15", "2024-01-15T10:30", "2024-01-15T10:30:01Z", "2024-01-15 10"])
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
EXPRESSIONS = st.sampled_from(["a", "^A", ".", "^$", "^2024-01", "é|ß", "[^a]"])
BOUNDS = SCALARS.filter(lambda value: value is not None and not isinstance(value, bool))
SIMPLE = st.one_of(
    st.builds(lambda value: {"$eq": value}, VALUES),
    st.builds(lambda value: {"$ne": value}, VALUES),
    st.builds(lambda values: {"$in": values}, st.lists(VALUES | IDS, max_size=3)),
    st.builds(lambda values: {"$nin": values}, st.lists(VALUES, max_size=3)),
    st.builds(lambda there: {"$exists": there}, st.booleans()),
    st.builds(lambda name, bound: {name: bound}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), BOUNDS),
    st.builds(lambda name, bound: {"$not": {name: bound}}, st.sampled_from(["$gt", "$lte"]), BOUNDS),
    st.builds(lambda values: {"$all": values}, st.lists(VALUES, max_size=2)),
    st.builds(lambda size: {"$size": size}, st.integers(0, 3)),
    st.builds(
        lambda regex, how: {"$regex": regex, "$options": how}, EXPRESSIONS, st.sampled_from(["", "i", "s", "ix"])
    ),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(lambda part: {"$elemMatch": part}, inner),
        st.builds(lambda path, part: {"$elemMatch": {path: part}}, st.sampled_from(["x", "y", "0", "x.y"]), inner),
        st.builds(lambda part: {"$not": part}, inner),
    ),
    max_leaves=2,
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


PARSED = st.builds(lambda where, fold: parse(where, fold_case=fold), FILTERS, st.booleans())


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
            st.none() | PARSED,
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
    for where in [None, *filters]:
        assert edge.count(where) == memory.count(where)
        assert contents(edge, where, 3) == contents(memory, where, 3)
    for query in queries:
        got, want = edge.nearest(query), memory.nearest(query)
        assert [(hit.id, repr(hit.payload)) for hit in got] == [(hit.id, repr(hit.payload)) for hit in want]
        assert np.allclose([hit.similarity for hit in got], [hit.similarity for hit in want], atol=1.1e-6, rtol=0)


@settings(max_examples=40)
@given(
    st.lists(ROWS, max_size=25),
    st.dictionaries(IDS, PAYLOADS, max_size=3),
    st.lists(IDS, max_size=3),
    st.lists(PARSED, max_size=8),
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


@settings(max_examples=15)
@given(
    st.lists(ROWS, max_size=12),
    st.dictionaries(IDS, PAYLOADS, max_size=3),
    st.lists(IDS, max_size=3),
    st.lists(PARSED, max_size=5),
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


class ByHand:
    """An engine whose conditions are predicates over encoded payloads."""

    def __init__(self, rows):
        self.rows = rows

    def tokens(self, wanted):
        return lambda row: not set(wanted).isdisjoint(row["t"])

    def numbers(self, key, low, high):
        return lambda row: any(
            (low is None or code >= low) and (high is None or code <= high) for code in row["n"].get(key, ())
        )

    def every(self, parts):
        return lambda row: all(part(row) for part in parts)

    def some(self, parts):
        return lambda row: any(part(row) for part in parts)

    def outside(self, part):
        return lambda row: not part(row)

    def any(self, condition):
        return any(map(condition, self.rows))


@settings(max_examples=150)
@given(st.lists(PAYLOADS, min_size=1, max_size=8), st.lists(PARSED, min_size=1, max_size=8))
def test_a_plan_loses_no_row_and_is_sure_of_none_that_does_not_match(payloads, filters):
    rows = [encode(str(n), payload) for n, payload in enumerate(payloads)]
    for where in filters:
        planned = plan(where, ByHand(rows))
        for n, (row, payload) in enumerate(zip(rows, payloads, strict=True)):
            meant = where is None or matches(where, {**payload, "_id": str(n)})
            proposed = planned.condition is None or planned.condition(row)
            assert proposed or not meant
            if planned.exact:
                assert proposed is meant
            elif planned.sure is not None and planned.sure(row):
                assert meant


COMPILED = [
    {"a": 1},
    {"a": {"$ne": 1}},
    {"a": {"$in": [1, None]}},
    {"a": {"$all": [1, 2]}},
    {"a": {"$exists": False}},
    {"a": {"$size": 2}},
    {"a": {"$gt": 0, "$lte": 2}},
    {"day": {"$gte": "2024-01-15", "$lt": "2024-01-16"}},
    {"$or": [{"a": True}, {"$nor": [{"day": {"$lt": "2024-02"}}, {"name": "Oslo"}]}]},
]
VERIFIED = [
    {"name": {"$regex": "^O"}},
    {"name": {"$gt": "Oslo"}},
    {"a": {"$elemMatch": {"$gt": 1}}},
    {"a.0": 1},
    {"$or": [{"a": 1}, {"name": {"$regex": "x"}}]},
]


def test_what_is_compiled_is_stated():
    rows = [encode(str(n), {"a": [1, n], "name": "Oslo", "day": f"2024-01-{n:02}T10:00:00Z"}) for n in range(10, 20)]
    engine = ByHand(rows)
    assert [where for where in COMPILED if not plan(parse(where), engine).exact] == []
    assert [where for where in VERIFIED if plan(parse(where), engine).exact] == []
    assert plan(parse({"name": "OSLO"}, fold_case=True), engine).exact


def test_of_a_comparison_only_the_minute_of_the_bound_and_plain_strings_are_in_doubt():
    days = [f"2024-01-{n:02}T10:30:{n:02}Z" for n in range(10, 20)] + ["soon", None]
    rows = [encode(str(n), {"day": day}) for n, day in enumerate(days)]
    planned = plan(parse({"day": {"$gte": "2024-01-15T10:30:30Z"}}), ByHand(rows))
    doubtful = [day for day, row in zip(days, rows, strict=True) if planned.condition(row) and not planned.sure(row)]
    assert not planned.exact
    assert doubtful == ["2024-01-15T10:30:15Z", "soon", None]


def test_an_element_must_have_what_is_asked_of_it():
    rows = [encode(str(n), {"a": [{"b": n, "c": "x"}]}) for n in range(10)]
    planned = plan(parse({"a": {"$elemMatch": {"b": {"$lt": 3}, "c": {"$regex": "x"}}}}), ByHand(rows))
    assert [n for n, row in enumerate(rows) if planned.condition(row)] == [0, 1, 2]
