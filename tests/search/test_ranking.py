"""Every kind of question has the same answer in every store: the one that a look at each row gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument, RecordNotFound, ShapeMismatch, UnknownVector
from lookalike.search import Query
from lookalike.search.ranking import ranking_of
from lookalike.search.target import Target
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore

from .conftest import DIMS, TAGS, Truth, make_rows, same, searcher_of, unit

WHERE = [None, {"even": True}, {"n": {"$lt": 60}}, {"product": {"$in": [1, 2, 3]}}, {"n": -1}]


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("by", DIMS)
def test_by_one_vector(ask, truth, directions, by, where):
    vector = directions[by][0]
    expected = truth.ranked({by: vector}, where=where)
    same(ask(vector=vector, by=by, where=where, k=25), expected[:25])
    same(ask(vector=vector.tolist(), weights={by: 3}, where=where, k=25, exact=True), expected[:25])


@pytest.mark.parametrize("where", WHERE)
def test_by_several_vectors_and_keywords(ask, truth, directions, where):
    vectors = {"meaning": directions["meaning"][0], "copy": directions["copy"][1]}
    weights = {"meaning": 7, "copy": 2, "tags": 1}
    expected = truth.ranked(vectors, ["red", "oak"], {"meaning": 0.7, "copy": 0.2, "tags": 0.1}, where=where)
    for exact in (True, False):
        found = ask(vector=vectors, tags=["red", "oak"], weights=weights, where=where, k=30, exact=exact)
        same(found, expected[:30])


def test_everything_is_found_once_when_k_is_larger_than_all(ask, truth, directions):
    vectors = {name: rows[0] for name, rows in directions.items()}
    shares = dict.fromkeys([*DIMS, "tags"], 0.25)
    found = ask(vector=vectors, tags=TAGS[:2], weights=shares, k=1000)
    same(found, truth.ranked(vectors, TAGS[:2], shares))
    assert found.next is None
    assert found.total == len(found)


@pytest.mark.parametrize("where", WHERE)
def test_by_keywords_alone(ask, truth, where):
    expected = truth.ranked({}, ["red", "oak", "new"], {"tags": 1.0}, where=where)
    same(ask(tags=["red", "oak", "new"], where=where, k=400), expected)


def test_by_id_with_the_records_own_keywords(ask, truth, rows):
    row = next(row for row in rows if len(row.payload.get("tags", [])) == 2 and "meaning" in row.vectors)
    shares = {"meaning": 0.6, "tags": 0.4}
    expected = truth.ranked({"meaning": row.vectors["meaning"]}, row.payload["tags"], shares, leave_out={row.id})
    same(ask(id=row.id, weights=shares, k=20), expected[:20])


def test_a_record_without_keywords_is_looked_for_by_the_other_parts(ask, truth, rows):
    row = next(row for row in rows if not row.payload.get("tags") and "meaning" in row.vectors)
    expected = truth.ranked({"meaning": row.vectors["meaning"]}, leave_out={row.id})
    same(ask(id=row.id, weights={"meaning": 0.6, "tags": 0.4}, k=20), expected[:20])


def test_positive_and_negative_examples_are_summed(ask, truth, rows):
    first, second, third = [row for row in rows if "meaning" in row.vectors][:3]
    total = first.vectors["meaning"] + 0.5 * second.vectors["meaning"] - 0.75 * third.vectors["meaning"]
    expected = truth.ranked({"meaning": total / np.linalg.norm(total)}, leave_out={first.id, second.id, third.id})
    like = [{"id": second.id, "weight": 0.5}, {"vector": third.vectors["meaning"].tolist(), "weight": -0.75}]
    found = ask(id=first.id, like=[*like, {"id": third.id, "weight": 1e-9}], k=20)
    same(found, expected[:20], tolerance=1e-5)


def test_only_a_negative_example_finds_what_is_unlike(ask, truth, directions):
    vector = directions["meaning"][0]
    same(ask(like=[{"vector": vector, "weight": -2}], k=5), truth.ranked({"meaning": -vector})[:5])


def test_range_gives_all_within_a_distance(ask, truth, directions):
    vector = directions["meaning"][0]
    expected = [one for one in truth.ranked({"meaning": vector}) if one[1] >= 0.3]
    found = ask(vector=vector, min_score=0.3, k=None)
    same(found, expected)
    assert (found.next, found.total) == (None, len(expected))
    both = {"meaning": vector, "copy": directions["copy"][0]}
    shares = {"meaning": 0.5, "copy": 0.5}
    expected = [one for one in truth.ranked(both, shares=shares) if round(one[1], 6) >= 0.3]
    same(ask(vector=both, weights=shares, min_score=0.3, k=None), expected)


def test_a_score_equal_to_the_threshold_is_kept(ask, rows):
    row = next(row for row in rows if "meaning" in row.vectors)
    assert [match.id for match in ask(vector=row.vectors["meaning"], k=100, min_score=1.0)] == [row.id]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"id": "nobody"}, RecordNotFound),
        ({"vector": [1.0, 2.0]}, ShapeMismatch),
        ({"vector": {"meaning": [1.0]}}, ShapeMismatch),
        ({"vector": [0.0] * 12}, InvalidArgument),
        ({"vector": [float("nan")] * 12}, InvalidArgument),
        ({"vector": "abc"}, InvalidArgument),
        ({"vector": [[1.0] * 12]}, InvalidArgument),
        ({"vector": {"smell": [1.0]}}, UnknownVector),
        ({"vector": [1.0] * 12, "by": "smell"}, UnknownVector),
        ({"id": "000", "by": "smell"}, UnknownVector),
        ({"id": "000", "weights": {"smell": 1}}, UnknownVector),
        ({"vector": [1.0] * 12, "weights": {"color": 1, "meaning": 1}}, InvalidArgument),
        ({"vector": [1.0] * 12, "weights": {"tags": 1, "meaning": 1}}, InvalidArgument),
        ({"like": [{"id": "000"}, {"id": "000", "weight": -1}]}, InvalidArgument),
        ({"id": "000", "after": "nonsense"}, InvalidArgument),
    ],
)
def test_bad_questions_are_clear_errors(ask, question, error):
    with pytest.raises(error):
        ask(**question)


def test_examples_of_another_width_are_no_sum(ask):
    with pytest.raises(ShapeMismatch):
        ask(id="000", like=[{"vector": [1.0, 2.0]}])


VECTORS = st.integers(0, 2**32 - 1)


@settings(max_examples=40)
@given(
    seed=VECTORS,
    shares=st.fixed_dictionaries({}, optional={name: st.floats(0.01, 1) for name in [*DIMS, "tags"]}).filter(bool),
    tags=st.lists(st.sampled_from(TAGS), min_size=1, max_size=4, unique=True),
    limit=st.integers(1, 60),
    floor=st.none() | st.floats(0, 0.6),
)
def test_the_exact_blend_is_a_scan(rows, seed, shares, tags, limit, floor):
    random = np.random.default_rng(seed)
    vectors = {name: unit(random, DIMS[name]) for name in shares if name != "tags"}
    total = sum(shares.values())
    shares = {name: share / total for name, share in shares.items()}
    wanted = tags if "tags" in shares else []
    store = MemoryStore(DIMS)
    store.upsert(rows)
    target = Target(vectors, dict.fromkeys(wanted, 1.0), shares, {"tags": 1.0})
    found = ranking_of(store, target, floor, exact=True).best(limit, None)
    expected = Truth(rows).ranked(vectors, wanted, shares)
    if floor:
        expected = [one for one in expected if round(one[1], 6) >= floor]
    assert [hit.similarity for hit in found] == pytest.approx([score for _, score in expected[:limit]], abs=3e-6)


@settings(max_examples=60)
@given(
    seed=VECTORS,
    has=st.sets(st.sampled_from(TAGS)),
    more=st.sets(st.sampled_from(TAGS)),
    others=st.sets(st.sampled_from(["fur", "tin", "ink"])),
    wanted=st.sets(st.sampled_from(TAGS), min_size=1),
    weight=st.floats(0.01, 0.99),
)
def test_more_shared_keywords_never_lower_the_rank(seed, has, more, others, wanted, weight):
    """All else equal: the same picture, at least the same keywords, and some that are wanted besides."""
    random = np.random.default_rng(seed)
    looks = unit(random, DIMS["meaning"])
    rows = [Row(f"other {i}", {"meaning": unit(random, DIMS["meaning"])}, {"tags": [TAGS[i]]}) for i in range(6)]
    rows.append(Row("a", {"meaning": looks}, {"tags": sorted(has)}))
    rows.append(Row("b", {"meaning": looks}, {"tags": sorted(has | (more & wanted) | others)}))
    store = MemoryStore(DIMS)
    store.upsert(rows)
    question = Query(
        vector=unit(random, DIMS["meaning"]), tags=sorted(wanted), weights={"meaning": 1 - weight, "tags": weight}
    )
    found = {match.id: match.score for match in searcher_of(store).search(question)}
    order = list(found)
    assert found["b"] >= found["a"]
    if (more & wanted) - has:
        assert order.index("b") < order.index("a") or found["a"] == found["b"] == 0.0


def test_the_approximate_blend_finds_what_the_exact_one_does(directions):
    """Recall@10 over 20 questions of three vectors each, at 1,500 records; a scan is the truth."""
    store = MemoryStore(DIMS)
    store.upsert(make_rows(seed=3, count=1500))
    searcher, random = searcher_of(store), np.random.default_rng(5)
    hits = 0
    for _ in range(20):
        vectors = {name: unit(random, width).tolist() for name, width in DIMS.items()}
        question = {"vector": vectors, "weights": {"meaning": 0.7, "copy": 0.2, "color": 0.1}, "k": 10}
        near = {match.id for match in searcher.search(Query(**question))}
        hits += len(near & {match.id for match in searcher.search(Query(**question, exact=True))})
    assert hits >= 0.98 * 200
