"""Writing records: inserted, merged, replaced, left or refused; from URLs and vectors; each one accounted for."""

import base64
import http.server
import io
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import CollectionClosed, InvalidArgument, TaggerMismatch, TaggerUnusable
from lookalike.settings import Settings
from lookalike.stores.memory import MemoryStore
from lookalike.taggers import Tagger, write_tagger
from lookalike.upsert import Tally, Writer

LOCAL = replace(Settings(), fetch_networks="127.0.0.1", fetch_seconds=10)


@pytest.fixture
def collection(tmp_path):
    with lookalike.open(tmp_path / "space", LOCAL) as space:
        yield space.create("pictures")


@pytest.fixture
def web(pictures):
    """The address of a server of the pictures, and the list of paths it was asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(pictures))

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


def fields(collection, id_):
    return {name: value for name, value in collection.get([id_])[0].fields.items() if not name.startswith("_")}


def never(*_):
    raise AssertionError("described a picture that needed it not")


# --- What exists ---


def test_merge_replace_skip_and_refuse(collection, draw):
    collection.add([{"_id": "a", "_image": draw(1), "color": "red", "size": 3}])
    assert list(collection.add([{"_id": "a", "size": 4}]).updated) == ["a"]
    assert fields(collection, "a") == {"color": "red", "size": 4}
    assert list(collection.add([{"_id": "a", "shape": "round"}], existing="replace").updated) == ["a"]
    assert fields(collection, "a") == {"shape": "round"}
    assert list(collection.add([{"_id": "a", "shape": "flat"}], existing="skip").skipped) == ["a"]
    refused = collection.add([{"_id": "a", "shape": "flat"}, {"_id": "b", "_image": draw(2)}], existing="refuse")
    assert [(failure.source, failure.code) for failure in refused.failed] == [("a", "invalid_record")]
    assert list(refused.inserted) == ["b"]
    assert fields(collection, "a") == {"shape": "round"}
    assert collection.get(["a"])[0].fields["_width"] == 320, "facts of the picture stay under every rule"
    with pytest.raises(InvalidArgument, match="merge, replace, skip, refuse"):
        collection.add([], existing="destroy")


def test_what_the_camera_noted_is_kept_with_its_picture_only(collection, draw):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2024:02:29 12:34:56"
    buffer = io.BytesIO()
    Image.fromarray(draw(1)).save(buffer, "JPEG", exif=exif)
    collection.add([{"_id": "a", "_base64": base64.b64encode(buffer.getvalue()).decode(), "color": "red"}])
    assert collection.get(["a"])[0].fields["_taken"] == "2024-02-29T12:34:56"
    assert collection.get(["a"])[0].fields["_exif"] == 2
    collection.add([{"_id": "a", "_image": draw(2)}])
    assert not {"_taken", "_exif"} & collection.get(["a"])[0].fields.keys()


@pytest.mark.parametrize("existing", ["skip", "refuse"])
def test_what_is_left_is_not_described(collection, draw, monkeypatch, existing):
    collection.add([{"_id": "a", "_image": draw(1)}])
    monkeypatch.setattr("lookalike.describers.ensemble.Ensemble.describe", never)
    assert not collection.add([{"_id": "a", "_image": draw(2)}], existing=existing).updated


def test_replacing_metadata_of_an_unchanged_picture_describes_nothing(collection, draw, monkeypatch):
    collection.add([{"_id": "a", "_image": draw(1), "old": 1}])
    monkeypatch.setattr("lookalike.describers.ensemble.Ensemble.describe", never)
    assert list(collection.add([{"_id": "a", "_image": draw(1), "new": 2}], existing="replace").updated) == ["a"]
    assert fields(collection, "a") == {"new": 2}


def test_fields_are_unset_by_name(collection, draw):
    collection.add([{"_id": "a", "_image": draw(1), "color": "red", "size": 3, "note": None}])
    collection.update([{"_id": "a", "$unset": ["color", "never there"], "size": 4}])
    assert fields(collection, "a") == {"size": 4, "note": None}
    collection.add([{"_id": "a", "$unset": ["note"]}])
    assert fields(collection, "a") == {"size": 4}


def test_update_replaces_whole_metadata_when_asked(collection, draw):
    collection.add([{"_id": "a", "_image": draw(1), "color": "red"}])
    updated = collection.update([{"_id": "a", "size": 1}, {"_id": "no"}, {"_id": 3}], replace=True)
    assert list(updated.updated) == ["a"]
    assert [failure.source for failure in updated.failed] == ["no", "3"]
    assert fields(collection, "a") == {"size": 1}
    assert collection.get(["a"])[0].fields["_format"] == "ARRAY"


def test_two_updates_of_one_record_build_on_each_other(collection, draw):
    collection.add([{"_id": "a", "_image": draw(1)}])
    collection.update([{"_id": "a", "x": 1}, {"_id": "a", "y": 2}])
    assert fields(collection, "a") == {"x": 1, "y": 2}


def test_a_second_record_of_one_id_in_a_batch_is_refused(collection, draw):
    many = [{"_id": f"other {n}", "_vector": {"meaning": np.eye(256)[n % 256].tolist()}} for n in range(300)]
    added = collection.add([{"_id": "a", "_image": draw(1), "n": 1}, *many, {"_id": "a", "_image": draw(2), "n": 2}])
    assert len(added.inserted) == 301
    assert [failure.source for failure in added.failed] == ["a"]
    assert "came before in this batch" in added.failed[0].reason
    assert fields(collection, "a") == {"n": 1}


# --- Pictures by URL ---


def test_pictures_are_fetched_by_url(collection, web):
    address, asked = web
    records = [{"_id": str(n), "_url": f"{address}/{n}.jpg", "n": n} for n in range(5)]
    added = collection.add(
        [*records, {"_id": "gone", "_url": f"{address}/gone.jpg"}, {"_id": "text", "_url": f"{address}/notes.txt"},
         {"_id": "inside", "_url": "http://10.0.0.1/a.jpg"}, {"_id": "path", "_url": "/etc/passwd"}]
    )  # fmt: skip
    assert list(added.inserted) == ["0", "1", "2", "3", "4"]
    assert {failure.source: failure.code for failure in added.failed} == {
        "gone": "url_unreachable",
        "text": "image_unreadable",
        "inside": "url_refused",
        "path": "invalid_record",
    }
    assert collection.get(["3"])[0].fields["_url"] == f"{address}/3.jpg"
    assert sorted(asked)[:5] == [f"/{n}.jpg" for n in range(5)]


def test_a_url_is_asked_again_but_the_same_bytes_are_not_described(collection, web, monkeypatch, pictures, draw, save):
    address, asked = web
    record = {"_id": "a", "_url": f"{address}/1.jpg"}
    collection.add([record])
    with monkeypatch.context() as patch:
        patch.setattr("lookalike.describers.ensemble.Ensemble.describe", never)
        assert list(collection.add([record]).skipped) == ["a"]
    assert asked == ["/1.jpg", "/1.jpg"]
    save(draw(44), pictures / "1.jpg")
    assert list(collection.add([record]).updated) == ["a"]


def test_where_a_picture_came_from_is_always_the_last_place(collection, web, pictures):
    address, _ = web
    collection.add([{"_id": "a", "_file": str(pictures / "1.jpg")}])
    collection.add([{"_id": "a", "_url": f"{address}/1.jpg"}])
    facts = collection.get(["a"])[0].fields
    assert facts["_url"] == f"{address}/1.jpg"
    assert not {"_file", "_mtime", "_size"} & facts.keys()


def test_many_urls_keep_their_order_amid_other_records(collection, web, draw):
    address, _ = web
    records = [
        {"_id": f"{n}", "_url": f"{address}/{n % 5}.jpg"} if n % 3 else {"_id": f"{n}", "_image": draw(n)}
        for n in range(60)
    ]
    assert list(collection.add(records).inserted) == [f"{n}" for n in range(60)]


# --- Tags ---


def test_new_pictures_get_their_labels_as_tags_when_asked(collection):
    red = np.full((64, 64, 3), (220, 20, 20), np.uint8)
    records = [{"_id": "plain", "_image": red}, {"_id": "own", "_image": red, "tags": ["mine"]}]
    collection.add(records)
    assert "tags" not in fields(collection, "plain")
    collection.add([{"_id": "told", "_image": red}, {**records[1], "_id": "told own"}], tags=True)
    assert "red" in fields(collection, "told")["tags"]
    assert 1 <= len(fields(collection, "told")["tags"]) <= 5
    assert fields(collection, "told own")["tags"] == ["mine"]
    collection.add([{"_id": "plain", "_image": red[:50]}], tags=True)
    assert "red" in fields(collection, "plain")["tags"]


def test_a_collection_may_ask_for_tags_by_itself(tmp_path):
    red = np.full((64, 64, 3), (220, 20, 20), np.uint8)
    with lookalike.open(tmp_path / "tagging") as space:
        made = space.create("tagged", auto_tags=1)
        made.add([{"_id": "one", "_image": red}])
        made.add([{"_id": "none", "_image": red}], tags=False)
        assert len(fields(made, "one")["tags"]) == 1
        assert "tags" not in fields(made, "none")


# --- Vectors of the user's own ---


@pytest.fixture
def mixed():
    """A writer into a store that keeps a description of ours and a vector of the user's own."""
    store = MemoryStore({"meaning": 256, "shape": 3})
    return Writer(store, standard_ensemble(), Settings(), "meaning", threading.Lock())


