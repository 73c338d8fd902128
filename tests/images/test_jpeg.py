"""The fast path: scaled by exact powers of two, strict about missing pixels, lenient about mere remarks."""

import io

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import ImageUnreadable
from lookalike.images import decode
from lookalike.images.headers import reduction
from lookalike.images.resize import fit_square


def jpeg(pixels, quality=92, subsampling="420"):
    return simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, colorsubsampling=subsampling)


@pytest.fixture(scope="module")
def large(photo):
    return cv2.resize(photo, (1804, 1200), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    ("wants", "shape"),
    [
        (None, (1200, 1804)),
        (600, (1200, 1804)),
        (301, (1200, 1804)),
        (300, (600, 902)),  # exactly twice what is wanted
        (151, (600, 902)),
        (150, (300, 451)),
        (75, (150, 226)),  # odd halves round up
        (1, (150, 226)),
    ],
)
def test_scale_is_a_power_of_two_never_below_twice_what_is_wanted(large, wants, shape):
    picture = decode(jpeg(large), wants=wants)
    assert picture.pixels.shape == (*shape, 3)
    assert (picture.width, picture.height) == (1804, 1200)


@settings(max_examples=60)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 40))
def test_every_size_scales_by_the_chosen_factor(width, height, wants):
    picture = decode(jpeg(np.full((height, width, 3), 120, np.uint8)), wants=wants)
    factor = reduction(width, height, wants)
    assert picture.pixels.shape == (-(-height // factor), -(-width // factor), 3)
    assert factor == 1 or min(picture.pixels.shape[:2]) >= 2 * wants
    assert (picture.width, picture.height) == (width, height)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 7), (7, 2)])
def test_tiny_pictures_are_never_resampled(size):
    generator = np.random.default_rng(5)
    data = jpeg(generator.integers(0, 256, (*size, 3), dtype=np.uint8), 100, "444")
    assert np.array_equal(decode(data, wants=1).pixels, simplejpeg.decode_jpeg(data))


@pytest.mark.parametrize("wants", [64, 100, 224, 290])
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_a_scaled_decode_equals_a_full_one_resized(large, psnr, wants, subsampling):
    data = jpeg(large, subsampling=subsampling)
    scaled, full = decode(data, wants=wants).pixels, decode(data).pixels
    assert scaled.shape != full.shape
    assert psnr(fit_square(scaled, wants), fit_square(full, wants)) > 40


def test_gray_comes_out_as_three_equal_channels(photo):
    gray = np.ascontiguousarray(photo[:, :, :1])
    pixels = decode(simplejpeg.encode_jpeg(gray, 95, colorspace="GRAY", colorsubsampling="Gray")).pixels
    assert pixels.shape == photo.shape
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_a_missing_end_marker_alone_is_forgiven(photo):
    data = jpeg(photo)
    assert data.endswith(b"\xff\xd9")
    assert np.array_equal(decode(data[:-2]).pixels, decode(data).pixels)


def test_bytes_behind_the_picture_are_ignored(photo):
    data = jpeg(photo)
    assert np.array_equal(decode(data + b"trailing" * 100).pixels, decode(data).pixels)


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["cut", "cut and closed"])
@pytest.mark.parametrize("wants", [None, 30])
def test_missing_pixels_are_never_filled_in(photo, ending, wants):
    data = jpeg(photo)
    with pytest.raises(ImageUnreadable, match="damaged JPEG"):
        decode(data[: len(data) // 2] + ending, wants=wants)


def test_padding_between_segments_is_a_remark_not_damage(photo):
    data = jpeg(photo)
    at = data.index(b"\xff\xdb")
    assert np.array_equal(decode(data[:at] + b"\0\0\0" + data[at:]).pixels, decode(data).pixels)


def test_a_remark_does_not_excuse_missing_pixels(photo):
    data = jpeg(photo)
    at = data.index(b"\xff\xdb")
    with pytest.raises(ImageUnreadable):
        decode(data[:at] + b"\0\0\0" + data[at : len(data) // 2])


@pytest.mark.parametrize(("wants", "scale"), [(None, 1), (30, 4)])
def test_an_unusual_subsampling_is_left_to_pillow(photo, encode, wants, scale):
    # With one Huffman table for all components, their blocks can be dealt out anew: 3x1 luma to 1x1 chroma.
    data = bytearray(encode(photo[:288, :432], "JPEG", quality=90, keep_rgb=True, subsampling=0))
    frame = data.index(b"\xff\xc0")
    data[frame + 11] = 0x31
    with pytest.raises(ValueError, match="subsampling"):
        simplejpeg.decode_jpeg_header(bytes(data))
    file = Pil.open(io.BytesIO(data))
    file.draft(None, (432 // scale, 288 // scale))
    picture = decode(bytes(data), wants=wants)
    assert (picture.width, picture.height) == (432, 288)
    assert picture.pixels.shape == (288 // scale, 432 // scale, 3)
    assert np.array_equal(picture.pixels, np.asarray(file.convert("RGB")))
