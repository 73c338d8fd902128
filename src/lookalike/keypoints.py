"""Keypoint geometry: whether one picture lies inside another, where, and how it was turned and scaled.

SIFT features (Lowe 2004) compared by Hellinger distance (Arandjelović and Zisserman 2012), Lowe's ratio test, and a
homography by MAGSAC++ (Barath et al. 2020). It finds what hashes of whole pictures can't: crops, overlays, borders,
screenshots. The two aligned pictures are then correlated window by window, which tells an edit of one picture from
another shot of the same scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.images.image import Pixels

Floats = NDArray[np.float32]

__all__ = ["Features", "Overlap", "agreement", "count_matches", "find_overlap", "is_finer", "mirrored", "prepare"]

_GLANCE = (160, 300)  # longer side that keypoints are looked for at, in pixels, and how many; SIFT starts at twice that
_CLOSER = (400, 600)
_SIDE = 256  # longer side that the pictures are aligned at
_CONTRAST = 0.02  # half of Lowe's: pictures without contrast have keypoints too
_BIAS = 0.25  # pixels by which OpenCV's SIFT sees everything too far to the right and below
_RATIO = 0.8
_MIN_INLIERS = 8
_REPROJECTION = 3.0  # pixels at _SIDE
_WINDOW = 21  # pixels at _SIDE
_TEXTURE = 9.0  # variance of gray levels in a window below which its correlation means nothing
_OPPOSITE = [0, 7, 6, 5, 4, 3, 2, 1]  # a direction of 8 counted the other way around
_MOST_STRETCH = 4.0  # an edit scales no side of a picture by more than this against the other side


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A picture made ready.

    gray: (h, w) uint8, longer side 256; points: (n, 2) float32 x, y in it, (0, 0) being the center of its first pixel;
    rows: (n, 128) float32 of unit length.
    """

    gray: NDArray[np.uint8]
    points: NDArray[np.float32]
    rows: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Where picture a lies in picture b.

    inliers: matched keypoints that agree on one transform. transform: (3, 3) float64, from a's unit square (x to the
    right, y down) to b's. share_a, share_b: share of each picture's area that the other shows, in [0, 1].
    spread: share of the picture that the aligned keypoints span, of whichever picture they span more of: a caption
    that two pictures share spans little of both. agreement: median correlation of the aligned gray pixels, window by
    window, in [-1, 1]: near 1 for an edit of one picture, well below for another shot of the same scene.
    """

    inliers: int
    transform: NDArray[np.float64]
    share_a: float
    share_b: float
    spread: float
    agreement: float


def prepare(pixels: Pixels, *, closer: bool = False) -> Features:
    """Find the keypoints of a picture. pixels: (H, W, 3) uint8. A plain picture has none.

    At 160 pixels of its longer side the 300 firmest, or at 400 pixels the 600 firmest, which is six times the work:
    small crops and parts of collages need that, nearly all other copies don't. No picture is enlarged for it by more
    than twice.
    """
    side, number = _CLOSER if closer else _GLANCE
    side = max(_GLANCE[0], min(side, 2 * max(pixels.shape)))
    whole = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    gray, looked = _resized(whole, _SIDE), _resized(whole, side)
    found, rows = cv2.SIFT.create(nfeatures=number, contrastThreshold=_CONTRAST).detectAndCompute(looked, None)
    if rows is None:
        return Features(gray, np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    rows = np.sqrt(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-6))
    scale = np.array(gray.shape[::-1], np.float32) / looked.shape[::-1]
    points = (np.array([point.pt for point in found]) - _BIAS + 0.5) * scale - 0.5
    return Features(gray, points.astype(np.float32), rows.astype(np.float32))


def is_finer(pixels: Pixels) -> bool:
    """Whether a closer look could find anything that a glance doesn't."""
    return bool(2 * max(pixels.shape) > _GLANCE[0])


def mirrored(features: Features) -> Features:
    """Return the keypoints of the picture mirrored left to right, without looking for them again.

    A SIFT row is a histogram over 4 x 4 cells and 8 directions, in a frame turned with the keypoint: mirroring
    swaps the cells across the keypoint's own direction, and the sense in which directions are counted.
    """
    cells = features.rows.reshape(-1, 4, 4, 8)[:, ::-1, :, _OPPOSITE]
    across = np.float32(features.gray.shape[1] - 1)
    points = np.stack([across - features.points[:, 0], features.points[:, 1]], axis=1)
    rows = np.ascontiguousarray(cells.reshape(-1, 128))
    return Features(np.ascontiguousarray(features.gray[:, ::-1]), points, rows)


def find_overlap(a: Features, b: Features) -> Overlap | None:
    """Return where a lies in b, or None if no transform explains enough keypoints. The same answer every time."""
    pairs = _match(a.rows, b.rows)
    if len(pairs) < _MIN_INLIERS:
        return None
    source, target = a.points[pairs[:, 0]], b.points[pairs[:, 1]]
    homography, kept = cv2.findHomography(
        source, target, cv2.USAC_MAGSAC, _REPROJECTION, maxIters=2000, confidence=0.999
    )
    if homography is None or int(kept.sum()) < _MIN_INLIERS or not _plausible(homography, a.gray.shape):
        return None
    share_a, share_b, agreed = _align(a.gray, b.gray, homography)
    to_pixels, to_units = _scaling(a.gray.shape), np.linalg.inv(_scaling(b.gray.shape))
    inside = kept.ravel() > 0
    spread = max(_spanned(source[inside], a.gray.shape), _spanned(target[inside], b.gray.shape))
    return Overlap(int(inside.sum()), to_units @ homography @ to_pixels, share_a, share_b, spread, agreed)


