"""Edits that move or cut what the picture shows: crops, turns, other shapes, another point of view."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.edits.base import Dice, Edit, resized
from lookalike.images.image import Pixels

__all__ = ["PLACING_EDITS", "warped"]


def crop(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    ratio = float(np.exp(dice.rng.uniform(-0.2, 0.2)))
    cut_width = min(width, max(1, round(width * np.sqrt(value * ratio))))
    cut_height = min(height, max(1, round(height * np.sqrt(value / ratio))))
    top, left = dice.corner(height - cut_height, width - cut_width)
    return np.ascontiguousarray(picture[top : top + cut_height, left : left + cut_width])


def stretch(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    return resized(picture, width * value, height) if dice.sign() > 0 else resized(picture, width, height * value)


def rotate(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), dice.sign() * value, 1.0)
    return warped(picture, np.vstack([turn, [0, 0, 1]]), dice.color())


def quarter_turn(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return np.ascontiguousarray(np.rot90(picture, -round(value / 90)))


def mirror(picture: Pixels, value: float, dice: Dice) -> Pixels:
    flipped = (picture[:, ::-1], picture[::-1], picture.transpose(1, 0, 2))[int(value) - 1]
    return np.ascontiguousarray(flipped)


def shear(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height = picture.shape[0]
    slope = dice.sign() * value
    matrix = np.array([[1, slope, -slope * height / 2], [0, 1, 0], [0, 0, 1]], np.float64)
    return warped(picture, matrix, dice.color())


def perspective(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    corners = _corners(width, height)
    shift = dice.rng.uniform(-1, 1, (4, 2)) * value * (width, height)
    return warped(picture, cv2.getPerspectiveTransform(corners, (corners + shift).astype(np.float32)), dice.color())


def rephotograph(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    corners = _corners(width, height)
    inward = np.where(corners > 0, -1.0, 1.0) * dice.rng.uniform(0.3, 1, (4, 2)) * value * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, (corners + inward).astype(np.float32))
    table = cv2.GaussianBlur(resized(dice.other, width, height), (0, 0), max(1.0, 0.02 * min(height, width)))
    shown = cv2.warpPerspective(picture, matrix, (width, height))
    inside = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, (width, height))
    scene = np.where(inside[..., None] > 127, shown, table).astype(np.float32)
    light = np.linspace(1 - 2 * value, 1 + 2 * value, width, dtype=np.float32)[:: dice.sign()]
    grain = dice.rng.standard_normal((height, width, 1), np.float32) * np.float32(20 * value)
    soft = cv2.GaussianBlur(scene * light[:, None] + grain, (0, 0), max(0.3, 0.02 * value * min(height, width)))
    return np.clip(soft, 0, 255).astype(np.uint8).reshape(picture.shape)


def warped(picture: Pixels, matrix: NDArray[Any], fill: tuple[int, int, int]) -> Pixels:
    """Return the picture through a (3, 3) transform of its pixels, at its own size."""
    height, width = picture.shape[:2]
    return np.asarray(cv2.warpPerspective(picture, matrix, (width, height), borderValue=fill), np.uint8)


def _corners(width: int, height: int) -> NDArray[np.float32]:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


PLACING_EDITS = (
    Edit("crop", "keep a part, anywhere", "share of the area", (0.8, 0.5, 0.25), crop),
    Edit("stretch", "wider or taller", "times one side", (1.15, 1.4, 2.0), stretch),
    Edit("rotate", "turn it inside its frame, either way", "degrees", (4, 12, 35), rotate),
    Edit("quarter-turn", "turn it clockwise", "degrees", (90, 180, 270), quarter_turn),
    Edit("mirror", "mirror: 1 left to right, 2 top to bottom, 3 across the diagonal", "kind", (1, 2, 3), mirror),
    Edit("shear", "slant it, either way", "shift per row", (0.06, 0.15, 0.3), shear),
    Edit("perspective", "move the corners in any direction", "at most, / side", (0.04, 0.09, 0.18), perspective),
    Edit(
        "rephotograph",
        "photograph a print of it: corners inward, uneven light, grain, soft focus, another scene behind",
        "corners at most, / side",
        (0.05, 0.1, 0.18),
        rephotograph,
    ),
)
