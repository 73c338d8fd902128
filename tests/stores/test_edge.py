"""What is the embedded store's alone: files, processes, crashes, the graph."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from lookalike.errors import InvalidArgument, StoreFailed, StoreUnreadable, WorkspaceLocked
from lookalike.filters import canonical, is_number, parse, paths, reach
from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.encoding import FORMAT, number_key, order_code, path_token, text_of, value_token
from lookalike.stores.memory import MemoryStore

DIMS = {"meaning": 8}
BY_GRAPH = Tuning(scan_floats=0, background=False)  # these tests say themselves when to optimize


def clustered(count, dim, seed, centers=50):
    """(count, dim) float32 unit vectors in clusters, as those of pictures are."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(centers, dim))
    vectors = middles[rng.integers(0, centers, count)] + 0.5 * rng.normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def rows_of(vectors, **payload):
    return [Row(f"{n:06}", {"meaning": v}, {"n": n, **payload}) for n, v in enumerate(vectors)]


def everything(store):
    rows = store.scroll(limit=10_000, with_vectors=True).rows
    return [(row.id, row.payload, row.vectors["meaning"].tobytes()) for row in rows]


def child(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("optimized", [False, True])
def test_reopening_keeps_everything(folder, optimized):
    vectors = clustered(500, 8, seed=1)
    store = EdgeStore.open(folder, DIMS, BY_GRAPH)
    store.upsert(rows_of(vectors, ok=True))
    store.delete(["000007"])
    store.set_payload({"000008": {"n": -8}})
    if optimized:
        assert store.optimize() is True
    query = Nearest("meaning", vectors[8], 20, parse({"n": {"$lt": 400}}))
    kept, hits = everything(store), store.nearest(query)
    store.close()
    again = EdgeStore.open(folder, DIMS, BY_GRAPH)
    assert (everything(again), again.nearest(query)) == (kept, hits)
    assert len(kept) == 499
    assert hits[0].payload == {"n": -8}
    again.close()


def test_an_empty_folder_will_do(folder):
    folder.mkdir()
    EdgeStore.open(str(folder), DIMS).close()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["rows"]


def test_a_folder_of_other_things_is_left_alone(folder):
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"x")
    with pytest.raises(StoreUnreadable, match=r"has no store.json"):
        EdgeStore.open(folder, DIMS)
    assert [path.name for path in folder.iterdir()] == ["photo.jpg"]


def test_a_file_is_no_store(folder):
    folder.write_bytes(b"x")
    with pytest.raises(StoreUnreadable):
        EdgeStore.open(folder, DIMS)


TOLD = {  # as the engine tells it
    "IO Error: failed to open file `segment.json`: Permission denied (os error 13)": "Mend that",
    "Failed to open mmap payload storage: No space left on device (os error 28)": "Mend that",
    'WAL: Custom { kind: PermissionDenied, error: Os { code: 13, message: "Permission denied" } }': "Mend that",
    "IO Error: failed to open file `segment.json`: No such file or directory (os error 2)": "Restore it",
    "IO Error: Corrupted ID tracker mapping storage, got malformed mapping change byte 0x78": "Restore it",
}


@pytest.mark.parametrize("told", TOLD)
def test_only_damaged_files_are_a_reason_to_give_a_store_up(folder, monkeypatch, told):
    def fail(*_):
        raise RuntimeError(f"Service runtime error: {told}")

    EdgeStore.open(folder, DIMS).close()
    monkeypatch.setattr("lookalike.stores.engine.qe.EdgeShard", SimpleNamespace(load=fail))
    with pytest.raises(StoreUnreadable) as caught:
        EdgeStore.open(folder, DIMS)
    assert caught.value.advice.startswith(TOLD[told])
    assert told in caught.value.reason


