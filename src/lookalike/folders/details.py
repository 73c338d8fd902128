"""Where two pictures laid one on the other show different things, however small: a figure on a form, a line in a chat.

Hashes, vectors and pictures at 400 pixels don't see such a thing, and on pages, screens and drawings it is all that
tells two of them apart.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.describers.hashes import held_as
from lookalike.folders.placement import nearest_held
from lookalike.images.image import Pixels

Floats = NDArray[np.float64]

Shares = tuple[float, float]

__all__ = ["FINE", "differing_share", "shown_by_one"]

FINE: Final = 1000
"""Longer side, in pixels, at which details are compared."""

_STRONG: Final = 24.0  # levels beyond all that the other shows within reach; of 100 photographs halved one has more
_COLORED: Final = 12.0  # levels between channels that one percent of a picture has at least, unless it is gray
_COARSER: Final = 4  # times, where noise and the blocks of chroma have gone, and a shadow on a lung is left
_STRONG_COARSELY: Final = 16.0
_FEWEST: Final = 4  # neighboring pixels that are no noise
_BLURS: Final = (1.0, 1.7, 3.0)  # deviations in pixels of the keeper
_RIM: Final = 0.02  # of each side: what a crop or a border leaves there says nothing


def shown_by_one(a: Pixels, b: Pixels, transform: Floats) -> Shares:
    """Return which share of what both cover holds something of a that b hasn't, and of b that a hasn't, in [0, 1].

    a, b: (H, W, 3). transform: (3, 3), from a's unit square to b's. A color counts as shown if it lies between those
    that the other has in reach, a pixel or two away: what is resized or laid a little askew differs in none, and what
    is blurred has nothing more, only less.
    """
    width, height = _grid(a, b, transform)
    way, shift = nearest_held(transform)
    if shift == 0:
        return _apart(*(_straight(pixels, width, height) for pixels in (held_as(a, way), b)))
    other, _ = _laid(b, np.eye(3), width, height)
    one, seen = _laid(a, np.asarray(np.linalg.inv(transform), np.float64), width, height)
    shares = _apart(one, other, seen)
    motion = _motion(one, other, seen) if any(shares) else None
    return shares if motion is None else _apart(*_again(a, transform, motion, other))


def differing_share(keeper: Pixels, copy: Pixels, transform: Floats) -> float:
    """Return which share of what both cover shows different things, in [0, 1]; 0 where the copy is only blurred.

    keeper, copy: (H, W, 3) uint8. transform: (3, 3), from the keeper's unit square to the copy's.
    """
    less, more = shown_by_one(keeper, copy, transform)
    share = max(less, more)
    if more:
        return share
    for blur in _BLURS if less else ():  # a blank form is no blurred one
        dull = np.asarray(cv2.GaussianBlur(keeper, (0, 0), blur), np.uint8)
        if not any(shown_by_one(dull, copy, transform)):
            return 0.0
    return share


def _straight(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return a picture, held as the other is, on a grid over all of it, without its rim."""
    if pixels.shape[:2] != (height, width):
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    down, across = _rim(height), _rim(width)
    return np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0)[down:-down, across:-across])


def _again(a: Pixels, transform: Floats, motion: Floats, other: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Lay a once more. motion: from the grid to where on it a's place is now."""
    height, width = other.shape[:2]
    grid = np.diag([1 / width, 1 / height, 1.0])
    one, seen = _laid(a, np.linalg.inv(transform) @ grid @ motion @ np.linalg.inv(grid), width, height)
    return one, other, seen


def _motion(one: Pixels, other: Pixels, seen: Pixels) -> Floats | None:
    """Return the homography that is left between two pictures laid on one another, None where that can't be told.

    Keypoints lay a picture to within some pixels at this size. By enhanced correlation (Evangelidis and Psarakis 2008).
    """
    how = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    start = np.eye(3, dtype=np.float32)
    try:
        _, found = cv2.findTransformECC(_gray(other), _gray(one), start, cv2.MOTION_HOMOGRAPHY, how, seen, 5)
    except cv2.error:  # it doesn't settle
        return None
    return np.asarray(found, np.float64)


def _apart(one: Pixels, other: Pixels, seen: Pixels | None = None) -> Shares:
    """seen: (H, W), 255 where both are there; by default everywhere."""
    shares = _strong(_gray(one), _gray(other), seen, _STRONG)
    if any(shares) or min(one.shape[:2]) < _COARSER * 16:
        return shares
    one, other = _coarser(one), _coarser(other)
    if not (_colored(one) and _colored(other)):
        one, other = _gray(one), _gray(other)
    return _strong(one, other, None if seen is None else _coarser(seen), _STRONG_COARSELY)


def _gray(colors: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY), np.uint8)


