"""The PPM family agrees with Pillow wherever Pillow reads it, and says what is wrong where it does not."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pil

from lookalike.errors import ImageUnreadable
from lookalike.images import decode


@st.composite
def files(draw):
    """A valid file of each kind, with comments and blanks where they may be."""
    kind, width, height = draw(st.integers(1, 6)), draw(st.integers(1, 12)), draw(st.integers(1, 12))
    maximum = draw(st.sampled_from([1, 2, 15, 100, 254, 255]))
    channels = 3 if kind in (3, 6) else 1
    gap = draw(st.sampled_from([b"\n", b" ", b"\t\r\n", b"\n# a comment\n", b" #\n # two\n"]))
    maximum = 1 if kind in (1, 4) else maximum
    samples = draw(
        st.lists(st.integers(0, maximum), min_size=width * height * channels, max_size=width * height * channels)
    )
    head = gap.join(
        [b"P%d" % kind, b"%d" % width, b"%d" % height]
        + ([b"%d" % maximum] if maximum > 1 or kind not in (1, 4) else [])
    )
    if kind in (1, 2, 3):
        body = draw(st.sampled_from([b" ", b"\n", b"  \r\n"])).join(b"%d" % sample for sample in samples)
    elif kind == 4:
        body = np.packbits(np.array(samples, np.uint8).reshape(height, width), axis=1).tobytes()
    else:
        body = bytes(samples)
    return head + b"\n" + body + draw(st.sampled_from([b"", b"\n"]))


@settings(max_examples=300)
@given(files())
def test_every_kind_agrees_with_pillow(data):
    expected = np.asarray(Pil.open(io.BytesIO(data)).convert("RGB"))
    pixels = decode(data).pixels
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 1  # halves are rounded to even there, and by 255/max here


@pytest.mark.parametrize("maximum", [256, 1000, 65535])
@pytest.mark.parametrize("kind", [2, 5])
def test_sixteen_bits_are_scaled_not_clipped(kind, maximum):
    samples = np.linspace(0, maximum, 12).astype(">u2")
    body = samples.tobytes() if kind == 5 else b" ".join(b"%d" % sample for sample in samples)
    pixels = decode(b"P%d 4 3 %d\n" % (kind, maximum) + body).pixels
    expected = np.rint(samples.astype(float) * 255 / maximum).reshape(3, 4)
    assert np.array_equal(pixels[..., 1], expected)


def test_sixteen_bit_color():
    samples = (np.arange(12) * 5000).astype(">u2")
    pixels = decode(b"P6 2 2 65535\n" + samples.tobytes()).pixels
    assert np.array_equal(pixels.ravel(), np.rint(samples / 257.0))


def test_plain_bits_need_no_blanks_and_one_is_black():
    assert decode(b"P1\n3 2\n010\n1 1 1").pixels[..., 0].tolist() == [[255, 0, 255], [0, 0, 0]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"P6 2 2", "header is incomplete"),
        (b"P5 2 x 255\n", "header is incomplete"),
        (b"P5 -2 2 255\n    ", "header is incomplete"),
        (b"P6 0 2 255\n", "out of range"),
        (b"P5 2 2 0\n    ", "out of range"),
        (b"P5 2 2 65536\n" + bytes(8), "out of range"),
        (b"P6 2 2 255\n" + bytes(11), "1 bytes of pixels are missing"),
        (b"P5 2 2 256\n" + bytes(7), "1 bytes of pixels are missing"),
        (b"P4 9 2\n" + bytes(3), "1 bytes of pixels are missing"),
        (b"P2 2 2 255\n1 2 3", "1 samples are missing"),
        (b"P2 1 1 255\n  ", "1 samples are missing"),
        (b"P1 2 2\n101", "1 samples are missing"),
        (b"P2 2 2 255\n1 2 3 x", "not a number"),
        (b"P2 2 2 255\n1 2 3 -4", "not a number"),
        (b"P1 2 2\n1012", "not 0 or 1"),
        (b"P2 2 2 255\n1 2 3 256", "over the maximum"),
        (b"P2 2 2 255\n1 2 3 99999999999999999999999", "over the maximum"),
        (b"P5 2 2 99\n\x01\x02\x03\x64", "over the maximum"),
    ],
)
def test_what_is_wrong_is_said(data, reason):
    with pytest.raises(ImageUnreadable, match=reason):
        decode(data)


def test_a_header_of_comments_without_end_is_refused_quickly():
    with pytest.raises(ImageUnreadable, match="header is incomplete"):
        decode(b"P5 " + b"# and so on\n" * 1_000_000)
    with pytest.raises(ImageUnreadable, match="header is incomplete"):
        decode(b"P5 " + b"\n" * 10_000_000)