def test_a_store_that_may_not_be_read_is_not_given_up(folder, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    EdgeStore.open(folder, DIMS).close()
    monkeypatch.setattr("lookalike.stores.folder.Path.read_text", fail)
    with pytest.raises(StoreUnreadable, match=r"Permission denied\. Mend that and open it again"):
        EdgeStore.open(folder, DIMS)


@pytest.fixture(scope="module")
def two_segments(tmp_path_factory):
    """The folder of a store with an optimized segment and one that takes what is written, both with rows."""
    folder = tmp_path_factory.mktemp("stores") / "rows"
    store = EdgeStore.open(folder, DIMS, BY_GRAPH)
    vectors = clustered(600, 8, seed=1)
    store.upsert(rows_of(vectors[:500]))
    assert store.optimize() is True
    store.upsert(rows_of(vectors)[500:])
    store.close()
    return folder


LOST = [
    "*",
    "*/version.info",
    "*/segment.json",
    "*/*id_tracker.mappings",
    "*/*id_tracker.versions",
    "*/vector_storage-meaning",
    "*/vector_storage-*/matrix.dat",
    "*/vector_storage-*/deleted.dat",
    "*/vector_storage-*/vectors/status.dat",
    "*/vector_storage-meaning/vectors/chunk_0.mmap",
    "*/vector_storage-*/deleted/status.dat",
    "*/vector_storage-*/deleted/flags_*.dat",
]


@pytest.mark.parametrize("pattern", LOST)
def test_a_lost_file_is_told_and_the_store_is_left_as_it_is(folder, two_segments, pattern):
    def lose(path):
        away = folder.parent / "away"
        path.rename(away)
        with pytest.raises(StoreUnreadable, match="Restore it from a backup, or delete the collection") as caught:
            EdgeStore.open(folder, DIMS, BY_GRAPH)
        assert path.name in str(caught.value) or path.match("flags_*.dat")
        away.rename(path)

    shutil.copytree(two_segments, folder)
    (segments,) = folder.glob("shard*/segments")
    lost = sorted(segments.glob(pattern))
    assert lost
    for path in lost:
        lose(path)
    store = EdgeStore.open(folder, DIMS, BY_GRAPH)
    assert store.count() == 600
    store.close()


def test_rows_lost_of_a_store_that_noted_no_segments_are_told_too(folder, two_segments):
    shutil.copytree(two_segments, folder)
    manifest = json.loads((folder / "store.json").read_text("utf-8"))
    assert len(manifest.pop("segments")) == 2
    (folder / "store.json").write_text(json.dumps(manifest), "utf-8")
    for tracker in folder.glob("shard*/segments/*/*id_tracker.mappings"):
        tracker.rename(folder / "away")
        with pytest.raises(StoreUnreadable, match=r"id_tracker\.mappings is missing"):
            EdgeStore.open(folder, DIMS, BY_GRAPH)
        (folder / "away").rename(tracker)
    EdgeStore.open(folder, DIMS, BY_GRAPH).close()
    assert len(json.loads((folder / "store.json").read_text("utf-8"))["segments"]) == 2


def test_a_first_flush_that_was_killed_half_way_is_no_loss(folder):
    code = """
import os, sys
from pathlib import Path
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.base import Row
import numpy as np
store = EdgeStore.open(sys.argv[1], {"meaning": 8}, Tuning(background=False))
store.upsert([Row("a", {"meaning": np.eye(8, dtype=np.float32)[0]}, {})])
os._exit(1)
"""
    with child(code, folder) as process:
        assert process.wait() == 1
    (segment,) = folder.glob("shard/segments/*")
    (segment / "mutable_id_tracker.mappings").touch()  # the engine's first step of a flush
    store = EdgeStore.open(folder, DIMS, BY_GRAPH)
    assert store.count() == 1
    store.close()


@pytest.mark.parametrize("dims", [{"meaning": 9}, {"meaning": 8, "copy": 2}, {"copy": 8}, {}])
def test_other_dims_are_refused_with_both(folder, dims):
    EdgeStore.open(folder, DIMS).close()
    with pytest.raises(StoreUnreadable, match=r"it keeps vectors of .* floats, asked for were"):
        EdgeStore.open(folder, dims)
    EdgeStore.open(folder, DIMS).close()


@pytest.mark.parametrize("dims", [{"../x": 8}, {"": 8}, {"a.copies": 8}, {"meaning": 0}])
def test_impossible_dims_make_no_store(folder, dims):
    with pytest.raises(InvalidArgument):
        EdgeStore.open(folder, dims)
    assert list(folder.parent.iterdir()) == []


def damage_manifest(folder):
    (folder / "store.json").write_text("{")


def newer_format(folder):
    manifest = json.loads((folder / "store.json").read_text())
    (folder / "store.json").write_text(json.dumps(manifest | {"format": FORMAT + 1}))


def lose_segments(folder):
    shutil.rmtree(folder / "shard" / "segments")


def cut_vectors(folder):  # the engine panics on this
    for file in folder.rglob("vector_storage-meaning/**/status.dat"):
        file.write_bytes(b"")


def cut_configuration(folder):
    (folder / "shard" / "edge_config.json").write_text("{")


@pytest.mark.parametrize("harm", [damage_manifest, newer_format, lose_segments, cut_vectors, cut_configuration])
def test_a_damaged_store_is_refused_with_the_reason(folder, harm, capfd):
    store = EdgeStore.open(folder, DIMS)
    store.upsert(rows_of(clustered(10, 8, seed=1)))
    store.close()
    harm(folder)
    with pytest.raises(StoreUnreadable) as refused:
        EdgeStore.open(folder, DIMS)
    assert refused.value.reason
    assert refused.value.path == str(folder)


def as_written_by_0_1_0(monkeypatch, folder, rows):
    """Make a store in format 1: no tokens for dates, arrays and strings without case, no codes for dates."""

    def encode_1(row_id, payload, vector_tokens=()):
        fields = {**payload, "_id": row_id}
        tokens = {path_token(path) for path in paths(fields)} | set(vector_tokens)
        tokens |= {value_token(path, canonical(v)) for path in paths(fields) for v in reach(fields, path)}
        numbers = {number_key(p): [order_code(fields[p])] for p in paths(fields) if is_number(fields[p])}
        return {"j": text_of(row_id, payload), "t": sorted(tokens), "n": numbers}

    with monkeypatch.context() as patch:
        patch.setattr("lookalike.stores.edge.encode", encode_1)
        store = EdgeStore.open(folder, DIMS)
        store.upsert(rows)
        store.close()
    manifest = json.loads((folder / "store.json").read_text())
    (folder / "store.json").write_text(json.dumps({"format": 1, "dims": manifest["dims"]}))


def test_a_store_of_the_first_format_is_written_anew(folder, monkeypatch):
    vectors = clustered(2500, 8, seed=1)
    rows = [
        Row(f"{n:04}", {"meaning": v}, {"n": n, "day": f"2024-01-{n % 28 + 1:02}", "tags": ["Red", n % 3]})
        for n, v in enumerate(vectors)
    ]
    as_written_by_0_1_0(monkeypatch, folder, rows)
    with monkeypatch.context() as patch:
        patch.setattr("lookalike.stores.edge.mark_upgraded", lambda path: 1 / 0)
        with pytest.raises(StoreFailed):  # interrupted on the way
            EdgeStore.open(folder, DIMS)
    memory = MemoryStore(DIMS)
    memory.upsert(rows)
    for _ in range(2):
        store = EdgeStore.open(folder, DIMS)
        for where in [{"day": {"$gte": "2024-01-09"}}, {"tags": {"$size": 2}}, {"tags": "red"}, {"n": {"$lt": 9}}]:
            assert store.count(parse(where, fold_case=True)) == memory.count(parse(where, fold_case=True)) > 0
        assert everything(store) == everything(memory)
        assert store.nearest(Nearest("meaning", vectors[3], 5)) == memory.nearest(Nearest("meaning", vectors[3], 5))
        store.close()
    assert json.loads((folder / "store.json").read_text())["format"] == FORMAT


OPEN = """
import sys
from lookalike.errors import LookalikeError
from lookalike.stores.edge import EdgeStore
try:
    EdgeStore.open(sys.argv[1], {"meaning": 8})
except LookalikeError as problem:
    print(problem.code)
else:
    print("opened")
"""


def test_one_process_at_a_time(folder):
    store = EdgeStore.open(folder, DIMS)
    store.upsert(rows_of(clustered(10, 8, seed=1)))
    assert child(OPEN, folder).communicate()[0] == "workspace_locked\n"
    with pytest.raises(WorkspaceLocked):
        EdgeStore.open(folder, DIMS)
    assert store.count() == 10
    store.close()
    assert child(OPEN, folder).communicate()[0] == "opened\n"
    EdgeStore.open(folder, DIMS).close()


WRITE = """
import sys, threading
import numpy as np
from lookalike.stores.base import Row
from lookalike.stores.edge import EdgeStore, Tuning
store = EdgeStore.open(sys.argv[1], {"meaning": 8}, Tuning(scan_floats=0))
rng = np.random.default_rng(0)
if sys.argv[2] == "optimizing":
    threading.Thread(target=lambda: [store.optimize() for _ in iter(int, 1)], daemon=True).start()
step = 0
while True:
    vectors = rng.normal(size=(20, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    store.upsert([Row(f"{step}-{n}", {"meaning": vectors[n]}, {"step": step, "text": "x" * 300}) for n in range(20)])
    store.set_payload({f"{step}-0": {"changed": step}})
    store.delete([f"{step}-1"])
    print(step, flush=True)
    step += 1
"""


@pytest.mark.parametrize("how", ["writing", "optimizing"])
def test_what_was_acknowledged_survives_a_kill(folder, how):
    steps = 0
    with child(WRITE, folder, how) as writer:
        for line in writer.stdout:
            steps = int(line) + 1
            if steps == 20:
                writer.kill()
    store = EdgeStore.open(folder, DIMS, BY_GRAPH)
    for step in range(steps):
        assert store.count(parse({"step": step})) == 18
        assert store.count(parse({"changed": step})) == 1
        assert store.get([f"{step}-0", f"{step}-1"])[1] is None
    found = store.scroll(limit=100_000, with_vectors=True).rows
    assert 19 * steps <= len(found) == store.count() <= 19 * steps + 20  # at most the step it was at
    for row in found[:50]:
        assert store.nearest(Nearest("meaning", row.vectors["meaning"], 1))[0].similarity == 1.0
    store.close()


def test_a_full_disk_refuses_writes_and_keeps_the_rest(folder, monkeypatch):
    store = EdgeStore.open(folder, DIMS)
    vectors = clustered(10, 8, seed=1)
    store.upsert(rows_of(vectors))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40 - 2**26, 2**26))
    for write in (lambda: store.upsert(rows_of(vectors)), lambda: store.set_payload({"000001": {}}), store.optimize):
        with pytest.raises(StoreFailed, match=r"64 MB left, 1\d\d MB are needed"):
            write()
    assert store.count(parse({"n": 1})) == 1
    assert store.delete(["000001"]) == 1
    store.close()
    EdgeStore.open(folder, DIMS).close()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40, 0))
    with pytest.raises(StoreFailed, match="0 MB left"):
        EdgeStore.open(folder, DIMS)


