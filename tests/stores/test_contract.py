"""What every store does, to the letter."""

import json
import threading
from collections import Counter

import numpy as np
import pytest

from lookalike.errors import InvalidArgument, InvalidRecord, ShapeMismatch, StoreFailed, UnknownVector
from lookalike.filters import equals, one_of, parse
from lookalike.stores.base import Facet, Nearest, Row

DIMS = {"meaning": 3, "copy": 2}
EAST = (1, 0, 0)
NORTH = (0, 1, 0)
UP = (0, 0, 1)


def unit(*numbers):
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def row(row_id, meaning=EAST, copy=None, **payload):
    vectors = {"meaning": unit(*meaning)} if meaning else {}
    return Row(row_id, vectors | ({"copy": unit(*copy)} if copy else {}), payload)


def like(vector, limit=10, *, where=None, name="meaning", **options):
    return Nearest(name, unit(*vector), limit, parse(where), **options)


def found(hits):
    return [(hit.id, hit.similarity) for hit in hits]


def ids(store, where=None):
    return {row.id for row in walk(store, where)}


def walk(store, where=None, limit=2):
    rows, after = [], None
    while True:
        some = store.scroll(where=parse(where), after=after, limit=limit)
        assert len(some.rows) == limit or some.next is None
        rows += some.rows
        after = some.next
        if after is None:
            return rows


def test_what_is_put_in_comes_back(store):
    store.upsert([row("a", EAST, (0, 1), city="Oslo"), row("b", NORTH)])
    a, missing, b = store.get(["a", "zzz", "b"], with_vectors=True)
    assert (a.id, a.payload, missing, b.id, b.payload) == ("a", {"city": "Oslo"}, None, "b", {})
    assert {name: vector.tolist() for name, vector in a.vectors.items()} == {"meaning": [1, 0, 0], "copy": [0, 1]}
    assert list(b.vectors) == ["meaning"]
    assert a.vectors["meaning"].dtype == np.float32
    assert [r.id for r in store.get(["b", "a", "b"])] == ["b", "a", "b"]
    assert store.get(["a"])[0].vectors == {}
    assert store.get([]) == []


def test_vectors_come_back_bit_for_bit(store):
    vector = np.array([0.1, 0.2, 0.9746794], np.float32)
    store.upsert([Row("a", {"meaning": vector}, {})])
    assert store.get(["a"], with_vectors=True)[0].vectors["meaning"].tobytes() == vector.tobytes()


VALUES = [
    *(None, True, False, 0, 1, 1.0, -0.0, 0.1, 1e308, 5e-324, 0.30000000000000004),
    *(2**53 + 1, -(2**63), 2**64, 10**300),
    *("", "é", "日本", "\x00", "\ud800", "😀", "null", "x" * 100_000),
    *([], [[]], [None, [True, 1, 1.0]], {}, {"a": {"b": [None, {"": ""}]}}, {"a.b": 1, "$x": 2}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:20])
def test_a_payload_comes_back_as_it_went_in(store, value):
    payload = {"value": value, "ключ": value}
    store.upsert([Row("a", {"meaning": unit(*EAST)}, payload)])
    want = json.dumps(payload)
    assert json.dumps(store.get(["a"])[0].payload) == want
    assert json.dumps(store.nearest(like(EAST))[0].payload) == want
    assert json.dumps(store.scroll().rows[0].payload) == want


def test_what_comes_back_is_a_copy(store):
    payload = {"tags": ["a"]}
    vector = unit(*EAST)
    store.upsert([Row("a", {"meaning": vector}, payload)])
    payload["tags"].append("b")
    vector[:] = 0
    store.get(["a"], with_vectors=True)[0].vectors["meaning"][:] = 0
    store.get(["a"])[0].payload["tags"].append("c")
    store.nearest(like(EAST))[0].payload["tags"].append("d")
    assert store.get(["a"])[0].payload == {"tags": ["a"]}
    assert found(store.nearest(like(EAST))) == [("a", 1.0)]


