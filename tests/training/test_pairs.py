"""Calibration finds the curve that pairs were drawn from."""

import numpy as np
import pytest

from lookalike.describers.calibration import Calibration, fit, fit_capped
from lookalike.training.data import TRAIN, VALIDATION
from lookalike.training.pairs import calibrate, copy_pairs, meaning_pairs, report


def drawn(scale, offset, number=50_000):
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-0.2, 1.0, number)
    return cosines, rng.random(number) < 1 / (1 + np.exp(-(scale * cosines + offset)))


@pytest.mark.parametrize("top", [1.0, 0.97, 0.83, 0.6])
def test_a_curve_that_never_reaches_one_is_found(top):
    rng = np.random.default_rng(1)
    cosines = rng.uniform(-0.2, 1.0, 100_000)
    true = Calibration(9.0, -1.0, top)
    found = fit_capped(cosines, rng.random(100_000) < true.probabilities(cosines))
    assert found.top == pytest.approx(top, abs=0.02)
    assert np.abs(found.probabilities(cosines) - true.probabilities(cosines)).max() < 0.02


def test_the_report_is_of_the_held_out_pairs():
    found = report(Calibration(0.0, 0.0), drawn(12, -6, 100), (np.zeros(8), np.arange(8) < 6))
    assert (found["fitted on"], found["held out"], found["error"]) == (100, 8, 0.25)
    assert found["reliability"] == [[0.5, 0.75, 8]]


def test_many_probabilities_are_those_of_one_at_a_time():
    curve = Calibration(9.0, -4.0)
    cosines = np.linspace(-1, 1, 9)
    assert curve.probabilities(cosines) == pytest.approx([curve.probability(one) for one in cosines])


def coarse(pixels):
    rows = np.stack([picture[::8, ::8].ravel() for picture in pixels]).astype(np.float32) - 128
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, rows


@pytest.mark.parametrize(("draw", "part"), [(copy_pairs, VALIDATION), (meaning_pairs, 0), (meaning_pairs, 1)])
def test_pairs_are_balanced_and_true_ones_are_nearer(draw, part, pictures):
    cosines, same = draw(pictures, part, coarse, 32)
    assert same.any()
    assert abs(int(same.sum()) - int((~same).sum())) <= 1
    assert cosines.min() >= -1.001
    assert cosines.max() <= 1.001
    if draw is copy_pairs:
        assert cosines[same].mean() > cosines[~same].mean()


def test_curves_are_fitted_on_other_pairs_than_those_reported(pictures):
    curves, reports = calibrate(pictures, coarse, 32)
    assert set(curves) == set(reports) == {"copy", "meaning"}
    assert curves["copy"] == fit(*copy_pairs(pictures, TRAIN, coarse, 32))
    assert curves["meaning"] == fit_capped(*meaning_pairs(pictures, 0, coarse, 32))
    assert reports["meaning"]["held out"] == len(meaning_pairs(pictures, 1, coarse, 32)[1])
    assert reports["copy"]["held out"] == len(copy_pairs(pictures, VALIDATION, coarse, 32)[1])
