"""Structural similarity of two gray pictures (Wang et al. 2004).

Exactly scikit-image's `structural_similarity` with its defaults on 8-bit pictures: 7 x 7 uniform windows, K1 = 0.01,
K2 = 0.03, sample covariance, data range 255, the mean over all windows that lie wholly inside. Sums over windows
are taken in integers, which 49 pixels of 8 bits fit, so that nothing is lost to cancellation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.images.resize import to_gray

__all__ = [
    "Gray",
    "Prepared",
    "common_shape",
    "decide",
    "exceeds",
    "filled",
    "outline",
    "prepare",
    "shrunk",
    "ssim",
    "to_gray",
    "upper_bounds",
]

Gray = NDArray[np.uint8]
"""(h, w) uint8."""

Floats = NDArray[np.float64]

_WINDOW = 7
_AREA = _WINDOW**2
_DEGREES = _AREA * (_AREA - 1)  # a sample covariance times this is an integer
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_SUMS_C1, _SUMS_C2 = np.float32(_C1 * _AREA**2), np.float32(_C2 * _DEGREES)
_FIRST_STRIP, _LAST_STRIP = 1 << 12, 1 << 16  # windows: small enough to stop soon, large enough to go fast
_BLOCKS = 16
_ROUNDING = 1e-6  # float32 may carry a window's value past 1, and a bound past the truth, by less than this


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What SSIM needs of one picture alone.

    gray: (h, w), both at least 7. sums: (h-6, w-6) int32, of each window. spread: the same shape, float32, the
    sample variance of each window times 49 * 48.
    """

    gray: Gray
    sums: NDArray[np.int32]
    spread: NDArray[np.float32]


def prepare(gray: Gray) -> Prepared:
    """Take a picture's window statistics, once for all its comparisons.

    A side under 7 px is first filled up to 7 by repeating the edge on both ends. Raises InvalidArgument for what
    is no gray picture.
    """
    gray = filled(gray)
    sums = np.ascontiguousarray(_window_sums(gray.astype(np.uint16)))
    squares = _window_sums(np.multiply(gray, gray, dtype=np.uint16))
    return Prepared(gray, sums, (_AREA * squares - sums * sums).astype(np.float32))


def ssim(a: Prepared, b: Prepared) -> float:
    """Return the mean structural similarity, in [-1, 1]: 1 exactly for equal pictures and only these; symmetric.

    Pictures of different sizes are compared at the lesser height and the lesser width of the two: each that is
    larger is shrunk to that by area averaging, its aspect not kept.
    """
    a, b = _aligned(a, b)
    return _mean([total for _, total in _strip_totals(a, b)], a.sums.size)


def exceeds(a: Prepared, b: Prepared, grade: float) -> bool:
    """Whether `ssim(a, b) >= grade`, at a fraction of its cost where the pictures differ.

    Windows are taken strip by strip, until those left, between -1 and 1 each, can no longer change the answer.
    """
    return decide(a, b, grade)[0]


def decide(a: Prepared, b: Prepared, grade: float) -> tuple[bool, float]:
    """Return what `exceeds` returns, and the share of the windows it took, in (0, 1]."""
    a, b = _aligned(a, b)
    totals: list[float] = []
    size = left = a.sums.size
    reached = 0.0
    for windows, total in _strip_totals(a, b):
        totals.append(total)
        reached += total
        left -= windows
        if left and (reached + left) / size < grade - _ROUNDING:
            return False, 1 - left / size
        if left and (reached - left) / size > grade + _ROUNDING:
            return True, 1 - left / size
    return _mean(totals, size) >= grade, 1.0


def outline(picture: Prepared) -> Floats:
    """Sum up a picture's windows in 16 x 16 blocks, for `upper_bounds`: (5, blocks).

    Rows: share of the windows, mean of their means, greatest mean squared, mean of their standard deviations,
    greatest variance.
    """
    edges = [np.unique(np.linspace(0, side, _BLOCKS + 1)[:-1].astype(int)) for side in picture.sums.shape]

    def totals(values: NDArray[np.generic]) -> Floats:
        lines = np.add.reduceat(values, edges[0], axis=0, dtype=np.float64)
        return np.add.reduceat(lines, edges[1], axis=1).ravel()

    def greatest(values: NDArray[np.generic]) -> Floats:
        lines = np.maximum.reduceat(values, edges[0], axis=0)
        return np.maximum.reduceat(lines, edges[1], axis=1).ravel().astype(np.float64)

    windows = np.outer(*(np.diff(edge, append=side) for edge, side in zip(edges, picture.sums.shape, strict=True)))
    count = windows.ravel()
    means = totals(picture.sums) / count / _AREA
    deviations = totals(np.sqrt(picture.spread)) / count / math.sqrt(_DEGREES)
    bright = (greatest(picture.sums) / _AREA) ** 2
    return np.stack([count / count.sum(), means, bright, deviations, greatest(picture.spread) / _DEGREES])


