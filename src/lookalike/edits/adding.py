"""Edits that put something onto the picture, or the picture onto something."""

from __future__ import annotations

import cv2
import numpy as np

from lookalike.edits.base import Dice, Edit, resized
from lookalike.images.image import Pixels

__all__ = ["ADDING_EDITS"]

_WORDS = ("SALE", "lol", "www.example.com", "2026", "best day ever", "COPY", "hello world", "@someone", "-50 %")
_FONT = cv2.FONT_HERSHEY_DUPLEX


def border(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    return _framed(picture, round(height * value), round(width * value), dice.color())


def letterbox(picture: Pixels, value: float, dice: Dice) -> Pixels:
    return _framed(picture, round(picture.shape[0] * value / 2 / (1 - value)), 0, (0, 0, 0))


def text(picture: Pixels, value: float, dice: Dice) -> Pixels:
    canvas = picture.copy()
    height, width = canvas.shape[:2]
    for _ in range(int(value)):
        where = (int(dice.rng.uniform(0, 0.4) * width), int(dice.rng.uniform(0.15, 1.0) * height))
        _write(canvas, dice.rng.choice(_WORDS), where, 0.004 * height, dice.color())
    return canvas


def caption(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    strip = np.full((max(1, round(height * value)), width, 3), 255, np.uint8)
    words = f"when {dice.rng.choice(_WORDS)} meets {dice.rng.choice(_WORDS)}"
    _write(strip, words, (round(0.03 * width), round(0.65 * len(strip))), 0.0022 * width, (0, 0, 0))
    return np.concatenate([strip, picture])


def watermark(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    marks, word = picture.copy(), str(dice.rng.choice(_WORDS))
    for row in range(5):
        for column in range(-1, 3):
            where = (round((column + row % 2 / 2) * width / 2.5), round((row + 0.7) * height / 5))
            _write(marks, word, where, 0.0025 * width, (255, 255, 255))
    return np.asarray(cv2.addWeighted(marks, value, picture, 1 - value, 0), np.uint8)


def stickers(picture: Pixels, value: float, dice: Dice) -> Pixels:
    canvas = picture.copy()
    height, width = canvas.shape[:2]
    radius = max(1, round(0.09 * min(height, width)))
    for _ in range(int(value)):
        y, x = dice.corner(height - 1, width - 1)
        cv2.circle(canvas, (x, y), radius, dice.color(), -1, cv2.LINE_AA)
        for eye in (-1, 1):
            cv2.circle(canvas, (x + eye * radius // 3, y - radius // 4), max(1, radius // 7), (0, 0, 0), -1)
        cv2.ellipse(canvas, (x, y), (radius // 2, radius // 2), 0, 20, 160, (0, 0, 0), max(1, radius // 9))
    return canvas


def overlay(picture: Pixels, value: float, dice: Dice) -> Pixels:
    canvas = picture.copy()
    height, width = canvas.shape[:2]
    patch = resized(dice.other, width * np.sqrt(value), height * np.sqrt(value))
    top, left = dice.corner(height - patch.shape[0], width - patch.shape[1])
    canvas[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    return canvas


def ghost(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    return np.asarray(cv2.addWeighted(resized(dice.other, width, height), value, picture, 1 - value, 0), np.uint8)


def erase(picture: Pixels, value: float, dice: Dice) -> Pixels:
    canvas = picture.copy()
    height, width = canvas.shape[:2]
    part = np.sqrt(value / 3)  # in three pieces, which may overlap
    for _ in range(3):
        tall, wide = max(1, round(height * part)), max(1, round(width * part))
        top, left = dice.corner(height - tall, width - wide)
        canvas[top : top + tall, left : left + wide] = dice.color()
    return canvas


def inset(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    canvas = resized(dice.other, width, height).copy()
    small = resized(picture, width * np.sqrt(value), height * np.sqrt(value))
    top, left = dice.corner(height - small.shape[0], width - small.shape[1])
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def collage(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    rows, columns = {2: (1, 2), 4: (2, 2), 6: (2, 3)}[int(value)]
    mine = int(dice.rng.integers(rows * columns))
    other = resized(dice.other, width, height)
    ways = (other, other[:, ::-1], other[::-1], other[::-1, ::-1])
    cells = [picture if place == mine else ways[place % 4] for place in range(rows * columns)]
    lines = [np.concatenate(cells[row * columns : (row + 1) * columns], axis=1) for row in range(rows)]
    whole = np.concatenate(lines)
    return resized(whole, width, width * whole.shape[0] / whole.shape[1])


def screenshot(picture: Pixels, value: float, dice: Dice) -> Pixels:
    height, width = picture.shape[:2]
    top, bottom, left, right = (round(dice.rng.uniform(0.3, 1) * value * side) for side in (height,) * 2 + (width,) * 2)
    page = np.empty((height + top + bottom, width + left + right, 3), np.uint8)
    page[:] = (245, 245, 247) if dice.sign() > 0 else (28, 28, 32)
    page[top : top + height, left : left + width] = picture
    bar = max(1, round(min(top, 0.07 * len(page))))
    page[:bar] = dice.color()
    for button in range(3):
        cv2.circle(page, (bar // 2 + button * bar, bar // 2), max(1, bar // 4), dice.color(), -1)
    return page


def _framed(picture: Pixels, rows: int, columns: int, color: tuple[int, int, int]) -> Pixels:
    sides = (rows, rows, columns, columns)
    return np.asarray(cv2.copyMakeBorder(picture, *sides, cv2.BORDER_CONSTANT, value=color), np.uint8)


def _write(canvas: Pixels, words: str, where: tuple[int, int], size: float, color: tuple[int, int, int]) -> None:
    """Write onto the canvas; size: times the font's own, whose capitals are 22 pixels high."""
    cv2.putText(canvas, str(words), where, _FONT, size, color, max(1, round(size * 1.8)), cv2.LINE_AA)


ADDING_EDITS = (
    Edit("border", "a frame of any color", "width / side", (0.05, 0.12, 0.25), border),
    Edit("letterbox", "black bars above and below", "share of the result", (0.12, 0.25, 0.4), letterbox),
    Edit("text", "lines of text across it", "lines", (1, 2, 4), text),
    Edit("caption", "a white strip with words above it", "height / height", (0.12, 0.22, 0.35), caption),
    Edit("watermark", "a word all over it, see-through", "opacity", (0.15, 0.3, 0.55), watermark),
    Edit("stickers", "smiling discs, 18 % of the shorter side", "discs", (1, 3, 6), stickers),
    Edit("overlay", "another picture over a part", "share of the area", (0.05, 0.15, 0.3), overlay),
    Edit("ghost", "another picture shining through", "opacity of the other", (0.15, 0.3, 0.45), ghost),
    Edit("erase", "three plain rectangles", "share of the area together", (0.08, 0.2, 0.4), erase),
    Edit("inset", "laid onto another picture", "share of the result", (0.7, 0.45, 0.25), inset),
    Edit("collage", "among copies of another picture, turned", "cells", (2, 4, 6), collage),
    Edit("screenshot", "in a window with bar and margins", "margins at most, / side", (0.1, 0.25, 0.5), screenshot),
)
