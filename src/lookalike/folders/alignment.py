"""Two pictures laid one on the other: sampled on one grid through a transform, and the transform made exact.

At a fraction of their size, which is enough to tell a gray copy or a sticker and takes some milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.folders.placement import CORNERS, corner_shift, moved, part_within
from lookalike.folders.shown import SMALL, Shown
from lookalike.keypoints import agreement

__all__ = ["GRID", "LUMA", "Aligner", "Laid", "read_at"]

Floats = NDArray[np.float64]
Gray = NDArray[np.float32]

GRID: Final = 128
"""Points of the grid along each side."""

LUMA: Final = np.array([[0.299, 0.587, 0.114]], np.float32)
"""Colors to brightness, after ITU-R BT.601."""

_EDGE: Final = 0.02  # of the shared part, left out along its rim, where resampling mixes in what is beyond
_FEWEST: Final = 1024  # points of the grid that both must show
_EVERY: Final = (slice(2, -1, 2),) * 2  # second point of the grid is enough for six numbers
_STEPS: Final = 12
_STILL: Final = 0.002  # share of a side by which a corner moves in a step that is the last
_FARTHEST: Final = 0.06  # a correction by more is none


@dataclass(frozen=True, eq=False)
class Laid:
    """a laid on b. one, other: (128, 128, 3) colors of a and b; shared: (128, 128), where both are seen."""

    one: NDArray[np.float32]
    other: NDArray[np.float32]
    shared: NDArray[np.bool_]

    @cached_property
    def dark(self) -> Gray:
        """Brightness of a."""
        return luma(self.one)

    @cached_property
    def light(self) -> Gray:
        """Brightness of b."""
        return luma(self.other)

    @property
    def agreement(self) -> float:
        """Correlation of their brightness, in [-1, 1]."""
        return _correlation(self.dark[self.shared], self.light[self.shared])

    @property
    def agreement_everywhere(self) -> float:
        """That of their windows, in the median, as of `keypoints.Overlap`."""
        seen = self.shared.astype(np.float32)
        return agreement(self.dark * seen, self.light * seen, seen)


class Aligner:
    """Two pictures shrunk until what they share is equally fine in both, and a grid over b's part that a lies in."""

    def __init__(self, a: Shown, b: Shown, transform: Floats) -> None:
        """transform: (3, 3), from a's unit square to b's, about right."""
        self._about = transform
        corners = moved(transform, CORNERS)
        low, high = np.clip(corners.min(axis=0), 0, 1), np.clip(corners.max(axis=0), 0, 1)
        self._step = np.maximum(high - low, 1e-3) / (GRID + 1)
        self._grid = np.array([[self._step[0], 0, 0], [0, self._step[1], 0], [0, 0, 1.0]])
        self._grid[:2, 2] = low + self._step
        x, y = (low[axis] + self._step[axis] * np.arange(1, GRID + 1) for axis in (0, 1))
        self._x, self._y = x[_EVERY[1]].astype(np.float32), y[_EVERY[0]].astype(np.float32)
        own = part_within(transform)
        spans = [_span(high - low), _span(np.ptp(own, axis=0)) if own else 1.0]
        fine = min(SMALL, *(max(one.pixels.shape) * span for one, span in zip((b, a), spans, strict=True)))
        self._a = a.at(max(8, round(fine / spans[1])))
        self._other = _sampled(b.at(max(8, round(fine / spans[0]))), self._grid)
        self._inner = np.full(self._a.shape[:2], 255, np.uint8)
        down, across = (max(1, round(_EDGE * side)) for side in self._a.shape[:2])
        self._inner[:down] = self._inner[-down:] = self._inner[:, :across] = self._inner[:, -across:] = 0

    def laid(self, transform: Floats) -> Laid | None:
        """Lay a on b; None if they share too little."""
        way = _inverse(transform) @ self._grid
        shared = self._shared(way)
        return Laid(_sampled(self._a, way), self._other, shared) if shared.sum() >= _FEWEST else None

    def _shared(self, way: Floats) -> NDArray[np.bool_]:
        return _sampled(self._inner, way, beyond=cv2.BORDER_CONSTANT) > 127

    def refined(self) -> Floats | None:
        """Return the transform corrected by what is left of a shift, or None where that doesn't settle.

        The method of Lucas and Kanade (1981) with an affine correction (Baker and Matthews 2004); brightness and
        contrast may differ, and what is covered counts less. On photographs corners come out within 0.3 % of a side.
        """
        current = self._about
        gray, light = luma(self._a.astype(np.float32)), luma(self._other)
        for _ in range(_STEPS):
            way = _inverse(current) @ self._grid
            shared = self._shared(way)
            if shared.sum() < _FEWEST:
                return None
            following = self._correction(_sampled(gray, way), light, shared) @ current
            if corner_shift(following, self._about) > _FARTHEST:
                return None
            if corner_shift(following, current) < _STILL:
                return np.asarray(following / following[2, 2], np.float64)
            current = following
        return None

    def _correction(self, dark: Gray, light: Gray, shared: NDArray[np.bool_]) -> Floats:
        """Return the affine motion (3, 3) of b's unit square that brings a's samples nearer to b's."""
        seen = shared[_EVERY]
        one, other = dark[_EVERY][seen], light[_EVERY][seen]
        gain = float(other.std() / max(float(one.std()), 1.0))
        left = gain * (one - one.mean()) - (other - other.mean())
        off = np.abs(left)
        weight = 1.0 / np.maximum(1.0, off / max(2 * float(np.median(off)), 1.0))
        mixed = (gain * dark + light) / 4
        rows, columns = np.nonzero(seen)
        x, y = self._x[columns], self._y[rows]
        across = (mixed[2:-1:2, 3::2] - mixed[2:-1:2, 1:-1:2])[seen] / np.float32(self._step[0])
        down = (mixed[3::2, 2:-1:2] - mixed[1:-1:2, 2:-1:2])[seen] / np.float32(self._step[1])
        system = np.stack([across * x, across * y, across, down * x, down * y, down])
        weighted = system * weight
        square = weighted @ system.T
        settled = np.linalg.solve(square + np.eye(6) * 1e-6 * max(np.trace(square), 1e-9), weighted @ left)
        motion = np.eye(3)
        motion[:2] += settled.reshape(2, 3)
        return motion


