"""What was acknowledged stays, whatever ends the process or fills the disk; the store opens and goes on."""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from killing import Expected, killed, left_behind

from lookalike.errors import StoreFailed
from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore, Tuning

DIMS = {"meaning": 16}
TUNING = Tuning(scan_floats=0, background=False)

# A row's state is a number; vector and payload follow from id and number, so that a mixture would be seen.
ROWS = """
import hashlib
import numpy as np
from lookalike.stores.base import Row

def vector_of(row_id, state):
    seed = int.from_bytes(hashlib.sha256(f"{row_id} {state}".encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=16).astype(np.float32)
    return vector / np.linalg.norm(vector)

def row_of(row_id, state):
    return Row(row_id, {"meaning": vector_of(row_id, state)}, {"state": state, "text": "x" * (state % 300)})
"""
_names = {}
exec(ROWS, _names)  # the writers need the same two functions in their own process
vector_of, row_of = _names["vector_of"], _names["row_of"]

WRITER = (
    ROWS
    + """
import json, random, sys, threading
from lookalike.stores import shards, upkeep
from lookalike.stores.edge import EdgeStore, Tuning

folder, mode, seed, fatal = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
rng = random.Random(seed)
upkeep._PAUSE, upkeep._LOOK_EVERY = 0.0, 0.01
EdgeStore._worth_it = lambda store: 30
store = EdgeStore.open(folder, {"meaning": 16}, Tuning(scan_floats=0, background=mode == "background"))

def die_at(name, when):
    real = getattr(shards, name)
    def fatal_call(*arguments, **options):
        if when == "before":
            shards.os.kill(shards.os.getpid(), 9)
        result = real(*arguments, **options)
        shards.os.kill(shards.os.getpid(), 9)
        return result
    setattr(shards, name, fatal_call)

if fatal:
    shards.os = __import__("os")
    die_at(*fatal)

def tell(kind, changes):
    print(json.dumps({kind: changes}), flush=True)

def step():
    state = rng.randrange(1, 10**9)
    known = [f"row {rng.randrange(400)}" for _ in range(20)]
    if mode == "delete" and rng.random() < 0.5:
        changes = dict.fromkeys(known[:10])
        tell("begin", changes)
        store.delete(known[:10])
    else:
        changes = dict.fromkeys(known, state)
        tell("begin", changes)
        store.upsert([row_of(row_id, state) for row_id in changes])
    tell("done", changes)

print("ready", flush=True)
if mode == "optimize":
    def optimize():
        while True:
            store.optimize()
    threading.Thread(target=optimize, daemon=True).start()
while True:
    step()
"""
)

MODES = ["insert", "delete", "optimize", "background"]


def state_of(store):
    """Return id -> state of all rows; asserts that each is whole."""
    rows = store.scroll(limit=100_000, with_vectors=True).rows
    for row in rows:
        whole = row_of(row.id, row.payload["state"])
        assert row.payload == whole.payload
        assert row.vectors["meaning"].tobytes() == whole.vectors["meaning"].tobytes()
    assert len({row.id for row in rows}) == len(rows) == store.count()
    return {row.id: row.payload["state"] for row in rows}


def check_and_go_on(folder, expected):
    """Open what a killed writer left, compare, write, search, and close."""
    store = EdgeStore.open(folder, DIMS, TUNING)
    expected.check(state_of(store))
    assert len(list(folder.glob("shard*"))) == 1  # what an interrupted renewal left is gone
    fresh = row_of("next", len(expected.rows))
    store.upsert([fresh])
    expected.rows["next"] = fresh.payload["state"]
    hit = store.nearest(Nearest("meaning", fresh.vectors["meaning"], 1))[0]
    assert (hit.id, hit.similarity) == ("next", 1.0)
    store.close()


@pytest.mark.slow
def test_fifty_kills_lose_nothing(folder):
    """The kills go on in one folder, so that each writer meets what the ones before left."""
    expected, rng, begun = Expected(), random.Random(20261121), Counter()
    for kill in range(50):
        mode = MODES[kill % len(MODES)]
        lines = killed(WRITER, folder, mode, kill, after=rng.uniform(0.0, 2.0))
        begun[mode] += len(lines)
        expected.follow(lines)
        check_and_go_on(folder, expected)
    assert min(begun[mode] for mode in MODES) > 20, begun  # every kind of writer was caught at work


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["copy_shard", "optimize_elsewhere", "load_shard", "use_shard", "clean_folder"])
def test_a_kill_at_each_step_of_a_renewal_loses_nothing(folder, step, when):
    store = EdgeStore.open(folder, DIMS, TUNING)
    store.upsert([row_of(f"row {n}", 7) for n in range(300)])
    store.close()
    expected = Expected({f"row {n}": 7 for n in range(300)})
    expected.follow(killed(WRITER, folder, "optimize", 1, step, when, after=60))
    check_and_go_on(folder, expected)


