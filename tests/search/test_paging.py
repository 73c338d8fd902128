"""Pages of a ranking: groups, copies, thresholds, cursors; in every store."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument
from lookalike.search import Query, score_of
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore

from .conftest import DIMS, make_rows, same, searcher_of, unit


@pytest.fixture
def circle():
    """Searcher of a hundred rows on a quarter circle, in ten products of ten; every tenth has no product."""
    store = MemoryStore({"meaning": 2})
    rows = []
    for i in range(100):
        angle = i / 100 * np.pi / 2
        payload = {"_id": f"{i:03}", "n": i, **({"product": i // 10} if i % 10 else {})}
        rows.append(Row(f"{i:03}", {"meaning": np.array([np.cos(angle), np.sin(angle)], np.float32)}, payload))
    store.upsert(rows)
    searcher = searcher_of(store)
    return lambda **question: searcher.search(Query(vector=[1, 0], **question))


def walk(ask, k, **question):
    """Every page of a question, as one list of matches."""
    found, after, pages = [], None, 0
    while True:
        page = ask(k=k, after=after, **question)
        found += page
        after, pages = page.next, pages + 1
        if after is None:
            assert page.total == len(found)
            return found
        assert len(page) == k
        assert page.total is None
        assert pages < 1000


def test_the_score_of_a_cosine():
    assert score_of(-0.4) == 0.0
    assert score_of(0.9999999) == 1.0
    assert score_of(1.0000002) == 1.0
    assert score_of(0.25) == 0.25


def test_groups_are_filled_to_k_however_large_they_are(circle):
    matches = circle(k=12, group_by="product")
    assert len(matches) == 12
    products = [match.record.fields["product"] for match in matches if "product" in match.record.fields]
    assert len(products) == len(set(products))
    assert matches[0].id == "000"


def test_every_group_comes_once_when_k_is_larger_than_all(circle):
    assert len(circle(k=1000, group_by="product")) == 20


def test_the_examples_own_record_does_not_cost_a_place(circle):
    matches = circle(k=3, like=[{"id": "002", "weight": 1e-6}])
    assert [match.id for match in matches] == ["000", "001", "003"]


def test_the_filter_works_with_groups(circle):
    matches = circle(k=5, where={"n": {"$gte": 50}}, group_by="product")
    assert matches[0].id == "050"
    assert len(matches) == 5


def test_groups_have_size_and_members(circle):
    best = circle(k=3, group=True, group_size=4, where={"n": {"$lt": 8}})
    assert [(match.id, match.group.value, match.group.size) for match in best] == [("000", None, 1), ("001", 0, 7)]
    assert [member.id for member in best[1].group.members] == ["001", "002", "003", "004"]
    assert [member.id for member in best[0].group.members] == ["000"]
    assert best[1].group.members[0].score == best[1].score


@pytest.mark.parametrize("where", [None, {"even": True}])
@pytest.mark.parametrize("k", [1, 7, 40, 300])
def test_the_nearest_of_each_group(ask, truth, rows, directions, where, k):
    vector = directions["meaning"][1]
    ranked = truth.ranked({"meaning": vector}, where=where)
    expected = truth.grouped(ranked, "product")
    found = ask(vector=vector, group_by="product", k=k, where=where, exact=True)
    same(found, expected[:k])
    products = {row.id: row.payload.get("product") for row in rows if not where or row.payload["even"]}
    for match in found:
        product = products[match.id]
        size = 1 if product is None else sum(other == product for other in products.values())
        assert (match.group.value, match.group.size) == (product, size)


def test_groups_of_a_blend_have_the_nearest_members(ask, truth, directions):
    vectors = {"meaning": directions["meaning"][0], "copy": directions["copy"][0]}
    shares = {"meaning": 0.75, "copy": 0.25}
    found = ask(vector=vectors, weights={"meaning": 3, "copy": 1}, group=True, group_size=3, k=4)
    same(found, truth.grouped(truth.ranked(vectors, shares=shares), "product")[:4])
    match = next(match for match in found if match.group.value is not None)
    members = truth.ranked(vectors, shares=shares, where={"product": match.group.value})
    same(match.group.members, members[:3])


def test_any_field_groups_an_array_by_all_its_values():
    store = MemoryStore({"meaning": 2})
    fields = [
        {"s": {"c": ["x", "y"]}},
        {"s": {"c": "y"}},
        {"s": {"c": ["z"]}},
        {"s": {"c": None}},
        {},
        {"s": {"c": []}},
    ]
    rows = []
    for i, payload in enumerate(fields):
        vector = np.array([np.cos(i / 9), np.sin(i / 9)], np.float32)
        rows.append(Row(str(i), {"meaning": vector}, payload))
    store.upsert(rows)
    found = searcher_of(store).search(Query(vector=[1, 0], group_by="s.c"))
    assert [(m.id, m.group.value, m.group.size) for m in found] == [
        ("0", ["x", "y"], 2), ("2", ["z"], 1), ("3", None, 1), ("4", None, 1), ("5", [], 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"where": {"even": True}},
        {"group_by": "product"},
        {"min_score": 0.2},
        {"exact": True},
        {"weights": {"meaning": 1, "copy": 1, "tags": 1}, "tags": ["red", "new"], "exact": True},
    ],
    ids=str,
)
def test_pages_are_the_whole_in_its_order(ask, directions, question):
    vector = {name: rows[2] for name, rows in directions.items()}
    whole = ask(vector=vector, k=1000, **question)
    assert whole.total == len(whole) > 20
    paged = walk(ask, 17, vector=vector, **question)
    assert [match.id for match in paged] == [match.id for match in whole]
    assert [match.score for match in paged] == [match.score for match in whole]


def test_a_range_over_the_cap_goes_on_with_its_cursor(ask, directions, monkeypatch):
    monkeypatch.setattr("lookalike.search.paging.MAX_K", 20)
    vector = directions["meaning"][0]
    first = ask(vector=vector, k=None, min_score=0.1)
    assert (len(first), first.total) == (20, None)
    rest = ask(vector=vector, k=1000, min_score=0.1, after=first.next)
    assert len(rest) + 20 == rest.total
    assert not {match.id for match in first} & {match.id for match in rest}


def test_k_may_change_from_page_to_page_but_not_the_question(ask, directions):
    vector = directions["meaning"][0]
    first = ask(vector=vector, k=5)
    second = ask(vector=vector, k=9, after=first.next)
    assert [match.id for match in [*first, *second]] == [match.id for match in ask(vector=vector, k=14)]
    for other in ({"where": {"even": True}}, {"min_score": 0.1}, {"group": True}, {"distinct": True}):
        with pytest.raises(InvalidArgument, match="same question"):
            ask(vector=vector, k=5, after=first.next, **other)
    with pytest.raises(InvalidArgument, match="same question"):
        ask(vector=directions["meaning"][1], k=5, after=first.next)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    changes=st.lists(st.tuples(st.sampled_from(["add", "delete", "double"]), st.integers(0, 59)), max_size=12),
    k=st.integers(1, 15),
    group_by=st.sampled_from([None, "product"]),
)
def test_cursors_hold_while_records_come_and_go(seed, changes, k, group_by):
    """No record comes twice, the order goes on, and what stays and ranks behind is never passed over."""
    random = np.random.default_rng(seed)
    store = MemoryStore(DIMS)
    rows = [Row(row.id, row.vectors, row.payload) for row in make_rows(seed, 60)]
    store.upsert(rows)
    searcher, vector = searcher_of(store), unit(random, DIMS["meaning"]).tolist()
    touched, found, after = set(), [], None
    whole = searcher.search(Query(vector=vector, k=1000, exact=True))
    todo = list(changes)
    while True:
        page = searcher.search(Query(vector=vector, k=k, after=after, group_by=group_by, exact=True))
        found += page
        after = page.next
        if after is None:
            break
        if todo:
            what, at = todo.pop()
            row = rows[at]
            touched.add(row.id)
            if what == "delete":
                store.delete([row.id])
            else:
                id_ = f"new {len(todo)}" if what == "add" else f"{row.id} again"
                vectors = {"meaning": unit(random, DIMS["meaning"])} if what == "add" else row.vectors
                store.upsert([Row(id_, vectors, {"n": -1})])
    ids = [match.id for match in found]
    assert len(ids) == len(set(ids))
    keys = [(-match.score, match.id) for match in found if match.score > 0]
    assert keys == sorted(keys)
    if group_by is None:
        assert {match.id for match in whole} - touched <= set(ids)


A, B, C = 0x9A3C5F21D8E0B746, 0x63C19E5AB47208FD, 0x1E87D2B45AC3690F  # 32 ones each, as hashes of pictures have


def picture(id_, phash, copy, meaning, **payload):
    vectors = {"copy": unit_of(copy), "meaning": unit_of(meaning)}
    return Row(id_, vectors, {"_phash": f"{phash:016x}", "_sha256": f"{id_[0]}{phash}", **payload})


def unit_of(angle):
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


@pytest.fixture
def album():
    """Two pictures with copies of each, others that only one witness calls a copy, and some without a witness."""
    store = MemoryStore({"copy": 2, "meaning": 2})
    store.upsert(
        [
            picture("a", A, 0.0, 0.0, product=1),
            picture("a small", A ^ 0x7, 0.1, 0.1, product=1),
            picture("b", B, 1.5, 0.2, product=2),
            picture("a gray", A ^ 0x7FF, 0.2, 0.3, product=2),
            picture("like a by hash", A ^ 0x7FF, 1.5, 0.4, product=3),
            picture("like a by copy", C, 0.0, 0.5, product=3),
            picture("b again", B, 0.0, 0.6, product=4),
            picture("b mirrored", B ^ 0x5555555555555555, 1.5, 0.65, product=4),
            picture("plain", 0x1, 0.0, 0.66, product=5),
            picture("plain too", 0x1 << 1, 0.0, 0.67, product=5),
            Row("own vector", {"meaning": unit_of(0.7)}, {}),
            Row("own vector 2", {"meaning": unit_of(0.7)}, {}),
        ]
    )
    searcher = searcher_of(store)
    return lambda **question: searcher.search(Query(vector=[1, 0], **question))


def test_of_copies_the_best_stays_and_says_how_many_there_are(album):
    found = album(distinct=True)
    assert [(match.id, match.copies) for match in found] == [
        ("a", 2), ("b", 2), ("like a by hash", 0), ("like a by copy", 0), ("plain", 0), ("plain too", 0),
        ("own vector", 0), ("own vector 2", 0),
    ]  # fmt: skip
    assert len(album(k=20)) == 12


def test_copies_are_known_again_on_the_next_page(album):
    paged = walk(album, 2, distinct=True)
    assert [match.id for match in paged] == [match.id for match in album(distinct=True)]


def test_groups_and_copies_together(album):
    found = album(distinct=True, group=True)
    assert [match.id for match in found] == ["a", "b", "like a by hash", "plain", "own vector", "own vector 2"]
