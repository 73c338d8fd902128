"""The fixed, published list of edits that copies are made with, at three strengths: see docs/evaluation.md.

Figures of different versions of the list can't be compared: whoever changes a value here, or what an edit makes
of it, raises `EDITS_VERSION`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from lookalike.edits.adding import ADDING_EDITS
from lookalike.edits.base import Dice, Edit, smooth_pattern
from lookalike.edits.pixels import PIXEL_EDITS
from lookalike.edits.placing import PLACING_EDITS
from lookalike.errors import InvalidArgument
from lookalike.images.image import Pixels

__all__ = ["EDITS", "EDITS_VERSION", "LEVELS", "Edit", "Level", "edit"]

Level = Literal["mild", "medium", "hard"]
LEVELS: tuple[Level, ...] = get_args(Level)
EDITS_VERSION = 1
EDITS: Mapping[str, Edit] = {one.name: one for one in (*PIXEL_EDITS, *PLACING_EDITS, *ADDING_EDITS)}


def edit(picture: Pixels, name: str, level: Level, *, seed: int = 0, other: Pixels | None = None) -> Pixels:
    """Return the picture after one edit of the list; the same seed gives the same result.

    picture: (h, w, 3) uint8 RGB of any size; the result may have another size. other: a picture to paste from
    or onto, where the edit does such a thing; without it, colored clouds. The dice of each edit and level are
    their own, so that adding to the list changes no other entry. Raises InvalidArgument for an unknown name or level.
    """
    if name not in EDITS:
        raise InvalidArgument("edit", name, f"one of {', '.join(EDITS)}")
    if level not in LEVELS:
        raise InvalidArgument("level", level, f"one of {', '.join(LEVELS)}")
    place = LEVELS.index(level)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), place])
    dice = Dice(rng, smooth_pattern(rng) if other is None else other)
    return EDITS[name].apply(np.ascontiguousarray(picture), EDITS[name].values[place], dice)