IDS = ["", " ", "a/b", "é", "e\u0301", "日本", "😀", "\x00", "\ud800", "x" * 10_000, "0", "null"]


@pytest.mark.parametrize("row_id", IDS, ids=lambda row_id: ascii(row_id)[:20])
def test_any_string_is_an_id(store, row_id):
    store.upsert([row(row_id, n=1), row("other", NORTH, n=2)])
    assert store.get([row_id])[0].id == row_id
    assert store.nearest(like(EAST, 1))[0].id == row_id
    assert ids(store, {"_id": row_id}) == {row_id}
    assert store.delete([row_id]) == 1
    assert ids(store) == {"other"}


def test_the_row_id_is_the_field_id_whatever_the_payload_says(store):
    store.upsert([row("a", _id="b")])
    assert ids(store, {"_id": "a"}) == {"a"}
    assert store.count(parse({"_id": "b"})) == 0
    assert store.get(["a"])[0].payload == {"_id": "b"}


def test_an_upsert_replaces_everything(store):
    store.upsert([row("a", EAST, (0, 1), old=1)])
    store.upsert([row("a", NORTH, new=2)])
    (a,) = store.get(["a"], with_vectors=True)
    assert (a.payload, list(a.vectors), a.vectors["meaning"].tolist()) == ({"new": 2}, ["meaning"], [0, 1, 0])
    assert store.count() == 1
    assert store.count(parse({"old": 1})) == 0
    assert store.nearest(like((0, 1), name="copy")) == []


def test_the_last_of_a_batch_wins(store):
    store.upsert([row("a", EAST, n=1), row("b", UP), row("a", NORTH, n=2)])
    assert store.count() == 2
    assert store.get(["a"])[0].payload == {"n": 2}
    assert found(store.nearest(like(NORTH, 1))) == [("a", 1.0)]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (Row("b", {"meaning": unit(1, 0)}, {}), ShapeMismatch),
        (Row("b", {"meaning": np.eye(3, dtype=np.float32)}, {}), ShapeMismatch),
        (Row("b", {"color": unit(1, 0)}, {}), UnknownVector),
        (Row("b", {"meaning": np.zeros(3, np.float32)}, {}), InvalidArgument),
        (Row("b", {"meaning": np.full(3, np.nan, np.float32)}, {}), InvalidArgument),
        (Row("b", {"meaning": np.array([1.01, 0, 0], np.float32)}, {}), InvalidArgument),
        (Row("b", {"meaning": unit(*EAST)}, {"x": float("nan")}), InvalidRecord),
        (Row("b", {"meaning": unit(*EAST)}, {"x": object()}), InvalidRecord),
    ],
)
def test_a_refused_batch_changes_nothing(store, bad, error):
    store.upsert([row("a", n=1)])
    with pytest.raises(error):
        store.upsert([row("a", n=2), bad, row("c")])
    assert ids(store) == {"a"}
    assert store.get(["a"])[0].payload == {"n": 1}


def test_an_empty_batch_is_nothing(store):
    store.upsert([])
    store.set_payload({})
    assert store.delete([]) == 0
    assert store.count() == 0


def test_a_payload_is_replaced_and_vectors_stay(store):
    store.upsert([row("a", EAST, (0, 1), old=1), row("b", n=1)])
    store.set_payload({"a": {"new": 2}, "zzz": {"new": 2}})
    (a,) = store.get(["a"], with_vectors=True)
    assert a.payload == {"new": 2}
    assert {name: vector.tolist() for name, vector in a.vectors.items()} == {"meaning": [1, 0, 0], "copy": [0, 1]}
    assert ids(store, {"new": 2}) == {"a"}
    assert ids(store, {"old": 1}) == set()
    assert store.count() == 2


def test_a_refused_payload_changes_none(store):
    store.upsert([row("a", n=1), row("b", n=1)])
    with pytest.raises(InvalidRecord):
        store.set_payload({"a": {"n": 2}, "b": {"n": {1, 2}}})
    assert store.count(parse({"n": 1})) == 2


