"""Edits that pictures meet in the wild, cheap enough to make in the training loop.

Every function takes and returns uint8 RGB, (h, w, 3), and may change the size. `strength` runs from 0 (barely
seen) to 1 (hard). OpenCV does the work outside the interpreter lock, 20 to 200 microseconds a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["EDITS", "Draw", "edit", "jitter", "weak"]

Pixels = NDArray[np.uint8]
WORDS = ("SALE", "lol", "www.example.com", "2026", "best day ever", "COPY", "hello world", "@someone", "-50 %")
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)


@dataclass(frozen=True, slots=True)
class Draw:
    """What an edit may use: its strength, the dice, and another picture to paste from or onto."""

    strength: float
    rng: np.random.Generator
    other: Pixels

    def between(self, mild: float, hard: float) -> float:
        """Return the value `strength` of the way from mild to hard."""
        return mild + self.strength * (hard - mild)

    def sign(self) -> int:
        """Return -1 or 1."""
        return int(self.rng.integers(2)) * 2 - 1

    def color(self) -> tuple[int, int, int]:
        """Return any color; black and white are likelier than by chance."""
        if self.rng.random() < 0.5:
            return (255, 255, 255) if self.rng.random() < 0.5 else (0, 0, 0)
        red, green, blue = self.rng.integers(0, 256, 3).tolist()
        return (red, green, blue)


def weak(picture: Pixels, box: NDArray[np.int32], side: int, rng: np.random.Generator) -> Pixels:
    """Cut the box (left, top, right, bottom) out, squash it to (side, side, 3), mirror half of them."""
    left, top, right, bottom = (int(edge) for edge in box)
    cut = _resize(picture[top:bottom, left:right], side, side)
    return np.ascontiguousarray(cut[:, ::-1]) if rng.random() < 0.5 else cut


def jitter(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Change brightness, contrast and saturation a little, as another camera would."""
    steeper, brighter, richer = rng.uniform(-0.25, 0.25, 3)
    if abs(richer) > 0.05:
        picture = _saturated(picture, 1 + richer)
    return _levels(picture, 1 + steeper, 127.5 * (brighter - steeper))


def edit(picture: Pixels, side: int, rng: np.random.Generator, other: Pixels) -> Pixels:
    """Apply one to four edits drawn from EDITS, each at its own strength, and squash to (side, side, 3)."""
    for name in rng.choice(_NAMES, size=rng.choice(4, p=_HOW_MANY) + 1, replace=False, p=_ODDS):
        picture = EDITS[name](picture, Draw(float(rng.random()), rng, other))
    return _resize(picture, side, side)


def crop(picture: Pixels, draw: Draw) -> Pixels:
    """Keep 90 % down to 25 % of the area, anywhere."""
    height, width = picture.shape[:2]
    area, ratio = draw.between(0.9, 0.25), np.exp(draw.rng.uniform(-0.25, 0.25))
    cut_w = min(width, max(8, round(width * np.sqrt(area * ratio))))
    cut_h = min(height, max(8, round(height * np.sqrt(area / ratio))))
    left, top = draw.rng.integers(width - cut_w + 1), draw.rng.integers(height - cut_h + 1)
    return picture[top : top + cut_h, left : left + cut_w]


