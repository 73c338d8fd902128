"""The PBM, PGM and PPM formats, plain (P1 to P3) and raw (P4 to P6), as netpbm's manual pages define them.

Pillow reads them one sample at a time in Python unless the maximum is 255: minutes for a large picture.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.images.image import Limits, Pixels

__all__ = ["decode_netpbm"]

Samples = NDArray[np.integer[Any]]

_HEADER_END = 2**16  # bytes; only comments could make it longer
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_BITMAP = re.compile(rb"P([14])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})\s")
_GRAYMAP_OR_PIXMAP = re.compile(rb"P([2356])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})\s")
_COMMENT = re.compile(rb"#[^\r\n]*")


def decode_netpbm(data: bytes, name: str, limits: Limits) -> tuple[Pixels, int, int]:
    """Return (pixels, width, height) of the first picture; samples are scaled from their maximum to 255.

    Raises ImageTooLarge before decoding, and ValueError, saying why, for anything that is not as defined.
    """
    header = _BITMAP.match(data, 0, _HEADER_END) or _GRAYMAP_OR_PIXMAP.match(data, 0, _HEADER_END)
    if header is None:
        raise ValueError("the header is incomplete")
    kind, width, height = (int(field) for field in header.groups()[:3])
    maximum = int(header[4]) if kind not in (1, 4) else 1
    if not (0 < maximum < 2**16 and width > 0 and height > 0):
        raise ValueError("the header is out of range")
    limits.check_pixels(name, width, height)
    depth = 3 if kind in (3, 6) else 1
    body = memoryview(data)[header.end() :]
    if kind == 4:
        samples = _packed_bits(body, width, height)
    elif kind < 4:
        samples = _plain(bytes(body), width * height * depth, single_digits=kind == 1)
    else:
        samples = _raw(body, width * height * depth, wide=maximum > 255)
    if samples.max() > maximum:
        raise ValueError(f"a sample is over the maximum of {maximum}")
    values = samples.reshape(height, width, depth)
    values = values if maximum == 255 else _scaled(values, maximum)
    if kind in (1, 4):
        values = 255 - values  # 1 is black
    pixels = np.repeat(values, 3, axis=2) if depth == 1 else values
    return np.array(pixels, np.uint8), width, height


def _scaled(values: Samples, maximum: int) -> Samples:
    levels: Samples = np.rint(np.arange(maximum + 1) * (255 / maximum)).astype(np.uint8)
    return levels[values]


def _packed_bits(body: memoryview, width: int, height: int) -> Samples:
    stride = (width + 7) // 8
    rows = _raw(body, stride * height, wide=False).reshape(height, stride)
    return np.unpackbits(rows.astype(np.uint8), axis=1, count=width)


def _raw(body: memoryview, count: int, *, wide: bool) -> Samples:
    kind = np.dtype(">u2" if wide else "u1")
    if len(body) < count * kind.itemsize:
        raise ValueError(f"{count * kind.itemsize - len(body):,} bytes of pixels are missing")
    return np.frombuffer(body, kind, count)


def _plain(body: bytes, count: int, *, single_digits: bool) -> Samples:
    text = _COMMENT.sub(b"", body)
    if single_digits:  # blanks between them are optional
        digits = text.translate(None, b" \t\r\n\v\f")[:count]
        if digits.strip(b"01"):
            raise ValueError("a sample is not 0 or 1")
        return _enough(np.frombuffer(digits, np.uint8) - np.uint8(ord("0")), count)
    if text.translate(None, b"0123456789 \t\r\n\v\f"):
        raise ValueError("a sample is not a number")
    numbers = text.strip()  # NumPy reads blanks alone as a zero
    return _enough(np.fromstring(numbers, np.int64, sep=" ")[:count], count)


def _enough(samples: Samples, count: int) -> Samples:
    if len(samples) < count:
        raise ValueError(f"{count - len(samples):,} samples are missing")
    return samples
