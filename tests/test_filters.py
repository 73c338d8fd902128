"""What a filter means. The table of nulls follows MongoDB's own tests, null_query_semantics.js."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import InvalidFilter
from lookalike.filters import (
    And,
    Compare,
    Element,
    Equal,
    Exists,
    Not,
    Pattern,
    canonical,
    equals,
    matches,
    one_of,
    parse,
    paths,
    reach,
)

HOUSE = {
    "_id": "h1",
    "city": "Oslo",
    "price": 900,
    "ratio": 1.5,
    "sold": False,
    "note": None,
    "tags": ["new", "sale"],
    "size": {"w": 3, "h": 4},
    "rooms": [{"kind": "kitchen", "area": 12}, {"kind": "bath"}],
    "grid": [[1, 2], [3, 4]],
    "2024": "a key of digits",
}


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"city": "Oslo"},
        {"city": "Oslo", "price": 900},
        {"city": {"$eq": "Oslo"}},
        {"_id": "h1"},
        {"price": 900.0},
        {"price": {"$gt": 899, "$lt": 901}},
        {"price": {"$gte": 900}},
        {"price": {"$lte": 900}},
        {"price": {"$ne": 901}},
        {"city": {"$gt": "Oslm"}},
        {"city": {"$in": ["Rome", "Oslo"]}},
        {"city": {"$nin": ["Rome"]}},
        {"nothing": {"$nin": ["Rome"]}},
        {"nothing": {"$ne": 1}},
        {"sold": False},
        {"tags": "new"},
        {"tags": ["new", "sale"]},
        {"tags": {"$in": ["sale"]}},
        {"tags.1": "sale"},
        {"size": {"h": 4, "w": 3}},
        {"size.w": 3},
        {"rooms.kind": "bath"},
        {"rooms.0.kind": "kitchen"},
        {"rooms.area": {"$gt": 10}},
        {"grid": [1, 2]},
        {"grid.1": 3},
        {"2024": "a key of digits"},
        {"note": None},
        {"note": {"$exists": True}},
        {"nothing": None},
        {"nothing": {"$exists": False}},
        {"rooms.area": {"$exists": True}},
        {"$or": [{"city": "Rome"}, {"price": 900}]},
        {"$and": [{"city": "Oslo"}, {"price": 900}]},
        {"$nor": [{"city": "Rome"}, {"price": 1}]},
        {"price": {"$not": {"$gt": 900}}},
        {"nothing": {"$not": {"$gt": 900}}},
        {"price": {"$not": {"$not": {"$gt": 1}}}},
        {"price": {"$gt": -(10**400)}},
        {"tags": {"$all": ["sale", "new"]}},
        {"tags": {"$all": [["new", "sale"]]}},
        {"city": {"$all": ["Oslo"]}},
        {"rooms": {"$all": [{"$elemMatch": {"area": 12}}, {"$elemMatch": {"kind": "bath"}}]}},
        {"tags": {"$size": 2}},
        {"tags": {"$size": 2.0}},
        {"rooms": {"$elemMatch": {"kind": "kitchen", "area": {"$gt": 10}}}},
        {"rooms": {"$elemMatch": {"area": None}}},
        {"grid": {"$elemMatch": {"$elemMatch": {"$gt": 3}}}},
        {"grid": {"$elemMatch": {"1": 4}}},
        {"tags": {"$elemMatch": {"$regex": "^s", "$ne": "new"}}},
        {"city": {"$regex": "sl"}},
        {"city": {"$regex": "OSLO", "$options": "i"}},
        {"city": {"$options": "i", "$regex": "^oslo$", "$ne": "Rome"}},
        {"city": {"$not": {"$regex": "^o"}}},
        {"tags": {"$regex": "^sa"}},
    ],
)
def test_these_filters_match_the_house(where):
    parsed = parse(where)
    assert parsed is None or matches(parsed, HOUSE)


@pytest.mark.parametrize(
    "where",
    [
        {"city": "oslo"},
        {"city": "Oslo", "price": 1},
        {"price": "900"},
        {"price": {"$gt": 900}},
        {"price": {"$lt": 900}},
        {"price": {"$gt": "1"}},
        {"city": {"$gt": 1}},
        {"sold": 0},
        {"sold": {"$lt": 1}},
        {"sold": None},
        {"note": {"$gt": -1}},
        {"note": {"$lte": ""}},
        {"nothing": {"$gt": -1}},
        {"nothing": {"$exists": True}},
        {"tags": ["sale", "new"]},
        {"tags": {"$nin": ["new"]}},
        {"tags": {"$ne": "sale"}},
        {"tags": "old"},
        {"tags.2": "sale"},
        {"size": {"w": 3}},
        {"grid": 1},
        {"city": {"$in": []}},
        {"$or": [{"city": "Rome"}, {"price": 1}]},
        {"$nor": [{"city": "Rome"}, {"price": 900}]},
        {"price": {"$not": {"$gte": 900}}},
        {"tags": {"$all": []}},
        {"tags": {"$all": ["sale", "old"]}},
        {"tags": {"$size": 1}},
        {"city": {"$size": 4}},
        {"nothing": {"$size": 0}},
        {"rooms": {"$elemMatch": {"kind": "bath", "area": 12}}},
        {"city": {"$elemMatch": {"$eq": "Oslo"}}},
        {"size": {"$elemMatch": {"w": 3}}},
        {"tags": {"$elemMatch": {"$gt": "new", "$lt": "sale"}}},
        {"tags": {"$elemMatch": {"kind": None}}},
        {"city": {"$regex": "^sl"}},
        {"price": {"$regex": "900"}},
        {"nothing": {"$regex": ""}},
        {"city": {"$not": {"$regex": "O"}}},
    ],
)
def test_these_filters_do_not(where):
    parsed = parse(where)
    assert parsed is not None
    assert not matches(parsed, HOUSE)


@pytest.mark.parametrize(
    ("fields", "dotted", "plain"),
    [
        ({}, True, True),
        ({"a": None}, True, True),
        ({"a": 4}, True, False),
        ({"a": {}}, True, False),
        ({"a": {"b": None}}, True, False),
        ({"a": {"b": "hi"}}, False, False),
        ({"a": []}, True, False),
        ({"a": [[]]}, True, False),
        ({"a": [None, 4]}, True, True),
        ({"a": [1, "string"]}, True, False),
        ({"a": [{"b": 1}, {"b": 3}]}, False, False),
        ({"a": [{"b": 1}, {"b": None}]}, True, False),
        ({"a": [{"b": 1}, {}]}, True, False),
    ],
)
def test_null_matches_null_and_what_is_not_there(fields, dotted, plain):
    assert matches(equals("a.b", None), fields) is dotted
    assert matches(equals("a", None), fields) is plain
    assert matches(Not(equals("a.b", None)), fields) is not dotted


def test_only_what_is_the_same_json_is_equal():
    different = [True, False, None, 0, 1, "1", "true", "", [], {}, [1], [True], {"a": 1}, {"a": True}]
    assert len({canonical(value) for value in different}) == len(different)
    assert canonical({"a": 1, "b": [2.0]}) == canonical({"b": (2,), "a": True + 0})


def test_numbers_are_equal_by_value_however_large_or_written():
    assert canonical(1) == canonical(1.0)
    assert canonical(0) == canonical(-0.0)
    assert canonical(2**53 + 1) != canonical(float(2**53))
    assert canonical(10**22) == canonical(1e22)
    assert matches(Compare("a", "$gt", 2.0**53), {"a": 2**53 + 1})
    assert not matches(Compare("a", "$gt", 2**53 + 1), {"a": 2.0**53})


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({"a": {"$near": 1}}, "a.$near"),
        ({"$where": "1"}, "$where"),
        ({"a": {"$gt": 1, "b": 2}}, "a.b"),
        ({"a": {"$gt": None}}, "a.$gt"),
        ({"a": {"$gt": True}}, "a.$gt"),
        ({"a": {"$lte": [1]}}, "a.$lte"),
        ({"a": {"$gt": float("nan")}}, "a.$gt"),
        ({"a": float("inf")}, "a"),
        ({"a": object()}, "a"),
        ({"a": {"$eq": {1: 2}}}, "a.$eq"),
        ({"a": {"$in": 1}}, "a.$in"),
        ({"a": {"$in": "abc"}}, "a.$in"),
        ({"a": {"$nin": {}}}, "a.$nin"),
        ({"a": {"$exists": 1}}, "a.$exists"),
        ({"a": {"$not": 1}}, "a.$not"),
        ({"a": {"$not": {"b": 1}}}, "a.$not"),
        ({"$and": []}, "$and"),
        ({"$or": {"a": 1}}, "$or"),
        ({"$nor": [1]}, "$nor"),
        ({1: 2}, "filter"),
        ([("a", 1)], "filter"),
        ([], "filter"),
        ({"a": {"$all": 1}}, "a.$all"),
        ({"a": {"$all": [{"$gt": 1}]}}, "a.$all"),
        ({"a": {"$size": -1}}, "a.$size"),
        ({"a": {"$size": 1.5}}, "a.$size"),
        ({"a": {"$size": True}}, "a.$size"),
        ({"a": {"$size": {"$gt": 1}}}, "a.$size"),
        ({"a": {"$size": float("nan")}}, "a.$size"),
        ({"a": {"$size": float("inf")}}, "a.$size"),
        ({"a": {"$elemMatch": 1}}, "a.$elemMatch"),
        ({"a": {"$elemMatch": {"$near": 1}}}, "a.$near"),
        ({"a": {"$elemMatch": {"b": {"$near": 1}}}}, "b.$near"),
        ({"a": {"$regex": 1}}, "a.$regex"),
        ({"a": {"$regex": "["}}, "a.$regex"),
        ({"a": {"$regex": "x" * 1001}}, "a.$regex"),
        ({"a": {"$regex": "x", "$options": "g"}}, "a.$regex"),
        ({"a": {"$regex": "x", "$options": 1}}, "a.$options"),
        ({"a": {"$options": "i"}}, "a.$options"),
        ({"a": {"$regex": "\ud800"}}, "a.$regex"),
        ({"a": {"$gt": datetime(2024, 1, 15)}}, "a.$gt"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_and_says_where(where, place):
    with pytest.raises(InvalidFilter) as refused:
        parse(where)
    assert refused.value.where == place
    assert refused.value.code == "invalid_filter"


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({"a": {"$ge": 1}}, "no operator $ge; did you mean $gte?"),
        ({"a": {"$GTE": 1}}, "no operator $GTE; did you mean $gte?"),
        ({"a": {"$exist": True}}, "no operator $exist; did you mean $exists?"),
        ({"a": {"$elemmatch": {}}}, "no operator $elemmatch; did you mean $elemMatch?"),
        ({"a": {"$regexp": "x"}}, "no operator $regexp; did you mean $regex?"),
        ({"$ands": [{"a": 1}]}, "no operator $ands; did you mean $and?"),
        ({"a": {"$where": "1"}}, "no operator $where; known here: $eq, $ne,"),
        ({"a": {"$or": [{"a": 1}]}}, "$or can't stand here; it stands beside fields"),
        ({"$gt": 5}, "$gt can't stand here; it stands behind a field"),
        ({"$regex": "x"}, "$regex can't stand here; it stands behind a field"),
        ({"a": {"$gte": {"$date": "2024-01-15"}}}, "write dates as ISO strings"),
        ({"a": {"$date": "2024-01-15"}}, "write dates as ISO strings"),
        ({"a": datetime(2024, 1, 15)}, "write dates as ISO strings"),
        ({"a": {"$regex": "(?=x)"}}, "RE2 has no look-around and no back-references"),
        ({"a": {"$regex": r"(x)\1"}}, "RE2 has no look-around and no back-references"),
    ],
)
def test_a_refusal_names_the_operator_and_the_way_out(where, sentence):
    with pytest.raises(InvalidFilter) as refused:
        parse(where)
    assert sentence in str(refused.value)


HOSTILE = ["(a+)+$", "^(a|a)*$", "(.*)*b", "(a?){500}a{500}b", "(((a*)*)*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$"]


@pytest.mark.parametrize("expression", HOSTILE)
def test_a_hostile_expression_ends(expression):
    """Each takes a backtracking engine longer than the universe has been there."""
    assert matches(parse({"a": {"$regex": expression}}), {"a": "a" * 50_000 + "!"}) is False


@pytest.mark.parametrize(
    ("expression", "options", "text", "found"),
    [
        ("^b", "", "a\nb", False),
        ("^b", "m", "a\nb", True),
        ("a.b", "", "a\nb", False),
        ("a.b", "s", "a\nb", True),
        ("a b", "x", "ab", True),
        ("a\\ b", "x", "a b", True),
        ("a[ ]b # a blank", "x", "a b", True),
        ("a # one\n b # two", "x", "ab", True),
        ("[#]", "x", "#", True),
        ("[]#]x", "x", "#x", True),
        ("[^]#] x", "x", "#x", False),
        ("\\Qa b\\E c", "x", "a bc", True),
        ("É", "i", "é", True),
        ("^.$", "", "日", True),
        ("^.$", "", "\ud800", True),
        ("b$", "", "b\n", False),
        ("\\d", "", "٣", False),
    ],
)
def test_expressions_and_their_options(expression, options, text, found):
    assert matches(parse({"a": {"$regex": expression, "$options": options}}), {"a": text}) is found


@pytest.mark.parametrize(
    ("where", "exactly", "folded"),
    [
        ({"city": "oslo"}, False, True),
        ({"city": "OSLO"}, False, True),
        ({"city": {"$ne": "oslo"}}, True, False),
        ({"city": {"$in": [1, "OSLo"]}}, False, True),
        ({"city": {"$nin": ["osLO"]}}, True, False),
        ({"tags": "NEW"}, False, True),
        ({"tags": {"$all": ["New", "SALE"]}}, False, True),
        ({"rooms": {"$elemMatch": {"kind": "BATH"}}}, False, True),
        ({"$or": [{"city": "oslo"}]}, False, True),
        ({"tags": ["NEW", "sale"]}, False, False),
        ({"size": {"W": 3, "h": 4}}, False, False),
        ({"_id": "H1"}, False, False),
        ({"CITY": "Oslo"}, False, False),
        ({"city": {"$gt": "oslo"}}, False, False),
        ({"city": {"$regex": "oslo"}}, False, False),
    ],
)
def test_strings_are_equal_without_case_if_asked(where, exactly, folded):
    assert matches(parse(where), HOUSE) is exactly
    assert matches(parse(where, fold_case=True), HOUSE) is folded


def test_case_is_unicodes():
    for one, other in [("straße", "STRASSE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("ÅÄÖ", "åäö")]:
        assert matches(parse({"a": one}, fold_case=True), {"a": other})


def test_dates_are_strings_in_the_order_of_their_characters():
    january = parse({"added": {"$gte": "2024-01", "$lt": "2024-02"}})
    for day in ["2024-01", "2024-01-15", "2024-01-31T23:59:59Z"]:
        assert matches(january, {"added": day})
    for day in ["2023-12-31", "2024-02", "2024", "soon"]:
        assert not matches(january, {"added": day})
    assert not matches(parse({"added": {"$lte": "2024-01-15"}}), {"added": "2024-01-15T10:00:00Z"})
    assert matches(parse({"added": {"$gt": "2024-01-15T10:00:00+02:00"}}), {"added": "2024-01-15T10:00:00Z"})


def test_a_filter_may_be_nested_so_deep_and_no_deeper():
    def nested(depth):
        return {"a": 1} if depth == 0 else {"$and": [nested(depth - 1)]}

    def inside(depth):
        return {"b": 1} if depth == 0 else {"a": {"$elemMatch": inside(depth - 1)}}

    assert parse(nested(32)) is not None
    assert parse(inside(30)) is not None
    with pytest.raises(InvalidFilter, match="more than 32 deep"):
        parse(inside(40))
    with pytest.raises(InvalidFilter, match="more than 32 deep"):
        parse(nested(33))
    with pytest.raises(InvalidFilter, match="more than 32 deep"):
        parse(nested(400))


def test_nothing_asked_is_no_filter():
    assert parse(None) is None
    assert parse({}) is None


def test_the_tree_is_what_was_written():
    assert parse({"a": {"$gt": 1, "$exists": True}}) == And((Compare("a", "$gt", 1), Exists("a")))
    assert parse({"a": {"$nin": [1, "1"]}}) == Not(Equal("a", frozenset({"1", '"1"'})))
    assert equals("a", 1) == parse({"a": 1})
    assert equals("a", 1) == parse({"a": 1}, fold_case=True)
    assert one_of("a", ["x", 2]) == parse({"a": {"$in": [2, "x"]}})
    assert parse({"a": "X"}, fold_case=True) == Equal("a", frozenset({'"x"'}), fold=True)
    assert parse({"a": {"$regex": "x", "$options": "si"}}) == Pattern("a", "x", "is")
    assert parse({"a": {"$all": [1]}}) == equals("a", 1)
    assert parse({"a": {"$elemMatch": {"$gt": 1}}}) == Element("a", Compare("a", "$gt", 1), bare=True)
    assert parse({"a": {"$elemMatch": {"b": 1}}}) == Element("a", equals("b", 1), bare=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab0"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("ab0"), JSON, max_size=3)


@given(OBJECTS)
def test_a_path_exists_exactly_if_it_is_listed(fields):
    listed = paths(fields)
    for path in ["a", "b", "a.b", "b.a", "a.b.a"]:
        assert matches(Exists(path), fields) is (path in listed)


@given(OBJECTS, st.sampled_from(["a", "a.b", "a.0", "0.b"]))
def test_every_value_reached_is_found_by_it(fields, path):
    for value in reach(fields, path):
        assert matches(Equal(path, frozenset([canonical(value)])), fields)


@given(OBJECTS, st.sampled_from(["a", "a.b", "a.0"]), st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), st.floats(-9, 9))
def test_not_is_the_exact_opposite(fields, path, name, bound):
    asked, opposite = parse({path: {name: bound}}), parse({path: {"$not": {name: bound}}})
    assert matches(asked, fields) is not matches(opposite, fields)