def jpeg(picture: Pixels, draw: Draw) -> Pixels:
    """Recompress at quality 90 down to 10."""
    quality = round(draw.between(90, 10))
    coded = cv2.imencode(".jpg", np.ascontiguousarray(picture), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def blur(picture: Pixels, draw: Draw) -> Pixels:
    """Blur with a Gaussian of 0.5 % to 4 % of the picture's side."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), draw.between(0.005, 0.04) * min(picture.shape[:2])))


def noise(picture: Pixels, draw: Draw) -> Pixels:
    """Add gray-level noise with a deviation of 4 to 40."""
    grain = draw.rng.standard_normal(picture.shape, np.float32) * draw.between(4, 40)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def brightness(picture: Pixels, draw: Draw) -> Pixels:
    """Add or take 20 to 90 gray levels."""
    return _levels(picture, 1.0, draw.sign() * draw.between(20, 90))


def contrast(picture: Pixels, draw: Draw) -> Pixels:
    """Scale differences from mid-gray by up to 2, or down to 0.35."""
    factor = draw.between(1.2, 2.0) if draw.sign() > 0 else draw.between(0.85, 0.35)
    return _levels(picture, factor, 127.5 * (1 - factor))


def gamma(picture: Pixels, draw: Draw) -> Pixels:
    """Bend the tone curve by a power of up to 2.2 or down to 1 / 2.2."""
    power = draw.between(1.15, 2.2) ** draw.sign()
    return np.asarray(cv2.LUT(picture, (255 * (np.arange(256) / 255) ** power).astype(np.uint8)))


def hue(picture: Pixels, draw: Draw) -> Pixels:
    """Turn the hue by 5 to 90 degrees."""
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    planes[..., 0] = (planes[..., 0].astype(np.int16) + draw.sign() * round(draw.between(3, 45))) % 180
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_HSV2RGB))


def saturation(picture: Pixels, draw: Draw) -> Pixels:
    """Multiply the saturation by up to 2.5, or down to 0.2."""
    factor = draw.between(1.2, 2.5) if draw.sign() > 0 else draw.between(0.8, 0.2)
    return _saturated(picture, factor)


def cast(picture: Pixels, draw: Draw) -> Pixels:
    """Scale the three channels apart, as a filter or another white balance does."""
    gains = 1 + draw.rng.uniform(-1, 1, 3) * draw.between(0.1, 0.5)
    return np.clip(picture * gains.astype(np.float32), 0, 255).astype(np.uint8)


def gray(picture: Pixels, draw: Draw) -> Pixels:
    """Drop the color; over a strength of one half, tint it like an old print."""
    plain = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    tint = np.array([1.0, 0.9, 0.72] if draw.strength > 0.5 else [1.0, 1.0, 1.0], np.float32)
    return (plain * tint).astype(np.uint8)


def border(picture: Pixels, draw: Draw) -> Pixels:
    """Put a frame of 4 % to 25 % of the side around it; bars above and below for one in two."""
    height, width = picture.shape[:2]
    rows = round(height * draw.between(0.04, 0.25))
    columns = 0 if draw.rng.random() < 0.5 else round(width * draw.between(0.04, 0.25))
    return np.asarray(
        cv2.copyMakeBorder(picture, rows, rows, columns, columns, cv2.BORDER_CONSTANT, value=draw.color())
    )


def text(picture: Pixels, draw: Draw) -> Pixels:
    """Write one to four lines over it."""
    canvas = np.ascontiguousarray(picture).copy()
    height, width = canvas.shape[:2]
    for _ in range(1 + round(3 * draw.strength)):
        scale = draw.between(0.006, 0.014) * height
        where = (int(draw.rng.uniform(-0.1, 0.5) * width), int(draw.rng.uniform(0.15, 1.0) * height))
        word, font = WORDS[draw.rng.integers(len(WORDS))], FONTS[draw.rng.integers(len(FONTS))]
        cv2.putText(canvas, word, where, font, scale, draw.color(), max(1, height // 60), cv2.LINE_AA)
    return canvas


def overlay(picture: Pixels, draw: Draw) -> Pixels:
    """Paste another picture over 4 % to 30 % of it, half of the time see-through."""
    canvas = np.ascontiguousarray(picture).copy()
    height, width = canvas.shape[:2]
    share = np.sqrt(draw.between(0.04, 0.3))
    patch = _resize(draw.other, max(2, int(width * share)), max(2, int(height * share)))
    top = int(draw.rng.integers(height - patch.shape[0] + 1))
    left = int(draw.rng.integers(width - patch.shape[1] + 1))
    region = canvas[top : top + patch.shape[0], left : left + patch.shape[1]]
    opacity = 1.0 if draw.rng.random() < 0.5 else 0.5
    region[:] = cv2.addWeighted(patch, opacity, region, 1 - opacity, 0)
    return canvas


def inset(picture: Pixels, draw: Draw) -> Pixels:
    """Lay it onto another picture, where it fills 80 % to 20 % of the area."""
    height, width = picture.shape[:2]
    share = np.sqrt(draw.between(0.8, 0.2))
    canvas = _resize(draw.other, width, height).copy()
    small = _resize(picture, max(8, int(width * share)), max(8, int(height * share)))
    top = int(draw.rng.integers(height - small.shape[0] + 1))
    left = int(draw.rng.integers(width - small.shape[1] + 1))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def rotate(picture: Pixels, draw: Draw) -> Pixels:
    """Turn it by 3 to 40 degrees inside its frame; corners are filled or mirrored."""
    height, width = picture.shape[:2]
    degrees = draw.sign() * draw.between(3, 40)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1 + 0.3 * draw.rng.random())
    return _warp(picture, np.vstack([turn, [0, 0, 1]]), draw)


def quarter(picture: Pixels, draw: Draw) -> Pixels:
    """Turn it by 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(picture, int(draw.rng.integers(1, 4))))


