"""Backups: of one moment while it serves, checked before anything is changed, whole or not there."""

import json
import tempfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike import snapshots
from lookalike.errors import BackupUnreadable, StoreFailed, WouldOverwrite
from lookalike.settings import Settings
from lookalike.snapshots import backup, restore
from lookalike.stores.cluster import Connection
from lookalike.stores.qdrant import QdrantShelf
from lookalike.workspace import Workspace

MEMORY = Path("/dev/shm")


@pytest.fixture
def room():
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        yield Path(parent)


@pytest.fixture
def space(room, monkeypatch):
    monkeypatch.setattr(snapshots, "_ROWS", 40)
    random = np.random.default_rng(7)
    with lookalike.open(room / "space") as space:
        shop = space.create("shop", kind="custom", entities={"shape": 8, "sound": 4}, ignore_case=True)
        records = [{"_id": f"{n:03}", "_vectors": {"shape": random.normal(size=8)}, "n": n} for n in range(100)]
        records[5] |= {"_vectors": {"shape": random.normal(size=8), "sound": [1, 2, 3, 4]}, "odd": ["é\ud800", None]}
        assert not shop.add(records).failed
        space.create("empty", kind="custom", entities={"shape": 3})
        space.catalog.decisions.add("different", ["001", "002"], collection="shop", who="me", note="two sizes")
        yield space


def contents(collection):
    rows = collection._store.scroll(limit=1000, with_vectors=True).rows
    return {
        row.id: (ascii(row.payload), {name: vector.tobytes() for name, vector in row.vectors.items()}) for row in rows
    }


@pytest.mark.parametrize("name", ["backup", "backup.zip"])
def test_a_restored_workspace_is_what_it_was(space, room, name):
    saved = backup(space, room / name)
    assert saved.records == {"empty": 0, "shop": 100}
    with lookalike.open(room / "other") as other:
        assert restore(other, room / name) == saved
        assert contents(other.get("shop")) == contents(space.get("shop"))
        assert other.get("shop").info == space.get("shop").info
        assert (len(other.get("empty")), other.get("shop").settings.ignore_case) == (0, True)
        (decision,) = other.catalog.decisions.list("shop")
        assert (decision.members, decision.who, decision.note) == (["001", "002"], "me", "two sizes")
    with lookalike.open(room / "other") as again:
        assert len(again.get("shop")) == 100


def test_a_backup_goes_into_a_cluster_too(space, room):
    backup(space, room / "backup")
    shelf = QdrantShelf(Connection.to(":memory:"), "test")
    with Workspace("qdrant://x:1", Settings(catalog=str(room / "c.sqlite")), shelf=shelf) as cluster:
        restore(cluster, room / "backup")
        assert contents(cluster.get("shop")) == contents(space.get("shop"))
        cluster.get("shop").delete(["000"])
        backup(cluster, room / "back")
        restore(space, room / "back", force=True)
    assert len(space.get("shop")) == 99


def test_it_is_of_the_moment_it_ended(space, room):
    shop = space.get("shop")
    changes = iter(range(1000))

    def meddle(name, count):
        """Change rows already copied, and rows still to come."""
        step = next(changes)
        shop.update([{"_id": f"{n:03}", "step": step} for n in range(0, 100, 7)])
        shop.delete([f"{50 + step:03}"])
        shop.add([{"_id": f"new {step}", "_vectors": {"shape": [1.0] * 8}}])

    backup(space, room / "backup", progress=meddle)
    assert next(changes) == 3
    with lookalike.open(room / "other") as other:
        restore(other, room / "backup")
        assert contents(other.get("shop")) == contents(shop)


def test_writers_and_searches_go_on_meanwhile(space, room):
    shop, stop, trouble, acknowledged = space.get("shop"), threading.Event(), [], []

    def write():
        try:
            while not stop.is_set():
                acknowledged.extend(
                    shop.add([{"_id": f"w{len(acknowledged)}", "_vectors": {"shape": [1.0] * 8}}]).inserted
                )
                assert shop.search(vector=[1.0] * 8, k=1)
        except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
            trouble.append(problem)

    writer = threading.Thread(target=write)
    writer.start()
    while not acknowledged and not trouble:
        pass
    begun = len(acknowledged)
    saved = backup(space, room / "backup")
    ended = len(acknowledged)
    stop.set()
    writer.join()
    assert trouble == []
    assert 100 + begun <= saved.records["shop"] <= 100 + ended + 1
    with lookalike.open(room / "other") as other:
        restore(other, room / "backup")
        there = {id_ for id_ in contents(other.get("shop")) if id_[0] == "w"}
    assert there == {f"w{n}" for n in range(len(there))}


def test_a_write_that_began_before_is_not_lost(space, room, monkeypatch):
    shop = space.get("shop")
    engine, begun, copied = shop._store.inner, threading.Event(), threading.Event()
    upsert, seen = engine.upsert, []

    def slow(rows):
        begun.set()
        copied.wait(0.5)  # until all rows were copied, unless the backup waits for this write
        upsert(rows)

    def progress(name, count):
        seen.append(count)
        if sum(seen) >= 100:
            copied.set()

    monkeypatch.setattr(engine, "upsert", slow)
    writer = threading.Thread(target=lambda: shop.add([{"_id": "-", "_vectors": {"shape": [1.0] * 8}}]))
    writer.start()
    assert begun.wait(10)
    backup(space, room / "backup", progress=progress)
    writer.join()
    with lookalike.open(room / "other") as other:
        restore(other, room / "backup")
        assert contents(other.get("shop")) == contents(shop)


