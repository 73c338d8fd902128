"""Rows of field, operator and value: what they mean, and that a filter comes back from them as it went in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike import filters
from lookalike.pages.conditions import (
    OPERATORS,
    Condition,
    conditions_of,
    filter_of,
    read_value,
    shown,
    with_equal,
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["5", "true", "null", '"quoted"', " spaced ", "a, b", "", "NaN", "1e999", "[", "{}", "Infinity"]),
)
ROWS = st.builds(Condition, st.sampled_from(["a", "b", "c.d"]), st.sampled_from(list(OPERATORS)), SCALARS.map(shown))


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ([], None),
        ([("category", "is", "animal")], {"category": "animal"}),
        ([("price", "gte", "5"), ("price", "lt", "9.5")], {"price": {"$gte": 5, "$lt": 9.5}}),
        ([("size", "is", '"5"')], {"size": "5"}),
        ([("sold", "is", "true"), ("note", "not", "null")], {"sold": True, "note": {"$ne": None}}),
        ([("tags", "in", "red, dark blue, 7")], {"tags": {"$in": ["red", "dark blue", 7]}}),
        ([("tags", "nin", '"a, b", c')], {"tags": {"$nin": ["a, b", "c"]}}),
        ([("tags", "in", '12" disc, 7" disc')], {"tags": {"$in": ['12" disc', '7" disc']}}),
        ([("name", "has", "a.b")], {"name": {"$regex": r"a\.b", "$options": "i"}}),
        ([("name", "like", "^a+")], {"name": {"$regex": "^a+"}}),
        ([("a", "there", ""), ("b", "gone", "")], {"a": {"$exists": True}, "b": {"$exists": False}}),
        ([("tags", "is", "red"), ("tags", "is", "blue")], {"$and": [{"tags": "red"}, {"tags": "blue"}]}),
        ([("box", "is", '{"w": 1}')], {"box": {"$eq": {"w": 1}}}),
    ],
)
def test_rows_are_a_filter(rows, where):
    assert filter_of([Condition(*row) for row in rows]) == where
    filters.parse(where)  # and one that is understood


@given(st.lists(ROWS, max_size=5))
def test_a_filter_of_rows_comes_back_from_its_rows(rows):
    where = filter_of(rows)
    again = conditions_of(json.loads(json.dumps(where)))
    assert again is not None
    assert filter_of(again) == where


@given(SCALARS)
def test_a_value_comes_back_from_its_text(value):
    back = read_value(shown(value))
    assert (back, type(back)) == (value, type(value))


@given(st.lists(SCALARS, max_size=4))
def test_a_list_of_values_comes_back_from_its_text(values):
    row = conditions_of({"a": {"$in": values}})
    assert filter_of(row) == {"a": {"$in": values}}


@pytest.mark.parametrize(
    "where",
    [
        {"$or": [{"a": 1}]},
        {"a": {"$size": 2}},
        {"a": {"$regex": "x", "$options": "s"}},
        {"a": {"$in": "x"}},
        {"$and": [{"$nor": [{"a": 1}]}]},
        {"$and": "x"},
        {"a": {"$gt": 1, "b": 2}},
    ],
)
def test_what_rows_cannot_say_is_left_to_those_who_write_filters(where):
    assert conditions_of(where) is None


def test_a_value_is_asked_for_and_then_no_longer():
    where = with_equal({"price": {"$lt": 9}}, "color", "red")
    assert where == {"price": {"$lt": 9}, "color": "red"}
    assert with_equal(where, "color", "red") == {"price": {"$lt": 9}}
    assert with_equal({"color": "red"}, "color", "red") is None
    assert with_equal({"color": "red"}, "color", "blue") == {"$and": [{"color": "red"}, {"color": "blue"}]}
    assert with_equal({"$or": [{"a": 1}]}, "color", "red") == {"$and": [{"$or": [{"a": 1}]}, {"color": "red"}]}
