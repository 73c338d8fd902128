"""Pixels to tensors: the resampling of the models' own preprocessors, and their arithmetic."""

import numpy as np
import pytest

from lookalike.describers.modelcard import Preparation
from lookalike.describers.prepare import prepare


def bicubic(x):
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def bilinear(x):
    return np.clip(1 - np.abs(x), 0, None)


def weights(source, target, kernel):
    """(target, source): how much each source pixel gives to each target pixel; widened when shrinking (antialias)."""
    scale = max(source / target, 1.0)
    middles = (np.arange(target) + 0.5) * source / target
    table = kernel((np.arange(source) + 0.5 - middles[:, None]) / scale)
    return table / table.sum(1, keepdims=True)


@pytest.mark.parametrize(("name", "kernel"), [("bicubic", bicubic), ("bilinear", bilinear)])
@pytest.mark.parametrize("size", [(500, 375), (224, 224), (60, 90), (301, 977)])
def test_squashing_is_antialiased_resampling_to_one_level(draw, name, kernel, size):
    pixels = draw(3, width=size[0], height=size[1])
    down, across = weights(size[1], 64, kernel), weights(size[0], 64, kernel)
    expected = np.clip(np.einsum("ay,yxc,bx->abc", down, pixels.astype(float), across), 0, 255)
    found = prepare(pixels, Preparation(64, "squash", resample=name, mean=(0, 0, 0), std=(1, 1, 1), layout="nhwc"))
    assert found.dtype == np.float32
    assert np.abs(found * 255 - expected).max() <= 1.5  # whole levels after each of two passes


def test_cropping_keeps_the_middle_and_the_aspect():
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, 150:250] = 255
    found = prepare(pixels, Preparation(100, "crop", shorter=100, resample="bilinear", layout="nhwc"))
    assert found.shape == (100, 100, 3)
    assert found.dtype == np.uint8
    assert found[:, 30:70].min() == 255
    assert found[:, :20].max() == found[:, 80:].max() == 0


def test_mean_and_std_are_of_colors_between_0_and_1():
    how = Preparation(8, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    found = prepare(np.full((20, 30, 3), (255, 0, 51), np.uint8), how)
    assert found.shape == (3, 8, 8)
    assert found[:, 0, 0] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225], abs=1e-6)
    assert np.ptp(found, axis=(1, 2)).max() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 100_000), (100_000, 3), (7, 5)])
@pytest.mark.parametrize("fit", ["squash", "crop"])
def test_every_shape_is_taken(shape, fit):
    pixels = np.full((*shape, 3), 77, np.uint8)
    found = prepare(pixels, Preparation(32, fit, shorter=36, resample="bicubic", layout="nhwc"))
    assert found.shape == (32, 32, 3)
    assert found.min() == found.max() == 77
