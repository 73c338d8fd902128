"""Comparative sets are what they say, and their ranks count."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.evaluate import cosines_of
from lookalike.evaluation.sets import draw_sets, measured_sets, set_ranks


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4), min_size=3, max_size=30), st.integers(1, 12), st.integers(0, 99))
def test_each_set_has_one_of_the_label_and_others_of_other_labels(labels, negatives, seed):
    sets = draw_sets(labels, count=20, negatives=negatives, seed=seed)
    counts = {label: labels.count(label) for label in labels}
    able = [one for one in labels if 1 < counts[one] < len(labels)]
    assert (sets is None) == (not able)
    if sets is None:
        return
    for query, positive, others in zip(sets.queries, sets.positives, sets.negatives, strict=True):
        assert positive != query
        assert labels[positive] == labels[query]
        assert len(set(others.tolist())) == len(others) == min(negatives, len(labels) - max(map(labels.count, able)))
        assert all(labels[one] != labels[query] for one in others)


def test_the_same_seed_draws_the_same_sets():
    labels = [0, 0, 1, 1, 2, 2]
    once, again = (draw_sets(labels, seed=5) for _ in range(2))
    assert (once.queries == again.queries).all()
    assert (once.negatives == again.negatives).all()


def test_ranks_count_negatives_that_are_as_near():
    rows = np.array([[1, 0], [0.8, 0.6], [0.8, 0.6], [0.6, 0.8]], np.float32)
    sets = draw_sets([0, 0, 1, 2], count=50)
    ranks = set_ranks(cosines_of(rows), sets)
    assert {(query, rank) for query, rank in zip(sets.queries.tolist(), ranks.tolist(), strict=True)} == {
        (0, 2),
        (1, 3),
    }


def test_chance_is_in_the_middle_and_likeness_first(clouds):
    rows, labels = clouds(1, 30, 4, spread=0.01)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    sets = draw_sets(labels)
    assert sets.negatives.shape == (1000, 99)
    sure = measured_sets(cosines_of(rows), sets)
    assert (sure.recall_at_1.value, sure.median_rank.value) == (1.0, 1.0)
    chance = measured_sets(lambda places: np.random.default_rng(0).random((len(places), 120)), sets)
    assert chance.median_rank.low < 50.5 < chance.median_rank.high + 4
    assert chance.recall_at_10.value < 0.15
