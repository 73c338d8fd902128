"""A file's picture as it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lookalike.folders.findings import PictureFile
from lookalike.images.image import Pixels
from lookalike.images.resize import thumbnail

__all__ = ["SMALL", "Shown"]

SMALL: Final = 192
"""Longer side at which pictures are laid on one another, in pixels."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A file and its pixels, (H, W, 3), of whatever smaller size."""

    file: PictureFile
    pixels: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole file's picture."""
        return self.file.width, self.file.height

    @cached_property
    def small(self) -> Pixels:
        """The pixels at most `SMALL` on their longer side, which most pairs of it want."""
        return thumbnail(self.pixels, SMALL)

    def at(self, longest: int) -> Pixels:
        """Return the pixels at most so many on their longer side."""
        return self.small if longest == SMALL else thumbnail(self.pixels, longest)
