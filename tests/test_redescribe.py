"""A change of model: both descriptions kept in step, cut over at once, rolled back, gone on with after a stop."""

import tempfile
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

import lookalike
from lookalike import keeping, workspace
from lookalike.describers.ensemble import Ensemble
from lookalike.errors import InvalidArgument, ModelMissing
from lookalike.redescribe import Follower, kept_picture

MEMORY = Path("/dev/shm")


class Toy(Ensemble):
    """Describes pictures by a random projection of their tiny copies; color and hash are the same for all models."""

    def __init__(self, model, width, gate=None):
        self.model, self.gate = model, gate
        self.neural, self.specs = None, {}
        self._matrix = np.random.default_rng(abs(hash(model)) % 2**32).normal(size=(48, width + 4))
        self._width = width
        self.described = 0

    @property
    def dims(self):
        return {"meaning": self._width, "copy": 4, "color": 3}

    @property
    def hashes(self):
        return ("phash",)

    @property
    def signatures(self):
        own = f"{self.model}/1"
        return {"meaning": own, "copy": own, "color": "lab/1", "phash": "phash/1"}

    @property
    def curves(self):
        return {}

    @property
    def wants(self):
        return 8

    def describe(self, pictures):
        if self.gate is not None:
            self.gate(self.described)
        self.described += len(pictures)
        tiny = np.stack([cv2.resize(p, (4, 4), interpolation=cv2.INTER_AREA).ravel() for p in pictures])
        rows = (tiny.astype(np.float64) - 127) @ self._matrix
        colors = tiny.reshape(len(pictures), 16, 3).mean(axis=1) + 1
        return {
            "meaning": unit(rows[:, : self._width]),
            "copy": unit(rows[:, self._width :]),
            "color": unit(colors),
            "phash": tiny[:, :8].astype(np.uint8),
        }


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def models(monkeypatch):
    toys = {"lookalike-mini": Toy("old", 6), "new": Toy("new", 8), "third": Toy("third", 5)}

    def find(model="lookalike-mini"):
        if model not in toys:
            raise ModelMissing(model, "models", [])
        return toys[model]

    monkeypatch.setattr(keeping, "standard_ensemble", find)
    monkeypatch.setattr(workspace, "standard_ensemble", find)
    return toys


