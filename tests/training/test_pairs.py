"""Calibration finds the curve that pairs were drawn from."""

import numpy as np
import pytest

from lookalike.training.data import VALIDATION
from lookalike.training.pairs import copy_pairs, fit, meaning_pairs


def test_fit_finds_the_curve_pairs_were_drawn_from():
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-0.2, 1.0, 50_000)
    same = rng.random(50_000) < 1 / (1 + np.exp(-(12 * cosines - 6)))
    curve = fit((cosines, same))
    assert curve["scale"] == pytest.approx(12, rel=0.03)
    assert curve["offset"] == pytest.approx(-6, rel=0.03)
    assert curve["error"] < 0.01


def test_fit_stays_finite_where_a_threshold_separates_all():
    curve = fit((np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])))
    assert np.isfinite([curve["scale"], curve["offset"]]).all()
    assert curve["scale"] > 0


def coarse(pixels):
    rows = np.stack([picture[::8, ::8].ravel() for picture in pixels]).astype(np.float32) - 128
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, rows


@pytest.mark.parametrize("draw", [copy_pairs, meaning_pairs])
def test_pairs_are_balanced_and_true_ones_are_nearer(draw, pictures):
    cosines, same = draw(pictures, VALIDATION, coarse, 32)
    assert abs(int(same.sum()) - int((~same).sum())) <= 1
    assert cosines.min() >= -1.001
    assert cosines.max() <= 1.001
    if draw is copy_pairs:
        assert cosines[same].mean() > cosines[~same].mean()
