"""Where pictures overlap, against crops and mirrorings whose place is known."""

import cv2
import numpy as np
import pytest

from lookalike.images import Limits
from lookalike.pages.overlaps import find_lying


@pytest.fixture
def lying(draw, save, tmp_path):
    """Return lying(cut): where a scene, with texture enough for keypoints, and a part of it lie in each other."""

    def find(cut):
        noise = np.random.default_rng(1).integers(-40, 41, (60, 80, 3)).astype(np.float32)
        texture = cv2.resize(noise, (480, 360), interpolation=cv2.INTER_CUBIC)
        scene = np.clip(draw(3, 480, 360) + texture, 0, 255).astype(np.uint8)
        whole, part = save(scene, tmp_path / "whole.png"), save(cut(scene), tmp_path / "part.png")
        return find_lying(whole, part, Limits())

    return find


def near(points, expected):
    return np.abs(np.array(points) - np.array(expected)).max() < 0.03


def test_a_crop_is_outlined_where_it_was_cut(lying):
    found = lying(lambda pixels: pixels[90:288, 120:432])
    left, top, right, bottom = 120 / 480, 90 / 360, 432 / 480, 288 / 360
    assert near(found.in_a, [(left, top), (right, top), (right, bottom), (left, bottom)])
    assert near(found.in_b[0], [-left / (right - left), -top / (bottom - top)])


def test_a_mirrored_picture_is_laid_over_by_its_transform(lying):
    found = lying(lambda pixels: np.ascontiguousarray(pixels[:, ::-1]))
    assert near(found.in_b, [(1, 0), (0, 0), (0, 1), (1, 1)])
    moved = np.array(found.transform).reshape(3, 3) @ [0.25, 0.5, 1]
    assert near(moved[:2] / moved[2], [0.75, 0.5])


def test_strangers_share_nothing(draw, save, tmp_path):
    one, other = (save(draw(seed), tmp_path / f"{seed}.png") for seed in (1, 5))
    assert find_lying(one, other, Limits()) is None
