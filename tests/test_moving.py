"""Moving a workspace: everything arrives, to the last bit; interrupted, it goes on; what differs is noticed."""

import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike import moving
from lookalike.catalog import Trial
from lookalike.errors import CollectionExists, InvalidArgument, MoveFailed, StoreUnreadable
from lookalike.moving import move
from lookalike.settings import Settings
from lookalike.stores.cluster import Connection
from lookalike.stores.qdrant import QdrantShelf
from lookalike.workspace import Workspace

MEMORY = Path("/dev/shm")


@pytest.fixture
def room():
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        yield Path(parent)


@pytest.fixture
def connection():
    return Connection.to(":memory:")


@pytest.fixture
def reach(room, connection):
    """Return reach(): opens the workspace in the cluster, as any number of processes may at once."""

    def open_it():
        settings = Settings(catalog=str(room / "cluster.sqlite"))
        return Workspace("qdrant://cluster:6333/test", settings, shelf=QdrantShelf(Shared(connection), "test"))

    return open_it


class Shared(Connection):
    """The engine in memory, left alone when a workspace is closed."""

    def __init__(self, connection):
        self.__dict__.update(connection.__dict__)

    def close(self):
        pass


@pytest.fixture
def source(room):
    random = np.random.default_rng(7)
    with lookalike.open(room / "source") as space:
        shop = space.create("shop", kind="custom", entities={"shape": 8, "sound": 4}, ignore_case=True, index=["n"])
        records = [
            {"_id": f"{n:03}", "_vectors": {"shape": random.normal(size=8)}, "n": n, "true": True} for n in range(120)
        ]
        records[5]["_vectors"]["sound"] = random.normal(size=4)
        assert not shop.add(records).failed
        space.create("empty", kind="custom", entities={"shape": 3})
        space.catalog.decisions.add("different", ["001", "002"], collection="shop", note="two sizes")
        yield space


def contents(collection):
    rows = collection._store.scroll(limit=1000, with_vectors=True).rows
    return {
        row.id: (repr(row.payload), {name: vector.tobytes() for name, vector in row.vectors.items()}) for row in rows
    }


def check(source, target):
    for name in ("shop", "empty"):
        assert contents(target.get(name)) == contents(source.get(name))
        before, after = source.get(name).info, target.get(name).info
        assert (after.settings, after.dims, after.created) == (before.settings, before.dims, before.created)
    row = source.get("shop")._store.get(["007"], with_vectors=True)[0]
    question = {"vector": row.vectors["shape"], "k": 5, "where": {"n": {"$lt": 50}}}
    assert [m.id for m in target.get("shop").search(**question)] == [
        m.id for m in source.get("shop").search(**question)
    ]
    (decision,) = target.catalog.decisions.list("shop")
    assert (decision.members, decision.note) == (["001", "002"], "two sizes")


@pytest.fixture(params=["folder", "cluster"])
def target(request, room, reach):
    opened = lookalike.open(room / "target") if request.param == "folder" else reach()
    with opened:
        yield opened


def test_everything_arrives(source, target):
    seen = []
    moved = move(source, target, progress=lambda name, count: seen.append((name, count)))
    assert [(one.name, one.records, one.written) for one in moved] == [("empty", 0, 0), ("shop", 120, 120)]
    assert moved[1].questions == 20
    assert sum(count for name, count in seen) == 120
    check(source, target)


def test_trials_arrive_with_all_that_was_counted(source, target):
    trial = source.trials.start(Trial("shop", "sounds", method="interleave", b={"weights": {"sound": 1}}))
    shown = source.get("shop").search(id="005", k=5, trial="sounds", visitor="ann")
    source.trials.log("shop", shown.impression, shown[0].id, "click")
    before = source.trials.report("shop", "sounds")
    assert before.arms[0].visitors == 1
    move(source, target)
    assert target.catalog.trials.list("shop") == [trial]
    assert target.trials.report("shop", "sounds") == before


def test_moving_again_verifies_and_writes_nothing(source, target):
    move(source, target)
    assert [one.written for one in move(source, target)] == [0, 0]


