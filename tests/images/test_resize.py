"""Resampling agrees with Pillow's antialiased BICUBIC; encoding gives back what it was given."""

import io

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import InvalidArgument
from lookalike.images import decode
from lookalike.images.resize import encode_jpeg, encode_png, fit_square, thumbnail, to_gray


@pytest.fixture(scope="module")
def photos():
    return [getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")]


def scaled(photo, size):
    return np.asarray(Pil.fromarray(photo).resize(size, Pil.Resampling.LANCZOS))


def pooled(psnr, pairs):
    """The PSNR over the pixels of all pairs together."""
    ours, theirs = zip(*pairs, strict=True)
    return psnr(np.stack(ours), np.stack(theirs))


# From just above the square to twelve times it; odd sizes, which can't be halved; and both aspects.
SIZES = [(235, 235), (260, 250), (300, 300), (336, 336), (400, 300), (448, 448), (500, 375), (375, 500), (540, 405)]
SIZES += [(560, 560), (600, 560), (640, 480), (641, 481), (800, 600), (1000, 750), (1001, 751), (1024, 768)]
SIZES += [(1600, 1200), (1999, 1333), (2700, 2700), (1200, 240), (240, 1200)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_square_is_within_40_db_of_pillow_bicubic(photos, psnr, size):
    sources = [scaled(photo, size) for photo in photos]
    bicubic = [np.asarray(Pil.fromarray(s).resize((224, 224), Pil.Resampling.BICUBIC)) for s in sources]
    pairs = [(fit_square(source, 224), expected) for source, expected in zip(sources, bicubic, strict=True)]
    assert pooled(psnr, pairs) >= 40


@pytest.mark.parametrize("size", [(500, 375), (1024, 768), (1001, 751), (2000, 1333)], ids=str)
def test_fine_patterns_do_not_alias(size):
    """Stripes too fine for the result must come out as flat gray, not as coarser stripes."""
    stripes = np.zeros((size[1], size[0], 3), np.uint8)
    stripes[:, ::2] = 255
    small = fit_square(stripes, 96)[2:-2, 2:-2].astype(int)
    assert np.abs(small - 127).max() <= 30
    plain = cv2.resize(stripes, (96, 96), interpolation=cv2.INTER_LINEAR)[2:-2, 2:-2].astype(int)
    assert np.abs(plain - 127).max() > 60  # so the test can fail


def test_a_picture_of_the_right_size_is_unchanged(photo):
    assert np.array_equal(fit_square(photo[:224, :224], 224), photo[:224, :224])


def test_enlarging_is_smooth(photo, psnr):
    small = photo[100:164, 100:164]
    expected = np.asarray(Pil.fromarray(small).resize((224, 224), Pil.Resampling.BICUBIC))
    assert psnr(fit_square(small, 224), expected) > 36


@settings(max_examples=150)
@given(st.integers(1, 600), st.integers(1, 600), st.integers(1, 64))
def test_any_size_fits_and_flat_stays_flat(width, height, side):
    flat = np.full((height, width, 3), (200, 100, 7), np.uint8)
    square = fit_square(flat, side)
    assert square.shape == (side, side, 3)
    assert square.dtype == np.uint8
    assert (square == (200, 100, 7)).all()


@settings(max_examples=150)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 300))
def test_a_thumbnail_keeps_the_aspect(width, height, longest):
    small = thumbnail(np.zeros((height, width, 3), np.uint8), longest)
    rows, columns = small.shape[:2]
    assert max(rows, columns) == min(longest, max(width, height))
    assert abs(rows - max(1, height * max(rows, columns) / max(width, height))) <= 0.5
    assert abs(columns - max(1, width * max(rows, columns) / max(width, height))) <= 0.5


def test_a_thumbnail_never_enlarges(photo):
    assert np.array_equal(thumbnail(photo, 1000), photo)


def test_a_thumbnail_looks_like_pillows(photos, psnr):
    for photo in photos:
        small = thumbnail(photo, 160)
        expected = Pil.fromarray(photo).resize(small.shape[1::-1], Pil.Resampling.BICUBIC)
        assert psnr(small, np.asarray(expected)) > 38


@given(st.integers(0, 2**32))
def test_gray_is_within_a_level_of_pillow(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    expected = np.asarray(Pil.fromarray(pixels).convert("L")).astype(int)
    gray = to_gray(pixels)
    assert gray.shape == (9, 11)
    assert np.abs(gray - expected).max() <= 1


def test_png_gives_back_the_same_pixels(photo):
    data = encode_png(photo)
    assert np.array_equal(decode(data).pixels, photo)
    assert np.array_equal(np.asarray(Pil.open(io.BytesIO(data))), photo)


def test_jpeg_gives_nearly_the_same_and_quality_counts(photo, psnr):
    small, large = encode_jpeg(photo, 50), encode_jpeg(photo, 95)
    assert len(small) < len(large) < len(encode_png(photo))
    assert psnr(decode(large).pixels, photo) > 38
    assert psnr(decode(small).pixels, photo) > 30


def test_a_view_of_an_array_can_be_encoded(photo):
    assert decode(encode_jpeg(photo[::2, ::-2])).pixels.shape == photo[::2, ::-2].shape
    assert np.array_equal(decode(encode_png(photo[::2, ::-2])).pixels, photo[::2, ::-2])


@pytest.mark.parametrize(
    "call",
    [lambda p: fit_square(p, 0), lambda p: thumbnail(p, 0), lambda p: encode_jpeg(p, 0), lambda p: encode_jpeg(p, 101)],
)
def test_numbers_out_of_range_are_refused(photo, call):
    with pytest.raises(InvalidArgument):
        call(photo)