@pytest.fixture
def place():
    """A path where nothing is yet, in memory where the system has such a place."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        yield Path(parent) / "space"


@pytest.fixture
def space(place, models):
    with lookalike.open(place) as space:
        yield space


@pytest.fixture
def collection(space, pictures):
    collection = space.create("c")
    paths = [*sorted(pictures.glob("*.jpg")), pictures / "more" / "5.png"]
    collection.add([{"_id": str(n), "_file": str(path), "n": n} for n, path in enumerate(paths)])
    return collection


def width(collection, id_="0", name="meaning"):
    row = collection._store.get([id_], with_vectors=True)[0]
    return len(row.vectors[name]) if name in row.vectors else None


def found(collection, picture):
    return [match.id for match in collection.search(image=picture, k=3)]


def everything(collection):
    return {record.id: dict(record.fields) for record in collection.records()}


def test_every_record_is_described_anew_and_keeps_the_rest(space, collection, pictures):
    before = everything(collection)
    colors = collection._store.get(["0"], with_vectors=True)[0].vectors["color"]
    done = collection.redescribe("new").wait()
    assert (done.described, done.cut_over, done.failed) == (6, True, ())
    assert everything(collection) == before
    assert (width(collection), collection.info.model) == (8, "new")
    assert np.array_equal(collection._store.get(["0"], with_vectors=True)[0].vectors["color"], colors)
    assert found(collection, pictures / "3.jpg")[0] == "3"
    assert collection.is_current


def test_the_new_model_is_there_after_reopening(place, space, collection, pictures):
    collection.redescribe("new").wait()
    space.close()
    with lookalike.open(place) as again:
        assert width(again.get("c")) == 8
        again.get("c").finish()
        assert again.shelf.contents() == ["c~2"]
    with lookalike.open(place) as again:
        assert found(again.get("c"), pictures / "2.jpg")[0] == "2"


def test_the_same_model_is_refused(collection):
    with pytest.raises(InvalidArgument, match="another one"):
        collection.redescribe("lookalike-mini")


def test_a_missing_model_changes_nothing(collection):
    with pytest.raises(ModelMissing):
        collection.redescribe("elsewhere")
    assert collection.info.beside is None


def test_search_and_writes_go_on_meanwhile(collection, models, pictures, draw, save, tmp_path):
    reached, go_on = threading.Event(), threading.Event()

    def gate(described):
        if threading.current_thread().name.startswith("describe"):
            reached.set()
            assert go_on.wait(30)

    models["new"].gate = gate
    change = collection.redescribe("new")
    assert reached.wait(30)
    models["new"].gate = None
    assert (found(collection, pictures / "1.jpg")[0], width(collection)) == ("1", 6)
    late = save(draw(70), tmp_path / "late.jpg")
    other = save(draw(71), tmp_path / "other.jpg")
    collection.add([{"_id": "late", "_file": str(late)}, {"_id": "1", "_file": str(other), "n": "changed"}])
    collection.add([{"_id": "bytes", "_base64": to_base64(late)}])
    collection.update([{"_id": "0", "n": "new"}])
    collection.delete(["4"])
    go_on.set()
    assert change.wait().failed == ()
    records = everything(collection)
    assert records.keys() == {"0", "1", "2", "3", "5", "late", "bytes"}
    assert (records["0"]["n"], records["1"]["n"]) == ("new", "changed")
    assert {width(collection, id_) for id_ in records} == {8}
    assert found(collection, other)[0] == "1"
    assert set(found(collection, late)[:2]) == {"late", "bytes"}


def to_base64(path):
    import base64

    return base64.b64encode(path.read_bytes()).decode()


def test_roll_back_while_it_runs(space, collection, models, pictures):
    reached, go_on = threading.Event(), threading.Event()

    def gate(described):
        reached.set()
        go_on.wait(0.2)

    models["new"].gate = gate
    collection.redescribe("new")
    assert reached.wait(30)
    collection.rollback()
    assert (collection.info.beside, collection.info.model, width(collection)) == (None, "lookalike-mini", 6)
    assert space.shelf.contents() == ["c"]
    assert found(collection, pictures / "1.jpg")[0] == "1"


def test_roll_back_after_it_keeps_what_was_written_since(space, collection, draw, save, tmp_path):
    collection.redescribe("new").wait()
    late = save(draw(70), tmp_path / "late.jpg")
    collection.add([{"_id": "bytes", "_base64": to_base64(late)}])
    collection.delete(["2"])
    done = collection.rollback()
    assert (done.cut_over, done.failed) == (True, ())
    assert (collection.info.model, width(collection), width(collection, "bytes")) == ("lookalike-mini", 6, 6)
    assert everything(collection).keys() == {"0", "1", "3", "4", "5", "bytes"}
    assert found(collection, late)[0] == "bytes"
    assert space.shelf.contents() == ["c"]


def test_after_finish_there_is_nothing_to_go_back_to(space, collection):
    collection.redescribe("new").wait()
    with pytest.raises(InvalidArgument):
        collection.redescribe("third")
    collection.finish()
    assert space.shelf.contents() == ["c~2"]
    for verb in (collection.rollback, collection.finish):
        with pytest.raises(InvalidArgument):
            verb()
    assert collection.redescribe("third").wait().cut_over
    collection.finish()
    assert (space.shelf.contents(), width(collection)) == (["c"], 5)


def test_records_under_way_land_by_the_new_model(collection, draw, save, tmp_path):
    late = [save(draw(80 + n), tmp_path / f"late{n}.jpg") for n in range(3)]

    def records():
        for n in range(400):
            if n == 300:  # the first chunk was asked for, and is described by the old model or about to be
                collection.redescribe("new").wait()
                collection.finish()
            yield {"_id": f"late{n}", "_file": str(late[n % 3])}

    added = collection.add(records())
    assert (len(added.inserted), added.failed) == (400, [])
    assert {width(collection, f"late{n}") for n in (0, 299, 300, 399)} == {8}
    assert collection.update({"_id": f"late{n}", "seen": True} for n in range(2)).updated == ["late0", "late1"]


def test_a_picture_that_is_gone_is_listed_and_stops_the_change(collection, pictures):
    (pictures / "2.jpg").unlink()
    done = collection.redescribe("new").wait()
    assert (done.cut_over, [(failed.source, failed.code) for failed in done.failed]) == (
        False,
        [("2", "source_not_found")],
    )
    assert width(collection) == 6
    done = collection.redescribe("new", anyway=True).wait()
    assert (done.cut_over, done.described) == (True, 0)


@pytest.mark.parametrize("updated", [False, True])
def test_rolled_back_a_record_whose_picture_is_gone_has_its_old_description(collection, pictures, updated):
    before = collection._store.get(["2"], with_vectors=True)[0]
    (pictures / "2.jpg").unlink()
    collection.redescribe("new", anyway=True).wait()
    assert width(collection, "2") is None
    if updated:
        collection.update([{"_id": "2", "n": "two"}])
    done = collection.rollback()
    assert (done.cut_over, done.failed) == (True, ())
    after = collection._store.get(["2"], with_vectors=True)[0]
    assert after.vectors.keys() == before.vectors.keys()
    assert all(np.array_equal(vector, after.vectors[name]) for name, vector in before.vectors.items())
    if updated:
        assert after.payload["n"] == "two"
    else:
        assert after.payload == before.payload


def test_a_record_without_its_picture_keeps_the_rest_and_is_described_when_it_comes(collection, pictures):
    data = (pictures / "2.jpg").read_bytes()
    (pictures / "2.jpg").unlink()
    collection.redescribe("new", anyway=True).wait()
    assert (width(collection, "2"), width(collection, "2", "color"), len(collection)) == (None, 3, 6)
    assert collection.count({"n": 2}) == 1
    (pictures / "2.jpg").write_bytes(data)
    assert collection.add([{"_id": "2", "_file": str(pictures / "2.jpg")}]).updated == ["2"]
    assert width(collection, "2") == 8
    assert everything(collection)["2"]["n"] == 2


def test_while_a_change_waits_a_record_is_erased_from_both(space, collection, pictures):
    collection.add([{"_id": "private", "_file": str(pictures / "0.jpg"), "note": "private words"}])
    (pictures / "2.jpg").unlink()
    assert not collection.redescribe("new").wait().cut_over
    vectors = collection._store.get(["private"], with_vectors=True)[0].vectors
    receipt = space.erase("c", ["private"])
    assert (list(receipt.erased), list(receipt.found), len(vectors)) == (["private"], [], 5)
    kept = b"".join(path.read_bytes() for path in (space.path / "collections").rglob("*") if path.is_file())
    assert b"private words" not in kept
    assert len(collection) == 6


def test_what_is_removed_while_a_change_waits_comes_back_in_both(collection, pictures):
    (pictures / "2.jpg").unlink()
    collection.redescribe("new").wait()
    before = collection._store.get(["3", "4"], with_vectors=True)
    collection.remove(["3"])
    collection.remove(where={"n": 4})
    for removal in collection.removals():
        collection.bring_back(removal.id)
    for row, now in zip(before, collection._store.get(["3", "4"], with_vectors=True), strict=True):
        assert row.vectors.keys() == now.vectors.keys() > {"meaning", "meaning+"}


def test_another_picture_under_the_name_is_not_taken_for_the_old_one(collection, pictures):
    (pictures / "2.jpg").write_bytes((pictures / "3.jpg").read_bytes())
    done = collection.redescribe("new").wait()
    assert [(failed.source, failed.reason) for failed in done.failed] == [
        ("2", "there is another picture now; add the record again")
    ]


def test_pictures_may_be_supplied(collection, pictures, draw):
    collection.add([{"_id": "bytes", "_base64": to_base64(pictures / "1.jpg")}, {"_id": "own", "_vector": [1] * 6}])
    done = collection.redescribe("new").wait()
    assert {failed.source for failed in done.failed} == {"bytes", "own"}
    supplied = {"bytes": draw(1), "own": draw(9)}
    read = lambda record: supplied.get(record.id) if record.id in supplied else kept_picture(record)  # noqa: E731
    done = collection.redescribe("new", read=read).wait()
    assert (done.cut_over, done.described, width(collection, "own")) == (True, 2, 8)


def test_a_reader_that_raises_fails_one_record(collection):
    def read(record):
        if record.id == "3":
            raise KeyError("no such thing")
        return kept_picture(record)

    (failed,) = collection.redescribe("new", read=read).wait().failed
    assert (failed.source, failed.reason) == ("3", "KeyError: 'no such thing'")


def test_a_stopped_change_goes_on_where_it_was(place, space, collection, models, monkeypatch):
    monkeypatch.setattr("lookalike.redescribe._CHUNK", 2)
    write, calls = Follower._write, []

    def die(self, outcomes, progress):
        write(self, outcomes, progress)
        calls.append(len(outcomes))
        if len(calls) == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(Follower, "_write", die)
    with pytest.raises(RuntimeError, match="killed"):
        collection.redescribe("new").wait()
    space.close()
    monkeypatch.setattr(Follower, "_write", write)
    with lookalike.open(place) as again:
        collection = again.get("c")
        collection.add([{"_id": "meanwhile", "_vector": [1, 2, 3, 4, 5, 6]}])
        assert (width(collection), collection.info.beside["role"]) == (6, "next")
        with pytest.raises(InvalidArgument, match="new"):
            collection.redescribe("third")
        collection.delete(["meanwhile"])
        done = collection.redescribe("new").wait()
        assert (done.described, done.cut_over, len(collection)) == (2, True, 6)


def test_a_row_that_only_the_new_store_has_is_removed(space, collection):
    first = collection._store
    collection.redescribe("new", read=lambda record: None).wait()
    first.delete(["5"])  # as a kill between the two stores leaves it
    collection.redescribe("new").wait()
    assert (collection.info.model, len(collection)) == ("new", 5)


def test_a_collection_dropped_during_the_change_is_gone(space, collection, models):
    models["new"].gate = lambda described: threading.Event().wait(0.05)
    collection.redescribe("new")
    space.drop("c")
    assert space.shelf.contents() == []


def test_closing_stops_the_change(space, collection, models):
    models["new"].gate = lambda described: threading.Event().wait(0.05)
    change = collection.redescribe("new")
    space.close()
    assert not change.running


def test_settings_change_during_the_change(space, collection):
    collection.redescribe("new", read=lambda record: None).wait()
    space.configure("c", index=["n"])
    assert collection.info.beside["role"] == "next"
    assert collection.redescribe("new").wait().cut_over
    assert collection.settings.index == ("n",) or list(collection.settings.index) == ["n"]