@pytest.mark.parametrize("optimized", [False, True])
def test_a_crowd_of_copies_is_found_to_the_last(folder, optimized):
    others = clustered(3000, 8, seed=2)
    store, memory = EdgeStore.open(folder, DIMS, BY_GRAPH), MemoryStore(DIMS)
    copies = [Row(f"copy {n:04}", {"meaning": others[0]}, {"n": n}) for n in range(300)]
    for each in (store, memory):
        each.upsert(rows_of(others))
        for start in range(0, 300, 7):
            each.upsert(copies[start : start + 7])
        each.delete(["000000", *(f"copy {n:04}" for n in range(20))])
    if optimized:
        store.optimize()
    aside = others[0] + np.float32(0.02) * others[1]
    aside /= np.linalg.norm(aside)
    for vector in (others[0], aside, others[5]):
        for limit in (1, 10, 280, 300):
            got, want = (each.nearest(Nearest("meaning", vector, limit)) for each in (store, memory))
            assert [hit.id for hit in got] == [hit.id for hit in want]
    assert store.get(["copy 0299"], with_vectors=True)[0].vectors["meaning"].tobytes() == others[0].tobytes()
    store.set_payload({"copy 0299": {"n": -1}})
    store.close()
    again = EdgeStore.open(folder, DIMS, BY_GRAPH)
    assert len(again.nearest(Nearest("meaning", others[0], 300, min_similarity=1.0))) == 280
    assert again.nearest(Nearest("meaning", others[0], 3, parse({"n": -1})))[0].id == "copy 0299"
    again.close()


