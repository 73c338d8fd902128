"""Killed while a model changes, while a backup is written, while one is restored: nothing acknowledged is lost."""

import random
import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from killing import Expected, killed
from onnx import TensorProto, helper, numpy_helper

import lookalike
from lookalike.snapshots import backup, restore

pytestmark = pytest.mark.slow

ROUNDS = 8

CHANGING = """
import json, random, sys, threading
from pathlib import Path
import lookalike
from lookalike import redescribe

folder, pictures, seed, *models = sys.argv[1:]
redescribe._CHUNK = 8
rng = random.Random(int(seed))
space = lookalike.open(folder)
collection = space.get("c")
print("ready", flush=True)

def change():
    while True:
        info = collection.info
        if info.beside and info.beside["role"] == "previous":
            collection.rollback(anyway=True) if rng.random() < 0.3 else collection.finish()
            continue
        target = info.beside["model"] if info.beside else next(m for m in models if m != info.model)
        collection.redescribe(target, anyway=True).wait()

threading.Thread(target=change, daemon=True).start()
files = sorted(Path(pictures).iterdir())
while True:
    ids = [f"r{rng.randrange(80)}" for _ in range(5)]
    ids = list(dict.fromkeys(ids))
    state = rng.randrange(10**9)
    if rng.random() < 0.25:
        changes = dict.fromkeys(ids)
        print(json.dumps({"begin": changes}), flush=True)
        collection.delete(ids)
    else:
        changes = dict.fromkeys(ids, state)
        print(json.dumps({"begin": changes}), flush=True)
        added = collection.add([{"_id": i, "_file": str(files[state % len(files)]), "state": state} for i in ids])
        assert not added.failed, added.failed
    print(json.dumps({"done": changes}), flush=True)
"""

SAVING = """
import json, random, sys, threading
from pathlib import Path
import lookalike
from lookalike import snapshots

folder, target, seed = sys.argv[1:]
snapshots._ROWS = 16
rng = random.Random(int(seed))
space = lookalike.open(folder)
collection = space.get("own")
print("ready", flush=True)

def save():
    while True:
        snapshots.backup(space, Path(target), force=True)

threading.Thread(target=save, daemon=True).start()
while True:
    ids = list(dict.fromkeys(f"r{rng.randrange(200)}" for _ in range(5)))
    state = rng.randrange(10**9)
    changes = dict.fromkeys(ids, state)
    print(json.dumps({"begin": changes}), flush=True)
    collection.add([{"_id": i, "_vector": [1.0, state % 7, 2.0], "state": state} for i in ids])
    print(json.dumps({"done": changes}), flush=True)
"""

RESTORING = """
import sys
from pathlib import Path
import lookalike
from lookalike import snapshots

folder, source = sys.argv[1:]
space = lookalike.open(folder)
print("ready", flush=True)
while True:
    snapshots.restore(space, Path(source), force=True)
"""


@pytest.fixture
def room():
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as parent:
        yield Path(parent)


@pytest.fixture
def models(room):
    """Names of two small models in files, of different widths."""
    return [save_model(room / f"m{width}.onnx", width) for width in (5, 7)]


def save_model(path, width):
    matrix = np.random.default_rng(width).normal(size=(12, width)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "matrix"], ["meaning"]),
        ],
        "colors",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("meaning", TensorProto.FLOAT, ["n", width])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return f"onnx:{path}"


def states(collection):
    return {record.id: record.fields["state"] for record in collection.records()}


def test_killed_while_the_model_changes(room, models):
    drawn = np.random.default_rng(1)
    (room / "pictures").mkdir()
    for n in range(20):
        cv2.imwrite(str(room / "pictures" / f"{n}.png"), drawn.integers(0, 255, (40, 40, 3), np.uint8))
    with lookalike.open(room / "space") as space:
        space.create("c", kind="custom", describers=["meaning"], model=models[0])
    rng, expected, met = random.Random(2), Expected(), set()
    for turn in range(ROUNDS):
        lines = killed(CHANGING, room / "space", room / "pictures", turn, *models, after=rng.uniform(0.5, 6))
        expected.follow(lines)
        with lookalike.open(room / "space") as space:
            collection = space.get("c")
            expected.check(states(collection))
            info = collection.info
            met.add((info.model, info.beside["role"] if info.beside else None))
            rows = space.store_of("c").get(list(expected.rows), with_vectors=True)
            assert {len(row.vectors["meaning"]) for row in rows} <= {info.dims["meaning"]}
    assert len(met) > 1, f"killed only in {met}"
    with lookalike.open(room / "space") as space:
        collection = space.get("c")
        if collection.info.beside is None:
            collection.redescribe(next(model for model in models if model != collection.info.model)).wait()
        if collection.info.beside["role"] == "next":
            assert collection.redescribe(collection.info.beside["model"]).wait().cut_over
        assert collection.rollback().failed == ()
        expected.check(states(collection))
        assert len(space.shelf.contents()) == 1


def test_killed_while_a_backup_is_written(room):
    with lookalike.open(room / "space") as space:
        own = space.create("own", kind="custom", entities={"shape": 3})
        own.add([{"_id": f"old{n}", "_vector": [1, n, 3], "state": n} for n in range(300)])
    rng, expected, there = random.Random(3), Expected({f"old{n}": n for n in range(300)}), 0
    for turn in range(ROUNDS):
        target = room / ("saved.zip" if turn % 2 else "saved")
        expected.follow(killed(SAVING, room / "space", target, turn, after=rng.uniform(0.2, 3)))
        with lookalike.open(room / "space") as space:
            expected.check(states(space.get("own")))
        if target.exists():
            there += 1
            with lookalike.open(room / f"again{turn}") as again:
                restore(again, target)
                assert len(again.get("own")) >= 300
    assert there
    with lookalike.open(room / "space") as space:
        for name in ("saved", "saved.zip"):
            backup(space, room / name, force=True)
    assert not [entry for entry in room.iterdir() if entry.name.startswith(".saved")]


def test_killed_while_a_backup_is_restored(room):
    with lookalike.open(room / "space") as space:
        for name in ("a", "b"):
            own = space.create(name, kind="custom", entities={"shape": 3})
            own.add([{"_id": f"r{n}", "_vector": [1, n, 3], "state": n} for n in range(3000)])
        backup(space, room / "saved.zip")
    rng = random.Random(4)
    for _ in range(ROUNDS):
        killed(RESTORING, room / "space", room / "saved.zip", after=rng.uniform(0.2, 4))
        with lookalike.open(room / "space") as space:
            for name in ("a", "b"):
                assert states(space.get(name)) == {f"r{n}": n for n in range(3000)}
    with lookalike.open(room / "space") as space:
        restore(space, room / "saved.zip", force=True)
        assert len(space.shelf.contents()) == 2
