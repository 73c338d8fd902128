"""Figures of what differs between two pictures laid on one another: those that were put there."""

import cv2
import numpy as np
import pytest

from lookalike.folders.alignment import GRID, LUMA, Laid
from lookalike.folders.differences import difference


@pytest.fixture(scope="module")
def colors():
    """A textured picture as large as the grid, its levels well inside of 0 to 255."""
    noise = np.random.default_rng(5).normal(size=(GRID, GRID, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1) + cv2.GaussianBlur(noise, (0, 0), 6)
    return np.clip(120 + 60 * soft, 20, 220).astype(np.float32)


@pytest.fixture
def shared():
    seen = np.ones((GRID, GRID), np.bool_)
    seen[:5], seen[:, -9:] = False, False
    return seen


def test_nothing_differs_from_itself(colors, shared):
    found = difference(Laid(colors, colors, shared))
    assert (found.covered, found.patched, found.recolored, found.brighter) == (0, 1, 0, 0)
    assert (found.contrast, found.detail) == (1, 1)
    assert found.clear == pytest.approx(1, abs=1e-4)


def test_brightness_and_contrast_are_measured_where_both_are_seen(colors, shared):
    other = 0.7 * colors + 50
    gray = (colors @ LUMA[0])[shared]
    found = difference(Laid(colors, other, shared))
    assert found.covered == 0
    assert found.brighter == pytest.approx(float((50 - 0.3 * gray).mean()), abs=0.01)
    assert found.contrast == pytest.approx(0.7, abs=1e-3)
    assert (found.recolored, found.detail) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


def test_colors_are_distances_from_gray(colors, shared):
    gray = np.repeat((colors @ LUMA[0])[..., None], 3, axis=2)
    found = difference(Laid(colors, gray, shared))
    assert found.color_a == pytest.approx(float(np.abs(colors - gray)[shared].mean()), rel=1e-4)
    assert found.color_b == pytest.approx(0, abs=1e-3)
    assert found.recolored == pytest.approx(found.color_a, rel=1e-3)


def test_a_patch_is_covered_and_has_a_rim(colors, shared):
    patched = colors.copy()
    patched[32:64, 48:96] = colors[80:112, 16:64] / 4 + (180, 0, 0)
    found = difference(Laid(colors, patched, shared))
    assert found.covered == pytest.approx(32 * 48 / shared.sum(), rel=0.2)
    assert found.patched > 2
    assert found.brighter == pytest.approx(0, abs=1)


def test_fine_detail_is_lost_by_a_blur_and_gained_by_noise(colors, shared):
    blurred = cv2.GaussianBlur(colors, (0, 0), 1.5)
    noisy = (colors + np.random.default_rng(6).normal(scale=12, size=colors.shape)).astype(np.float32)
    assert difference(Laid(colors, blurred, shared)).detail < 0.6
    added = difference(Laid(colors, noisy, shared))
    assert added.detail > 1.3
    assert added.clear < 0.9