def luma(colors: NDArray[np.float32]) -> Gray:
    """Return the brightness of (h, w, 3) colors, not rounded."""
    return np.asarray(cv2.transform(colors, LUMA), np.float32)


def _inverse(transform: Floats) -> Floats:
    return np.asarray(np.linalg.inv(transform), np.float64)


def _span(sides: Floats) -> float:
    """Return about which share of a picture's side a part of it spans."""
    return max(0.1, float(np.sqrt(np.prod(np.maximum(sides, 0.01)))))


def _sampled(pixels: NDArray[Any], way: Floats, beyond: int = cv2.BORDER_REPLICATE) -> NDArray[np.float32]:
    """Read pixels at the points of the grid. way: (3, 3), from columns and rows of the grid to their unit square."""
    height, width = pixels.shape[:2]
    places = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1.0]]) @ way
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpPerspective(pixels, places, (GRID, GRID), flags=flags, borderMode=beyond)
    return np.asarray(found, np.float32)


def read_at(pixels: NDArray[Any], points: Floats) -> NDArray[np.float32]:
    """Read (h, w, ...) values at points (..., 2) of the unit square, between pixels by linear interpolation."""
    height, width = pixels.shape[:2]
    places = (points * (width, height) - 0.5).astype(np.float32)
    found = cv2.remap(
        pixels.astype(np.float32), places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.float32)


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the correlation of two lists of values, 0 where one of them is constant."""
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).mean() / max(one.std() * other.std(), 1e-6))
