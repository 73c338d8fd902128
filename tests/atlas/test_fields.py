"""Fields as colors: legends and ramps."""

import threading

import numpy as np
import pytest

from lookalike.atlas.fields import GONE, LEGEND, field_kinds
from lookalike.atlas.sheet import Sheet
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore
from lookalike.stores.watched import Watched


def row(id_, **payload):
    return Row(id_, {"v": np.array([1, 0], np.float32)}, payload)


@pytest.fixture
def store():
    store = Watched(MemoryStore({"v": 2}))
    store.upsert(
        [
            row("a", kind="cat", price=1, tags=["x", "y"], _file="/secret"),
            row("b", kind="dog", price=5.5, tags=["y"]),
            row("c", kind="cat", price=True, tags=[]),
            row("d", price=9),
        ]
    )
    return store


@pytest.fixture
def sheet(store):
    sheet = Sheet(store, threading.Lock())
    yield sheet
    sheet.close()


def test_values_have_the_places_of_the_legend(sheet):
    found = sheet.coloring("kind", ["d", "c", "b", "a", "nobody"])
    assert found.kind == "values"
    assert found.values == [("cat", 2), ("dog", 1)]
    assert found.codes.tolist() == [-1, 0, 1, 0, GONE]
    assert found.since == 0


def test_a_record_of_several_values_has_the_color_of_the_most_frequent(sheet):
    found = sheet.coloring("tags", ["a", "b", "c"])
    assert found.values == [("y", 2), ("x", 1)]
    assert found.codes.tolist() == [0, 0, -1]
    assert found.since == 1


def test_true_and_one_are_two_values(sheet):
    assert sheet.coloring("price", ["a", "c"]).values == [(1, 1), (True, 1)]


def test_fields_of_the_library_that_tell_places_are_none(sheet):
    assert sheet.coloring("_file", ["a"]).codes.tolist() == [-1]


def test_further_values_share_a_color_and_many_numbers_are_a_ramp(store, sheet):
    store.upsert([row(f"{n:03}", shade=f"s{n % 12:02}", size=n, rating=n % 3) for n in range(60)])
    ids = [f"{n:03}" for n in range(60)]
    shades = sheet.coloring("shade", ids)
    assert [value for value, _ in shades.values] == [f"s{n:02}" for n in range(LEGEND)]
    assert shades.codes[:12].tolist() == [*range(LEGEND), *[LEGEND] * 4]
    assert sheet.coloring("rating", ids).kind == "values"
    size = sheet.coloring("size", [*ids, "a"])
    assert size.kind == "numbers"
    assert (size.low, size.high) == pytest.approx(tuple(np.percentile(range(60), [2, 98])))
    assert (size.codes[0], size.codes[-2], size.codes[-1]) == (0, 1000, -1)
    assert (np.diff(size.codes[:-1]) >= 0).all()


def test_kinds_of_fields_leave_out_what_differs_everywhere_and_what_is_long():
    records = [
        {"title": f"t{n}", "kind": n % 3, "size": n * 1.5, "note": "x" * 100, "_width": n % 2, "_sha256": "0"}
        for n in range(90)
    ]
    assert field_kinds(records) == {"kind": "values", "size": "numbers", "_width": "values"}