def write(writer, *records):
    tally = Tally()
    writer.write(records, tally, lambda count: None)
    return tally


def test_own_vectors_and_pictures_do_not_disturb_each_other(mixed, draw):
    write(mixed, {"_id": "a", "_image": draw(1), "_vectors": {"shape": [1, 0, 0]}, "n": 1})
    (first,) = mixed.store.get(["a"], with_vectors=True)
    assert set(first.vectors) == {"meaning", "shape"}
    assert write(mixed, {"_id": "a", "_vectors": {"shape": [0, 1, 0]}}).updated == ["a"]
    (second,) = mixed.store.get(["a"], with_vectors=True)
    assert second.vectors["shape"].tolist() == [0, 1, 0]
    assert second.vectors["meaning"].tobytes() == first.vectors["meaning"].tobytes()
    assert second.payload == first.payload
    write(mixed, {"_id": "a", "_image": draw(2)})
    (third,) = mixed.store.get(["a"], with_vectors=True)
    assert third.vectors["shape"].tolist() == [0, 1, 0]
    assert third.payload["_sha256"] != first.payload["_sha256"]
    assert third.payload["n"] == 1


def test_the_same_vectors_again_are_skipped(mixed):
    record = {"_id": "a", "_vectors": {"shape": [1, 2, 3]}, "n": 1}
    assert write(mixed, record).inserted == ["a"]
    assert write(mixed, record).skipped == ["a"]
    assert write(mixed, {**record, "_vectors": {"shape": [1, 2, 4]}}).updated == ["a"]
    assert write(mixed, {**record, "_vectors": {"shape": [1, 2, 4]}, "n": 2}).updated == ["a"]


