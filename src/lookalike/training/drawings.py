"""Flat pictures drawn by dice: marks, pages of text, charts, patterns, line drawings.

Photographs alone teach a copy vector that all graphics look alike. These have no labels and no teacher; only the
copy vector learns from them. Neighbors often share colors, so that color alone can't tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["drawings"]

Pixels = NDArray[np.uint8]
Color = tuple[int, int, int]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&?!"
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX)


def drawings(count: int, side: int, rng: np.random.Generator) -> list[Pixels]:
    """Return `count` drawings, (side, side, 3) uint8."""
    results: list[Pixels] = []
    palette = _palette(rng)
    kind = KINDS[rng.integers(len(KINDS))]
    for _ in range(count):
        if rng.random() < 0.5:
            palette = _palette(rng)
        if rng.random() < 0.6:
            kind = KINDS[rng.integers(len(KINDS))]
        canvas = np.empty((side, side, 3), np.uint8)
        canvas[:] = palette[0]
        kind(canvas, palette[1:], rng)
        results.append(canvas)
    return results


def mark(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Draw a few filled shapes near the middle, often with a name below: a logo."""
    side = len(canvas)
    for _ in range(int(rng.integers(1, 5))):
        _shape(canvas, rng.uniform(0.25, 0.75, 2) * side, rng.uniform(0.08, 0.3) * side, _one(colors, rng), rng)
    if rng.random() < 0.6:
        _write(canvas, _word(rng, 3, 9), (0.1, 0.92), rng.uniform(0.4, 0.8), _one(colors, rng), rng)