def count_matches(a: Features, b: Features) -> int:
    """Return how many keypoints are clearly each other's nearest, wherever they lie; of a as it is, or mirrored."""
    return max(len(_match(one.rows, b.rows)) for one in (a, mirrored(a)))


def agreement(one: Floats, other: Floats, seen: Floats) -> float:
    """Return the median correlation of 21 x 21 windows; an overlay spoils some, another point of view spoils most.

    one, other: (h, w) levels of gray, the same size, one laid on the other; seen: (h, w) 1 where both are there, else
    0, as both are there. Windows that are plain in both tell nothing; one that is plain in one of them only is a
    difference.
    """

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.boxFilter(values, -1, (_WINDOW, _WINDOW)) / covered, np.float32)

    covered = np.maximum(np.asarray(cv2.boxFilter(seen, -1, (_WINDOW, _WINDOW)), np.float32), 1e-6)
    mean_one, mean_other = mean(one), mean(other)
    variance_one = mean(one * one) - mean_one**2
    variance_other = mean(other * other) - mean_other**2
    shared = mean(one * other) - mean_one * mean_other
    textured = (covered > 0.9) & (np.maximum(variance_one, variance_other) > _TEXTURE)
    if not textured.any():
        return 0.0
    one, other = (np.maximum(values[textured], _TEXTURE) for values in (variance_one, variance_other))
    return float(np.median(shared[textured] / np.sqrt(one * other)))


def _resized(gray: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    factor = longest / max(gray.shape)
    size = [max(8, round(side * factor)) for side in gray.shape[::-1]]
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, size, interpolation=kind), np.uint8)


def _match(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return (m, 2) index pairs that are each other's nearest, and clearly nearer than the second nearest."""
    if len(a) < 2 or len(b) < 2:
        return np.empty((0, 2), np.intp)
    # Not by NumPy: its BLAS wakes threads for so little, which costs forty times the work itself.
    similar = np.asarray(cv2.gemm(a, b, 1.0, np.empty((0, 0), np.float32), 0.0, flags=cv2.GEMM_2_T))
    rows = np.arange(len(a))
    nearest = similar.argmax(axis=1)
    best = similar[rows, nearest]
    mutual = similar.argmax(axis=0)[nearest] == rows
    similar[rows, nearest] = -1.0
    second = similar.max(axis=1)
    clear = 2 - 2 * best < _RATIO**2 * (2 - 2 * second)  # squared distances of unit rows
    chosen = np.flatnonzero(mutual & clear)
    return np.stack([chosen, nearest[chosen]], axis=1)


def _plausible(homography: NDArray[Any], shape: tuple[int, ...]) -> bool:
    """Whether the transform keeps the picture's outline a convex quadrangle of sane proportions, not mirrored."""
    outline = cv2.perspectiveTransform(_outline(shape), homography)[:, 0]
    sides = np.diff(outline, axis=0, append=outline[:1])
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    height, width = shape
    stretch = np.linalg.norm(sides, axis=1) / np.array([width, height, width, height])
    return bool((turns > 0).all() and stretch.min() > 1 / 12 and stretch.max() < _MOST_STRETCH * stretch.min())


def _align(a: NDArray[np.uint8], b: NDArray[np.uint8], homography: NDArray[Any]) -> tuple[float, float, float]:
    """Return how much of a, and of b, the other shows, and the agreement of the pixels that both show."""
    size = (b.shape[1], b.shape[0])
    soft = [cv2.GaussianBlur(gray, (0, 0), 1.0).astype(np.float32) for gray in (a, b)]
    warped = cv2.warpPerspective(soft[0], homography, size, flags=cv2.INTER_LINEAR)
    seen = (cv2.warpPerspective(np.full_like(a, 255), homography, size, flags=cv2.INTER_NEAREST) > 0).astype(np.float32)
    whole = cv2.contourArea(cv2.perspectiveTransform(_outline(a.shape), homography).astype(np.float32))
    share_a = min(1.0, float(seen.sum()) / max(whole, 1.0))
    return share_a, float(seen.mean()), agreement(warped * seen, soft[1] * seen, seen)


def _spanned(points: Floats, shape: tuple[int, ...]) -> float:
    return float(min(1.0, cv2.contourArea(cv2.convexHull(points)) / (shape[0] * shape[1])))


def _outline(shape: tuple[int, ...]) -> NDArray[np.float32]:
    height, width = shape
    return np.array([[[0, 0]], [[width, 0]], [[width, height]], [[0, height]]], np.float32)


def _scaling(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The unit square to pixels, whose first one's center is (0, 0)."""
    height, width = shape
    return np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]], np.float64)
