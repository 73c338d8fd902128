"""SSIM: scikit-image's number, sooner; and the shortcuts never change an answer."""

import itertools
import math

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument
from lookalike.ssim import decide, exceeds, outline, prepare, ssim, to_gray, upper_bounds

metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the reference")

many = settings(max_examples=150)
seeds = st.integers(0, 2**32 - 1)
sides = st.integers(7, 70)


def reference(a: np.ndarray, b: np.ndarray) -> float:
    return float(metrics.structural_similarity(a, b))


def pair(seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two gray pictures related in one of many ways, hard cases for rounding among them."""
    random = np.random.default_rng(seed)
    texture = random.integers(0, 256, (height // 4 + 1, width // 4 + 1)).astype(np.uint8)
    a = cv2.resize(texture, (width, height), interpolation=int(random.integers(0, 3)))
    if random.random() < 0.3:
        a = np.full_like(a, random.integers(0, 256))
    ways = [
        lambda: a.copy(),
        lambda: 255 - a,
        lambda: np.clip(a.astype(int) + random.integers(-9, 10, a.shape), 0, 255),
        lambda: np.clip(a * random.uniform(0.5, 1.2) + random.integers(-20, 20), 0, 255),
        lambda: cv2.GaussianBlur(a, (5, 5), 0),
        lambda: np.full_like(a, random.integers(0, 256)),
        lambda: random.integers(0, 256, a.shape),
        lambda: np.where(np.arange(height)[:, None] < height // 2, a, a[::-1, ::-1]),
    ]
    return a, ways[random.integers(0, len(ways))]().astype(np.uint8)


@pytest.fixture(scope="module")
def related(draw) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of drawn and real pictures, edited and unrelated, of one size each."""
    data = pytest.importorskip("skimage.data")
    photographs = [to_gray(getattr(data, name)()) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    photographs += [data.camera(), data.moon(), data.brick()]
    grays = [cv2.resize(gray, (300, 200), interpolation=cv2.INTER_AREA) for gray in photographs]
    grays += [to_gray(draw(seed, 300, 200)) for seed in range(4)]
    pairs = list(itertools.pairwise(grays))
    for gray in grays:
        saved = cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)
        pairs += [(gray, saved), (gray, cv2.GaussianBlur(gray, (3, 3), 0)), (gray, np.roll(gray, 2, axis=1))]
    return pairs


# --- The number ---


@many
@given(seeds, sides, sides)
def test_the_number_is_scikit_images(seed, height, width):
    a, b = pair(seed, height, width)
    assert ssim(prepare(a), prepare(b)) == pytest.approx(reference(a, b), abs=1e-6)


@pytest.mark.parametrize(("a", "b"), [(254, 255), (0, 255), (0, 1), (255, 255), (0, 0), (128, 127)])
def test_flat_pictures_lose_nothing_to_cancellation(a, b):
    flats = [np.full((40, 50), level, np.uint8) for level in (a, b)]
    assert ssim(*map(prepare, flats)) == pytest.approx(reference(*flats), abs=1e-7)


def test_extreme_contrast_stays_within_integers():
    checkers = ((np.indices((60, 60)).sum(axis=0) % 2) * 255).astype(np.uint8)
    white = np.full_like(checkers, 255)
    for other in (checkers, 255 - checkers, white):
        assert ssim(prepare(checkers), prepare(other)) == pytest.approx(reference(checkers, other), abs=1e-7)


def test_drawn_and_real_pictures_score_as_in_scikit_image(related):
    for a, b in related:
        assert ssim(prepare(a), prepare(b)) == pytest.approx(reference(a, b), abs=1e-6)


def test_large_pictures_score_as_in_scikit_image(draw):
    a, b = to_gray(draw(1, 1024, 768)), to_gray(draw(2, 1024, 768))
    assert ssim(prepare(a), prepare(b)) == pytest.approx(reference(a, b), abs=1e-7)


@many
@given(seeds, st.integers(1, 70), st.integers(1, 70), st.integers(1, 70), st.integers(1, 70))
def test_symmetric_within_range_and_one_for_itself(seed, height, width, other_height, other_width):
    a, _ = pair(seed, height, width)
    b, _ = pair(seed + 1, other_height, other_width)
    one, two = prepare(a), prepare(b)
    assert ssim(one, two) == ssim(two, one)
    assert -1 <= ssim(one, two) <= 1
    assert ssim(one, prepare(a.copy())) == 1.0


@many
@given(seeds, sides, sides, st.sampled_from([2, 256]))
def test_one_level_in_one_pixel_is_seen(seed, height, width, levels):
    random = np.random.default_rng(seed)
    a = (random.integers(0, levels, (height, width)) * (255 // (levels - 1))).astype(np.uint8)
    b = a.copy()
    row, column = random.integers(0, height), random.integers(0, width)
    b[row, column] ^= 1
    assert ssim(prepare(a), prepare(b)) < 1
    assert not exceeds(prepare(a), prepare(b), 1.0)


def test_gray_is_opencvs(draw):
    picture = draw(3)
    assert (to_gray(picture) == cv2.cvtColor(picture[:, :, ::-1], cv2.COLOR_BGR2GRAY)).all()


# --- Sizes ---


def test_the_larger_is_shrunk_by_area_to_the_smaller(draw):
    large, small = to_gray(draw(1, 320, 240)), to_gray(draw(2, 200, 100))
    shrunk = cv2.resize(large, (200, 100), interpolation=cv2.INTER_AREA)
    assert ssim(prepare(large), prepare(small)) == ssim(prepare(shrunk), prepare(small))


def test_an_upright_and_a_wide_picture_meet_at_the_lesser_of_each_side(draw):
    upright, wide = to_gray(draw(1, 120, 200)), to_gray(draw(2, 200, 110))
    shapes = [cv2.resize(gray, (120, 110), interpolation=cv2.INTER_AREA) for gray in (upright, wide)]
    assert ssim(prepare(upright), prepare(wide)) == ssim(*map(prepare, shapes))


def test_sides_under_seven_pixels_are_filled_up_by_their_edge():
    small = np.arange(10, dtype=np.uint8).reshape(2, 5) * 25
    filled = np.pad(small, ((2, 3), (1, 1)), mode="edge")
    assert filled.shape == (7, 7)
    other = np.full((7, 7), 99, np.uint8)
    assert ssim(prepare(small), prepare(other)) == pytest.approx(reference(filled, other), abs=1e-7)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (6, 6), (7, 3)])
def test_the_smallest_pictures_are_compared_too(shape):
    tiny, other = prepare(np.full(shape, 9, np.uint8)), prepare(np.full((50, 60), 9, np.uint8))
    assert ssim(tiny, other) == 1.0
    assert exceeds(tiny, other, 1.0)


@pytest.mark.parametrize("wrong", [np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9)), np.zeros((0, 9), np.uint8)])
def test_what_is_no_gray_picture_is_refused(wrong):
    with pytest.raises(InvalidArgument):
        prepare(wrong)