def test_nothing_is_overwritten_unasked(space, room):
    backup(space, room / "backup")
    with pytest.raises(WouldOverwrite, match="backup"):
        backup(space, room / "backup")
    space.get("shop").delete(["000"])
    with pytest.raises(WouldOverwrite, match="empty, shop"):
        restore(space, room / "backup")
    assert len(space.get("shop")) == 99
    backup(space, room / "backup", force=True)
    backup(space, room / "backup.zip")
    backup(space, room / "backup.zip", force=True)
    assert sorted(entry.name for entry in room.iterdir()) == ["backup", "backup.zip", "space"]


def test_restoring_over_a_workspace_in_use(space, room):
    shop = space.get("shop")
    before = contents(shop)
    backup(space, room / "backup")
    shop.delete(where={"n": {"$gte": 10}})
    space.create("since", kind="custom", entities={"shape": 2})
    restore(space, room / "backup", force=True)
    assert contents(shop) == before
    assert shop is space.get("shop")
    assert [info.name for info in space.list()] == ["empty", "shop", "since"]
    assert space.shelf.contents() == ["empty~2", "shop~2", "since"]
    restore(space, room / "backup", force=True)
    assert space.shelf.contents() == ["empty", "shop", "since"]


def damage(folder, file, change):
    path = folder / file
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("manifest.json", lambda data: data.replace(b"100", b"101"), "manifest.json is damaged"),
        ("manifest.json", lambda data: b"", "manifest.json is damaged"),
        ("shop/00001.npz", lambda data: data[:-1], "00001.npz is damaged"),
        ("shop/00003.npz", lambda data: data[:500] + b"?" + data[501:], "00003.npz is damaged"),
    ],
)
def test_a_damaged_backup_changes_nothing(space, room, file, change, reason):
    backup(space, room / "backup")
    before = contents(space.get("shop"))
    damage(room / "backup", file, change)
    with pytest.raises(BackupUnreadable, match=reason):
        restore(space, room / "backup", force=True)
    assert contents(space.get("shop")) == before
    assert space.shelf.contents() == ["empty", "shop"]


def test_a_missing_part_is_noticed(space, room):
    backup(space, room / "backup")
    (room / "backup" / "shop" / "00002.npz").unlink()
    with pytest.raises(BackupUnreadable, match=r"00002\.npz"):
        restore(space, room / "backup", force=True)


@pytest.mark.parametrize("make", ["nothing", "folder", "file", "zip"])
def test_what_is_no_backup_is_refused(space, room, make):
    path = room / "strange"
    if make == "folder":
        path.mkdir()
    elif make == "file":
        path.write_bytes(b"text")
    elif make == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.txt", "text")
    with pytest.raises(BackupUnreadable):
        restore(space, path, force=True)


def test_a_newer_format_is_refused(space, room):
    import hashlib

    backup(space, room / "backup")
    path = room / "backup" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    (room / "backup" / "manifest.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(BackupUnreadable, match="99"):
        restore(space, room / "backup", force=True)


def test_a_backup_that_fails_leaves_nothing(space, room):
    def stop(name, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(space, room / "backup", progress=stop)
    assert [entry.name for entry in room.iterdir()] == ["space"]


def test_a_restore_that_fails_leaves_what_was(space, room):
    backup(space, room / "backup")
    space.get("shop").delete(["000"])
    counts = []

    def stop(name, count):
        counts.append(count)
        if len(counts) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(space, room / "backup", force=True, progress=stop)
    assert len(space.get("shop")) == 99
    restore(space, room / "backup", force=True)
    assert len(space.get("shop")) == 100
    assert space.shelf.contents() == ["empty~2", "shop~2"]


def test_a_place_that_can_not_be_written_is_a_clear_error(space, room):
    (room / "file").write_bytes(b"")
    with pytest.raises(StoreFailed, match="write the backup"):
        backup(space, room / "file" / "backup")


def test_the_form_of_a_backup_is_pinned(space, room):
    backup(space, room / "backup")
    manifest = snapshots.read_manifest(room / "backup")
    shop = next(entry for entry in manifest["collections"] if entry["entry"]["name"] == "shop")
    assert (manifest["format"], [part["file"] for part in shop["parts"]]) == (
        2,
        ["shop/00001.npz", "shop/00002.npz", "shop/00003.npz"],
    )
    with np.load(room / "backup" / "shop" / "00001.npz", allow_pickle=False) as arrays:
        assert {"rows", "has:shape", "vector:shape"} <= set(arrays.files)
        first = json.loads(arrays["rows"].tobytes().split(b"\n")[0])
        assert (arrays["vector:shape"].shape, arrays["vector:shape"].dtype) == ((40, 8), np.float32)
    assert first[1]["_id"] == first[0]
