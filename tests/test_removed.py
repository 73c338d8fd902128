"""Deleted records can be brought back, bit for bit, until they are erased or too old."""

import errno
import os
from dataclasses import replace

import pytest

import lookalike
from lookalike.errors import EntryNotFound, InvalidArgument, StoreFailed
from lookalike.moving import same_rows
from lookalike.removed import KEPT_DAYS, Removed
from lookalike.stores.base import Row


def rows(collection, ids):
    return collection._store.get(ids, with_vectors=True)


def test_what_was_removed_comes_back_bit_for_bit(noted):
    before = rows(noted, ["1", "3"])
    kept = noted.remove(["1", "3", "nobody", "1"])
    assert (kept.records, list(kept.ids)) == (2, ["1", "3"])
    assert len(noted) == 3
    assert noted.removals() == [kept]
    added = noted.bring_back(kept.id)
    assert (sorted(added.inserted), added.skipped, added.failed) == (["1", "3"], [], [])
    assert all(same_rows(row, other) for row, other in zip(before, rows(noted, ["1", "3"]), strict=True))
    assert noted.removals() == []


def test_the_newest_come_first(noted):
    kept = [noted.remove([f"{n}"]) for n in range(5)]
    assert noted.removals() == kept[::-1]


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


def test_a_record_that_took_the_id_stays(noted, pictures):
    kept = noted.remove(["1", "2"])
    noted.add([{"_id": "1", "_file": str(pictures / "4.jpg"), "note": "another"}])
    added = noted.bring_back(kept.id)
    assert (list(added.inserted), list(added.skipped)) == (["2"], ["1"])
    assert noted.get(["1"])[0].fields["note"] == "another"


def test_nothing_to_remove_keeps_nothing(noted):
    assert noted.remove(["nobody"]) is None
    assert noted.removals() == []
    for arguments in ({}, {"ids": ["1"], "where": {}}):
        with pytest.raises(InvalidArgument):
            noted.remove(**arguments)
    with pytest.raises(EntryNotFound):
        noted.bring_back("20200101T000000-00000000")


def test_nothing_is_deleted_that_could_not_be_kept(noted, monkeypatch):
    def full(path, values):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lookalike.removed.write_json", full)
    with pytest.raises(StoreFailed, match="No space left"):
        noted.remove(["1"])
    assert len(noted) == 5
    assert not [path for path in noted._removed.folder.rglob("*") if path.is_file()]


def test_erased_means_gone_from_here_too(space, noted):
    noted.remove(["1", "2"])
    noted.remove(["3"])
    space.erase("pictures", ["1", "3", "4"])
    assert [(one.records, list(one.ids)) for one in noted.removals()] == [(1, ["2"])]
    left = b"".join(path.read_bytes() for path in noted._removed.folder.rglob("*") if path.is_file())
    assert b"private words 2" in left
    assert b"private words 1" not in left
    space.erase("pictures", where={"note": "private words 2"})
    assert noted.removals() == []
    assert list(noted.bring_back(noted.remove(["0"]).id).inserted) == ["0"]


def test_a_damaged_removal_says_so_and_is_erased_whole(space, noted):
    kept = noted.remove(["1"])
    part = next((noted._removed.folder / kept.id).glob("*.npz"))
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(StoreFailed, match="what was deleted"):
        noted.bring_back(kept.id)
    space.erase("pictures", ["nobody"])
    assert noted.removals() == []


def test_old_ones_are_swept_out(tmp_path):
    removed = Removed(tmp_path, "c")
    kept, ids = removed.keep([[Row("a", {}, {"_id": "a"})], []], {})
    assert (kept.records, list(ids), KEPT_DAYS) == (1, ["a"], 30)
    (removed.folder / kept.id).rename(removed.folder / "20200101T000000-00000000")
    assert removed.keep([], {}) == (None, [])
    assert removed.all() == []


def test_another_model_describes_them_anew(noted, pictures, tmp_path):
    own = tmp_path / "own.jpg"
    own.write_bytes((pictures / "4.jpg").read_bytes())
    noted.add([{"_id": "moved", "_file": str(own), "color": "red"}])
    kept = noted.remove(["1", "moved"])
    noted.info = replace(noted.info, signatures={**noted.info.signatures, "copy": "another"})
    own.unlink()
    added = noted.bring_back(kept.id)
    assert (list(added.inserted), [one.source for one in added.failed]) == (["1"], ["moved"])
    assert noted.get(["1"])[0].fields["note"] == "private words 1"
    assert noted.removals() == [kept]
    noted.forget(kept.id)
    assert noted.removals() == []


class Killed(BaseException):
    """Stands for a kill: nothing tidies up behind it."""


@pytest.fixture
def killed_at(monkeypatch):
    """Return killed_at(step, action): runs the action, which ends for good where `lookalike.removed` takes the step."""

    def run(step, action):
        def die(*_):
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(f"lookalike.removed.{step}", die)
            patched.setattr("lookalike.removed.shutil.rmtree", lambda *_, **__: None)
            with pytest.raises(Killed):
                action()

    return run


@pytest.mark.parametrize("step", ["pack_rows", "write_json", "place"])
def test_a_kill_while_it_is_kept_leaves_no_removal_and_nothing_behind(space, noted, killed_at, step):
    killed_at(step, lambda: noted.remove(["1", "2"]))
    assert len(noted) == 5
    assert noted.removals() == []
    assert [*noted._removed.folder.iterdir()]
    receipt = space.erase("pictures", ["1"])
    assert (set(receipt.erased), list(receipt.found)) == ({"1"}, [])
    assert [*noted._removed.folder.iterdir()] == []


def test_a_kill_while_a_removal_is_rewritten_leaves_it_as_it_was(space, noted, killed_at, monkeypatch):
    kept = noted.remove(["1", "2"])

    def half(aside, out):
        out.rename(out.parent / f".{out.name}.77.old")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("lookalike.removed.place", half)
        with pytest.raises(Killed):
            space.erase("pictures", ["1"])
    assert noted.remove(["3"]).records == 1
    assert noted.removals()[1:] == [kept]
    assert sorted(noted.bring_back(kept.id).inserted) == ["1", "2"]


def test_a_kill_while_it_is_forgotten_leaves_no_half_of_it(noted, monkeypatch):
    kept = noted.remove(["1", "2"])
    with monkeypatch.context() as patched:
        patched.setattr("lookalike.removed.shutil.rmtree", lambda *_, **__: None)
        noted.forget(kept.id)
    assert noted.removals() == []
    noted.remove(["3"])
    assert len([*noted._removed.folder.iterdir()]) == 1


def test_a_removal_that_lost_a_part_is_not_brought_back_for_whole(noted):
    kept = noted.remove(["1"])
    next((noted._removed.folder / kept.id).glob("*.npz")).unlink()
    with pytest.raises(StoreFailed, match="has 0 records, not 1"):
        noted.bring_back(kept.id)
    assert noted.removals() == [kept]
