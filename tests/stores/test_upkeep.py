"""The index is renewed off the path of requests: by itself, beside searches and writes, and never half."""

import hashlib
import sys
import threading
import time

import numpy as np
import pytest

from lookalike.errors import StoreFailed
from lookalike.filters import parse
from lookalike.stores import building, shards, upkeep
from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore, Tuning

DIMS = {"meaning": 16}
BY_HAND = Tuning(scan_floats=0, background=False)


def rows_of(numbers, seed=1, **payload):
    vectors = np.random.default_rng(seed).normal(size=(max(numbers) + 1, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Row(f"{n:05}", {"meaning": vectors[n]}, {"n": n, **payload}) for n in numbers]


def everything(store):
    rows = store.scroll(limit=100_000, with_vectors=True).rows
    return {row.id: (row.payload, row.vectors["meaning"].tobytes()) for row in rows}


def until(condition):
    """Wait for what another thread does; it may take long on a busy machine, not forever."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def eager(monkeypatch):
    """A thousand rows are worth it, and a moment's pause is enough."""
    monkeypatch.setattr(EdgeStore, "_worth_it", lambda store: 1000)
    monkeypatch.setattr(upkeep, "_PAUSE", 0.05)
    monkeypatch.setattr(upkeep, "_LOOK_EVERY", 0.01)


def indexed(store):
    return store._shard.info().indexed_vectors_count


def keepers():
    return [thread for thread in threading.enumerate() if thread.name == "lookalike-upkeep"]


def test_a_store_optimizes_itself_when_it_is_worth_it_and_then_rests(folder, eager):
    store = EdgeStore.open(folder, DIMS, Tuning(scan_floats=0))
    store.upsert(rows_of(range(999)))
    assert keepers() == []
    store.upsert(rows_of([999]))
    until(lambda: indexed(store) == 1000 and keepers() == [])
    store.upsert(rows_of(range(10)))
    assert keepers() == []
    store.close()
    again = EdgeStore.open(folder, DIMS, Tuning(scan_floats=0))
    assert indexed(again) >= 990
    assert keepers() == []
    again.close()


def test_rows_left_unindexed_are_indexed_after_opening(folder, eager):
    store = EdgeStore.open(folder, DIMS, BY_HAND)
    store.upsert(rows_of(range(1500)))
    store.close()
    again = EdgeStore.open(folder, DIMS, Tuning(scan_floats=0))
    until(lambda: indexed(again) == 1500)
    again.close()


def test_switched_off_it_never_begins(folder, eager):
    store = EdgeStore.open(folder, DIMS, BY_HAND)
    store.upsert(rows_of(range(1500)))
    assert keepers() == []
    assert indexed(store) == 0
    assert store.optimize() is True
    assert indexed(store) == 1500
    store.close()


def test_closing_ends_what_is_under_way(folder, eager):
    store = EdgeStore.open(folder, DIMS, Tuning(scan_floats=0, ef_construct=2000))
    store.upsert(rows_of(range(20_000)))
    until(lambda: len(list(folder.glob("shard*"))) == 2)
    store.close()
    assert keepers() == []
    assert [path.name for path in folder.glob("shard*")] == ["shard"]
    again = EdgeStore.open(folder, DIMS, BY_HAND)
    assert again.count() == 20_000
    assert indexed(again) == 0
    again.close()


def test_what_changes_meanwhile_is_brought_over(folder, monkeypatch):
    store = EdgeStore.open(folder, DIMS, BY_HAND)
    store.upsert(rows_of(range(3000)))
    expected = {}

    def change_and_optimize(*arguments):
        changed = building.optimize_elsewhere(*arguments)
        store.upsert(rows_of(range(500, 3500), seed=2, changed=True))
        store.delete([f"{n:05}" for n in range(100)])
        store.set_payload({"00200": {"other": 1}})
        assert store.count(parse({"n": {"$gte": 3000}})) == 500  # builds an index that the copy lacks
        expected.update(everything(store))
        return changed

    monkeypatch.setattr(shards, "optimize_elsewhere", change_and_optimize)
    assert store.optimize() is True
    assert everything(store) == expected
    assert len(expected) == 3400
    assert store.count(parse({"n": {"$gte": 3000}})) == 500
    query = Nearest("meaning", rows_of([3400], seed=2)[0].vectors["meaning"], 1)
    assert store.nearest(query)[0].id == "03400"
    store.close()
    again = EdgeStore.open(folder, DIMS, BY_HAND)
    assert everything(again) == expected
    again.close()


def test_searches_go_on_while_the_index_is_built(folder):
    store = EdgeStore.open(folder, DIMS, BY_HAND)
    rows = rows_of(range(10_000))
    store.upsert(rows)
    worker = threading.Thread(target=store.optimize)
    worker.start()
    searches = 0
    while worker.is_alive():
        assert store.nearest(Nearest("meaning", rows[9].vectors["meaning"], 1))[0].id == "00009"
        searches += 1
    assert searches > 10
    assert indexed(store) == 10_000
    store.close()


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_a_builder_that_fails_is_an_error_and_changes_nothing(folder, monkeypatch, program):
    store = EdgeStore.open(folder, DIMS, BY_HAND)
    store.upsert(rows_of(range(50)))
    before = everything(store)
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(StoreFailed, match="could not optimize"):
        store.optimize()
    monkeypatch.undo()
    assert [path.name for path in folder.glob("shard*")] == ["shard"]
    assert everything(store) == before
    assert store.optimize() is True
    store.close()


def test_a_failure_in_the_background_is_told_and_harms_nothing(folder, eager, monkeypatch, caplog):
    store = EdgeStore.open(folder, DIMS, Tuning(scan_floats=0))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    store.upsert(rows_of(range(1500)))
    until(lambda: caplog.records and keepers() == [])
    assert "could not be optimized" in caplog.text
    monkeypatch.undo()
    assert keepers() == []
    assert store.optimize() is True
    store.close()


def test_files_that_copies_share_never_change(folder, tmp_path):
    """The engine's own promise, which its next version might not keep."""
    store = EdgeStore.open(folder, DIMS, BY_HAND)
    store.upsert(rows_of(range(4000)))
    store.optimize()
    shared = [path for path in folder.rglob("*") if path.name in building._NEVER_CHANGED]
    assert {path.name for path in shared} == building._NEVER_CHANGED
    building.copy_shard(shards.current_shard(folder), tmp_path / "copy")
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in shared}
    store.delete([f"{n:05}" for n in range(300)])
    store.upsert(rows_of(range(300, 900), seed=3))
    store.set_payload({f"{n:05}": {"n": -n} for n in range(900, 1200)})
    store.count(parse({"n": {"$lt": 0}}))
    store.flush()
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in shared} == before
    store.close()
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in shared} == before