def test_delete_tells_how_many_there_were(store):
    store.upsert([row("a"), row("b"), row("c")])
    assert store.delete(["a", "zzz", "a", "b"]) == 2
    assert store.delete(["a"]) == 0
    assert ids(store) == {"c"}
    assert found(store.nearest(like(EAST))) == [("c", 1.0)]


def test_what_was_deleted_can_come_again(store):
    store.upsert([row("a", EAST, n=1)])
    store.delete(["a"])
    store.upsert([row("a", NORTH, n=2)])
    assert found(store.nearest(like(NORTH))) == [("a", 1.0)]
    assert store.get(["a"])[0].payload == {"n": 2}


def test_nothing_is_found_in_an_empty_store(store):
    assert store.nearest(like(EAST)) == []
    assert store.nearest(like(EAST, where={"a": 1})) == []
    assert (store.count(), store.scroll().rows, store.scroll().next, store.get(["a"])) == (0, [], None, [None])
    store.flush()


def test_the_most_alike_come_first(store):
    store.upsert([row("far", (-1, 0, 0)), row("near", (1, 0.1, 0)), row("same"), row("side", NORTH)])
    hits = store.nearest(like(EAST, 4))
    assert [hit.id for hit in hits] == ["same", "near", "side", "far"]
    assert [hit.similarity for hit in hits] == pytest.approx([1, 0.995037, 0, -1], abs=1e-6)


def test_a_row_is_exactly_like_itself(store):
    rng = np.random.default_rng(1)
    rows = [Row(str(i), {"meaning": unit(*rng.normal(size=3))}, {}) for i in range(50)]
    store.upsert(rows)
    for each in rows:
        assert store.nearest(Nearest("meaning", each.vectors["meaning"], 1))[0].similarity == 1.0


def test_ties_come_by_id_and_the_limit_cuts_them_so(store):
    names = [f"{n:02}" for n in range(40)]
    store.upsert([row(name, NORTH) for name in reversed(names)] + [row("first")])
    for limit in (1, 2, 3, 17, 40, 41, 100):
        assert [hit.id for hit in store.nearest(like(EAST, limit))] == ["first", *names][:limit]
        assert [hit.id for hit in store.nearest(like(EAST, limit, exact=True))] == ["first", *names][:limit]


def test_a_limit_may_be_larger_than_the_store(store):
    store.upsert([row("a"), row("b", NORTH)])
    assert len(store.nearest(like(EAST, 3))) == 2
    assert len(store.nearest(like(EAST, 10**12))) == 2
    assert len(store.nearest(like(EAST, 10**12, where={"_id": "a"}))) == 1


def test_a_similarity_equal_to_the_threshold_is_kept(store):
    store.upsert([row("same"), row("0.6", (0.6, 0.8, 0)), row("zero", NORTH), row("minus", (-1, 0, 0))])
    for least, count in [(1.0, 1), (0.6, 2), (0.600001, 1), (0.0, 3), (1e-6, 2), (-1.0, 4), (None, 4)]:
        assert len(store.nearest(like(EAST, min_similarity=least))) == count
    assert store.nearest(like((0, 0, -1), min_similarity=0.5)) == []


def test_a_threshold_no_decimal_hits_is_kept_too(store):
    third = unit(1, 1, 1)
    store.upsert([Row("a", {"meaning": third}, {})])
    assert len(store.nearest(like(EAST, min_similarity=3**-0.5))) == 1


def test_rows_without_the_vector_are_not_found_by_it(store):
    store.upsert([row("both", EAST, (1, 0)), row("one", EAST), row("none", None)])
    assert found(store.nearest(like((1, 0), name="copy"))) == [("both", 1.0)]
    assert found(store.nearest(like(EAST))) == [("both", 1.0), ("one", 1.0)]
    assert (store.count(), ids(store)) == (3, {"both", "one", "none"})
    assert found(store.nearest(like((1, 0), name="copy", where={"_id": "one"}))) == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (Nearest("color", unit(1, 0), 1), UnknownVector),
        (Nearest("meaning", unit(1, 0), 1), ShapeMismatch),
        (Nearest("meaning", unit(*EAST), 0), InvalidArgument),
        (Nearest("meaning", unit(*EAST) * 2, 1), InvalidArgument),
        (Nearest("meaning", unit(*EAST), 1, min_similarity=1.1), InvalidArgument),
        (Nearest("meaning", unit(*EAST), 1, min_similarity=float("nan")), InvalidArgument),
    ],
)
def test_a_question_that_does_not_fit_is_refused(store, query, error):
    with pytest.raises(error):
        store.nearest(query)


