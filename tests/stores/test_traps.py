"""The engine's traps, each with a test that fails without its cure, at 100,000 rows like those of pictures."""

import tempfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lookalike.filters import parse
from lookalike.search import Query, Searcher, TargetReader
from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.memory import MemoryStore
from lookalike.stores.plan import plan

COUNT, DIM, QUERIES = 100_000, 256, 20
MEMORY = Path("/dev/shm")

# What the index answers, and what is verified row by row; the first of a comparison builds an index of its own.
INDEXED = {
    "20 %": {"tenth": {"$in": [3, 4]}},
    "10 %": {"tenth": 3},
    "1 %": {"hundredth": 3},
    "0.1 %": {"thousandth": 3},
    "10 %, by number": {"n": {"$lt": COUNT // 10}},
    "1 %, by date": {"day": {"$gte": "2024-01-01T00:03", "$lt": "2024-01-01T00:04"}},
    "10 %, a boolean": {"flag": True},
    "10 %, all far from the questions": {"far": True},
    "half, all far from the questions": {"farther": True},
    "two thirds": {"hundredth": {"$gte": 33}},
    "90 %, negated": {"tenth": {"$ne": 3}},
}
READ = {
    "20 %, by expression": {"name": {"$regex": "[34]$"}},
    "10 %, by expression": {"name": {"$regex": "3$"}},
    "1 %, by expression": {"name": {"$regex": "33$"}},
    "0.1 %, by expression": {"name": {"$regex": "333$"}},
    "10 %, by position": {"list.0": 3},
    "1 %, by element": {"list": {"$elemMatch": {"$gt": 9, "$lt": 30, "$ne": 11}}, "hundredth": {"$gt": 9, "$lt": 11}},
    "10 %, by order of names": {"name": {"$gte": "number 90000"}},
    "99.9 %, negated": {"name": {"$not": {"$regex": "333$"}}},
}


def clustered(seed=5, centers=1000):
    """(COUNT, DIM) float32 unit vectors in clusters, as those of pictures are."""
    random = np.random.default_rng(seed)
    middles = random.normal(size=(centers, DIM)).astype(np.float32)
    noise = random.normal(size=(COUNT, DIM)).astype(np.float32)
    vectors = middles[random.integers(0, centers, COUNT)] + np.float32(0.5) * noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def payload_of(n, likeness, far, farther):
    return {
        "n": n,
        "tenth": n % 10,
        "hundredth": n % 100,
        "thousandth": n % 1000,
        "flag": n % 10 == 1,
        "far": bool(likeness < far),
        "farther": bool(likeness < farther),
        "name": f"number {n:05}",
        "day": f"2024-01-01T00:{n % 100 // 10:02}:{n % 10:02}Z",
        "list": [n % 10, n % 100],
        "product": f"product {n // 7 % 500}",
    }


@pytest.fixture(scope="module")
def vectors():
    return clustered()


@pytest.fixture(scope="module")
def questions(vectors):
    """(QUERIES, DIM): around one and the same picture, so that a filter can leave out all that is near them."""
    random = np.random.default_rng(9)
    rows = vectors[0] + np.float32(0.06) * random.normal(size=(QUERIES, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def rows(vectors, questions):
    likeness = vectors @ questions.mean(axis=0)
    far, farther = np.quantile(likeness, [0.1, 0.5])
    return [
        Row(f"{n:06}", {"meaning": vectors[n]}, payload_of(n, likeness[n], far, farther)) for n in range(len(vectors))
    ]


def filled(store, rows):
    for start in range(0, len(rows), 5000):
        store.upsert(rows[start : start + 5000])
    return store


@pytest.fixture(scope="module")
def memory(rows):
    return filled(MemoryStore({"meaning": DIM}), rows)


@pytest.fixture(scope="module", params=["new", "optimized"])
def edge(request, rows):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        store = filled(EdgeStore.open(Path(parent) / "rows", {"meaning": DIM}, Tuning(background=False)), rows)
        if request.param == "optimized":
            assert store.optimize() is True
        yield store
        store.close()


@pytest.fixture(scope="module")
def reference(memory, questions):
    """Return the reference's hits for a filter, asked once."""
    known = {}

    def hits(name, where):
        if name not in known:
            known[name] = [memory.nearest(Nearest("meaning", vector, 10, parse(where))) for vector in questions]
        return known[name]

    return hits


def recall(search, questions, answers, where):
    """Return the share of the reference's ten that are found, and how many answers were short."""
    right = short = 0
    for vector, want in zip(questions, answers, strict=True):
        got = search(Nearest("meaning", vector, 10, parse(where)))
        right += len({hit.id for hit in got} & {hit.id for hit in want})
        short += len(got) < len(want)
    return right / sum(map(len, answers)), short


@pytest.mark.slow
@pytest.mark.parametrize("name", [*INDEXED, *READ])
def test_a_filtered_search_is_complete_and_right(edge, memory, reference, questions, name):
    where = (INDEXED | READ)[name]
    asked = questions if name in INDEXED else questions[:6]
    answers = reference(name, where)[: len(asked)]
    assert all(len(hits) == 10 for hits in answers)
    share, short = recall(edge.nearest, asked, answers, where)
    # All questions have the same few neighbors: one that a graph, built by threads and never twice the same, leads to
    # from too few sides is missed by many of them.
    assert (share >= 0.9, short) == (True, 0), (name, share)
    assert edge.count(parse(where)) == memory.count(parse(where))


@pytest.mark.slow
@pytest.mark.parametrize("edge", ["optimized"], indirect=True)
def test_the_engine_alone_is_not(edge, reference, questions):
    """Without the cure, the graph walked under the filter, it fails: the tests above have something to find."""

    def uncured(query):
        return edge._search(query, plan(query.where, edge._conditions).condition, query.limit, exact=False)

    names = ["20 %", "half, all far from the questions", "two thirds"]
    found = [recall(uncured, questions, reference(name, INDEXED[name]), INDEXED[name]) for name in names]
    assert min(share for share, _ in found) < 0.9, found


@pytest.mark.slow
@pytest.mark.parametrize("where", [None, {"tenth": 3}, {"hundredth": 3}, {"name": {"$regex": "3$"}}])
def test_groups_are_those_of_the_reference(edge, memory, questions, where):
    """The engine can't group: a product with hundreds of near pictures must not use up the answer."""
    from lookalike.describers.ensemble import standard_ensemble
    from lookalike.kinds import settings_of
    from lookalike.settings import Settings

    kept = settings_of("photos", {"product_id": "product"})
    searchers = [
        Searcher(TargetReader("things", store, standard_ensemble(), Settings(), kept, lambda: None))
        for store in (edge, memory)
    ]
    right = total = 0
    for vector in questions[:2]:
        query = Query(vector={"meaning": vector}, where=where, group=True, k=30)
        got, want = ([match.id for match in searcher.search(query)] for searcher in searchers)
        assert len(got) == len(want) == 30
        right += len(set(got) & set(want))
        total += 30
    assert right / total >= 0.99


@pytest.mark.slow
def test_facets_samples_and_supplied_lists_are_those_of_the_reference(edge, memory, questions):
    for where in [None, {"hundredth": 3}, {"day": {"$lt": "2024-01-01T00:02"}}]:
        asked = {"paths": ["tenth", "flag", "far", "product"], "where": parse(where), "limit": 20}
        assert edge.facets(**asked) == memory.facets(**asked)
        drawn = [[row.id for row in store.sample(20, where=parse(where), seed=4)] for store in (edge, memory)]
        assert drawn[0] == drawn[1]
    supplied = parse({"_id": {"$in": [f"{n:06}" for n in range(0, COUNT, 17)]}})
    ranked = [
        [(hit.id, hit.similarity) for hit in store.nearest(Nearest("meaning", questions[0], 100, supplied))]
        for store in (edge, memory)
    ]
    assert [row_id for row_id, _ in ranked[0]] == [row_id for row_id, _ in ranked[1]]


@pytest.mark.parametrize("background", [True, False])
def test_no_request_waits_for_an_optimize(folder, monkeypatch, background):
    """Writes and searches go through while every optimize stands still; none was called by their thread."""
    called, go_on = [], threading.Event()

    def stand_still(self):
        called.append(threading.current_thread())
        go_on.wait(60)
        return False

    monkeypatch.setattr(EdgeStore, "optimize", stand_still)
    store = EdgeStore.open(folder, {"meaning": 4}, Tuning(scan_floats=0, background=background))
    vectors = np.random.default_rng(1).normal(size=(12_000, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [Row(str(n), {"meaning": vector}, {"n": n}) for n, vector in enumerate(vectors)]
    for start in range(0, 12_000, 1000):
        store.upsert(rows[start : start + 1000])
    if background:
        until(lambda: called)
    search = partial(Nearest, "meaning", vectors[7])
    assert store.nearest(search(1))[0].id == "7"
    assert store.nearest(search(1, parse({"n": {"$gt": 7}})))[0].id != "7"
    store.upsert(rows[:10])
    store.set_payload({"3": {"n": -3}})
    assert store.delete(["4"]) == 1
    assert (store.count(), store.facets(["n"], limit=1)["n"][0].count, len(store.sample(5))) == (11_999, 1, 5)
    assert threading.current_thread() not in called
    assert bool(called) is background
    go_on.set()
    store.close()


def until(condition, seconds=30):
    """Wait for something that another thread will do."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError(f"it did not happen within {seconds} s")
