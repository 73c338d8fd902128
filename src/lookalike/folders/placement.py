"""How one picture lies in another: mirrored, turned, stretched, and how much of each the other shows. Pure geometry.

Points are in unit squares, x to the right and y down; angles are clockwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CORNERS",
    "MIRROR",
    "Placement",
    "corner_shift",
    "held",
    "moved",
    "nearest_held",
    "part_within",
    "placed",
    "share_within",
]

Floats = NDArray[np.float64]

CORNERS: Final[Floats] = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
MIRROR: Final[Floats] = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1]], np.float64)
_ALL: Final = 0.995
_QUARTER: Final[Floats] = np.array([[0, -1, 1], [1, 0, 0], [0, 0, 1]], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where picture a lies in picture b.

    transform: (3, 3), from a's unit square to b's. mirrored: left to right, before all else. degrees: it is turned
    by, in (-180, 180]. wider: how much more its width grows than its height, 1 where its proportions stay. slant: how
    far its upright lines lean, as a tangent. tilt: how far the outline is from a parallelogram, as a share of its
    sides. All in pixels of both pictures, at the middle of a.
    """

    transform: Floats
    mirrored: bool
    degrees: float
    wider: float
    slant: float
    tilt: float


def held(orientation: int) -> Floats:
    """Return the (3, 3) transform of a picture held that way, an index into `hashes.ORIENTATIONS`."""
    turned: Floats = np.linalg.matrix_power(_QUARTER, orientation % 4)
    return turned @ MIRROR if orientation >= 4 else turned


def nearest_held(transform: Floats) -> tuple[int, float]:
    """Return the orientation nearest to a transform, and how far a corner is from where it would be."""
    shifts = np.abs(moved(transform, CORNERS) - _HELD_CORNERS).max(axis=(1, 2))
    nearest = int(shifts.argmin())
    return nearest, float(shifts[nearest])


def corner_shift(one: Floats, other: Floats) -> float:
    """Return the greatest distance between a corner's places by two transforms, in sides of the square."""
    return float(np.abs(moved(one, CORNERS) - moved(other, CORNERS)).max())


def moved(transform: Floats, points: Floats) -> Floats:
    """Return where points (..., 2) go. Points that a homography sends to infinity become very large numbers."""
    ends = points @ transform[:, :2].T + transform[:, 2]
    depth = np.where(np.abs(ends[..., 2:]) < 1e-9, 1e-9, ends[..., 2:])
    return np.asarray(ends[..., :2] / depth, np.float64)


def share_within(transform: Floats) -> float:
    """Return the share of the unit square that a transform leaves inside of it, in [0, 1]; 1 from 0.995 on.

    Corners are known to 0.3 % of a side, so what is missing then is no more than that.
    """
    part = part_within(transform)
    twice = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(part, part[1:] + part[:1], strict=True))
    return 1.0 if twice / 2 >= _ALL else max(0.0, twice / 2)


def part_within(transform: Floats) -> list[list[float]]:
    """Return the corners x, y of the part of the unit square that a transform leaves inside of it, none if it is empty.

    The square is cut along what goes to the four sides: lines, as a point (x, y, w) goes to (x / w, y / w).
    """
    x, y, w = transform * np.sign(transform[2] @ (0.5, 0.5, 1.0))
    part: list[list[float]] = CORNERS.tolist()
    for a, b, c in np.stack([x, y, w - x, w - y]).tolist():
        part = _cut(part, a, b, c)
    return part


def _cut(part: list[list[float]], a: float, b: float, c: float) -> list[list[float]]:
    """Return what of a polygon lies where a x + b y + c >= 0 (Sutherland and Hodgman 1974)."""
    kept = []
    depths = [a * x + b * y + c for x, y in part]
    for at, (point, depth) in enumerate(zip(part, depths, strict=True)):
        before, depth_before = part[at - 1], depths[at - 1]
        if (depth >= 0) != (depth_before >= 0):
            along = depth_before / (depth_before - depth)
            kept.append([start + along * (end - start) for start, end in zip(before, point, strict=True)])
        if depth >= 0:
            kept.append(point)
    return kept


def placed(transform: Floats, a: tuple[int, int], b: tuple[int, int]) -> Placement:
    """Take a transform apart. a, b: (width, height) of the two pictures in pixels."""
    middle = np.array([[0.5, 0.5]])
    step = 1e-3
    around = moved(transform, middle + np.array([[0, 0], [step, 0], [0, step]])) * b
    across, down = ((around[side] - around[0]) / step / a[side - 1] for side in (1, 2))
    mirrored = bool(across[0] * down[1] - across[1] * down[0] < 0)
    if mirrored:
        across = -across
    angle = math.atan2(across[1], across[0])
    back = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    lean, height = back @ down
    outline = moved(transform, CORNERS) * b
    sides = np.linalg.norm(np.diff(outline, axis=0, append=outline[:1]), axis=1)
    skew = np.linalg.norm(outline[0] + outline[2] - outline[1] - outline[3])
    return Placement(
        transform=transform,
        mirrored=mirrored,
        degrees=math.degrees(angle),
        wider=float(np.hypot(*across) / max(abs(height), 1e-9)),
        slant=float(lean / height) if abs(height) > 1e-9 else 0.0,
        tilt=float(skew / max(sides.mean(), 1e-9)),
    )


_HELD_CORNERS: Final[Floats] = np.stack([moved(held(way), CORNERS) for way in range(8)])
