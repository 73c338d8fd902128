"""Pairs that a scan looked at are not looked at again; what is kept is a shortcut and never an error."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from lookalike.folders import remembered, seen
from lookalike.folders.finding import find_duplicates
from lookalike.folders.remembered import Remembered, beside
from lookalike.images.resize import thumbnail

A, B, C = (f"{n:064x}" for n in (1, 2, 3))


@pytest.fixture
def folder(tmp_path, save):
    """Four photographs and a crop of each."""
    data = pytest.importorskip("skimage.data", reason="needs the photographs inside scikit-image")
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        photo = thumbnail(getattr(data, name)(), 400)
        save(photo, tmp_path / "p" / f"{name}.jpg")
        save(photo[60:, 90:], tmp_path / "p" / f"{name}-crop.jpg")
    return tmp_path / "p"


def test_what_is_put_is_there_the_next_time_for_the_same_maker(tmp_path):
    place = beside(tmp_path / "ledger.sqlite")
    one = Remembered(place, "me")
    one.put(A, B, {"x": [1, None]})
    assert one.get(A, B) == {"x": [1, None]}
    one.close()
    assert Remembered(place, "me").get(A, B) == {"x": [1, None]}
    assert Remembered(place, "me").get(B, A) is None
    assert Remembered(place, "other").get(A, B) is None


@pytest.mark.parametrize("few", [0, 1, 2, 100])
def test_few_pairs_are_read_at_once_and_many_asked_for_one_by_one(tmp_path, monkeypatch, few):
    monkeypatch.setattr(remembered, "_FEW", few)
    monkeypatch.setattr(remembered, "_OFTEN", 0.0)  # each is written at once, so that none is found in memory
    with closing(Remembered(str(tmp_path / "x"), "me")) as one:
        one.put(A, B, {"x": 1})
        one.put(A, C, {"x": 2})
    with closing(Remembered(str(tmp_path / "x"), "me")) as again:
        assert (again.get(A, B), again.get(A, C), again.get(B, C)) == ({"x": 1}, {"x": 2}, None)
        again.put(A, B, {"x": 3})
        again.put(B, C, {"x": 4})
        assert (again.get(A, B), again.get(A, C), again.get(B, C)) == ({"x": 3}, {"x": 2}, {"x": 4})
    with closing(Remembered(str(tmp_path / "x"), "other")) as other:
        assert other.get(A, B) is None


def test_what_is_stored_is_that_of_format_1(tmp_path):
    assert beside(tmp_path / "files-1.sqlite") == str(tmp_path / "files-1-pairs-1.sqlite")
    kept = Remembered(str(tmp_path / "x"), "me")
    kept.put(A, B, {"words": ["é"]})
    kept.close()
    with closing(sqlite3.connect(tmp_path / "x")) as db:
        rows = db.execute("SELECT * FROM pairs").fetchall()
    assert rows == [(bytes.fromhex(A), bytes.fromhex(B), "me", '{"words": ["\\u00e9"]}')]


def test_nothing_is_kept_where_nothing_is_asked_for():
    none = Remembered(beside(""), "me")
    none.put(A, B, {})
    assert none.get(A, B) is None
    none.close()


@pytest.mark.parametrize("what", [b"no database", b"SQLite format 3\x00" + bytes(200)])
def test_a_damaged_file_is_as_good_as_none(tmp_path, what):
    (tmp_path / "x").write_bytes(what)
    bad = Remembered(str(tmp_path / "x"), "me")
    bad.put(A, B, {"x": 1})
    assert bad.get(A, C) is None
    bad.close()
    Remembered(str(tmp_path), "me").put(A, B, {})


def test_two_scans_at_once_keep_what_both_found(tmp_path):
    place = str(tmp_path / "x")
    one, other = Remembered(place, "me"), Remembered(place, "me")
    one.put(A, B, {"x": 1})
    other.put(A, C, {"x": 2})
    one.close()
    other.close()
    last = Remembered(place, "me")
    assert (last.get(A, B), last.get(A, C)) == ({"x": 1}, {"x": 2})


def test_a_second_scan_looks_at_nothing_and_finds_the_same(folder, tmp_path):
    first, second = (find_duplicates(folder, ledger=tmp_path / "l.sqlite") for _ in range(2))
    assert len(first.groups) == 4
    assert first.looks >= 4
    assert second.groups == first.groups
    assert second.looks == 0


def test_a_scan_that_was_stopped_goes_on(folder, tmp_path):
    whole = find_duplicates(folder, ledger="")
    stopped = find_duplicates(folder, ledger=tmp_path / "l.sqlite")
    next(iter(stopped))
    stopped.close()
    rest = find_duplicates(folder, ledger=tmp_path / "l.sqlite")
    assert rest.groups == whole.groups
    assert rest.looks < whole.looks


def test_a_renamed_file_changes_no_answer(folder, tmp_path):
    """What b is beside a turns around with their names."""
    before = find_duplicates(folder, ledger=tmp_path / "l.sqlite").groups
    (folder / "coffee-crop.jpg").rename(folder / "part.jpg")
    after = find_duplicates(folder, ledger=tmp_path / "l.sqlite").groups
    assert after == find_duplicates(folder, ledger="").groups
    assert before[0].pairs[0].changes[0].startswith("uncropped")
    changed = next(group for group in after if group.members[0].path.endswith("/coffee.jpg"))
    assert changed.pairs[0].changes[0].startswith("cropped to")


def test_another_version_finds_anew(folder, tmp_path, monkeypatch):
    first = find_duplicates(folder, ledger=tmp_path / "l.sqlite")
    assert first.looks
    monkeypatch.setattr(seen, "VERSION", seen.VERSION + 1)
    again = find_duplicates(folder, ledger=tmp_path / "l.sqlite")
    assert again.looks == first.looks
    assert again.groups == first.groups


def test_a_transform_comes_back_as_it_was(folder, tmp_path):
    first, second = (find_duplicates(folder, ledger=tmp_path / "l.sqlite").pairs for _ in range(2))
    assert all(isinstance(pair.transform, tuple) and np.shape(pair.transform) == (9,) for pair in second)
    assert [pair.transform for pair in first] == [pair.transform for pair in second]
