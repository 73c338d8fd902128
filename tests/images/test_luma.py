"""Luma straight from a JPEG: what the colors would give, scaled and turned alike."""

import io

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import ImageTooLarge, ImageUnreadable
from lookalike.images.image import Limits
from lookalike.images.jpeg import decode_jpeg
from lookalike.images.resize import to_gray


@pytest.fixture
def jpeg(draw):
    def make(mode="RGB", orientation=1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        buffer = io.BytesIO()
        Image.fromarray(draw(3)).convert(mode).save(buffer, "JPEG", exif=exif.tobytes())
        return buffer.getvalue()

    return make


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("wants", [None, 32])
def test_it_is_the_gray_of_the_colors(jpeg, mode, orientation, wants):
    data = jpeg(mode, orientation)
    luma, *size = decode_jpeg(data, "x", Limits(), wants, "GRAY")
    colors, *expected = decode_jpeg(data, "x", Limits(), wants)
    assert size == expected
    assert luma.shape == colors.shape[:2]
    assert np.abs(luma.astype(int) - to_gray(colors)).mean() < 1.0


def test_what_is_damaged_or_too_large_is_refused(jpeg):
    with pytest.raises(ImageUnreadable):
        decode_jpeg(jpeg()[:2000], "x", Limits(), None, "GRAY")
    with pytest.raises(ImageTooLarge):
        decode_jpeg(jpeg(), "x", Limits(pixels=100), None, "GRAY")


def test_the_end_marker_may_be_missing(jpeg):
    whole, cut = (decode_jpeg(data, "x", Limits(), None, "GRAY")[0] for data in (jpeg(), jpeg()[:-2]))
    assert (whole == cut).all()