def test_a_collection_of_own_vectors_takes_no_pictures(draw):
    store = MemoryStore({"shape": 3})
    writer = Writer(store, standard_ensemble(), Settings(), "shape", threading.Lock())
    tally = write(
        writer, {"_id": "a", "_vector": [0, 3, 0]}, {"_id": "b", "_image": draw(1)}, {"_id": "c", "_vector": [1]}
    )
    assert tally.inserted == ["a"]
    assert {failure.source: failure.reason for failure in tally.failed} == {
        "b": "this collection keeps vectors of your own; give _vector, no picture",
        "c": "_vector has 1 numbers; 'shape' has 3",
    }


# --- A collection that goes away ---


def test_a_collection_dropped_while_written_says_so_and_leaves_nothing(tmp_path, draw):
    with lookalike.open(tmp_path / "space") as space:
        collection = space.create("pictures")

        def records():
            for n in range(600):
                if n == 300:
                    space.drop("pictures")
                yield {"_id": str(n), "_vector": np.eye(256)[n % 256].tolist()}

        with pytest.raises(CollectionClosed):
            collection.add(records())
        for work in (
            lambda: collection.update([{"_id": "1", "n": 1}]),
            lambda: collection.delete(["1"]),
            lambda: collection.get(["1"]),
        ):
            with pytest.raises(CollectionClosed):
                work()
        assert not (tmp_path / "space" / "collections" / "pictures").exists()
        assert len(space.create("pictures")) == 0


