"""Edits keep their promises on pictures of any shape."""

import numpy as np
import pytest

from lookalike.training.augment import EDITS, Draw, edit, jitter, weak

from .conftest import drawn


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(64, 64), (33, 91), (90, 31)])
def test_an_edit_gives_a_picture_and_leaves_its_input_alone(name, strength, shape):
    rng = np.random.default_rng(3)
    picture, other = (rng.integers(0, 256, (*shape, 3)).astype(np.uint8) for _ in range(2))
    before = picture.copy()
    for seed in range(3):
        edited = EDITS[name](picture, Draw(strength, np.random.default_rng(seed), other))
        assert edited.dtype == np.uint8
        assert edited.ndim == 3
        assert edited.shape[2] == 3
        assert min(edited.shape[:2]) >= 8
    assert np.array_equal(picture, before)


def test_the_same_dice_give_the_same_copy():
    picture, other = drawn(1, 5), drawn(2, 5)
    once, again = (edit(picture, 40, np.random.default_rng(9), other) for _ in range(2))
    assert np.array_equal(once, again)
    assert once.shape == (40, 40, 3)


def test_a_stronger_recompression_is_farther_away():
    picture = drawn(1, 30)
    far = [
        np.abs(EDITS["jpeg"](picture, Draw(strength, np.random.default_rng(0), picture)).astype(int) - picture).mean()
        for strength in (0.0, 0.5, 1.0)
    ]
    assert far == sorted(far)


def test_a_weak_view_is_the_box_or_its_mirror():
    picture = drawn(1, 9)[:48, :48]
    box = np.array([8, 4, 40, 36], np.int32)
    cut = picture[4:36, 8:40]
    views = [weak(picture, box, 32, np.random.default_rng(seed)) for seed in range(20)]
    plain = [np.array_equal(view, cut) for view in views]
    mirrored = [np.array_equal(view, cut[:, ::-1]) for view in views]
    assert all(one or other for one, other in zip(plain, mirrored, strict=True))
    assert any(plain)
    assert any(mirrored)


def test_jitter_moves_colors_but_no_pixel():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, 4:] = 200
    for seed in range(10):
        moved = jitter(picture, np.random.default_rng(seed))
        assert moved.shape == picture.shape
        assert (moved[:, :4] == moved[0, 0]).all()
        assert (moved[:, 4:] == moved[0, 7]).all()
