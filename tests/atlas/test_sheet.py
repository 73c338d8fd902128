"""The fields of all records: in step with what is written, and kept from one start to the next."""

import json
import threading

import numpy as np
import pytest

from lookalike.atlas.fields import GONE
from lookalike.atlas.keptfields import NOTES, KeptFields, forget_fields
from lookalike.atlas.sheet import Sheet
from lookalike.stores import watched
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore
from lookalike.stores.watched import Watched

PLACE = ("2026-01-01T00:00:00Z", "shop")


def row(id_, **payload):
    return Row(id_, {"v": np.array([1, 0], np.float32)}, payload)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "maps" / "shop"


@pytest.fixture
def store(folder):
    store = Watched(MemoryStore({"v": 2}), folder / NOTES)
    store.upsert([row("a", kind="cat", tags=["x", "y"]), row("b", kind="dog"), row("c", kind="cat")])
    return store


@pytest.fixture
def begun(store, folder):
    """Return begun(*place): a sheet that knows nothing yet, as after a start."""
    sheets = []

    def begin(*place):
        sheets.append(Sheet(store, threading.Lock(), KeptFields(folder, *(place or PLACE))))
        return sheets[-1]

    yield begin
    for sheet in sheets:
        sheet.close()


@pytest.fixture
def sheet(begun):
    return begun()


@pytest.fixture
def unwalked_after(store, monkeypatch):
    """Return unwalked_after(): from then on nobody may read all rows."""
    return lambda: monkeypatch.setattr(store.inner, "scroll", lambda **asked: pytest.fail("all records were walked"))


def test_what_is_written_is_seen_at_the_next_look(store, sheet):
    assert sheet.coloring("kind", ["a", "b"]).codes.tolist() == [0, 1]
    store.set_payload({"a": {"kind": "dog"}})
    store.delete(["b"])
    store.upsert([row("e", kind="cat")])
    found = sheet.coloring("kind", ["a", "b"])
    assert found.codes.tolist() == [0, GONE]
    assert found.values == [("dog", 1)]
    assert found.since == 2


def test_a_walk_that_failed_is_begun_anew(store, sheet, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(store.inner, "scroll", lambda **asked: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sheet.coloring("kind", ["a"])
    assert sheet.coloring("kind", ["a"]).codes.tolist() == [0]


def test_what_was_kept_needs_no_walk(sheet, begun, unwalked_after):
    before = sheet.coloring("tags", ["a", "b", "c", "nobody"])
    sheet.close()
    unwalked_after()
    after = begun().coloring("tags", ["a", "b", "c", "nobody"])
    assert after.codes.tolist() == before.codes.tolist()
    assert after.values == before.values


def test_what_was_written_meanwhile_is_read_again(store, sheet, begun, unwalked_after):
    sheet.coloring("kind", ["a"])
    sheet.close()
    store.set_payload({"a": {"kind": "dog"}})
    store.delete(["b"])
    store.delete_where(None)
    store.upsert([row("d", kind="cow"), row("\n", kind="dog")])
    unwalked_after()
    found = begun().coloring("kind", ["a", "b", "c", "d", "\n"])
    assert found.codes.tolist() == [GONE, GONE, GONE, 0, 1]
    assert found.values == [("cow", 1), ("dog", 1)]


def test_whoever_walks_anyway_may_keep_them(store, sheet, begun, unwalked_after):
    with sheet.gathering() as gather:
        gather(store.scroll().rows)
        store.set_payload({"a": {"kind": "late"}})
    unwalked_after()
    assert begun().coloring("kind", ["a"]).values == [("late", 1)]


def test_many_changes_are_kept_anew(store, sheet, folder):
    sheet.coloring("kind", ["a"])
    store.upsert([row(f"{n}", kind="new") for n in range(1200)])
    assert len((folder / NOTES).read_text().splitlines()) == 2
    sheet.coloring("kind", ["a"])
    assert (folder / NOTES).read_text() == "[]\n"
    assert json.loads((folder / "fields.json").read_text())["fields"]["7"] == {"kind": "new"}


@pytest.mark.parametrize("spoil", ["another place", "no notes", "damaged notes", "damaged", "another format", "erased"])
def test_what_cant_be_believed_counts_as_none(store, sheet, begun, folder, spoil):
    sheet.coloring("kind", ["a"])
    sheet.close()
    kept = folder / "fields.json"
    match spoil:
        case "no notes":
            (folder / NOTES).unlink()
        case "damaged notes":
            (folder / NOTES).write_text("[")
        case "damaged":
            kept.write_text(kept.read_text()[:-9])
        case "another format":
            kept.write_text(kept.read_text().replace('"format": 1', '"format": 0'))
        case "erased":
            forget_fields(folder)
            assert list(folder.iterdir()) == []
    store.inner.set_payload({"a": {"kind": "unseen"}})
    other = begun(*(("2027", "shop") if spoil == "another place" else PLACE))
    assert other.coloring("kind", ["a"]).values == [("unseen", 1)]


def test_notes_that_grow_too_long_are_given_up(store, sheet, folder, monkeypatch):
    sheet.coloring("kind", ["a"])
    monkeypatch.setattr(watched, "_MOST_NOTES", 100)
    for _ in range(20):
        store.set_payload({"a": {"kind": "again"}})
    assert not (folder / NOTES).exists()


def test_a_full_disk_costs_no_colors(sheet, folder, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(KeptFields, "prepare", full)
    assert sheet.coloring("kind", ["a"]).values == [("cat", 1)]
    assert not folder.exists()