def mirror(picture: Pixels, draw: Draw) -> Pixels:
    """Mirror it left to right; over a strength of 0.8, top to bottom."""
    return np.ascontiguousarray(picture[::-1] if draw.strength > 0.8 else picture[:, ::-1])


def aspect(picture: Pixels, draw: Draw) -> Pixels:
    """Cut to a wider or taller shape: once squashed to a square again, everything in it is stretched."""
    height, width = picture.shape[:2]
    keep = draw.between(0.92, 0.5)
    if draw.sign() > 0:
        cut = max(8, round(width * keep))
        left = int(draw.rng.integers(width - cut + 1))
        return picture[:, left : left + cut]
    cut = max(8, round(height * keep))
    top = int(draw.rng.integers(height - cut + 1))
    return picture[top : top + cut]


def screenshot(picture: Pixels, draw: Draw) -> Pixels:
    """Show it in a window: a background, a title bar, a few buttons, uneven margins."""
    height, width = picture.shape[:2]
    margins = [round(draw.rng.uniform(0.02, draw.between(0.08, 0.45)) * side) for side in (height, width) * 2]
    top, left, bottom, right = margins
    canvas = np.empty((height + top + bottom, width + left + right, 3), np.uint8)
    canvas[:] = (245, 245, 247) if draw.rng.random() < 0.5 else (28, 28, 32)
    canvas[top : top + height, left : left + width] = picture
    bar = max(2, round(0.06 * canvas.shape[0]))
    canvas[:bar] = draw.color()
    for number in range(3):
        cv2.circle(canvas, (bar // 2 + number * bar, bar // 2), max(1, bar // 4), draw.color(), -1)
    return canvas


def perspective(picture: Pixels, draw: Draw) -> Pixels:
    """Photograph it again from an angle: corners move by up to 5 % to 22 % of the sides."""
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    shift = draw.rng.uniform(-1, 1, (4, 2)) * draw.between(0.05, 0.22) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, (corners + shift).astype(np.float32))
    return _warp(picture, matrix, draw)


def pixelate(picture: Pixels, draw: Draw) -> Pixels:
    """Shrink to 70 % down to 20 % of the side and enlarge again."""
    height, width = picture.shape[:2]
    share = draw.between(0.7, 0.2)
    small = cv2.resize(picture, (max(8, int(width * share)), max(8, int(height * share))))
    enlarge = cv2.INTER_NEAREST if draw.rng.random() < 0.3 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, (width, height), interpolation=enlarge))


