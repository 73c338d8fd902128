"""JPEG by libjpeg-turbo: the fast path, which never imports Pillow.

Scaling happens inside the decoder, by powers of two only: 3/4 and 5/8 have no SIMD kernels and give
31 to 34 dB against an honest resize. CMYK comes out as RGB within 2 levels of Pillow's conversion.
"""

from __future__ import annotations

from typing import Literal

import simplejpeg

from lookalike.errors import ImageUnreadable
from lookalike.images import orientation
from lookalike.images.headers import reduction
from lookalike.images.image import Limits, Pixels

__all__ = ["decode_jpeg"]

_CUT_SHORT = "Premature end of JPEG file"
# Remarks of libjpeg about files whose pixels are all there.
_HARMLESS = ("extraneous bytes before marker", "Invalid SOS parameters", "Adobe color transform", "JFIF revision")


def decode_jpeg(
    data: bytes,
    name: str,
    limits: Limits,
    wants: int | None,
    colors: Literal["RGB", "GRAY"] = "RGB",
    held: int = 1,
) -> tuple[Pixels, int, int] | None:
    """Return (pixels, width, height), the size upright and whole; None if another decoder should try.

    colors: "GRAY" gives (h, w) luma, which spares a third of the time.
    held: the orientation, 1 to 8, where the JPEG itself says none.
    Raises ImageTooLarge before decoding, and ImageUnreadable if pixels are missing or damaged.
    """
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:  # an unusual subsampling, for one
        return None
    limits.check_pixels(name, width, height)
    factor = reduction(width, height, wants)
    try:
        pixels = _decode(data, height, width, factor, colors)
    except ValueError as error:
        if any(remark in str(error) for remark in _HARMLESS):
            return None
        raise ImageUnreadable(name, f"damaged JPEG ({error})") from error
    turn = orientation.of_jpeg(data) or held
    if turn >= 5:
        width, height = height, width
    return orientation.upright(pixels, turn), width, height


def _decode(data: bytes, height: int, width: int, factor: int, colors: str) -> Pixels:
    # The decoder takes the smallest of its sixteen scales that keeps both minimums: these leave 1/factor alone.
    least = {} if factor == 1 else {"min_height": -(-height // factor), "min_width": -(-width // factor)}
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(data, colors, **least)
    except ValueError as error:
        if str(error) != _CUT_SHORT:
            raise
        # Perhaps only the end marker is missing: with one, the decoder complains of nothing but missing pixels.
        pixels = simplejpeg.decode_jpeg(data + b"\xff\xd9", colors, **least)
    return pixels[:, :, 0] if colors == "GRAY" else pixels
