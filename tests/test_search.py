"""Search over the exact store: grouping, leaving out, thresholds."""

import numpy as np
import pytest

from lookalike.search import Query, nearest_matches, score_of
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore


@pytest.fixture
def store():
    """A hundred rows on a quarter circle, in ten products of ten; every tenth has no product."""
    store = MemoryStore({"v": 2})
    rows = []
    for i in range(100):
        angle = i / 100 * np.pi / 2
        payload = {"_id": f"{i:03}", "n": i, **({"product": i // 10} if i % 10 else {})}
        rows.append(Row(f"{i:03}", {"v": np.array([np.cos(angle), np.sin(angle)], np.float32)}, payload))
    store.upsert(rows)
    return store


EAST = np.array([1, 0], np.float32)


def test_groups_are_filled_to_k_however_large_they_are(store):
    matches = nearest_matches(store, Query("v", EAST, k=12, group_by="product"))
    assert len(matches) == 12
    products = [match.record.fields["product"] for match in matches if "product" in match.record.fields]
    assert len(products) == len(set(products))
    assert matches[0].id == "000"


def test_every_group_comes_once_when_k_is_larger_than_all(store):
    assert len(nearest_matches(store, Query("v", EAST, k=1000, group_by="product"))) == 20


def test_left_out_ids_do_not_cost_a_place(store):
    ids = [match.id for match in nearest_matches(store, Query("v", EAST, k=3, leave_out=("000", "002")))]
    assert ids == ["001", "003", "004"]


def test_a_score_equal_to_the_threshold_is_kept(store):
    matches = nearest_matches(store, Query("v", EAST, k=100, min_score=1.0))
    assert [match.id for match in matches] == ["000"]


def test_the_score_of_a_cosine():
    assert score_of(-0.4) == 0.0
    assert score_of(0.9999999) == 1.0
    assert score_of(1.0000002) == 1.0
    assert score_of(0.25) == 0.25


def test_the_filter_works_with_groups(store):
    matches = nearest_matches(store, Query("v", EAST, k=5, where={"n": {"$gte": 50}}, group_by="product"))
    assert matches[0].id == "050"
    assert len(matches) == 5