def test_true_is_not_one_and_one_is_not_a_string(store):
    store.upsert(
        [row("true", v=True), row("false", v=False), row("one", v=1), row("1.0", v=1.0), row("text", v="true")]
    )
    assert ids(store, {"v": True}) == {"true"}
    assert ids(store, {"v": False}) == {"false"}
    assert ids(store, {"v": 1}) == {"one", "1.0"}
    assert ids(store, {"v": "true"}) == {"text"}
    assert ids(store, {"v": {"$in": [True, 0]}}) == {"true"}
    assert ids(store, {"v": {"$ne": True}}) == {"false", "one", "1.0", "text"}
    assert ids(store, {"v": {"$gte": 0}}) == {"one", "1.0"}
    assert [hit.id for hit in store.nearest(like(EAST, where={"v": True}))] == ["true"]


def test_numbers_beyond_a_float_are_told_apart(store):
    big = [2**53 - 1, 2**53, 2**53 + 1, 2**63, 2**64 + 1, 10**400, -(10**400)]
    store.upsert([row(str(place), n=number) for place, number in enumerate(big)])
    store.upsert([row("close", n=0.1), row("closer", n=0.1 + 1e-16), row("both", n=[0.1, 0.1 + 1e-16])])
    for number in [*big, 0.1, 0.1 + 1e-16, 0]:
        for operator, holds in [("$eq", "__eq__"), ("$gt", "__gt__"), ("$lte", "__le__")]:
            want = {str(place) for place, other in enumerate(big) if getattr(other, holds)(int(number)) is True}
            got = {found for found in ids(store, {"n": {operator: number}}) if found.isdigit()}
            if number in big:
                assert got == want, (operator, number)
    assert ids(store, {"n": {"$gt": 0.1, "$lt": 1}}) == {"closer", "both"}
    assert ids(store, {"n": {"$gte": 0.1, "$lt": 1}}) == {"close", "closer", "both"}
    assert ids(store, {"n": {"$lt": 0.1 + 1e-16, "$gt": 0}}) == {"close", "both"}


def test_paths_arrays_and_nulls_as_in_mongodb(store):
    store.upsert(
        [
            row("flat", a=1),
            row("deep", a={"b": 1}),
            row("list", a=[{"b": 1}, {"b": 2}]),
            row("partly", a=[{"b": 1}, {}]),
            row("null", a={"b": None}),
            row("empty", a=[]),
            row("none"),
        ]
    )
    assert ids(store, {"a.b": 1}) == {"deep", "list", "partly"}
    assert ids(store, {"a.b": {"$gt": 1}}) == {"list"}
    assert ids(store, {"a.b": None}) == {"flat", "partly", "null", "empty", "none"}
    assert ids(store, {"a.b": {"$exists": True}}) == {"deep", "list", "partly", "null"}
    assert ids(store, {"a.1.b": 2}) == {"list"}
    assert ids(store, {"a": {"$exists": False}}) == {"none"}
    assert ids(store, {"a": []}) == {"empty"}
    assert ids(store, {"a": {"b": 1}}) == {"deep", "list", "partly"}


def test_count_agrees_with_scroll(store):
    store.upsert([row(str(n), n=n, day=f"2024-01-{n:02}") for n in range(1, 21)])
    for where in [None, {"n": 7}, {"n": {"$gt": 7}}, {"day": {"$gte": "2024-01-15"}}, {"n": {"$in": []}}]:
        assert store.count(parse(where)) == len(walk(store, where))


