"""Figures agree with values worked out by hand, and with the plain definition on drawn data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike import evaluate
from lookalike.errors import InvalidArgument, ShapeMismatch


def at_angles(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def ranking(rows, query):
    """The other rows, nearest first, as the definition has it."""
    scores = rows @ rows[query]
    return [row for row in np.argsort(-scores, kind="stable") if row != query]


# nearest others: 0 -> 10 -> 25; 10 -> 0 -> 25; 25 -> 10 -> 0; labels a b a
ROWS, LABELS = at_angles(0, 10, 25), ["a", "b", "a"]


def test_rows_alone_with_their_label_are_not_asked():
    assert evaluate.first_ranks(ROWS, LABELS).tolist() == [2, 2]


def test_recall_counts_a_row_found_at_exactly_k():
    assert evaluate.recall_at_k(ROWS, LABELS, 1) == 0.0
    assert evaluate.recall_at_k(ROWS, LABELS, 2) == 1.0


def test_median_rank_is_over_rows():
    assert evaluate.median_rank(at_angles(0, 10, 25, 26), ["a", "b", "a", "a"]) == 1.0


def test_average_precision_by_hand():
    # from 0: a at rank 2 (1/2), a at rank 3 (2/3); from 25 and 26: a, b, a -> (1 + 2/3) / 2
    expected = np.mean([(1 / 2 + 2 / 3) / 2, (1 + 2 / 3) / 2, (1 + 2 / 3) / 2])
    found = evaluate.mean_average_precision(at_angles(0, 10, 25, 26), ["a", "b", "a", "a"])
    assert found == pytest.approx(expected)


def test_a_tie_between_labels_counts_against_us():
    rows = at_angles(0, 0, 0)
    assert evaluate.recall_at_k(rows, ["a", "b", "a"], 1) == 0.0
    assert evaluate.mean_average_precision(rows, ["a", "b", "a"]) == pytest.approx(0.5)


def test_labels_that_never_repeat_are_refused():
    with pytest.raises(InvalidArgument, match="twice"):
        evaluate.recall_at_k(ROWS, ["a", "b", "c"])


def test_other_lengths_are_refused():
    with pytest.raises(ShapeMismatch):
        evaluate.recall_at_k(ROWS, ["a", "b"])
    with pytest.raises(ShapeMismatch):
        evaluate.precision_recall_curve([0.5], [True, False])


def test_k_below_one_is_refused():
    with pytest.raises(InvalidArgument):
        evaluate.recall_at_k(ROWS, LABELS, 0)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 6), st.integers(1, 5))
def test_block_by_block_equals_the_plain_definition(seed, count, classes, k):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.append(rng.integers(classes, size=count - 2), [0, 0])
    asked = [row for row in range(count) if (labels == labels[row]).sum() > 1]
    hits, averages, ranks = [], [], []
    for query in asked:
        same = [labels[row] == labels[query] for row in ranking(rows, query)]
        places = [place for place, hit in enumerate(same, 1) if hit]
        hits.append(any(same[:k]))
        ranks.append(places[0])
        averages.append(np.mean([number / place for number, place in enumerate(places, 1)]))
    evaluate_small_blocks = pytest.MonkeyPatch()
    evaluate_small_blocks.setattr(evaluate, "BLOCK", 3)
    try:
        assert evaluate.recall_at_k(rows, labels, k) == pytest.approx(np.mean(hits))
        assert evaluate.median_rank(rows, labels) == np.median(ranks)
        assert evaluate.mean_average_precision(rows, labels) == pytest.approx(np.mean(averages))
    finally:
        evaluate_small_blocks.undo()


def test_precision_and_recall_by_hand():
    curve = evaluate.precision_recall_curve([0.9, 0.8, 0.8, 0.1], [True, False, True, True])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.1]
    assert curve.precision.tolist() == pytest.approx([1, 2 / 3, 3 / 4])
    assert curve.recall.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve.recall_at_precision(0.7) == pytest.approx(1.0)
    assert curve.recall_at_precision(0.8) == pytest.approx(1 / 3)


def test_no_threshold_reaches_a_precision_that_is_never_reached():
    curve = evaluate.precision_recall_curve([0.9, 0.1], [False, True])
    assert curve.recall_at_precision(0.9) == 0.0


def test_a_curve_without_true_pairs_is_refused():
    with pytest.raises(InvalidArgument):
        evaluate.precision_recall_curve([0.5, 0.6], [False, False])


def test_calibration_error_by_hand():
    # two bins of two: mean 0.1 with none true, mean 0.9 with one of two true
    error = evaluate.calibration_error([0.1, 0.1, 0.9, 0.9], [False, False, True, False], bins=2)
    assert error == pytest.approx(0.5 * 0.1 + 0.5 * 0.4)


def test_certain_and_right_is_no_error():
    assert evaluate.calibration_error([0.0, 1.0], [False, True]) == 0.0


@pytest.mark.parametrize("probabilities", [[1.2, 0.5], [-0.1, 0.5], [float("nan"), 0.5], []])
def test_numbers_that_are_no_probabilities_are_refused(probabilities):
    with pytest.raises(InvalidArgument):
        evaluate.calibration_error(probabilities, [True, False][: len(probabilities)])


def test_the_threshold_for_a_precision_is_where_its_recall_is_had():
    curve = evaluate.precision_recall_curve([0.9, 0.8, 0.8, 0.1], [True, False, True, True])
    assert curve.threshold_at_precision(0.7) == 0.1
    assert curve.threshold_at_precision(0.8) == 0.9
    assert evaluate.precision_recall_curve([0.9, 0.1], [False, True]).threshold_at_precision(0.9) is None


def test_area_under_roc_by_hand():
    # true 0.9 and 0.5 against false 0.5 and 0.1: three wins, one tie
    assert evaluate.area_under_roc([0.9, 0.5, 0.5, 0.1], [True, True, False, False]) == 3.5 / 4
    assert evaluate.area_under_roc([1, 0], [False, True]) == 0.0


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2).filter(lambda p: len({t for _, t in p}) == 2))
def test_area_under_roc_is_the_share_of_pairs_in_order(pairs):
    true, false = ([score for score, same in pairs if same is kind] for kind in (True, False))
    expected = np.mean([(a > b) + (a == b) / 2 for a in true for b in false])
    assert evaluate.area_under_roc(*zip(*pairs, strict=True)) == pytest.approx(expected)


def test_area_under_roc_needs_both_kinds():
    with pytest.raises(InvalidArgument):
        evaluate.area_under_roc([0.1, 0.2], [True, True])
    with pytest.raises(ShapeMismatch):
        evaluate.area_under_roc([0.1, 0.2], [True])


def test_average_precisions_are_per_row():
    assert evaluate.average_precisions(ROWS, LABELS).tolist() == [0.5, 0.5]


def test_the_interval_is_the_same_every_time_and_holds_the_mean():
    values = np.random.default_rng(1).random(200)
    low, high = evaluate.bootstrap_interval(values)
    assert (low, high) == evaluate.bootstrap_interval(values)
    assert low < values.mean() < high
    # theory: 1.96 standard errors on either side
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 200**0.5, rel=0.1)


def test_the_interval_narrows_with_confidence_and_takes_any_statistic():
    values = np.arange(101.0)
    wide, narrow = (evaluate.bootstrap_interval(values, np.median, confidence=share) for share in (0.95, 0.5))
    assert wide[0] <= narrow[0] <= 50 <= narrow[1] <= wide[1]
    assert evaluate.bootstrap_interval([3.0, 3.0]) == (3.0, 3.0)


def test_the_interval_draws_rows_whole():
    rows = np.column_stack([np.arange(20.0), np.arange(20.0)])
    assert evaluate.bootstrap_interval(rows, lambda drawn: np.abs(drawn[:, 0] - drawn[:, 1]).max()) == (0.0, 0.0)


@pytest.mark.parametrize("bad", [{"values": []}, {"values": [1.0], "confidence": 1.0}])
def test_an_interval_of_nothing_is_refused(bad):
    with pytest.raises(InvalidArgument):
        evaluate.bootstrap_interval(**bad)


def test_reliability_by_hand():
    table = evaluate.reliability([0.1, 0.1, 0.5, 1.0], [False, True, True, True], bins=2)
    assert table == [evaluate.Bin(0.0, 0.5, 2, 0.1, 0.5), evaluate.Bin(0.5, 1.0, 2, 0.75, 1.0)]
    assert len(evaluate.reliability([0.95], [True])) == 1