def test_an_interrupted_move_goes_on(source, target, monkeypatch):
    monkeypatch.setattr(moving, "_CHUNK", 30)
    seen = []

    def stop(name, count):
        seen.append(name)
        if seen.count("shop") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(source, target, progress=stop)
    assert [info.name for info in target.list()] == ["empty"]
    source.get("shop").delete(["000", "001"])
    (_, shop) = move(source, target)
    assert (shop.records, 0 < shop.written < 100) == (118, True)
    check(source, target)


def test_another_collection_of_the_name_is_refused(source, target):
    target.create("shop", kind="custom", entities={"shape": 8})
    with pytest.raises(CollectionExists, match="shop"):
        move(source, target)
    assert len(target.get("shop")) == 0


def test_what_was_changed_there_since_is_noticed(source, target):
    move(source, target)
    target.get("shop").update([{"_id": "003", "n": "other"}])
    with pytest.raises(MoveFailed, match="'003'"):
        move(source, target)
    target.get("shop").delete(["003"])
    with pytest.raises(MoveFailed, match="120 records here, 119 there"):
        move(source, target)


def test_the_moved_workspace_does_all_a_workspace_does(source, reach):
    with reach() as target:
        move(source, target)
        shop = target.get("shop")
        shop.add([{"_id": "new", "_vectors": {"shape": [1.0] * 8}}])
        assert shop.search(vector=[1.0] * 8, k=1)[0].id == "new"
        target.create("more", kind="custom", entities={"shape": 2}).add([{"_id": "x", "_vector": [1, 0]}])
        target.drop("empty")
    with reach() as again:
        assert [info.name for info in again.list()] == ["more", "shop"]
        assert again.shelf.contents() == ["more", "shop"]
        assert len(again.get("shop")) == 121


def test_two_processes_see_what_each_other_does(reach):
    with reach() as one, reach() as other:
        one.create("a", kind="custom", entities={"shape": 2}).add([{"_id": "x", "_vector": [1, 0]}])
        assert len(other.get("a")) == 1
        one.configure("a", ignore_case=True)
        assert other.get("a").settings.ignore_case
        one.drop("a")
        with pytest.raises(lookalike.LookalikeError, match="no collection"):
            other.get("a")
        one.create("a", kind="custom", entities={"shape": 3})
        assert len(other.get("a")) == 0


def test_a_cluster_needs_a_catalog():
    with pytest.raises(InvalidArgument, match="PostgreSQL URL"):
        lookalike.open("qdrant://localhost:9", Settings())


@pytest.mark.parametrize("address", ["qdrant://", "qdrant://host/a/b", "qdrant://host/a b"])
def test_a_malformed_address_is_refused(address):
    with pytest.raises(InvalidArgument, match="qdrant://host:6333"):
        lookalike.open(address, Settings(catalog="x.sqlite"))


def test_a_collection_deleted_by_hand_on_the_engine_is_told_as_lost(reach, connection, monkeypatch):
    with reach() as space, reach() as other:
        space.create("own", kind="custom", entities={"shape": 3}).add([{"_id": "a", "_vector": [1, 2, 3]}])
        opened = other.get("own")
        assert len(opened) == 1
        connection.drop("test.own")
        for use in (opened.records, lambda: opened.add([{"_id": "b", "_vector": [1, 2, 3]}]), lambda: len(opened)):
            with pytest.raises(StoreUnreadable, match="gone from the cluster"):
                list(use() or [])
        assert connection.collections() == []
    monkeypatch.setattr("lookalike.keeping._MAKING", timedelta(0))  # as if it had been made long ago
    with reach() as space:
        with pytest.raises(StoreUnreadable, match=r"test\.own .*gone from the cluster.*delete the collection"):
            space.get("own")
        assert connection.collections() == []
        space.drop("own")
        assert len(space.create("own", kind="custom", entities={"shape": 3})) == 0


def test_a_collection_that_another_process_is_about_to_make_is_no_lost_one(reach, monkeypatch):
    with reach() as space, reach() as other:
        make = space._keeper.make

        def met(info):
            assert len(other.get("own")) == 0
            make(info)

        monkeypatch.setattr(space._keeper, "make", met)
        assert len(space.create("own", kind="custom", entities={"shape": 3})) == 0