def posterize(picture: Pixels, draw: Draw) -> Pixels:
    """Keep 32 down to 4 levels a channel."""
    step = 256 // round(2 ** draw.between(5, 2))
    return np.asarray(cv2.LUT(picture, (np.arange(256) // step * step + step // 2).astype(np.uint8)))


def sharpen(picture: Pixels, draw: Draw) -> Pixels:
    """Add 0.5 to 3 times the difference from a blurred copy."""
    amount = draw.between(0.5, 3.0)
    return np.asarray(cv2.addWeighted(picture, 1 + amount, cv2.GaussianBlur(picture, (0, 0), 1.5), -amount, 0))


def watermark(picture: Pixels, draw: Draw) -> Pixels:
    """Write one word over all of it, many times, see-through."""
    canvas = np.ascontiguousarray(picture).copy()
    height, width = canvas.shape[:2]
    word, color = WORDS[draw.rng.integers(len(WORDS))], draw.color()
    step = max(8, round(height * draw.between(0.5, 0.16)))
    for row, top in enumerate(range(step // 2, height + step, step)):
        where = (-(row % 2) * width // 3, top)
        cv2.putText(canvas, f"{word} {word} {word}", where, FONTS[0], 0.008 * height, color, 1, cv2.LINE_AA)
    opacity = draw.between(0.25, 0.7)
    return np.asarray(cv2.addWeighted(canvas, opacity, picture, 1 - opacity, 0))


def vignette(picture: Pixels, draw: Draw) -> Pixels:
    """Darken it from the middle outward, corners by up to 30 % to 90 %."""
    height, width = picture.shape[:2]
    rows, columns = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    away = (rows[:, None] ** 2 + columns[None] ** 2) / 2
    return np.asarray(picture * (1 - draw.between(0.3, 0.9) * away)[..., None]).astype(np.uint8)


def motion(picture: Pixels, draw: Draw) -> Pixels:
    """Blur it along one direction, over 3 % to 15 % of the side."""
    length = max(3, round(draw.between(0.03, 0.15) * min(picture.shape[:2])))
    kernel = np.zeros((length, length), np.float32)
    slope = draw.rng.uniform(0, np.pi)
    reach = (np.array([np.cos(slope), np.sin(slope)]) * (length - 1) / 2).round().astype(int)
    middle = length // 2
    start, end = (middle - reach).tolist(), (middle + reach).tolist()
    cv2.line(kernel, start, end, 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()))


def specks(picture: Pixels, draw: Draw) -> Pixels:
    """Set 1 % to 15 % of the pixels to black or white."""
    dice = draw.rng.random(picture.shape[:2], np.float32)
    share = draw.between(0.01, 0.15)
    canvas = np.array(picture)
    canvas[dice < share / 2] = 0
    canvas[dice > 1 - share / 2] = 255
    return canvas


def erase(picture: Pixels, draw: Draw) -> Pixels:
    """Cover one to three blocks of it, 3 % to 12 % of the area each, with a color."""
    canvas = np.array(picture)
    height, width = canvas.shape[:2]
    for _ in range(1 + round(2 * draw.strength)):
        area, ratio = draw.between(0.03, 0.12), np.exp(draw.rng.uniform(-0.7, 0.7))
        block_h, block_w = int(height * min(1, np.sqrt(area * ratio))), int(width * min(1, np.sqrt(area / ratio)))
        top, left = draw.rng.integers(height - block_h + 1), draw.rng.integers(width - block_w + 1)
        canvas[top : top + block_h, left : left + block_w] = draw.color()
    return canvas


def collage(picture: Pixels, draw: Draw) -> Pixels:
    """Put another picture beside or below it, which takes 20 % to 50 % of the result."""
    height, width = picture.shape[:2]
    share = draw.between(0.25, 1.0)
    if draw.rng.random() < 0.5:
        parts, axis = [picture, _resize(draw.other, max(2, round(width * share)), height)], 1
    else:
        parts, axis = [picture, _resize(draw.other, width, max(2, round(height * share)))], 0
    return np.concatenate(parts[:: draw.sign()], axis=axis)


def grid(picture: Pixels, draw: Draw) -> Pixels:
    """Make it one of four to six equal cells; cuts of another picture fill the others."""
    height, width = picture.shape[:2]
    rows, columns = (2, 2) if draw.strength < 0.7 else ((2, 3), (3, 2))[int(draw.rng.integers(2))]
    cells = [_resize(crop(draw.other, draw), width, height) for _ in range(rows * columns)]
    cells[int(draw.rng.integers(len(cells)))] = picture
    lines = [np.concatenate(cells[row * columns : (row + 1) * columns], axis=1) for row in range(rows)]
    return _resize(np.concatenate(lines), width, height)


def ghost(picture: Pixels, draw: Draw) -> Pixels:
    """Let another picture shine through, at 10 % to 50 %."""
    height, width = picture.shape[:2]
    share = draw.between(0.1, 0.5)
    return np.asarray(cv2.addWeighted(picture, 1 - share, _resize(draw.other, width, height), share, 0))


def shear(picture: Pixels, draw: Draw) -> Pixels:
    """Slant it by 5 % to 35 % of the side."""
    height = picture.shape[0]
    slant = draw.sign() * draw.between(0.05, 0.35)
    matrix = np.array([[1, slant, -slant * height / 2], [0, 1, 0], [0, 0, 1]], np.float32)
    return _warp(picture, matrix, draw)


def fade(picture: Pixels, draw: Draw) -> Pixels:
    """Draw all colors toward mid-gray or white, by 20 % to 65 %, as an old print or a see-through cover does."""
    share = draw.between(0.2, 0.65)
    ground = np.full_like(picture, 128 if draw.sign() > 0 else 255)
    return np.asarray(cv2.addWeighted(picture, 1 - share, ground, share, 0))


EDITS: dict[str, Callable[[Pixels, Draw], Pixels]] = {
    entry.__name__: entry
    for entry in (
        crop, jpeg, blur, noise, brightness, contrast, gamma, hue, saturation, cast, gray, border, text, overlay,
        inset, rotate, quarter, mirror, aspect, screenshot, perspective, pixelate, posterize, sharpen,
        watermark, vignette, motion, specks, erase, collage, grid, ghost, shear, fade,
    )
}  # fmt: skip

# what moves, covers or coarsens the picture is missed more often than what recolors it, and so drawn more often
_NAMES = list(EDITS)
_OFTEN = {crop, inset, rotate, quarter, mirror, screenshot, overlay, erase, collage, grid, ghost, pixelate, posterize}
_ODDS = np.array([3.0 if entry in _OFTEN else 1.0 for entry in EDITS.values()])
_ODDS /= _ODDS.sum()
_HOW_MANY = (0.4, 0.3, 0.2, 0.1)


def _resize(picture: Pixels, width: int, height: int) -> Pixels:
    shrinks = picture.shape[0] > height or picture.shape[1] > width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how))


def _saturated(picture: Pixels, factor: float) -> Pixels:
    plain = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(picture, factor, plain, 1 - factor, 0), np.uint8)


def _levels(picture: Pixels, factor: float, shift: float) -> Pixels:
    return np.asarray(cv2.LUT(picture, np.clip(np.arange(256) * factor + shift, 0, 255).astype(np.uint8)))


def _warp(picture: Pixels, matrix: NDArray[Any], draw: Draw) -> Pixels:
    height, width = picture.shape[:2]
    edge = cv2.BORDER_REFLECT if draw.rng.random() < 0.3 else cv2.BORDER_CONSTANT
    return np.asarray(cv2.warpPerspective(picture, matrix, (width, height), borderMode=edge, borderValue=draw.color()))
