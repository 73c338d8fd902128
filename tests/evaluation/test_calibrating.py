"""Thresholds hold what they promise on other pairs, curves come true, intervals are the exact ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from lookalike.describers.calibration import fit
from lookalike.errors import InvalidArgument, ShapeMismatch
from lookalike.evaluation.calibrating import calibrated, clopper_pearson, log_odds


def drawn(seed, count, scale=12.0, offset=-6.0):
    """Cosines, and truths that come true as the logistic curve says."""
    random = np.random.default_rng(seed)
    cosines = random.uniform(0, 1, count)
    return cosines, random.random(count) < 1 / (1 + np.exp(-(scale * cosines + offset)))


@settings(max_examples=200)
@given(st.integers(1, 3000), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_of_a_share_is_the_beta_quantiles(count, share, confidence):
    hits = round(share * count)
    low, high = clopper_pearson(hits, count, confidence)
    tail = (1 - confidence) / 2
    assert low == pytest.approx(stats.beta.ppf(tail, hits, count - hits + 1) if hits else 0.0, abs=1e-9)
    assert high == pytest.approx(stats.beta.ppf(1 - tail, hits + 1, count - hits) if hits < count else 1.0, abs=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(2, 30), st.floats(0.2, 0.8))
def test_the_curve_has_the_least_cross_entropy(seed, scale, middle):
    cosines, truth = drawn(seed, 300, scale, -scale * middle)
    if min(truth.sum(), (~truth).sum()) < 20:
        return
    wanted = np.where(truth, (truth.sum() + 1) / (truth.sum() + 2), 1 / ((~truth).sum() + 2))

    def loss(weights):
        logits = weights[0] * cosines + weights[1]
        return np.sum(np.logaddexp(0, logits) - wanted * logits)

    found = fit(cosines, truth)
    assert loss([found.scale, found.offset]) <= optimize.minimize(loss, [1.0, 0.0]).fun + 1e-3


def test_a_known_curve_is_found_again():
    found = fit(*drawn(2, 100_000))
    assert found.scale == pytest.approx(12, abs=0.5)
    assert found.offset == pytest.approx(-6, abs=0.3)


def test_a_threshold_keeps_its_promise_on_others():
    cosines, truth = drawn(1, 3000, 20, -10)
    found = calibrated("copy", cosines, truth, precision=0.95)
    fresh, others = drawn(2, 50_000, 20, -10)
    kept = fresh >= found.threshold.value
    assert others[kept].mean() == pytest.approx(0.95, abs=0.015)
    assert found.threshold.low <= found.threshold.value <= found.threshold.high
    assert found.precision.low <= others[kept].mean() <= found.precision.high
    assert found.recall.low <= kept[others].mean() <= found.recall.high
    assert found.probability == found.curve.probability(found.threshold.value)


def test_wrong_probabilities_come_true_afterwards():
    cosines, truth = drawn(3, 3000)
    said = np.clip(1 / (1 + np.exp(-(30 * cosines - 24))), 0, 1)  # far too strict
    found = calibrated("copy", cosines, truth, said=said)
    assert found.error_before > 0.15 > 0.04 > found.error_after
    assert sum(one.count for one in found.reliability_after) == 3000


def test_probabilities_are_fitted_by_their_log_odds():
    cosines, truth = drawn(4, 3000)
    said = 1 / (1 + np.exp(-(24 * cosines - 12)))  # twice too sure
    found = calibrated("same", said, truth, said=said)
    assert found.curve.scale == pytest.approx(0.5, abs=0.06)
    assert found.error_after < found.error_before
    assert found.probability == found.curve.probability(float(log_odds(found.threshold.value)))


def test_a_precision_that_is_never_reached_has_no_threshold():
    truth = np.repeat([False, True, False], [60, 60, 10])
    found = calibrated("copy", np.linspace(0, 1, 130), truth, precision=1.0)
    assert (found.threshold, found.probability, found.precision, found.recall.value) == (None, None, None, 0.0)


def test_the_same_pairs_give_the_same():
    once, again = (calibrated("copy", *drawn(5, 200)) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("scores", "truth", "more", "error"),
    [
        (np.arange(30), np.arange(30) < 5, {}, InvalidArgument),
        (np.arange(30), np.arange(30) < 15, {}, InvalidArgument),
        (np.arange(30), np.arange(30) > 15, {"precision": 1.1}, InvalidArgument),
        (np.arange(30), np.arange(29) > 15, {}, ShapeMismatch),
    ],
)
def test_what_can_not_be_calibrated_is_refused(scores, truth, more, error):
    with pytest.raises(error):
        calibrated("copy", scores / 30, truth, **more)
