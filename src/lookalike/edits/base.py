"""What every edit is made of: a name, a number for each of three strengths, and a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.images.image import Pixels

__all__ = ["Dice", "Edit", "levels_moved", "resized", "smooth_pattern"]


@dataclass(frozen=True, slots=True)
class Dice:
    """What an edit may use beside the picture: chance, and another picture to paste from or onto."""

    rng: np.random.Generator
    other: Pixels

    def sign(self) -> int:
        """Return -1 or 1."""
        return int(self.rng.integers(2)) * 2 - 1

    def color(self) -> tuple[int, int, int]:
        """Return any color."""
        red, green, blue = self.rng.integers(0, 256, 3).tolist()
        return (red, green, blue)

    def corner(self, free_height: int, free_width: int) -> tuple[int, int]:
        """Return where to put something: top in [0, free_height], left in [0, free_width]."""
        return int(self.rng.integers(free_height + 1)), int(self.rng.integers(free_width + 1))


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of the list.

    does: what it does, in words. measure: what the three values count. values: mild, medium, hard.
    apply: (picture (h, w, 3) uint8 RGB, value, dice) -> picture, perhaps of another size.
    """

    name: str
    does: str
    measure: str
    values: tuple[float, float, float]
    apply: Callable[[Pixels, float, Dice], Pixels]


def resized(picture: Pixels, width: float, height: float) -> Pixels:
    """Return the picture at another size, no side under one pixel: averaged if smaller, linear if larger."""
    size = (max(1, round(width)), max(1, round(height)))
    shrinks = picture.shape[1] > size[0] or picture.shape[0] > size[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def levels_moved(picture: Pixels, curve: NDArray[np.floating]) -> Pixels:
    """Return the picture with every gray level replaced by that of a curve, (256,), cut to [0, 255]."""
    return np.asarray(cv2.LUT(picture, np.clip(np.rint(curve), 0, 255).astype(np.uint8)), np.uint8)


def smooth_pattern(rng: np.random.Generator, side: int = 256) -> Pixels:
    """Return (side, side, 3): soft colored clouds, to paste where no other picture is at hand."""
    clouds = rng.integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(cv2.resize(clouds, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