def upper_bounds(one: Floats, others: Floats) -> Floats:
    """Bound the SSIM of one picture with n of its size from above, from outlines.

    one: (5, 1, blocks); others: (5, n, blocks). Returns (n,); no SSIM that `ssim` returns is greater. A window's
    SSIM is at most its luminance term, 1 - (u - v)^2 / (u^2 + v^2 + C1) of the means u and v; and, as a covariance
    is at most the product of the deviations, at most the same of the deviations with C2. In a block the
    denominators are at most those of the greatest values, and the mean square at least the squared mean.
    """
    share, mean, bright, deviation, variance = one
    _, means, brights, deviations, variances = others
    luminance = (mean - means) ** 2 / (bright + brights + _C1)
    contrast = (deviation - deviations) ** 2 / (variance + variances + _C2)
    bounds: Floats = 1 - np.maximum(luminance, contrast) @ share[0] + _ROUNDING
    return bounds


def filled(gray: Gray) -> Gray:
    """Return the picture with both sides at least 7 px, as `prepare` fills it up."""
    if gray.ndim != 2 or gray.dtype != np.uint8 or gray.size == 0:
        raise InvalidArgument("gray", f"{gray.shape} {gray.dtype}", "(H, W) uint8 with H and W at least 1")
    lack = [max(0, _WINDOW - side) for side in gray.shape]
    if not any(lack):
        return gray
    return np.pad(gray, [(missing // 2, missing - missing // 2) for missing in lack], mode="edge")


def common_shape(a: Gray, b: Gray) -> tuple[int, int]:
    """Return the (height, width) at which two filled pictures are compared."""
    return min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])


def shrunk(gray: Gray, shape: tuple[int, ...]) -> Gray:
    """Return the picture at a (height, width) not above its own, by area averaging."""
    if gray.shape == shape:
        return gray
    return np.asarray(cv2.resize(gray, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _mean(totals: list[float], windows: int) -> float:
    return min(1.0, max(-1.0, math.fsum(totals) / windows))


def _strip_totals(a: Prepared, b: Prepared) -> Iterator[tuple[int, float]]:
    """Yield the number of windows in each strip of rows, and the sum of their values; strips grow on the way."""
    height, width = a.sums.shape
    top, windows = 0, _FIRST_STRIP
    while top < height:
        bottom = min(height, top + max(1, windows // width))
        yield (bottom - top) * width, _strip_total(a, b, top, bottom)
        top, windows = bottom, min(2 * windows, _LAST_STRIP)


def _strip_total(a: Prepared, b: Prepared, top: int, bottom: int) -> float:
    rows, pixels = slice(top, bottom), slice(top, bottom + _WINDOW - 1)
    u, v = a.sums[rows], b.sums[rows]
    products = np.multiply(a.gray[pixels], b.gray[pixels], dtype=np.uint16)
    means = u * v
    covariances = _AREA * _window_sums(products) - means
    values = 2 * means.astype(np.float32) + _SUMS_C1
    values *= 2 * covariances.astype(np.float32) + _SUMS_C2
    below = (u * u + v * v).astype(np.float32) + _SUMS_C1
    below *= a.spread[rows] + b.spread[rows] + _SUMS_C2
    values /= below
    return float(values.sum(dtype=np.float64))


def _window_sums(values: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Sum every 7 x 7 window that lies wholly inside: (h, w) -> (h-6, w-6)."""
    edge = _WINDOW // 2
    kernel = (_WINDOW, _WINDOW)
    sums = cv2.boxFilter(values, cv2.CV_32S, kernel, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(sums, np.int32)[edge:-edge, edge:-edge]


def _aligned(a: Prepared, b: Prepared) -> tuple[Prepared, Prepared]:
    if a.gray.shape == b.gray.shape:
        return a, b
    shape = common_shape(a.gray, b.gray)
    return _at_shape(a, shape), _at_shape(b, shape)


def _at_shape(picture: Prepared, shape: tuple[int, int]) -> Prepared:
    return picture if picture.gray.shape == shape else prepare(shrunk(picture.gray, shape))
