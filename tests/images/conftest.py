"""Pictures made on the spot, and the few tools that the tests of this room share."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image as Pil

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="session")
def photo() -> Pixels:
    """A photograph, (300, 451, 3)."""
    return skimage.data.chelsea()


@pytest.fixture(scope="session")
def corner_marked() -> Pixels:
    """A picture (40, 64, 3) that differs under every turn: red, green, blue and gray quarters."""
    pixels = np.empty((40, 64, 3), np.uint8)
    pixels[:20, :32], pixels[:20, 32:] = (200, 30, 30), (30, 200, 30)
    pixels[20:, :32], pixels[20:, 32:] = (30, 30, 200), (90, 90, 90)
    return pixels


def encode_with_pillow(picture: Pil.Image | Pixels, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image = picture if isinstance(picture, Pil.Image) else Pil.fromarray(picture)
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """encode(picture, "PNG", ...) -> bytes, by Pillow."""
    return encode_with_pillow


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write_png(size: tuple[int, int], color_type: int, depth: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0)
    extra = b"".join(chunk(kind, body) for kind, body in chunks)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def png() -> Callable[..., bytes]:
    """png(size, color_type, depth, rows, *chunks): what Pillow can't write; each row begins with its filter."""
    return write_png


@pytest.fixture(scope="session")
def psnr() -> Callable[[Pixels, Pixels], float]:
    """Peak signal-to-noise ratio in dB, infinite for equal pixels."""

    def measure(one: Pixels, other: Pixels) -> float:
        error = np.mean((one.astype(np.float64) - other) ** 2)
        return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))

    return measure