@pytest.fixture
def axes(tmp_path):
    """Return axes(name, task, **more): writes a tagger below the workspace whose first label fits every picture."""

    def write(name, task="classify", **more):
        signature = standard_ensemble().signatures["meaning"]
        parts = {"field": "tags" if task == "tag" else name, "labels": ["yes", "no"], "signature": signature, **more}
        weights, offsets = np.zeros((256, 2), np.float32), np.array([2, -2], np.float32)
        tagger = Tagger(name, task, weights=weights, offsets=offsets, thresholds=np.full(2, 0.5), **parts)
        return write_tagger(tmp_path / "space" / "taggers" / name, tagger, {})

    with lookalike.open(tmp_path / "space"):
        yield write


@pytest.fixture
def gray():
    return lambda seed: np.random.default_rng(seed).integers(0, 256, (40, 40, 3)).astype(np.uint8)


def test_taggers_fill_what_a_new_record_lacks_and_own_metadata_wins(tmp_path, axes, gray):
    axes("indoor")
    axes("extra", "tag", labels=["garden", "pool"])
    with lookalike.open(tmp_path / "space2") as space:
        (space.path / "taggers").symlink_to(tmp_path / "space" / "taggers")
        made = space.create("c", taggers=["indoor", "extra", {"tagger": "indoor", "field": "x", "when": {"a": 1}}])
        made.add([{"_id": "one", "_image": gray(0)}, {"_id": "own", "_image": gray(1), "indoor": "no", "tags": ["t"]}])
        made.add([{"_id": "a", "_image": gray(2), "a": 1}])
        assert fields(made, "one")["indoor"] == "yes"
        assert fields(made, "one")["tags"] == ["garden"]
        assert "x" not in fields(made, "one")
        assert (fields(made, "own")["indoor"], fields(made, "own")["tags"]) == ("no", ["t"])
        assert fields(made, "a")["x"] == "yes"
        made.add([{"_id": "none", "_image": gray(3)}], tags=False)
        assert "indoor" not in fields(made, "none")


def test_a_new_picture_is_tagged_anew_unless_its_owner_changed_that(tmp_path, axes, gray):
    axes("indoor")
    with lookalike.open(tmp_path / "space2") as space:
        (space.path / "taggers").symlink_to(tmp_path / "space" / "taggers")
        made = space.create("c", taggers=["indoor"])
        made.add([{"_id": "kept", "_image": gray(0)}, {"_id": "own", "_image": gray(1)}])
        made.update([{"_id": "own", "indoor": "my word"}])
        axes("indoor", labels=["ja", "nein"])
        made.add([{"_id": "kept", "_image": gray(2)}, {"_id": "own", "_image": gray(3)}])
        assert fields(made, "kept")["indoor"] == "ja"
        assert fields(made, "own")["indoor"] == "my word"
        made.add([{"_id": "kept", "other": 1}])
        assert fields(made, "kept")["indoor"] == "ja"


def test_a_tagger_of_another_model_or_none_is_refused_before_anything_is_written(tmp_path, axes, gray):
    axes("old", signature="other/1@x")
    with lookalike.open(tmp_path / "space2") as space:
        (space.path / "taggers").symlink_to(tmp_path / "space" / "taggers")
        with pytest.raises(TaggerMismatch, match="other/1@x"):
            space.create("c", taggers=["old"])
        with pytest.raises(TaggerUnusable, match="not there"):
            space.create("c", taggers=["none"])
        made = space.create("c")
        axes("new")
        space.configure("c", taggers=["new"])
        axes("new", signature="other/1@x")
        with pytest.raises(TaggerMismatch):
            made.add([{"_id": "a", "_image": gray(0)}])
        assert len(made) == 0
