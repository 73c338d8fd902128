"""The head in closed form, and the choice of its strength."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument
from lookalike.evaluate import recall_at_k
from lookalike.learning.choice import STRENGTHS, choose_strength, pair_cosines
from lookalike.learning.head import fit_head, joined_rows, learned_rows
from lookalike.learning.split import split_identities


def classes(count=12, each=8, width=16, noise=3.0, seed=0):
    """Pictures of classes that differ in the first four numbers, under noise in the others."""
    random = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(count), each)
    rows = random.standard_normal((count * each, width)).astype(np.float32)
    rows[:, 4:] *= noise
    rows[:, :4] = 2 * random.standard_normal((count, 4))[numbers] + 0.3 * rows[:, :4]
    return rows, numbers


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_classes_that_were_not_seen_are_told_apart_better():
    rows, numbers = classes(40)
    seen = numbers < 20
    head = fit_head(rows[seen], numbers[seen])
    before = recall_at_k(unit(rows[~seen]), numbers[~seen])
    assert recall_at_k(learned_rows(head, rows[~seen]), numbers[~seen]) > before + 0.1


def test_the_same_pictures_give_the_same_head():
    rows, numbers = classes()
    one, two = fit_head(rows, numbers, 5), fit_head(rows, numbers, 5)
    np.testing.assert_array_equal(one.weights, two.weights)
    assert one.weights.shape == (16, 5)


def test_a_huge_class_does_not_drown_the_others():
    rows, numbers = classes(4, 10)
    more = np.concatenate([rows, np.repeat(rows[:10], 50, axis=0)])
    huge = np.concatenate([numbers, np.repeat(numbers[:10], 50)])
    capped = learned_rows(fit_head(more, huge), rows)
    assert recall_at_k(capped, numbers) >= recall_at_k(unit(rows), numbers)


@given(st.floats(0, 0.95), st.integers(0, 9))
def test_a_joined_cosine_is_the_mean_of_both_in_their_shares(strength, seed):
    random = np.random.default_rng(seed)
    old, new = unit(random.standard_normal((2, 5))), unit(random.standard_normal((2, 3)))
    joined = joined_rows(old, new, strength)
    expected = (1 - strength) * (old[0] @ old[1]) + strength * (new[0] @ new[1])
    assert joined[0] @ joined[1] == pytest.approx(expected, abs=1e-5)
    assert np.linalg.norm(joined[0]) == pytest.approx(1, abs=1e-5)


def test_what_helps_is_given_a_voice():
    rows, numbers = classes(24)
    found = choose_strength(unit(rows), rows, rows, [str(one) for one in numbers])
    assert found.strength > 0
    assert found.scores[found.strength] > found.scores[0.0] + 0.05
    assert found.same.mean() == 0.5


def test_features_of_pure_chance_are_given_none():
    rows, numbers = classes(24, noise=0.1)
    chance = np.random.default_rng(5).standard_normal(rows.shape).astype(np.float32)
    found = choose_strength(unit(rows), chance, chance, [str(one) for one in numbers])
    assert found.strength == 0
    assert set(found.scores) == set(STRENGTHS)


def test_too_few_classes_are_not_cross_validated():
    rows, numbers = classes(3)
    found = choose_strength(unit(rows), rows, rows, [str(one) for one in numbers])
    assert 0 < found.strength <= 0.5
    assert found.scores == {}


def test_pairs_are_of_two_pictures_and_half_of_them_true():
    rows = np.eye(6, dtype=np.float32)
    cosines, same = pair_cosines(rows, np.array([0, 0, 0, 1, 1, 1]))
    assert (cosines == 0).all()
    assert same.sum() * 2 == len(same) > 0


@given(st.lists(st.integers(1, 4), min_size=6, max_size=40), st.integers(0, 99), st.floats(0.05, 0.9))
def test_a_split_leaves_two_classes_on_either_side(counts, seed, share):
    labels = [str(number) for number, count in enumerate(counts) for _ in range(count)]
    able = {str(number) for number, count in enumerate(counts) if count > 1}
    if len(able) < 4:
        with pytest.raises(InvalidArgument):
            split_identities(labels, share, seed)
        return
    held = split_identities(labels, share, seed)
    assert held == split_identities(labels[::-1], share, seed)
    assert len(held & able) >= 2
    assert len(able - held) >= 2