def test_filtered_and_thresholded_hits_are_complete(store):
    store.upsert([row(f"{n:03}", (1, n / 100, 0), n=n, odd=bool(n % 2), day=f"d{n:03}") for n in range(100)])
    assert [h.id for h in store.nearest(like(EAST, 3, where={"odd": True}))] == ["001", "003", "005"]
    assert [h.id for h in store.nearest(like(EAST, 3, where={"n": {"$gte": 97}}))] == ["097", "098", "099"]
    assert [h.id for h in store.nearest(like(EAST, 200, where={"day": {"$gt": "d096"}}))] == ["097", "098", "099"]
    assert len(store.nearest(like(EAST, 200, where={"odd": True}, min_similarity=0.9))) == 24


def test_a_scroll_meets_each_row_once_in_the_same_order(store):
    store.upsert([row(str(n), n=n) for n in range(25)])
    whole = [r.id for r in store.scroll(limit=1000).rows]
    assert sorted(whole, key=int) == [str(n) for n in range(25)]
    for limit in (1, 2, 7, 24, 25, 26):
        assert [r.id for r in walk(store, limit=limit)] == whole
    assert [r.id for r in walk(store, {"n": {"$gt": 4}})] == [i for i in whole if int(i) > 4]


def test_a_scroll_survives_the_deletion_of_where_it_stood(store):
    store.upsert([row(str(n)) for n in range(10)])
    whole = [r.id for r in store.scroll().rows]
    first = store.scroll(limit=4)
    store.delete(whole[3:6])
    assert [r.id for r in store.scroll(after=first.next).rows] == whole[6:]


def test_the_order_of_a_scroll_is_pinned(store):
    store.upsert([row(name) for name in ("a", "b", "c", "d", "")])
    assert [r.id for r in store.scroll().rows] == ["c", "d", "", "a", "b"]


def test_a_scroll_brings_vectors_if_asked(store):
    store.upsert([row("a", EAST, (0, 1))])
    assert store.scroll().rows[0].vectors == {}
    assert {n: v.tolist() for n, v in store.scroll(with_vectors=True).rows[0].vectors.items()} == {
        "meaning": [1, 0, 0],
        "copy": [0, 1],
    }


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": -1}, {"after": "nowhere"}, {"after": ""}])
def test_a_scroll_from_nowhere_is_refused(store, options):
    with pytest.raises(InvalidArgument):
        store.scroll(**options)


def test_what_matches_is_deleted(store):
    store.upsert([row(f"{n:02}", n=n, day=f"2024-01-{n:02}") for n in range(1, 21)])
    assert store.delete_where(parse({"n": {"$gt": 18}})) == 2
    assert store.delete_where(parse({"day": {"$lt": "2024-01-04"}})) == 3
    assert store.delete_where(parse({"n": 77})) == 0
    assert (store.count(), min(ids(store)), max(ids(store))) == (15, "04", "18")
    assert store.delete_where(None) == 15
    assert (store.count(), store.delete_where(None)) == (0, 0)


def test_facets_count_rows_by_value(store):
    store.upsert(
        [
            row("a", color="red", ok=True, n=1, tags=["x", "y", "x"]),
            row("b", color="blue", ok=False, n=1.0, tags=["x", 1, None, {"x": 1}, ["z"]]),
            row("c", color="red", ok=1, n=None, tags="y", deep=[{"er": 1}, {"er": 2}]),
            row("d", color=None, n={"x": 1}, tags=[]),
        ]
    )
    counted = store.facets(["color", "ok", "n", "tags", "deep.er", "nothing", "_id"])
    assert counted["color"] == [Facet("red", 2), Facet("blue", 1)]
    assert [repr(facet.value) for facet in counted["ok"]] == ["1", "False", "True"]
    assert counted["n"] == [Facet(1, 2)]
    assert counted["tags"] == [Facet("x", 2), Facet("y", 2), Facet(1, 1)]
    assert counted["deep.er"] == [Facet(1, 1), Facet(2, 1)]
    assert counted["nothing"] == []
    assert counted["_id"] == [Facet(name, 1) for name in "abcd"]
    assert store.facets(["tags.0"]) == {"tags.0": [Facet("x", 2)]}


