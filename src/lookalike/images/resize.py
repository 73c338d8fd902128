"""Pixels to other sizes and back to files: the resampling every describer shares, by OpenCV.

`fit_square` and `thumbnail` agree with Pillow's antialiased BICUBIC to 40 dB or better on photographs, in a
fifth of the time. Changing how they resample changes every stored description: it needs new model versions.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.images.image import Pixels

__all__ = ["encode_jpeg", "encode_png", "fit_square", "thumbnail", "to_gray"]

_BLUR_UP_TO = 2.5
# The Gaussian of three taps that, before cubic interpolation, comes nearest to an antialiased resize, by the
# factor of reduction along that axis. Fitted to Pillow's BICUBIC on photographs.
_FACTORS = (1.0, 1.05, 1.3, 1.5, 1.75, 2.0, 2.25, 2.5)
_SIGMAS = (0.01, 0.4, 0.45, 0.5, 0.6, 0.7, 0.9, 1.2)


def fit_square(pixels: Pixels, side: int) -> Pixels:
    """Squash the whole picture, whatever its aspect, to (side, side, 3), antialiased."""
    if side < 1:
        raise InvalidArgument("side", side, "at least 1")
    return _resample(pixels, side, side)


def thumbnail(pixels: Pixels, longest: int) -> Pixels:
    """Shrink a picture until its longer side is `longest` pixels; a smaller one comes back as it is.

    Keeps the aspect to the nearest pixel; no side becomes less than 1.
    """
    if longest < 1:
        raise InvalidArgument("longest", longest, "at least 1")
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return pixels
    return _resample(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


def to_gray(pixels: Pixels) -> NDArray[np.uint8]:
    """Return (H, W) luma after ITU-R BT.601, within 1 level of Pillow's `convert("L")`."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def encode_jpeg(pixels: Pixels, quality: int = 85) -> bytes:
    """Encode as a JPEG of `quality` 1 to 100, chroma at half size."""
    if not 1 <= quality <= 100:
        raise InvalidArgument("quality", quality, "1 to 100")
    import simplejpeg

    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, colorsubsampling="420")
    return encoded


def encode_png(pixels: Pixels) -> bytes:
    """Encode as a PNG; decoding it gives the same pixels."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def _resample(pixels: Pixels, width: int, height: int) -> Pixels:
    across, down = pixels.shape[1] / width, pixels.shape[0] / height
    while min(across, down) >= _BLUR_UP_TO and pixels.shape[0] % 2 == 0 and pixels.shape[1] % 2 == 0:
        # Averaging whole pixels in pairs is exact, and four times as fast as INTER_AREA at other factors.
        pixels = _scale(pixels, pixels.shape[1] // 2, pixels.shape[0] // 2, cv2.INTER_AREA)
        across, down = across / 2, down / 2
    if max(across, down) > _BLUR_UP_TO:
        pixels = _scale(pixels, min(width, pixels.shape[1]), min(height, pixels.shape[0]), cv2.INTER_AREA)
        across, down = pixels.shape[1] / width, pixels.shape[0] / height
    if max(across, down) > 1:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (3, 3), _sigma(across), sigmaY=_sigma(down)), np.uint8)
    return _scale(pixels, width, height, cv2.INTER_CUBIC)


def _scale(pixels: Pixels, width: int, height: int, interpolation: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)


def _sigma(factor: float) -> float:
    return float(np.interp(factor, _FACTORS, _SIGMAS))
