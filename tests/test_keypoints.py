"""Keypoints: the transform that was made is the transform that is found."""

import cv2
import numpy as np
import pytest

from lookalike.keypoints import find_overlap, is_finer, mirrored, prepare


@pytest.fixture
def scene(draw):
    """A drawn scene with texture enough for keypoints."""
    noise = np.random.default_rng(3).normal(0, 40, (60, 80, 3))
    texture = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
    return np.clip(draw(3, 640, 480) + texture, 0, 255).astype(np.uint8)


def corners(overlap):
    square = np.array([[[0, 0]], [[1, 0]], [[1, 1]], [[0, 1]]], np.float64)
    return cv2.perspectiveTransform(square, overlap.transform)[:, 0]


def test_a_picture_lies_in_itself_wholly(scene):
    found = find_overlap(prepare(scene), prepare(scene))
    np.testing.assert_allclose(found.transform, np.eye(3), atol=0.01)
    assert (found.share_a, found.share_b) == (pytest.approx(1, abs=0.01), pytest.approx(1, abs=0.01))
    assert found.agreement > 0.999


def test_a_crop_is_found_where_it_was_cut(scene):
    part = scene[120:360, 160:480]
    found = find_overlap(prepare(part), prepare(scene))
    np.testing.assert_allclose(corners(found), [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]], atol=0.02)
    assert found.share_a == pytest.approx(1.0, abs=0.02)
    assert found.share_b == pytest.approx(0.25, abs=0.02)


def test_rotation_is_found(scene):
    turned = np.ascontiguousarray(np.rot90(scene, -1))
    found = find_overlap(prepare(scene), prepare(turned))
    np.testing.assert_allclose(corners(found), [[1, 0], [1, 1], [0, 1], [0, 0]], atol=0.02)


def test_strangers_and_plain_pictures_have_no_overlap(scene, draw):
    noise = np.random.default_rng(9).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert find_overlap(prepare(scene), prepare(noise)) is None
    plain = np.full((200, 300, 3), 128, np.uint8)
    assert find_overlap(prepare(scene), prepare(plain)) is None
    assert find_overlap(prepare(plain), prepare(plain)) is None


def test_a_mirrored_picture_is_no_overlap_as_it_stands(scene):
    assert find_overlap(prepare(scene), prepare(np.ascontiguousarray(scene[:, ::-1]))) is None


def test_tiny_and_thin_pictures_are_taken():
    random = np.random.default_rng(0)
    for shape in ((1, 1, 3), (2, 500, 3), (500, 1, 3), (8, 8, 3)):
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        find_overlap(prepare(pixels), prepare(pixels))


def test_the_answer_is_the_same_every_time(scene):
    part = prepare(scene[50:300, 60:400])
    one, two = (find_overlap(part, prepare(scene)) for _ in range(2))
    np.testing.assert_array_equal(one.transform, two.transform)


def test_mirrored_keypoints_are_those_of_the_mirrored_picture(scene):
    made, found = mirrored(prepare(scene)), prepare(np.ascontiguousarray(scene[:, ::-1]))
    np.testing.assert_array_equal(made.gray, found.gray)
    similar = made.rows @ found.rows.T
    nearest = similar.argmax(axis=1)
    apart = np.linalg.norm(made.points - found.points[nearest], axis=1)
    assert (apart < 0.1).mean() > 0.75  # those at the end of the list of the strongest differ
    assert np.median(similar.max(axis=1)) > 0.995


def test_a_mirrored_part_is_found_by_mirrored_keypoints(scene):
    part = np.ascontiguousarray(scene[120:360, 160:480][:, ::-1])
    found = find_overlap(mirrored(prepare(part)), prepare(scene))
    np.testing.assert_allclose(corners(found), [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]], atol=0.02)
    assert found.agreement > 0.99


def test_small_pictures_are_not_blown_up_for_a_closer_look(draw):
    tiny, small, large = (draw(2, side, side) for side in (60, 120, 400))
    assert [is_finer(pixels) for pixels in (tiny, small, large)] == [False, True, True]
    assert np.array_equal(prepare(tiny, closer=True).points, prepare(tiny).points)
    assert len(prepare(large, closer=True).points) > len(prepare(large).points)