def test_copies_keep_holes_and_every_byte(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(3 << 20)
        file.write(b"middle")
        file.truncate(8 << 20)
    (source / "empty").touch()
    (source / "full").write_bytes(bytes(range(256)) * 10_000)
    building.copy_shard(source, tmp_path / "copy")
    for path in source.iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()
    assert (tmp_path / "copy" / "sparse").stat().st_blocks * 512 < 1 << 20


def test_vectors_that_are_not_there_take_no_place(folder):
    dims = {"meaning": 256}
    vectors = np.random.default_rng(5).normal(size=(4000, 256)).astype(np.float32)
    vectors[3000:3100] = vectors[0]  # copies enough that most go beside the graph
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = EdgeStore.open(folder, dims, BY_HAND)
    for start in range(0, 4000, 50):
        store.upsert([Row(f"{n:05}", {"meaning": vectors[n]}, {"n": n}) for n in range(start, start + 50)])
    queries = [Nearest("meaning", vectors[n], 150, exact=True) for n in (0, 7)]
    before = everything(store), [store.nearest(query) for query in queries]
    assert store.optimize() is True
    (beside,) = folder.rglob("*.copies/matrix.dat")
    assert beside.stat().st_size > 4_000_000
    assert beside.stat().st_blocks * 512 < beside.stat().st_size / 2
    assert (everything(store), [store.nearest(query) for query in queries]) == before
    assert [hit.similarity for hit in store.nearest(queries[0])[:101]] == [1.0] * 101
    store.close()
    again = EdgeStore.open(folder, dims, BY_HAND)
    again.upsert([Row("new", {"meaning": vectors[0]}, {})])
    again.optimize()
    assert len(again.nearest(Nearest("meaning", vectors[0], 200, min_similarity=1.0))) == 102
    assert {name: row for name, row in everything(again).items() if name != "new"} == before[0]
    again.close()