def letters(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Write one to three large letters, inside a frame for one in two."""
    side = len(canvas)
    _write(canvas, _word(rng, 1, 3), rng.uniform((0.1, 0.6), (0.3, 0.8)), rng.uniform(1.2, 2.8), _one(colors, rng), rng)
    if rng.random() < 0.5:
        edge = int(rng.uniform(0.03, 0.15) * side)
        cv2.rectangle(canvas, (edge, edge), (side - edge, side - edge), _one(colors, rng), max(1, side // 40))


def page(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Write lines of small text: a document."""
    step = rng.uniform(0.07, 0.14)
    for line in np.arange(0.12, 0.95, step):
        if rng.random() < 0.88:
            _write(canvas, _word(rng, 4, 26), (rng.choice([0.05, 0.15]), line), 2.6 * step, colors[0], rng)


def chart(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Draw bars or a curve above an axis."""
    side = len(canvas)
    heights = rng.uniform(0.1, 0.8, int(rng.integers(4, 14)))
    places = np.linspace(0.1, 0.9, len(heights))
    if rng.random() < 0.5:
        for place, height in zip(places, heights, strict=True):
            left, right = int((place - 0.3 / len(heights)) * side), int((place + 0.3 / len(heights)) * side)
            cv2.rectangle(canvas, (left, int((0.9 - height) * side)), (right, int(0.9 * side)), _one(colors, rng), -1)
    else:
        points = np.stack([places, 0.9 - heights], axis=1) * side
        cv2.polylines(canvas, [points.astype(np.int32)], False, colors[0], max(1, side // 50), cv2.LINE_AA)
    cv2.line(canvas, (side // 12, int(0.9 * side)), (int(0.95 * side), int(0.9 * side)), colors[-1], 1)


def pattern(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Fill it with stripes, checks or waves of one width and angle."""
    side = len(canvas)
    rows, columns = np.mgrid[:side, :side] / side
    angle, waves = rng.uniform(0, np.pi), rng.uniform(1.5, 9)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    bend = rng.uniform(0, 0.15) * np.sin(2 * np.pi * across * rng.uniform(1, 4))
    inside = np.sin(2 * np.pi * waves * (along + bend)) > rng.uniform(-0.7, 0.7)
    if rng.random() < 0.4:
        inside ^= np.sin(2 * np.pi * waves * across) > 0
    canvas[inside] = colors[0]


def outline(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Draw open curves and shapes with a thin pen: a sketch, an icon, a plan."""
    side = len(canvas)
    for _ in range(int(rng.integers(2, 9))):
        points = (rng.uniform(0.08, 0.92, (int(rng.integers(2, 7)), 2)) * side).astype(np.int32)
        if rng.random() < 0.5:
            points[1::2, 0] = points[0::2, 0][: len(points[1::2])]  # upright walls
        cv2.polylines(canvas, [points], bool(rng.random() < 0.4), colors[0], max(1, side // 60), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 3))):
        middle = (rng.uniform(0.2, 0.8, 2) * side).astype(int).tolist()
        cv2.circle(canvas, middle, int(rng.uniform(0.04, 0.2) * side), colors[0], max(1, side // 60), cv2.LINE_AA)


def scatter(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Spread many small shapes: icons, a cartoon's clutter, a diagram."""
    side = len(canvas)
    for _ in range(int(rng.integers(8, 30))):
        _shape(canvas, rng.uniform(0, 1, 2) * side, rng.uniform(0.02, 0.1) * side, _one(colors, rng), rng)


def blend(canvas: Pixels, colors: list[Color], rng: np.random.Generator) -> None:
    """Run one color into another, with a shape on it."""
    side = len(canvas)
    share = np.linspace(0, 1, side) ** rng.uniform(0.5, 2)
    share = share[:, None] if rng.random() < 0.5 else share[None, :]
    canvas[:] = canvas * (1 - share[..., None]) + np.array(colors[0]) * share[..., None]
    for _ in range(int(rng.integers(1, 4))):
        _shape(canvas, rng.uniform(0.1, 0.9, 2) * side, rng.uniform(0.05, 0.35) * side, _one(colors, rng), rng)


KINDS: tuple[Callable[[Pixels, list[Color], np.random.Generator], None], ...] = (
    mark, mark, letters, page, chart, pattern, outline, scatter, blend,
)  # fmt: skip


def _palette(rng: np.random.Generator) -> list[Color]:
    # a ground, mostly white or dark, and two to four colors on it
    colors = rng.integers(0, 256, (int(rng.integers(3, 6)), 3))
    ground = rng.random()
    if ground < 0.5:
        colors[0], colors[1:] = 255, colors[1:] * 0.75
    elif ground < 0.65:
        colors[0] //= 8
    if rng.random() < 0.3:
        colors[1:] = 255 - colors[0]
    return [(int(red), int(green), int(blue)) for red, green, blue in colors]


def _one(colors: list[Color], rng: np.random.Generator) -> Color:
    return colors[rng.integers(len(colors))]


def _word(rng: np.random.Generator, least: int, most: int) -> str:
    picked = rng.integers(0, len(LETTERS), int(rng.integers(least, most + 1)))
    return "".join(" " if place % 7 == 6 else LETTERS[letter] for place, letter in enumerate(picked))


def _write(canvas: Pixels, word: str, where: object, scale: float, color: Color, rng: np.random.Generator) -> None:
    side = len(canvas)
    left, bottom = (np.asarray(where) * side).astype(int).tolist()
    font, thickness = FONTS[rng.integers(len(FONTS))], int(max(1, rng.uniform(0.5, 1.6) * scale * side / 80))
    cv2.putText(canvas, word, (left, bottom), font, scale * side / 96, color, thickness, cv2.LINE_AA)


def _shape(canvas: Pixels, middle: NDArray[np.float64], radius: float, color: Color, rng: np.random.Generator) -> None:
    kind, center = rng.integers(4), middle.astype(int).tolist()
    filled = -1 if rng.random() < 0.75 else max(1, int(radius / 4))
    if kind == 0:
        cv2.circle(canvas, center, int(radius), color, filled, cv2.LINE_AA)
    elif kind == 1:
        axes = (int(radius), int(radius * rng.uniform(0.3, 0.9)))
        cv2.ellipse(canvas, center, axes, rng.uniform(0, 180), 0, rng.choice([180, 270, 360]), color, filled)
    else:
        corners, turn = int(rng.integers(3, 8)), rng.uniform(0, 2 * np.pi)
        angles = turn + np.arange(corners) * 2 * np.pi / corners
        long = np.where(np.arange(corners) % 2, rng.uniform(0.4, 1.0), 1.0) * radius
        points = middle + np.stack([np.cos(angles) * long, np.sin(angles) * long], axis=1)
        cv2.fillPoly(canvas, [points.astype(np.int32)], color, cv2.LINE_AA)
