"""Taggers asked about records that are there: own metadata stays, what was filled by itself is renewed."""

import json
import threading

import numpy as np
import pytest

from lookalike.errors import InvalidFilter, TaggerMismatch, TaggerUnusable
from lookalike.taggers import Tagger, write_tagger

AXES = np.eye(256, dtype=np.float32)[:3]


@pytest.fixture
def teach(space):
    """Return teach(name, labels, task=, signature=): a tagger that names the first axes of the meaning vectors."""

    def write(name, labels=("bath", "hall", "attic"), task="classify", field="", signature=None, least=0.0):
        made = space.create("model").info.signatures["meaning"] if signature is None else signature
        if signature is None:
            space.drop("model")
        weights = 8 * AXES[: len(labels)].T
        thresholds = np.full(len(labels), least)
        tagger = Tagger(
            name, task, field or name, labels, weights, np.zeros(len(labels), np.float32) - 2, thresholds, made
        )
        return write_tagger(space.path / "taggers" / name, tagger, {})

    return write


@pytest.fixture
def shop(space):
    shop = space.create("shop", kind="custom", describers=["meaning", "color"], entities={"sound": 2})
    added = shop.add([{"_id": str(n), "_vectors": {"meaning": AXES[n]}, "n": n} for n in range(3)])
    assert not added.failed
    shop.add([{"_id": "mute", "_vectors": {"sound": [1, 2]}}])
    return shop


def fields(collection, name="room"):
    return {record.id: record.fields.get(name) for record in collection.records() if name in record.fields}


def test_records_that_are_there_get_what_the_taggers_say(space, shop, teach):
    teach("room")
    shop.update([{"_id": "1", "room": "my own"}])
    assert not shop.retag().updated
    space.configure("shop", taggers=["room"])
    told = []
    done = shop.retag(progress=told.append)
    assert (sorted(done.updated), sorted(done.skipped), sum(told)) == (["0", "2"], ["1", "mute"], 4)
    assert fields(shop) == {"0": "bath", "1": "my own", "2": "attic"}
    assert json.loads(shop.get(["0"])[0].fields["_auto"]) == {"room": "bath"}
    assert sorted(shop.retag().skipped) == ["0", "1", "2", "mute"]


def test_what_was_filled_by_itself_is_renewed_and_what_its_owner_changed_is_not(space, shop, teach):
    teach("room")
    space.configure("shop", taggers=["room"])
    shop.retag()
    shop.update([{"_id": "0", "room": "bathroom"}])
    teach("room", ("wet", "passage"), least=0.6)
    assert shop.retag().updated == ["1", "2"]
    assert fields(shop) == {"0": "bathroom", "1": "passage"}
    assert "_auto" not in shop.get(["2"])[0].fields


def test_fields_that_nothing_fills_any_more_stay(space, shop, teach):
    teach("room")
    teach("kind", ("x", "y", "z"))
    space.configure("shop", taggers=["room", "kind"])
    shop.retag()
    teach("kind", ("a", "b", "c"))
    space.configure("shop", taggers=["kind"])
    shop.retag()
    assert (fields(shop)["1"], fields(shop, "kind")["1"]) == ("hall", "b")
    assert json.loads(shop.get(["1"])[0].fields["_auto"]) == {"room": "hall", "kind": "b"}


def test_a_filter_says_which(space, shop, teach):
    teach("room")
    space.configure("shop", taggers=["room"])
    assert shop.retag(where={"n": {"$gt": 1}}).updated == ["2"]
    with pytest.raises(InvalidFilter):
        shop.retag(where={"$no": 1})


def test_a_tagger_that_is_gone_or_reads_other_vectors_changes_nothing(space, shop, teach):
    teach("room")
    space.configure("shop", taggers=["room"])
    teach("room", signature="other/1@a")
    with pytest.raises(TaggerMismatch):
        shop.retag()
    (space.path / "taggers" / "room" / "tagger.json").unlink()
    with pytest.raises(TaggerUnusable):
        shop.retag()
    assert fields(shop) == {}


def test_interrupted_it_keeps_what_is_done_and_writers_go_on(space, shop, teach, monkeypatch):
    from lookalike import retagging

    monkeypatch.setattr(retagging, "_CHUNK", 1)
    teach("room")
    space.configure("shop", taggers=["room"])
    seen = []

    def meddle(count):
        seen.append(count)
        writer = threading.Thread(target=lambda: shop.update([{"_id": "2", "room": "written meanwhile"}]))
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.retag(progress=meddle)
    assert len(fields(shop)) in (2, 3)
    shop.retag()
    assert fields(shop) == {"0": "bath", "1": "hall", "2": "written meanwhile"}


def test_new_pictures_and_old_records_are_told_the_same(space, teach, pictures):
    teach("room")
    now = space.create("now", taggers=["room"], auto_tags=3)
    later = space.create("later")
    for collection in (now, later):
        collection.add(sorted(pictures.glob("*.jpg")))
    space.configure("later", taggers=["room"], auto_tags=3)
    assert len(later.retag().updated) == 5
    for record, other in zip(now.records(), later.records(), strict=True):
        assert record.fields == other.fields
