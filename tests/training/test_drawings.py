"""Drawn pictures: the right shape, made by the dice alone, and hardly ever empty or equal."""

import numpy as np

from lookalike.training.drawings import drawings


def test_drawings_follow_the_seed():
    first, second = (np.stack(drawings(20, 48, np.random.default_rng(5))) for _ in range(2))
    assert first.shape == (20, 48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_drawings_differ_and_show_something():
    many = drawings(300, 48, np.random.default_rng(6))
    assert len({picture.tobytes() for picture in many}) > 290
    assert sum(picture.std(axis=(0, 1)).max() > 4 for picture in many) > 280
