"""Where two pictures show the same: outlines to draw on them, and the transform that lays one over the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.images import Limits, read_image
from lookalike.keypoints import Overlap, find_overlap, mirrored, prepare

__all__ = ["Lying", "find_lying"]

_WANTED = 512  # pixels of the shorter side; keypoints are looked for at fewer
_FIRM = 14  # aligned keypoints from which an outline is drawn, as for a verdict: chance seldom gives more
_SURE = 20  # and from which nobody looks closer
_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
_MIRROR = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Lying:
    """in_a: the outline of b as it lies in a; in_b: that of a in b; empty where perspective leaves none.

    Points are fractions of a picture's width and height, x to the right and y down, and may lie outside of it.
    transform: nine numbers, row by row, from a's unit square to b's.
    """

    in_a: Points
    in_b: Points
    transform: tuple[float, ...]


def find_lying(a: bytes | Path, b: bytes | Path, limits: Limits) -> Lying | None:
    """Return where a lies in b, upright or mirrored, or None if too few keypoints agree. Raises ImageError."""
    pictures = [read_image(source, limits=limits, wants=_WANTED).pixels for source in (a, b)]
    firmest: tuple[Overlap, bool] | None = None
    for closer in (False, True):
        first, second = (prepare(pixels, closer=closer) for pixels in pictures)
        for flipped in (False, True):
            overlap = find_overlap(mirrored(first) if flipped else first, second)
            if overlap is not None and (firmest is None or overlap.inliers > firmest[0].inliers):
                firmest = overlap, flipped
        if firmest is not None and firmest[0].inliers >= _SURE:
            break
    if firmest is None or firmest[0].inliers < _FIRM:
        return None
    overlap, flipped = firmest
    transform = overlap.transform @ _MIRROR if flipped else overlap.transform
    return _lying(transform)


def _lying(transform: NDArray[np.float64]) -> Lying:
    numbers = (transform / np.abs(transform).max()).ravel()
    return Lying(
        in_a=_moved(_CORNERS, np.asarray(np.linalg.inv(transform), np.float64)),
        in_b=_moved(_CORNERS, transform),
        transform=tuple(round(float(number), 8) for number in numbers),
    )


def _moved(points: Sequence[tuple[float, float]], transform: NDArray[np.float64]) -> Points:
    """Return where points come to lie; none if some of them lie beyond the horizon."""
    found = np.array([(x, y, 1.0) for x, y in points]) @ transform.T
    depth = found[:, 2:]
    if not (np.all(depth > 1e-9) or np.all(depth < -1e-9)):
        return ()
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in found[:, :2] / depth)