def test_facets_are_of_the_rows_that_match_and_the_most_frequent(store):
    store.upsert([row(str(n), n=n, bin=n % 7, day=f"d{n % 3}", big=n > 30) for n in range(100)])
    for where in [None, {"n": {"$lt": 20}}, {"day": {"$gte": "d1"}}, {"big": True}, {"n": -1}]:
        whole = store.facets(["bin", "day", "n"], where=parse(where), limit=1000)
        for path, facets in whole.items():
            assert [f.count for f in facets] == sorted((f.count for f in facets), reverse=True)
            for facet in facets:
                assert facet.count == len([r for r in walk(store, where, 50) if r.payload[path] == facet.value])
        assert store.facets(["bin", "n"], where=parse(where), limit=3) == {p: whole[p][:3] for p in ("bin", "n")}


def test_facets_of_arrays_in_arrays_miss_nothing(store):
    store.upsert([row("a", v=[1, 2]), row("b", v=[[1, 2], "z"]), row("c", v=1), row("d", v=[[[]]])])
    assert store.facets(["v"])["v"] == [Facet(1, 2), Facet("z", 1), Facet(2, 1)]


def test_facets_of_few_and_of_many_values_are_right(store):
    """Stores may count the two in different ways: 300 rows, one value for nearly all, some for few, one for each."""
    store.upsert(
        [
            row(
                f"{n:03}",
                most="usual" if n % 50 else f"rare {n}",
                own=f"number {n}",
                tags=["new", f"t{n % 3}"] if n % 2 else [],
                odd=n % 2 if n % 3 else None,
                **({"seldom": {"x": 1}} if n % 100 == 0 else {"seldom": True} if n % 100 == 1 else {}),
            )
            for n in range(300)
        ]
    )
    paths = ["most", "own", "tags", "odd", "seldom"]
    for where in [None, {"odd": 1}, {"most": {"$ne": "usual"}}, {"most": {"$regex": "^r"}}]:
        facets = store.facets(paths, where=parse(where), limit=1000)
        assert list(facets) == paths
        for path in paths:
            got = {facet.value: facet.count for facet in facets[path]}
            met = [r.payload.get(path) for r in walk(store, where, 100)]
            met = [value for values in met for value in (values if isinstance(values, list) else [values])]
            want = Counter(value for value in met if isinstance(value, str | int))
            assert got == want


def test_a_facet_counts_what_its_value_finds(store):
    store.upsert([row(str(n), v=v) for n, v in enumerate([True, 1, "true", 0.5, [1, True], [[1]], 2**64, 1e300])])
    for facet in store.facets(["v"])["v"]:
        assert store.count(equals("v", facet.value)) == facet.count


def test_a_sample_is_of_rows_that_match_each_once(store):
    store.upsert([row(str(n), n=n, day=f"d{n % 3}") for n in range(60)])
    for where, there in [(None, 60), ({"n": {"$lt": 20}}, 20), ({"day": "d1"}, 20), ({"day": {"$gt": "d1"}}, 20)]:
        for size in (1, 7, 20, 1000):
            drawn = store.sample(size, where=parse(where))
            assert len({r.id for r in drawn}) == len(drawn) == min(size, there)
            assert {r.id for r in drawn} <= ids(store, where)
    assert store.sample(1)[0].vectors == {}
    assert store.sample(3, where=parse({"n": -1})) == []
    assert {tuple(r.id for r in store.sample(5)) for _ in range(5)} != {tuple(r.id for r in store.sample(5))}


def test_a_seed_draws_the_same_rows_in_every_store(store):
    store.upsert([row(str(n), n=n) for n in range(60)])
    assert [r.id for r in store.sample(6, seed=1)] == [r.id for r in store.sample(60, seed=1)][:6]
    assert [r.id for r in store.sample(4, seed=1)] == ["51", "58", "50", "40"]


