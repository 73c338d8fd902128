"""All frames of an animation and all pages of a document, with what shows through: for scans, the first one on white
stands for a file, and files that share it may differ in all else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from lookalike.errors import ImageError
from lookalike.folders.details import FINE, shown_by_one
from lookalike.folders.findings import PictureFile
from lookalike.folders.seen import Seen
from lookalike.images.image import Limits, Pixels
from lookalike.images.quiet import quiet
from lookalike.likeness import SAME

__all__ = ["OTHER_ALPHA", "OTHER_FRAMES", "seen_throughout"]

OTHER_FRAMES: Final = "other frames"
OTHER_ALPHA: Final = "other transparency"

_SEVERAL: Final = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}
_SEE_THROUGH: Final = _SEVERAL | {"ICO", "TGA"}
_UNREADABLE: Final = (ImageError, OSError, ValueError, SyntaxError, LookupError, TypeError, Pil.DecompressionBombError)
_OTHER: Final = 0.05  # share of a frame from which it shows something else; below, few colors may make it seem so
_ALPHA_OFF: Final = 16.0  # levels by which the alpha of a recompressed copy may be off
_SMALL: Final = 64  # pixels along each side at which alpha is compared
_UNLIKELY: Final = 0.2
_BELOW_ONE: Final = 0.999999


def seen_throughout(seen: Seen, a: PictureFile, b: PictureFile, limits: Limits) -> Seen:
    """Return what was found of two files by their first frames, put right by all their frames and by their alpha.

    Files that share one frame and not the others are no copies. Those of other transparency are not identical.
    """
    pair = seen.pair
    if pair.probability < SAME or a.sha256 == b.sha256:
        return seen
    if off := _frames_off(a, b, limits):
        words = (*pair.changes, OTHER_FRAMES)
        if off > _OTHER:
            likely = min(pair.probability, _UNLIKELY)
            return Seen(replace(pair, verdict="near-duplicate", probability=likely, changes=words), differs=True)
        likely = min(pair.probability, _BELOW_ONE)
        return replace(seen, pair=replace(pair, verdict="edited-copy", probability=likely, changes=words))
    if _other_alpha(a, b, limits):
        words, likely = (*pair.changes, OTHER_ALPHA), min(pair.probability, _BELOW_ONE)
        return replace(seen, pair=replace(pair, verdict="edited-copy", probability=likely, changes=words))
    return seen


def _frames_off(a: PictureFile, b: PictureFile, limits: Limits) -> float:
    """Return by how much two files of one first frame or page differ in any of them, in [0, 1], 1 if in their number.

    Frames are held against one another upright; files whose frames can't be read differ.
    """
    counts = [_count(one.path, one.modified, one.format, limits) for one in (a, b)]
    if counts == [1, 1]:
        return 0.0
    return 1.0 if counts[0] != counts[1] else _most_off(a, b, limits)


def _other_alpha(a: PictureFile, b: PictureFile, limits: Limits) -> bool:
    """Whether two files that look the same on white are transparent to another degree, or only one of them is.

    Of turned and of cropped pictures it tells only whether any part of each is transparent.
    """
    one, other = _alpha(a, limits), _alpha(b, limits)
    if one is None or other is None:
        return one is not other
    if abs(a.width * b.height / (a.height * b.width) - 1) > 0.03:  # cropped or turned
        return False
    return bool(np.abs(one - other).max() > _ALPHA_OFF)


@lru_cache(4096)
def _count(path: str, modified: int, kind: str, limits: Limits) -> int:
    """Return how many frames or pages a file has, 1 where that can't be told. modified: the file as it was then."""
    if kind not in _SEVERAL:
        return 1
    try:
        with _opened(path, kind, limits) as picture:
            return int(getattr(picture, "n_frames", 1))
    except _UNREADABLE:
        return 1


def _most_off(a: PictureFile, b: PictureFile, limits: Limits) -> float:
    most = 0.0
    try:
        for one, other in zip(_frames(a, limits), _frames(b, limits), strict=True):
            most = max(most, *shown_by_one(one, other, np.eye(3)))
            if most > _OTHER:
                break
    except _UNREADABLE:
        return 1.0
    return most


def _frames(file: PictureFile, limits: Limits) -> Iterator[Pixels]:
    """Yield the frames, at most as large as details are compared."""
    with _opened(file.path, file.format, limits) as picture:
        for number in range(int(getattr(picture, "n_frames", 1))):
            picture.seek(number)
            limits.check_pixels(file.path, *picture.size)
            frame = picture.convert("RGBA")
            frame.thumbnail((FINE, FINE))
            white = Pil.new("RGBA", frame.size, "white")
            yield np.asarray(Pil.alpha_composite(white, frame).convert("RGB"))


def _alpha(file: PictureFile, limits: Limits) -> NDArray[np.float32] | None:
    """Return the alpha of a file's first frame, small; None where all of it is opaque, or that can't be told."""
    if file.format not in _SEE_THROUGH:
        return None
    try:
        with _opened(file.path, file.format, limits) as picture:
            if not picture.has_transparency_data:
                return None
            alpha = picture.convert("RGBA").getchannel("A")
    except _UNREADABLE:
        return None
    if alpha.getextrema()[0] == 255:
        return None
    return np.asarray(alpha.resize((_SMALL, _SMALL), Pil.Resampling.BOX), np.float32)


@contextmanager
def _opened(path: str, kind: str, limits: Limits) -> Iterator[Pil.Image]:
    with quiet("PIL"), Pil.open(path, formats=(kind,)) as picture:
        limits.check_pixels(path, *picture.size)
        yield picture
