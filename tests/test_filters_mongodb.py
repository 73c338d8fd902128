"""What a filter means is what MongoDB means by it: checked against mongomock, which is another's reading of it.

mongomock errs where MongoDB's own documentation is plain, so the questions below keep clear of it: true equals 1
there, `$size` and `$in` take scalars and arrays in arrays for more than they are, a dotted path through an empty
array or a scalar, or through a position, finds no null, several operators on the field of an array's objects must
hold for one of them, and an empty `$all` matches. What differs from MongoDB on purpose is in `test_filters.py`.
"""

import mongomock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mongomock.filtering import filter_applies

from lookalike.filters import matches, parse

NUMBERS = st.sampled_from([2, 3, 2.5, -4, 2.0, 10**12])
TEXTS = st.sampled_from(["", "a", "b", "B", "ab", "Ab\nc", "2024-01-15", "2024-02", "é"])
PLAIN = NUMBERS | TEXTS | st.booleans()
SCALARS = PLAIN | st.none()
LISTS = st.lists(SCALARS, max_size=3)

OBJECTS = st.fixed_dictionaries({}, optional={"b": SCALARS, "c": SCALARS})
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "flat": SCALARS | LISTS,
        "deep": st.fixed_dictionaries({}, optional={"b": SCALARS | LISTS}),
        "many": st.lists(OBJECTS, min_size=1, max_size=3),
    },
)

