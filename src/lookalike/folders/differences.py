"""What differs between two pictures where one lies on the other, and what is around the smaller one: pure figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.folders.alignment import GRID, LUMA, Aligner, Laid, read_at
from lookalike.folders.shown import Shown
from lookalike.images.image import Pixels
from lookalike.images.resize import to_gray

__all__ = ["Difference", "Surroundings", "difference", "exactly_alike", "surroundings"]

Floats = NDArray[np.float64]
Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]

Surroundings = Literal["border", "caption", "page", "picture", "scene"]
"""What is around a part of a picture: a plain frame, a strip on one side with something on it, a page or window that
is mostly plain, another picture, or more of the same scene."""

_CHROMA: Final = np.eye(3, dtype=np.float32) - LUMA  # colors to how far each is from gray
_FINE: Final = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32) / 4  # gray beside its four neighbors
_WINDOW: Final = 8
_EVERY: Final = (slice(None, None, 4),) * 2  # fourth point of the grid tells hues
_RECOLORED: Final = 3.0  # levels of color up to which nobody asks for hues
_EXACT: Final = 6.0  # levels by which any window of two plain pictures may differ
_STEP: Final = 2.0  # times the usual change of brightness, across the rim of something put there


@dataclass(frozen=True, slots=True)
class Difference:
    """What b is beside a, where both show the same; levels are of 255.

    covered: share of it where something else is seen; patched: how much harder b's colors change at the rim of that
    than a's, times: what was put there has a rim. color_a, color_b: mean distance from gray. hues_a, hues_b: that
    from the one tint for each brightness that comes nearest, as sepia has it; where the two differ in color at all.
    recolored: mean change of the colors beside brightness and contrast. brighter: mean change of brightness.
    contrast: times the deviation of brightness. detail: times the fine detail beside contrast; clear: how much of the
    fine detail of both is the same, a correlation.
    """

    covered: float
    patched: float
    color_a: float
    color_b: float
    hues_a: float
    hues_b: float
    recolored: float
    brighter: float
    contrast: float
    detail: float
    clear: float


def difference(laid: Laid) -> Difference:
    """Return what differs between two pictures laid one on the other."""
    covered = _covered(laid)
    seen = laid.shared & ~covered
    if not seen.any():
        seen = laid.shared
    mask = seen.astype(np.uint8)
    chroma_a, chroma_b = (cv2.transform(colors, _CHROMA) for colors in (laid.one, laid.other))
    (dark, deviation), (light, as_light) = (_spread(gray, mask) for gray in (laid.dark, laid.light))
    contrast = max(as_light, 1.0) / max(deviation, 1.0)
    detail, clear = _detail(laid, mask)
    values = 3 * cv2.countNonZero(mask)
    color_a, color_b = (cv2.norm(chroma, cv2.NORM_L1, mask) / values for chroma in (chroma_a, chroma_b))
    recolored = cv2.norm(chroma_b, contrast * chroma_a, cv2.NORM_L1, mask) / values
    hues_a, hues_b = color_a, color_b
    if recolored > _RECOLORED:
        hues_a, hues_b = _hues(chroma_a, laid.dark, seen), _hues(chroma_b, laid.light, seen)
    return Difference(
        covered=float(covered.sum() / laid.shared.sum()),
        patched=_rim(laid.other, covered, laid.shared) / _rim(laid.one, covered, laid.shared) if covered.any() else 1.0,
        color_a=color_a,
        color_b=color_b,
        hues_a=hues_a,
        hues_b=hues_b,
        recolored=recolored,
        brighter=light - dark,
        contrast=contrast,
        detail=detail / contrast,
        clear=clear,
    )


def exactly_alike(a: Shown, b: Shown) -> bool:
    """Whether two pictures are the same to within recompression, pixel by pixel: for those too plain for hashes."""
    shapes = [one.pixels.shape[1] / one.pixels.shape[0] for one in (a, b)]
    laid = Aligner(a, b, np.eye(3)).laid(np.eye(3)) if 0.97 < shapes[0] / shapes[1] < 1.03 else None
    if laid is None:
        return False
    off = np.abs(laid.one - laid.other).max(axis=-1)
    return bool(_windows(np.where(laid.shared, off, 0)).max() <= _EXACT)


def surroundings(picture: Shown, part: Floats) -> Surroundings:
    """Return what stands around a part of a picture. part: (4, 2) corners in its unit square, in order around it."""
    pixels = picture.small
    outside = pixels[_depth(pixels.shape, part) < -0.01]
    if not len(outside):
        return "scene"
    shades = (outside // 24).astype(np.uint16) @ np.array([1, 16, 256], np.uint16)
    common = np.median(outside[shades == np.bincount(shades).argmax()], axis=0)
    off = np.abs(outside.T - common.astype(np.float32)[:, None]).max(axis=0)
    if (off < 4).mean() > 0.95:
        return "border"
    plain = float((off < 20).mean())
    margins = np.concatenate([part.min(axis=0), 1 - part.max(axis=0)])
    inner, rim, outer = _steps(pixels, part)
    if rim < _STEP * max(inner, 2.0) or (plain < 0.5 and rim < _STEP * outer):
        return "scene"
    if plain < 0.5:
        return "picture"
    if plain > 0.95:
        return "border"
    return "caption" if (margins > 0.02).sum() == 1 else "page"


def _covered(laid: Laid) -> Mask:
    """Return where something else is seen: windows that neither correlate nor follow the curve of brightness."""
    dark, light = laid.dark, laid.light
    whole = _windows(laid.shared.astype(np.float32)) == 1
    if not whole.any():
        return np.zeros_like(laid.shared)
    off = _windows(np.abs(light - _followed(laid)))
    other = whole & (off > max(24.0, 4 * float(np.median(off[whole])))) & (_alike(dark, light) < 0.5)
    return np.asarray(other.repeat(_WINDOW, axis=0).repeat(_WINDOW, axis=1))


def _followed(laid: Laid) -> Gray:
    """Return the brightness that a's has in b on the whole: of 16 levels the median, and between them a line."""
    some = laid.shared[::2, ::2]  # enough for a curve
    levels = np.minimum((laid.dark[::2, ::2][some] / 16).astype(np.intp), 15)
    ordered = np.sort(256 * levels.astype(np.float32) + laid.light[::2, ::2][some])  # brightness is below 256
    counts = np.bincount(levels, minlength=16)
    known = np.flatnonzero(counts)
    starts, counts = (np.cumsum(counts) - counts)[known], counts[known]
    curve = (ordered[starts + (counts - 1) // 2] + ordered[starts + counts // 2]) / 2 - 256 * known
    return np.asarray(np.interp(laid.dark, 16 * known + 8, curve), np.float32)


def _rim(colors: Gray, covered: Mask, shared: Mask) -> float:
    """Return how much colors differ between neighboring windows of which one is covered, at least 1."""
    means = _windows(colors)
    inside, seen = covered[::_WINDOW, ::_WINDOW], shared[_WINDOW // 2 :: _WINDOW, _WINDOW // 2 :: _WINDOW]
    found = []
    for part, other in (((slice(1, None),), (slice(-1),)), ((slice(None), slice(1, None)), (slice(None), slice(-1)))):
        rim = (inside[part] != inside[other]) & seen[part] & seen[other]
        found.append(np.abs(means[part] - means[other]).mean(axis=-1)[rim])
    changes = np.concatenate(found)
    return max(1.0, float(changes.mean())) if len(changes) else 1.0


def _windows(values: Gray) -> Gray:
    """Return the means of the grid's 16 x 16 windows."""
    return np.asarray(cv2.resize(values, (GRID // _WINDOW,) * 2, interpolation=cv2.INTER_AREA), np.float32)


def _alike(one: Gray, other: Gray) -> Gray:
    """Return the correlation of each window."""
    mean, as_mean = _windows(one), _windows(other)
    spreads = (_windows(one * one) - mean**2, _windows(other * other) - as_mean**2)
    spread = np.sqrt(np.maximum(spreads[0], 4.0) * np.maximum(spreads[1], 4.0))
    return np.asarray((_windows(one * other) - mean * as_mean) / spread, np.float32)


def _hues(chroma: NDArray[Any], gray: Gray, seen: Mask) -> float:
    """Return how far colors are, on the mean, from the mean color of those that are as bright, in 32 levels."""
    some = seen[_EVERY]
    colors, levels = chroma[_EVERY][some], np.clip(gray[_EVERY][some] / 8, 0, 31).astype(np.intp)
    counts = np.maximum(np.bincount(levels, minlength=32), 1)
    means = np.stack([np.bincount(levels, channel, 32) / counts for channel in colors.T], axis=1)
    return float(np.abs(colors - means[levels]).mean()) if len(levels) else 0.0


def _detail(laid: Laid, mask: NDArray[np.uint8]) -> tuple[float, float]:
    """Return how much fine detail b has for each of a's, and how far it is the same; 1, 1 where a has none."""
    inner = mask[1:-1, 1:-1]
    one, other = (np.asarray(cv2.filter2D(gray, -1, _FINE)[1:-1, 1:-1], np.float32) for gray in (laid.dark, laid.light))
    (mean, spread), (as_mean, as_spread) = _spread(one, inner), _spread(other, inner)
    if np.count_nonzero(inner) < 256 or spread < 1.0:
        return 1.0, 1.0
    shared = cv2.mean(one * other, inner)[0] - mean * as_mean
    return as_spread / spread, shared / max(spread * as_spread, 1e-6)


def _spread(values: Gray, mask: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and standard deviation."""
    mean, deviation = cv2.meanStdDev(values, mask=mask)
    return float(mean[0, 0]), float(deviation[0, 0])


def _depth(shape: tuple[int, ...], part: Floats) -> Gray:
    """Return how far the pixels of a picture lie inside a convex quadrangle, in its sides; below 0 outside of it."""
    height, width = shape[:2]
    x, y = ((np.arange(side) + 0.5) / side for side in (width, height))
    ends = np.roll(part, -1, axis=0)
    turn = 1.0 if np.sum(part[:, 0] * ends[:, 1] - ends[:, 0] * part[:, 1]) > 0 else -1.0
    inside = np.full((height, width), np.inf, np.float32)
    for (ax, ay), (bx, by) in zip(part, ends, strict=True):
        length = turn * max(float(np.hypot(bx - ax, by - ay)), 1e-9)
        across, down = (by - ay) * (x - ax) / length, (bx - ax) * (y - ay) / length
        np.minimum(inside, np.subtract.outer(down.astype(np.float32), across.astype(np.float32)), out=inside)
    return inside


def _steps(pixels: Pixels, part: Floats) -> tuple[float, float, float]:
    """Return how much brightness changes across a line inside the part's rim, across the rim, across one outside."""
    middle = part.mean(axis=0)
    ends = np.roll(part, -1, axis=0)
    along = part[:, None] + (ends - part)[:, None] * np.linspace(0.1, 0.9, 40)[:, None]  # (4, 40, 2)
    along = along[np.minimum(along, 1 - along).min(axis=(1, 2)) >= 0.04]  # or it is the picture's own edge
    if not len(along):
        return 0.0, 0.0, 0.0
    outward = along - middle
    outward /= np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-9)
    shifts = np.array([[-0.075, -0.045], [-0.015, 0.015], [0.045, 0.075]])
    places = along + shifts[:, :, None, None, None] * outward
    read = read_at(to_gray(pixels), places.reshape(6, -1, 2)).reshape(3, 2, -1)
    inner, rim, outer = np.abs(read[:, 1] - read[:, 0]).mean(axis=1).tolist()
    return inner, rim, outer