BUILDING = """
import os, sys, threading, time
import numpy as np
from lookalike.stores import building
from lookalike.stores.base import Row
from lookalike.stores.edge import EdgeStore, Tuning
store = EdgeStore.open(sys.argv[1], {"meaning": 16}, Tuning(scan_floats=0, ef_construct=2000, background=False))
vectors = np.random.default_rng(1).normal(size=(20_000, 16)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
store.upsert([Row(str(n), {"meaning": vector}, {}) for n, vector in enumerate(vectors)])
threading.Thread(target=store.optimize, daemon=True).start()
while not list(os.scandir(f"/proc/{os.getpid()}/task")) or not any(
    open(f"/proc/{os.getpid()}/task/{task.name}/children").read() for task in os.scandir(f"/proc/{os.getpid()}/task")
):
    time.sleep(0.01)
print("building", os.getpgid(0), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the builder ends when it is done")
def test_the_builder_ends_with_the_process_it_works_for(folder):
    owner = subprocess.Popen(
        [sys.executable, "-c", BUILDING, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with owner:
        word, group = owner.stdout.readline().split()
        assert word == "building"
        owner.kill()
    assert not left_behind(int(group))


@contextmanager
def small_disk(megabytes):
    """A folder on a disk of its own; skips where this user may not mount one."""
    place = Path("/dev/shm") / f"lookalike-small-disk-{os.getpid()}"
    place.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "lookalike-test", str(place)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("a disk of its own can't be mounted here")
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
    finally:
        place.rmdir()


def fill(store, kept):
    """Write rows of 20 KB until the store refuses; kept: id -> state of those acknowledged."""
    while True:
        batch = {f"row {len(kept) + n}": len(kept) for n in range(500)}
        rows = [Row(i, {"meaning": vector_of(i, s)}, {"state": s, "fill": "x" * 20_000}) for i, s in batch.items()]
        store.upsert(rows)
        kept.update(batch)


@pytest.mark.slow
def test_a_disk_that_fills_refuses_keeps_and_goes_on():
    with small_disk(700) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(b"\0" * (200 << 20))
        store, kept = EdgeStore.open(disk / "rows", DIMS, TUNING), {}
        with pytest.raises(StoreFailed, match=r"the disk has [\d,]+ MB left, [\d,]+ MB are needed"):
            fill(store, kept)
        assert len(kept) >= 500
        with pytest.raises(StoreFailed, match="MB are needed"):
            store.optimize()
        store.close()
        store = EdgeStore.open(disk / "rows", DIMS, TUNING)
        assert {row.id: row.payload["state"] for row in store.scroll(limit=100_000).rows} == kept
        ballast.unlink()
        store.upsert([row_of("after", 1)])
        assert store.nearest(Nearest("meaning", vector_of("after", 1), 1))[0].id == "after"
        store.close()


UNCHECKED = WRITER.replace(
    "\nstore = ", "\nfrom lookalike.stores import edge\nedge.check_space = lambda *given: None\nstore = "
)


@pytest.mark.slow
def test_a_disk_filled_by_others_under_a_writer_loses_nothing():
    """Between the look at the disk and the write it may fill: the engine then fails or dies, what it kept stays."""
    with small_disk(600) as disk, ThreadPoolExecutor() as threads:
        store = EdgeStore.open(disk / "rows", DIMS, TUNING)
        store.upsert([row_of(f"row {n}", 7) for n in range(400)])
        store.close()
        writer = threads.submit(killed, UNCHECKED, disk / "rows", "insert", 3, after=10, may_end=True)
        with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while not writer.done():
                ballast.write(b"\0" * (1 << 20))
        assert shutil.disk_usage(disk).free == 0
        expected = Expected({f"row {n}": 7 for n in range(400)})
        expected.follow(writer.result())
        (disk / "ballast").unlink()
        check_and_go_on(disk / "rows", expected)


SECOND = """
import sys, lookalike
try:
    lookalike.open(sys.argv[1])
except lookalike.LookalikeError as problem:
    print(problem.code, problem)
"""


def test_a_second_process_is_told_who_holds_the_workspace(tmp_path):
    import lookalike

    with lookalike.open(tmp_path / "workspace"):
        told = subprocess.run(
            [sys.executable, "-c", SECOND, str(tmp_path / "workspace")], capture_output=True, text=True, check=True
        ).stdout
    assert told.startswith("workspace_locked ")
    assert f"process {os.getpid()}" in told
    assert str(tmp_path / "workspace") in told