def test_searches_and_writes_during_optimize_are_right(folder):
    vectors = clustered(6000, 32, seed=3)
    store = EdgeStore.open(folder, {"meaning": 32}, BY_GRAPH)
    store.upsert(rows_of(vectors))
    workers = [
        threading.Thread(target=store.optimize),
        threading.Thread(target=store.upsert, args=[rows_of(vectors[:2], changed=True)]),
        threading.Thread(target=store.set_payload, args=[{"000002": {"changed": True}}]),
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        assert store.nearest(Nearest("meaning", vectors[9], 1))[0].id == "000009"
        assert store.count(parse({"n": {"$gte": 10, "$lt": 20}})) == 10
        assert store.get(["000002"])[0].id == "000002"
    assert store.count() == 6000
    assert store.count(parse({"changed": True})) == 3
    store.optimize()
    assert store.nearest(Nearest("meaning", vectors[2], 1))[0].payload == {"changed": True}
    store.close()


def test_closing_under_a_search_ends_it_with_an_error(folder):
    vectors = clustered(3000, 32, seed=3)
    store = EdgeStore.open(folder, {"meaning": 32})
    store.upsert(rows_of(vectors))
    begun, outcome = threading.Event(), []

    def search():
        try:
            while True:
                assert store.nearest(Nearest("meaning", vectors[9], 1))[0].id == "000009"
                begun.set()
        except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
            outcome.append(type(problem))

    searchers = [threading.Thread(target=search) for _ in range(3)]
    for searcher in searchers:
        searcher.start()
    begun.wait()
    store.close()
    for searcher in searchers:
        searcher.join()
    assert outcome == [StoreFailed] * 3


FILTERS = {
    "none": None,
    "10 %": {"tenth": 3},
    "10 %, by number": {"n": {"$lt": 2000}},
    "1 %": {"hundredth": 3},
    "0.1 %": {"thousandth": 3},
    "half, all far from the query": {"far": True},
    "10 %, as strings": {"day": {"$gte": "day 9"}},
}


def payload_of(n, far):
    return {
        "n": n,
        "tenth": n % 10,
        "hundredth": n % 100,
        "thousandth": n % 1000,
        "far": bool(far),
        "day": f"day {n % 10}",
    }


def fill(stores, vectors, origin):
    far = vectors @ origin < np.median(vectors @ origin)
    rows = [Row(f"{n:06}", {"meaning": v}, payload_of(n, far[n])) for n, v in enumerate(vectors)]
    for store in stores:
        for start in range(0, len(rows), 5000):
            store.upsert(rows[start : start + 5000])


def recall(store, queries, answers):
    """Return the share of the reference's ten nearest that were found; asserts that ten came back."""
    right = 0
    for query, want in zip(queries, answers, strict=True):
        got = store.nearest(query)
        assert len(got) == len(want) == 10
        right += len({hit.id for hit in got} & {hit.id for hit in want})
    return right / (10 * len(queries))


def near(vectors, count):
    queries = vectors[:count] + 0.05 * np.random.default_rng(9).normal(size=(count, vectors.shape[1]))
    return (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("tuning", [BY_GRAPH, Tuning(background=False)], ids=["by graph", "as it comes"])
def test_recall_of_20_000(folder, tuning):
    check_recall(folder, clustered(20_000, 32, seed=4), tuning, queries=25)


@pytest.mark.slow
@pytest.mark.parametrize("tuning", [BY_GRAPH, Tuning(background=False)], ids=["by graph", "as it comes"])
def test_recall_of_100_000(folder, tuning):
    check_recall(folder, clustered(100_000, 256, seed=5, centers=1000), tuning, queries=20)


def check_recall(folder, vectors, tuning, queries):
    dims = {"meaning": vectors.shape[1]}
    store, memory = EdgeStore.open(folder, dims, tuning), MemoryStore(dims)
    fill([store, memory], vectors, origin=vectors[0])
    asked = {
        name: [Nearest("meaning", vector, 10, parse(where)) for vector in near(vectors, queries)]
        for name, where in FILTERS.items()
    }
    answers = {name: [memory.nearest(query) for query in asked[name]] for name in FILTERS}
    for optimized in (False, True):
        if optimized:
            assert store.optimize() is (vectors.size > tuning.scan_floats)
        for name in FILTERS:
            share = recall(store, asked[name], answers[name])
            assert share >= 0.99, (name, share, optimized)
    store.close()
