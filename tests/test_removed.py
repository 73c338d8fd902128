"""Deleted records can be brought back, bit for bit, until they are erased or too old."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest

import lookalike
from lookalike.errors import EntryNotFound, InvalidArgument, StoreFailed
from lookalike.removed import KEPT_DAYS, Removed
from lookalike.stores.base import Row


@pytest.fixture
def space(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        yield space


@pytest.fixture
def filled(space, pictures):
    collection = space.create("pictures")
    collection.add([{"_id": f"{n}", "_file": str(pictures / f"{n}.jpg"), "note": f"words {n}"} for n in range(5)])
    return collection


def rows(collection, ids):
    return collection._store.get(ids, with_vectors=True)


def same(row, other):
    return (
        dict(row.payload) == dict(other.payload)
        and row.vectors.keys() == other.vectors.keys()
        and all(np.array_equal(row.vectors[name], other.vectors[name]) for name in row.vectors)
    )


def test_what_was_removed_comes_back_bit_for_bit(filled):
    before = rows(filled, ["1", "3"])
    kept = filled.remove(["1", "3", "nobody", "1"])
    assert (kept.records, list(kept.ids)) == (2, ["1", "3"])
    assert len(filled) == 3
    assert filled.removals() == [kept]
    added = filled.bring_back(kept.id)
    assert (sorted(added.inserted), added.skipped, added.failed) == (["1", "3"], [], [])
    assert all(same(row, other) for row, other in zip(before, rows(filled, ["1", "3"]), strict=True))
    assert filled.removals() == []


def test_the_newest_come_first(filled):
    kept = [filled.remove([f"{n}"]) for n in range(5)]
    assert filled.removals() == kept[::-1]


def test_it_outlives_the_process_and_goes_with_the_collection(tmp_path, pictures):
    with lookalike.open(tmp_path / "space") as space:
        collection = space.create("pictures")
        collection.add([pictures / "1.jpg", pictures / "2.jpg"])
        kept = collection.remove(where={"_format": "JPEG"})
        assert kept.records == 2
    with lookalike.open(tmp_path / "space") as space:
        assert space.get("pictures").removals() == [kept]
        assert len(space.get("pictures").bring_back(kept.id).inserted) == 2
        space.get("pictures").remove(where={})
        space.drop("pictures")
        space.create("pictures")
        assert space.get("pictures").removals() == []


def test_a_record_that_took_the_id_stays(filled, pictures):
    kept = filled.remove(["1", "2"])
    filled.add([{"_id": "1", "_file": str(pictures / "4.jpg"), "note": "another"}])
    added = filled.bring_back(kept.id)
    assert (list(added.inserted), list(added.skipped)) == (["2"], ["1"])
    assert filled.get(["1"])[0].fields["note"] == "another"


def test_nothing_to_remove_keeps_nothing(filled):
    assert filled.remove(["nobody"]) is None
    assert filled.removals() == []
    for arguments in ({}, {"ids": ["1"], "where": {}}):
        with pytest.raises(InvalidArgument):
            filled.remove(**arguments)
    with pytest.raises(EntryNotFound):
        filled.bring_back("20200101T000000-00000000")


def test_nothing_is_deleted_that_could_not_be_kept(filled, monkeypatch):
    def full(path, values):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lookalike.removed.write_json", full)
    with pytest.raises(StoreFailed, match="No space left"):
        filled.remove(["1"])
    assert len(filled) == 5
    assert not [path for path in filled._removed.folder.rglob("*") if path.is_file()]


def test_erased_means_gone_from_here_too(space, filled):
    filled.remove(["1", "2"])
    filled.remove(["3"])
    space.erase("pictures", ["1", "3", "4"])
    assert [(one.records, list(one.ids)) for one in filled.removals()] == [(1, ["2"])]
    left = b"".join(path.read_bytes() for path in filled._removed.folder.rglob("*") if path.is_file())
    assert b"words 2" in left
    assert b"words 1" not in left
    space.erase("pictures", where={"note": "words 2"})
    assert filled.removals() == []
    assert list(filled.bring_back(filled.remove(["0"]).id).inserted) == ["0"]


def test_a_damaged_removal_says_so_and_is_erased_whole(space, filled):
    kept = filled.remove(["1"])
    part = next((filled._removed.folder / kept.id).glob("*.npz"))
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(StoreFailed, match="what was deleted"):
        filled.bring_back(kept.id)
    space.erase("pictures", ["nobody"])
    assert filled.removals() == []


def test_old_ones_are_swept_out(tmp_path):
    removed = Removed(tmp_path, "c")
    kept, ids = removed.keep([[Row("a", {}, {"_id": "a"})], []], {})
    assert (kept.records, list(ids), KEPT_DAYS) == (1, ["a"], 30)
    (removed.folder / kept.id).rename(removed.folder / "20200101T000000-00000000")
    assert removed.keep([], {}) == (None, [])
    assert removed.all() == []


def test_another_model_describes_them_anew(filled, pictures, tmp_path):
    own = tmp_path / "own.jpg"
    own.write_bytes((pictures / "4.jpg").read_bytes())
    filled.add([{"_id": "moved", "_file": str(own), "color": "red"}])
    kept = filled.remove(["1", "moved"])
    filled.info = replace(filled.info, signatures={**filled.info.signatures, "copy": "another"})
    own.unlink()
    added = filled.bring_back(kept.id)
    assert (list(added.inserted), [one.source for one in added.failed]) == (["1"], ["moved"])
    assert filled.get(["1"])[0].fields["note"] == "words 1"
    assert filled.removals() == [kept]
    filled.forget(kept.id)
    assert filled.removals() == []
