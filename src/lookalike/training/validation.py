"""Figures on held-out classes while training, at export and in the model card."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.edits import EDITS, Level, edit
from lookalike.evaluate import recall_at_k
from lookalike.training.data import Pictures, PictureSet, Pixels

__all__ = ["Describe", "copies_found", "edited", "held_out", "recalls", "resized"]

# pixels (n, side, side, 3) uint8 -> the meaning rows and the copy rows
Describe = Callable[[Pixels], tuple[NDArray[np.float32], NDArray[np.float32]]]


def held_out(one: PictureSet, split: int, most: int, seed: int) -> NDArray[np.intp]:
    """Return at most `most` rows of a split, drawn evenly, ascending."""
    rows = one.rows(split)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng([seed, 3]).choice(rows, most, replace=False))
    return rows


def resized(pixels: Pixels, side: int) -> Pixels:
    """Return (n, side, side, 3)."""
    if pixels.shape[1:3] == (side, side):
        return np.ascontiguousarray(pixels)
    how = cv2.INTER_AREA if side < max(pixels.shape[1:3]) else cv2.INTER_LINEAR
    return np.stack([cv2.resize(picture, (side, side), interpolation=how) for picture in pixels])


def recalls(pictures: Pictures, split: int, describe: Describe, side: int, most: int) -> dict[str, float]:
    """Return set name -> recall@1 of the meaning vector, for sets with two or more classes in the split."""
    found = {}
    for one in pictures.sets:
        rows = held_out(one, split, most, 0)
        classes = one.classes(rows) if len(rows) else rows
        if len(np.unique(classes)) > 1:
            found[one.part.name] = recall_at_k(describe(resized(one.pixels[rows], side))[0], classes)
    return found


def edited(pixels: Pixels, name: str, level: Level, seed: int) -> Pixels:
    """Return the pictures (n, s, s, 3) after one edit of the published list, squashed back to (n, s, s, 3).

    Each has dice of its own, and the next one to paste from.
    """
    side, others = pixels.shape[1], np.roll(pixels, -1, axis=0)
    return np.stack(
        [
            resized(edit(picture, name, level, seed=seed + place, other=other)[None], side)[0]
            for place, (picture, other) in enumerate(zip(pixels, others, strict=True))
        ]
    )


def copies_found(pictures: Pictures, split: int, describe: Describe, side: int, each: int) -> float:
    """Return the share of edited copies, over the published edits at medium strength, whose original ranks first.

    `each` pictures are drawn from every set; all of them are the gallery.
    """
    drawn = [resized(one.pixels[rows], side) for one in pictures.sets if len(rows := held_out(one, split, each, 1))]
    originals = np.concatenate(drawn)
    gallery = describe(originals)[1]
    hits = [
        np.argmax(describe(edited(originals, name, "medium", 4))[1] @ gallery.T, axis=1) == np.arange(len(originals))
        for name in EDITS
    ]
    return float(np.mean(hits))