@pytest.mark.parametrize("seeded", [True, False])
def test_every_row_is_equally_likely_in_a_sample(store, seeded):
    store.upsert([row(str(n), (1, n, 0), n=n) for n in range(10)])
    store.delete(["1", "2"])
    store.optimize()
    store.upsert([row(str(n), (1, n, 0), n=n) for n in range(10, 12)])
    counts = dict.fromkeys([row.id for row in store.scroll().rows], 0)
    for seed in range(500):
        for drawn in store.sample(2, seed=seed if seeded else None):
            counts[drawn.id] += 1
    # Chi-squared of 9: over 48 in one of 5 million draws by chance, so that no honest store ever fails.
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 48


@pytest.mark.parametrize("size", [0, -1])
def test_nothing_is_no_size(store, size):
    with pytest.raises(InvalidArgument):
        store.sample(size)
    with pytest.raises(InvalidArgument):
        store.facets(["a"], limit=size)


def test_a_supplied_list_is_ranked(store):
    store.upsert([row(f"{n:03}", (1, n / 100, 0), n=n) for n in range(100)])
    wanted = ["090", "010", "unknown", "050"]
    assert [h.id for h in store.nearest(like(EAST, 10**6, where={"_id": {"$in": wanted}}))] == ["010", "050", "090"]
    query = Nearest("meaning", unit(*EAST), 2, one_of("_id", [f"{n:03}" for n in range(20, 90)]))
    assert [h.id for h in store.nearest(query)] == ["020", "021"]


def test_answers_do_not_change_with_optimize(store):
    rng = np.random.default_rng(3)
    store.upsert([Row(f"{n:03}", {"meaning": unit(*rng.normal(size=3))}, {"n": n % 10}) for n in range(300)])
    store.delete([f"{n:03}" for n in range(0, 300, 7)])
    questions = [like(EAST, 5), like(NORTH, 300), like(UP, 5, where={"n": 3}), like(UP, 9, where={"n": {"$gte": 8}})]
    before = [found(store.nearest(question)) for question in questions], store.count(), sorted(ids(store))
    store.optimize()
    assert ([found(store.nearest(question)) for question in questions], store.count(), sorted(ids(store))) == before
    assert store.optimize() is False
    store.upsert([row("new", NORTH)])
    assert store.nearest(like(NORTH, 1))[0].id == "new"


def test_a_closed_store_says_so(store):
    store.upsert([row("a")])
    store.close()
    store.close()
    for verb in (
        lambda: store.upsert([row("b")]),
        lambda: store.set_payload({"a": {}}),
        lambda: store.delete(["a"]),
        lambda: store.delete_where(None),
        lambda: store.facets(["a"]),
        lambda: store.sample(1),
        lambda: store.get(["a"]),
        lambda: store.nearest(like(EAST)),
        lambda: store.count(),
        lambda: store.scroll(),
        lambda: store.optimize(),
        lambda: store.flush(),
    ):
        with pytest.raises(StoreFailed, match="closed"):
            verb()


def test_many_threads_search_while_one_writes(store):
    store.upsert([row("anchor", EAST, n=-1)])
    stop, trouble = threading.Event(), []

    def search():
        try:
            while not stop.is_set():
                assert found(store.nearest(like(EAST, 1))) == [("anchor", 1.0)]
                assert store.count(parse({"n": -1})) == 1
                assert "anchor" in {r.id for r in store.scroll(where=parse({"n": {"$lt": 0}})).rows}
        except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
            trouble.append(problem)

    searchers = [threading.Thread(target=search) for _ in range(3)]
    for searcher in searchers:
        searcher.start()
    for batch in range(20):
        store.upsert([row(f"{batch}-{n}", (1, 1, n), n=n) for n in range(50)])
        store.set_payload({f"{batch}-0": {"n": 1000}})
        store.delete([f"{batch}-{n}" for n in range(10, 20)])
    store.optimize()
    stop.set()
    for searcher in searchers:
        searcher.join()
    assert trouble == []
    assert store.count() == 1 + 20 * 40
    assert store.count(parse({"n": 1000})) == 20


def test_two_writers_lose_nothing(store):
    def write(name):
        for n in range(30):
            store.upsert([row(f"{name}{n}-{k}") for k in range(5)])

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.count() == 300
