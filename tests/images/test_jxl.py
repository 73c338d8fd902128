"""JPEG XL, by the extra; its size is known before it is decoded."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable
from lookalike.images import Limits, decode, jxl

imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra jxl")


def encoded(pixels, **options):
    return imagecodecs.jpegxl_encode(pixels, **{"lossless": True, **options})


@pytest.mark.parametrize("container", [False, True])
def test_color_is_kept(photo, container):
    picture = decode(encoded(photo, usecontainer=container))
    assert (picture.format, picture.width, picture.height) == ("JXL", 451, 300)
    assert np.array_equal(picture.pixels, photo)


def test_gray_alpha_and_depth(photo):
    gray, alpha = photo[:, :, 0], np.tile(np.linspace(0, 255, 451).astype(np.uint8), (300, 1))
    assert np.array_equal(decode(encoded(gray)).pixels, np.repeat(gray[..., None], 3, axis=2))
    assert np.array_equal(decode(encoded(gray.astype(np.uint16) * 257)).pixels[..., 0], gray)
    assert np.array_equal(decode(encoded(photo.astype(np.uint16) * 257)).pixels, photo)
    blended = np.rint((gray * (alpha / 255.0)) + 255.0 - alpha)
    assert np.abs(decode(encoded(np.dstack([gray, alpha]))).pixels[..., 1] - blended).max() <= 1
    assert (decode(encoded(np.dstack([photo, alpha]))).pixels[:, 0] == 255).all()


def test_an_animation_gives_its_first_frame(photo):
    assert np.array_equal(decode(encoded(np.stack([photo, 255 - photo]))).pixels, photo)


def test_a_jpeg_packed_without_loss_is_upright(corner_marked, psnr):
    tags = Pil.Exif()
    tags[0x0112] = 6
    file = io.BytesIO()
    Pil.fromarray(corner_marked).save(file, "JPEG", quality=95, subsampling=0, exif=tags.tobytes())
    picture = decode(imagecodecs.jpegxl_encode_jpeg(file.getvalue(), usecontainer=True))
    assert (picture.width, picture.height) == (40, 64)
    assert psnr(picture.pixels, decode(file.getvalue()).pixels) > 35


@pytest.mark.parametrize(
    ("width", "height"), [(8, 8), (256, 256), (64, 40), (257, 1), (1000, 750), (1920, 1080), (3, 5000), (9000, 2)]
)
def test_the_size_in_the_header_is_that_of_the_picture(width, height):
    for container in (False, True):
        data = encoded(np.zeros((height, width), np.uint8), usecontainer=container, effort=1)
        assert jxl._size(jxl._codestream(data)) == (width, height)


def test_pixels_are_limited_by_the_header_alone(photo):
    data = encoded(photo)
    with pytest.raises(ImageTooLarge, match="135,300 pixels"):
        decode(data[:20], limits=Limits(pixels=135_299))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_picture_cut_short_is_refused(photo, share):
    data = encoded(photo)
    with pytest.raises(ImageUnreadable, match="damaged JXL"):
        decode(data[: int(share * len(data))])


def outcome(data):
    """The pixels' shape, or why there are none. Anything raised but an ImageError fails the test."""
    try:
        return decode(data, limits=Limits(pixels=200_000)).pixels.shape
    except ImageError as error:
        return error.reason


@settings(max_examples=80)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=5), st.booleans())
def test_damage_raises_nothing_but_image_errors(flips, container):
    noise = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    data = bytearray(encoded(noise, usecontainer=container))
    for where, bit in flips:
        data[int(where**3 * (len(data) - 1))] ^= 1 << bit
    assert outcome(bytes(data))
