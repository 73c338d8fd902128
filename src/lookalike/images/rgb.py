"""Whatever a Pillow picture or an array holds, to (H, W, 3) uint8 RGB with alpha composited on white."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from lookalike.images.image import Pixels

__all__ = ["from_array", "from_pillow"]


def from_pillow(picture: Pil.Image) -> Pixels:
    """Convert a loaded picture of any mode.

    16-bit gray keeps its high byte, and so does 32-bit gray, which counts as 16-bit if it uses no more.
    Floats are taken as [0, 1], else as [0, 255]. Raises ValueError for floats outside both.
    """
    if picture.mode.startswith("I"):
        gray = _eight_bits(np.asarray(picture))
        key = picture.info.get("transparency")
        if isinstance(key, int):
            gray = np.where(np.asarray(picture) == key, np.uint8(255), gray)
        return _gray(gray)
    if picture.mode == "F":
        return _gray(_from_floats(np.asarray(picture)))
    if picture.has_transparency_data:
        return _over_white(np.asarray(picture.convert("RGBA")))
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def from_array(array: NDArray[Any]) -> Pixels:
    """Convert (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16, bool, or float in [0, 1].

    The fourth channel is alpha. Raises ValueError, saying what would do, for anything else.
    """
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(f"an array of shape {array.shape}; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    values = _to_bytes(array)
    if values.ndim == 2 or values.shape[2] == 1:
        return _gray(values.reshape(values.shape[:2]))
    return _over_white(values) if values.shape[2] == 4 else np.array(values, order="C")


def _to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return _high_byte(array, 8)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):  # false for NaN
            raise ValueError("float pixels outside [0, 1]; scale them")
        return np.asarray(np.rint(array * 255), np.uint8)
    raise ValueError(f"pixels of type {array.dtype}; give uint8, uint16, bool, or float in [0, 1]")


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype.itemsize == 2:
        return _high_byte(values, 8)
    if values.min() >= -(2**15) and values.max() < 2**16:
        return _high_byte(np.maximum(values, 0), 8)
    return _high_byte(values.view(np.uint32), 24)  # Pillow keeps unsigned 32-bit pixels in int32


def _high_byte(values: NDArray[Any], shift: int) -> NDArray[np.uint8]:
    return np.asarray(np.right_shift(values, shift), np.uint8)


def _from_floats(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # false for NaN
        raise ValueError("float pixels outside [0, 255]")
    return np.rint(values * (255 if high <= 1 else 1)).astype(np.uint8)


def _gray(values: NDArray[np.uint8]) -> Pixels:
    return np.repeat(values[:, :, np.newaxis], 3, axis=2)


def _over_white(rgba: NDArray[np.uint8]) -> Pixels:
    alpha = rgba[:, :, 3]
    pixels = np.array(rgba[:, :, :3], order="C")
    if alpha.min() == 255:
        return pixels
    weight = alpha.astype(np.uint16)
    white = (255 - weight) * 255 + 127  # and half a step, to round
    for channel in range(3):  # one at a time: a third of the memory
        pixels[:, :, channel] = (pixels[:, :, channel] * weight + white) // 255
    return pixels