ORDER = st.sampled_from(["$gt", "$gte", "$lt", "$lte"])
EXPRESSIONS = st.sampled_from(["a", "^a", "b$", "a.*c", "[0-9]{4}", "^(a|b)$", "é", "^$", "a b # c"])
OPTIONS = st.sets(st.sampled_from("imsx")).map(lambda letters: "".join(sorted(letters)))
ANYWHERE = st.one_of(
    SCALARS,
    st.builds(lambda v: {"$eq": v}, SCALARS),
    st.builds(lambda v: {"$ne": v}, SCALARS),
    st.builds(lambda name, v: {name: v}, ORDER, NUMBERS | TEXTS),
    st.builds(lambda vs: {"$in": vs}, st.lists(SCALARS, max_size=3)),
    st.builds(lambda vs: {"$nin": vs}, st.lists(SCALARS, max_size=3)),
    st.builds(lambda how, flags: {"$regex": how, "$options": flags}, EXPRESSIONS, OPTIONS),
    st.just({"$exists": True}),
    st.builds(lambda name, v: {"$not": {name: v}}, ORDER, NUMBERS | TEXTS),
    st.builds(lambda how: {"$not": {"$regex": how}}, EXPRESSIONS),
)
OF_ONE = st.one_of(
    st.builds(lambda low, high: {"$gt": low, "$lte": high}, NUMBERS, NUMBERS),
    st.builds(lambda vs: {"$all": vs}, st.lists(PLAIN, min_size=1, max_size=2)),
    st.builds(lambda size: {"$size": size}, st.sampled_from([0, 2, 3])),
    st.just({"$exists": False}),
    st.builds(lambda name, v: {"$elemMatch": {name: v}}, ORDER, NUMBERS | TEXTS),
    st.builds(lambda low, high: {"$elemMatch": {"$gte": low, "$lt": high}}, NUMBERS, NUMBERS),
    st.builds(lambda vs: {"$elemMatch": {"$in": vs}}, st.lists(SCALARS, max_size=3)),
    st.builds(lambda how: {"$elemMatch": {"$regex": how}}, EXPRESSIONS),
)
OF_OBJECTS = st.builds(lambda b, c: {"$elemMatch": {"b": b, "c": c}}, ANYWHERE, ANYWHERE)
FIELDS = st.one_of(
    st.builds(lambda path, asked: {path: asked}, st.sampled_from(["flat", "deep.b", "gone"]), ANYWHERE | OF_ONE),
    st.builds(lambda asked: {"many.b": asked}, ANYWHERE),
    st.builds(lambda asked: {"many": asked}, OF_OBJECTS),
    st.builds(lambda place, asked: {f"many.{place}.b": asked}, st.integers(0, 2), PLAIN),
    st.builds(lambda place, name, v: {f"flat.{place}": {name: v}}, st.integers(0, 2), ORDER, NUMBERS | TEXTS),
    st.builds(lambda size: {"many": {"$size": size}}, st.integers(1, 3)),
)
WHERE = st.recursive(
    FIELDS,
    lambda inner: st.builds(
        lambda name, parts: {name: parts},
        st.sampled_from(["$and", "$or", "$nor"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


@settings(max_examples=500)
@given(WHERE, RECORDS)
def test_a_filter_means_what_mongodb_means_by_it(where, record):
    assert matches(parse(where), record) is filter_applies(where, record)


def test_a_collection_of_mongodb_finds_the_same_records():
    records = [
        {"_id": "1", "category": "kitchen", "price": 900, "tags": ["new", "sale"], "added": "2024-01-15T10:00:00Z"},
        {"_id": "2", "category": "bath", "price": 300.5, "tags": [], "added": "2024-02-01T00:00:00Z", "sold": True},
        {"_id": "3", "category": None, "parts": [{"kind": "top", "n": 1}, {"kind": "leg", "n": 4}], "sold": False},
        {"_id": "4", "name": "Kitchen lamp", "price": "900", "tags": "new", "parts": [{"kind": "leg", "n": 3}]},
    ]
    collection = mongomock.MongoClient().shop.records
    collection.insert_many(records)
    for where, want in [
        ({"price": {"$gte": 300.5, "$lt": 1000}}, "12"),
        ({"category": None}, "34"),
        ({"category": {"$exists": True}}, "123"),
        ({"tags": "new"}, "14"),
        ({"tags": {"$all": ["sale", "new"]}}, "1"),
        ({"tags": {"$size": 0}}, "2"),
        ({"sold": True}, "2"),
        ({"sold": {"$ne": True}}, "134"),
        ({"added": {"$gte": "2024-01-15", "$lt": "2024-01-16"}}, "1"),
        ({"name": {"$regex": "^kitchen", "$options": "i"}}, "4"),
        ({"parts": {"$elemMatch": {"kind": "leg", "n": {"$gt": 3}}}}, "3"),
        ({"parts.kind": {"$nin": ["top"]}}, "124"),
        ({"$nor": [{"price": 900}, {"parts.n": 4}]}, "24"),
    ]:
        assert "".join(sorted(record["_id"] for record in collection.find(where))) == want
        assert "".join(record["_id"] for record in records if matches(parse(where), record)) == want


@pytest.mark.parametrize(
    ("where", "record", "meant"),
    [  # where mongomock errs: MongoDB's manual, and its tests null_query_semantics.js and arrays*.js
        ({"a": 1}, {"a": True}, False),
        ({"a": {"$size": 1}}, {"a": "x"}, False),
        ({"a": {"$size": 1}}, {"a": {"x": 1}}, False),
        ({"a": {"$in": [[1, 2]]}}, {"a": [1, 2]}, True),
        ({"a": {"$all": []}}, {"a": [1]}, False),
        ({"a": {"$all": [[1, 2]]}}, {"a": [1, 2]}, True),
        ({"a.b": None}, {"a": []}, True),
        ({"a.b": None}, {"a": 4}, True),
        ({"a.b": {"$gt": 1, "$lt": 3}}, {"a": [{"b": 0}, {"b": 4}]}, True),
        ({"a.b": {"$exists": False}}, {"a": [{"b": 0}, {}]}, False),
        ({"a": {"$elemMatch": {"0": 1}}}, {"a": [[1, 2]]}, True),
        ({"a": {"$elemMatch": {"$gt": 1}}}, {"a": [[2]]}, False),
        ({"a": {"$elemMatch": {"$elemMatch": {"$gt": 1}}}}, {"a": [[2]]}, True),
        ({"a": {"$elemMatch": {"$size": 2}}}, {"a": [[1, 2]]}, True),
        ({"a": {"$elemMatch": {"$not": {"$gt": 1}}}}, {"a": [2, 1]}, True),
        ({"a": {"$elemMatch": {}}}, {"a": [1]}, False),
        ({"a": {"$elemMatch": {}}}, {"a": [{}]}, True),
        ({"a": {"$elemMatch": {"$or": [{"b": 1}, {"c": 1}]}}}, {"a": [{"c": 1}]}, True),
        ({"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"c": 1}}]}}, {"a": [{"b": 1}, {"c": 1}]}, True),
        ({"a": {"$all": [{"$elemMatch": {"b": 1, "c": 1}}]}}, {"a": [{"b": 1}, {"c": 1}]}, False),
        ({"a": {"$size": 2}}, {"a": [[1], [2]]}, True),
        ({"a.b": {"$size": 2}}, {"a": [{"b": [1]}, {"b": [1, 2]}]}, True),
        ({"a": {"$regex": "x"}}, {"a": [["x"]]}, False),
        ({"a": {"$not": {"$regex": "x"}}}, {}, True),
    ],
)
def test_where_mongomock_errs_the_manual_decides(where, record, meant):
    assert matches(parse(where), record) is meant