# --- Stopping early ---


@many
@given(seeds, st.integers(7, 200), st.integers(7, 200), st.floats(-1, 1.01))
@example(1, 150, 150, 1.0)
def test_exceeds_answers_as_the_full_value_does(seed, height, width, grade):
    a, b = map(prepare, pair(seed, height, width))
    assert exceeds(a, b, grade) == (ssim(a, b) >= grade)


@many
@given(seeds, st.integers(60, 200), st.integers(60, 200))
def test_exceeds_is_right_at_grades_next_to_the_value(seed, height, width):
    a, b = map(prepare, pair(seed, height, width))
    value = ssim(a, b)
    assert exceeds(a, b, value)
    assert not exceeds(a, b, math.nextafter(value, 2))
    for step in (1e-12, 1e-9, 1e-7, 1e-6, 1e-4):
        assert exceeds(a, b, value - step)
        assert not exceeds(a, b, value + step)


def test_exceeds_is_right_for_drawn_and_real_pictures(related):
    for a, b in related:
        one, two = prepare(a), prepare(b)
        for grade in (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0):
            assert exceeds(one, two, grade) == (ssim(one, two) >= grade)


def test_unlike_pictures_are_told_by_a_few_of_their_windows():
    random = np.random.default_rng(1)
    a, b = (prepare(random.integers(0, 256, (480, 640), dtype=np.uint8)) for _ in range(2))
    answer, share = decide(a, b, 0.95)
    assert not answer
    assert share < 0.1


def test_equal_pictures_need_most_of_their_windows(draw):
    a = prepare(to_gray(draw(1, 640, 480)))
    answer, share = decide(a, a, 0.99)
    assert answer
    assert share > 0.9


def test_low_grades_are_granted_before_the_end(draw):
    a = prepare(to_gray(draw(1, 640, 480)))
    answer, share = decide(a, a, 0.1)
    assert answer
    assert share < 1


# --- Bounds from outlines ---


def bound(a: np.ndarray, b: np.ndarray) -> float:
    one, two = outline(prepare(a)), outline(prepare(b))
    return float(upper_bounds(one[:, None], two[:, None])[0])


@many
@given(seeds, st.integers(7, 90), st.integers(7, 90))
def test_no_value_is_above_its_bound(seed, height, width):
    a, b = pair(seed, height, width)
    assert ssim(prepare(a), prepare(b)) <= bound(a, b)
    assert bound(a, b) == bound(b, a)


def test_no_value_of_drawn_and_real_pictures_is_above_its_bound(related):
    for a, b in related:
        assert ssim(prepare(a), prepare(b)) <= bound(a, b)


@pytest.mark.parametrize(("levels", "contrasts"), [((100, 140), (0, 0)), ((0, 255), (0, 0)), ((128, 128), (60, 20))])
def test_bounds_hold_where_they_are_tight(levels, contrasts):
    stripes = np.tile(np.where(np.arange(70) % 7 < 3, 1, -1), (50, 1))  # every window sees three bright columns
    a, b = ((level + part * stripes).astype(np.uint8) for level, part in zip(levels, contrasts, strict=True))
    value = ssim(prepare(a), prepare(b))
    assert value <= bound(a, b)
    assert value == pytest.approx(bound(a, b), abs=0.002)


def test_bounds_of_many_are_those_of_each(draw):
    outlines = np.stack([outline(prepare(to_gray(draw(seed)))) for seed in range(6)], axis=1)
    together = upper_bounds(outlines[:, :1], outlines)
    alone = [upper_bounds(outlines[:, :1], outlines[:, i : i + 1])[0] for i in range(6)]
    assert together == pytest.approx(alone, abs=1e-12)
    assert together[0] == pytest.approx(1, abs=2e-6)
