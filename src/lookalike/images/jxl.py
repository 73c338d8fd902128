"""JPEG XL (ISO/IEC 18181), decoded by libjxl in imagecodecs; the size is read from the header before that."""

from __future__ import annotations

from typing import Final

import numpy as np

from lookalike.images.image import Limits, Pixels
from lookalike.images.rgb import from_array

__all__ = ["decode_jxl"]

_CODESTREAM: Final = b"\xff\x0a"
_HEADER: Final = 16  # bytes that hold the size, whatever it is
_LENGTHS: Final = (9, 13, 18, 30)  # bits of a side, by two bits before it
_RATIOS: Final = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def decode_jxl(data: bytes, name: str, limits: Limits) -> tuple[Pixels, int, int]:
    """Return (pixels, width, height), upright, of the first frame.

    Orientation is that of the codestream: the standard lets it stand before EXIF. Raises ImageTooLarge before
    decoding, ValueError for a header that is none, and what the decoder raises.
    """
    limits.check_pixels(name, *_size(_codestream(data)))
    import imagecodecs

    array = imagecodecs.jpegxl_decode(data, index=0, numthreads=1)
    if array.ndim == 3 and array.shape[2] == 2:  # gray and alpha
        array = array[:, :, [0, 0, 0, 1]]
    if np.issubdtype(array.dtype, np.floating):  # beyond the range of a screen
        array = np.clip(np.nan_to_num(array), 0, 1)
    pixels = from_array(array)
    return pixels, pixels.shape[1], pixels.shape[0]


def _codestream(data: bytes) -> bytes:
    """Return how the codestream begins, from among the boxes if it lies in some."""
    if data.startswith(_CODESTREAM):
        return data[:_HEADER]
    begins, at = b"", 0
    while at + 8 <= len(data) and len(begins) < _HEADER:
        size, kind, body = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        end = at + size if size else len(data)
        if kind == b"jxlc":
            begins = data[body:end][:_HEADER]
            break
        if kind == b"jxlp":  # a part, behind its number
            begins += data[body + 4 : end][:_HEADER]
        if end <= at:
            break
        at = end
    if not begins.startswith(_CODESTREAM):
        raise ValueError("there is no codestream in it")
    return begins


def _size(codestream: bytes) -> tuple[int, int]:
    """Read (width, height), as stored (18181-1, section "SizeHeader"); bits come lowest first."""
    bits = int.from_bytes(codestream[2:].ljust(_HEADER, b"\0"), "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & (1 << count) - 1
        bits >>= count
        return value

    is_small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if is_small else take(_LENGTHS[take(2)]) + 1

    height = side()
    upper, lower = _RATIOS[take(3)]
    return (height * upper // lower if upper else side()), height