def _coarser(values: Pixels) -> Pixels:
    height, width = values.shape[0] // _COARSER, values.shape[1] // _COARSER
    whole = values[: height * _COARSER, : width * _COARSER]  # exact squares, which is several times as fast
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _strong(one: Pixels, other: Pixels, seen: Pixels | None, least: float) -> Shares:
    return _share(_beyond(one, other) > least, seen), _share(_beyond(other, one) > least, seen)


def _share(strong: NDArray[np.bool_], seen: Pixels | None) -> float:
    if seen is not None:
        strong &= seen == 255
    if not strong.any():
        return 0.0
    _, _, areas, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8), connectivity=8)
    found = areas[1:, cv2.CC_STAT_AREA]
    covered = strong.size if seen is None else np.count_nonzero(seen == 255)
    return float(found[found >= _FEWEST].sum() / covered)


def _grid(a: Pixels, b: Pixels, transform: Floats) -> tuple[int, int]:
    """Return columns and rows for all of b at which neither picture is enlarged."""
    height, width = b.shape[:2]
    area = abs(float(np.linalg.det(transform[:2, :2])))  # of a in b's unit square
    finer = (a.shape[0] * a.shape[1] / max(area, 1e-6) / (height * width)) ** 0.5
    scale = min(1.0, finer, FINE / max(height, width))
    return max(8, round(width * scale)), max(8, round(height * scale))


def _laid(pixels: Pixels, way: Floats, width: int, height: int) -> tuple[Pixels, Pixels]:
    """Return a picture on a grid over b's unit square, and 255 where its inside is. way: from b's square to its own."""
    rows, columns = pixels.shape[:2]
    place = np.diag([columns, rows, 1.0]) @ way @ np.diag([1 / width, 1 / height, 1.0])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    place = np.linalg.inv(half) @ place @ half
    shrink = abs(float(np.linalg.det(place[:2, :2]))) ** 0.5
    if shrink > 1:  # each point of the grid is the mean of what it stands for
        small = (max(8, round(columns / shrink)), max(8, round(rows / shrink)))
        scale = np.diag([small[0] / columns, small[1] / rows, 1.0])
        pixels = np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8)
        place = np.linalg.inv(half) @ scale @ half @ place
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpPerspective(pixels, place, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
    rows, columns = pixels.shape[:2]
    inner = np.zeros((rows, columns), np.uint8)
    down, across = _rim(rows), _rim(columns)
    inner[down:-down, across:-across] = 255
    seen = cv2.warpPerspective(inner, place, (width, height), flags=how)
    return np.asarray(cv2.GaussianBlur(found, (3, 3), 0)), np.asarray(seen)


def _beyond(one: Pixels, other: Pixels) -> Pixels:
    """Return by how much a picture's colors lie outside of those that the other has around the same place."""
    reach = np.ones((3, 3), np.uint8)
    off = cv2.max(cv2.subtract(one, cv2.dilate(other, reach)), cv2.subtract(cv2.erode(other, reach), one))
    return np.asarray(off if off.ndim == 2 else off.max(axis=-1))


def _colored(colors: Pixels) -> bool:
    """Whether a picture has colors to speak of; a gray one can be held against another by its brightness alone."""
    red, green, blue = cv2.split(colors)
    off = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return bool(np.count_nonzero(off > _COLORED) > 0.01 * off.size)


def _rim(side: int) -> int:
    return max(1, round(_RIM * side))
