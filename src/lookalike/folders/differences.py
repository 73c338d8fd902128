"""What differs between two pictures where one lies on the other, and what is around the smaller one: pure figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.folders.alignment import GRID, Aligner, Laid, correlation, read_at
from lookalike.images.image import Pixels
from lookalike.images.resize import thumbnail, to_gray

__all__ = ["Difference", "Surroundings", "difference", "exactly_alike", "surroundings"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Surroundings = Literal["border", "caption", "page", "picture", "scene"]
"""What is around a part of a picture: a plain frame, a strip on one side with something on it, a page or window that
is mostly plain, another picture, or more of the same scene."""

_SIDE: Final = 192  # longer side at which surroundings are looked at
_WINDOW: Final = 8
_EXACT: Final = 6.0  # levels by which any window of two plain pictures may differ
_STEP: Final = 2.0  # times the usual change of brightness, across the rim of something put there


@dataclass(frozen=True, slots=True)
class Difference:
    """What b is beside a, where both show the same; levels are of 255.

    error: mean difference of the channels. covered: share of it where something else is seen; patched: how much
    harder b's colors change at the rim of that than a's, times: what was put there has a rim. color_a, color_b: mean
    distance from gray. recolored: mean change of the colors beside brightness
    and contrast. brighter: mean change of
    brightness. contrast: times the deviation of brightness. detail: times the fine detail beside contrast; clear: how
    much of the fine detail of both is the same, a correlation.
    """

    error: float
    covered: float
    patched: float
    color_a: float
    color_b: float
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
    one, other, dark, light = (values[seen] for values in (laid.one, laid.other, laid.dark, laid.light))
    chroma_a, chroma_b = one - dark[:, None], other - light[:, None]
    contrast = float(max(light.std(), 1.0) / max(dark.std(), 1.0))
    detail, clear = _detail(laid, seen)
    return Difference(
        error=float(np.abs(one - other).mean()),
        covered=float(covered.sum() / laid.shared.sum()),
        patched=_rim(laid.other, covered, laid.shared) / _rim(laid.one, covered, laid.shared),
        color_a=float(np.abs(chroma_a).mean()),
        color_b=float(np.abs(chroma_b).mean()),
        recolored=float(np.abs(chroma_b - contrast * chroma_a).mean()),
        brighter=float((light - dark).mean()),
        contrast=contrast,
        detail=detail / contrast,
        clear=clear,
    )


def exactly_alike(a: Pixels, b: Pixels) -> bool:
    """Whether two pictures are the same to within recompression, pixel by pixel: for those too plain for hashes."""
    shapes = a.shape[1] / a.shape[0], b.shape[1] / b.shape[0]
    laid = Aligner(a, b, np.eye(3)).laid(np.eye(3)) if 0.97 < shapes[0] / shapes[1] < 1.03 else None
    if laid is None:
        return False
    off = np.abs(laid.one - laid.other).max(axis=-1)
    return bool(_windows(np.where(laid.shared, off, 0)).mean(axis=-1).max() <= _EXACT)


def surroundings(picture: Pixels, part: Floats) -> Surroundings:
    """Return what stands around a part of a picture. part: (4, 2) corners in its unit square, in order around it."""
    pixels = thumbnail(picture, _SIDE)
    height, width = pixels.shape[:2]
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    outside = pixels[_depth(x, y, part) < -0.01].astype(np.int64)
    if not len(outside):
        return "scene"
    shades = (outside // 24) @ np.array([1, 16, 256])
    common = np.median(outside[shades == np.bincount(shades).argmax()], axis=0)
    off = np.abs(outside - common).max(axis=1)
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
    dark, light, shared = laid.dark, laid.light, laid.shared
    some = shared[::2, ::2]  # enough for a curve
    levels, brightness = np.minimum(dark[::2, ::2][some] // 16, 15), light[::2, ::2][some]
    known = np.unique(levels)
    curve = [float(np.median(brightness[levels == level])) for level in known]
    off = np.abs(_windows(light - np.interp(dark / 16 - 0.5, known, curve))).mean(axis=-1)
    whole = _windows(shared.astype(np.float64)).min(axis=-1) > 0
    if not whole.any():
        return np.zeros_like(shared)
    other = (
        whole & (off > max(24.0, 4 * float(np.median(off[whole])))) & (_alike(_windows(dark), _windows(light)) < 0.5)
    )
    return np.asarray(np.kron(other, np.ones((_WINDOW, _WINDOW), np.uint8)) > 0)


def _rim(colors: NDArray[np.float32], covered: Mask, shared: Mask) -> float:
    """Return how much colors differ between neighboring windows of which one is covered, at least 1."""
    count = GRID // _WINDOW
    means = colors.reshape(count, _WINDOW, count, _WINDOW, 3).mean(axis=(1, 3))
    inside, seen = covered[::_WINDOW, ::_WINDOW], shared[_WINDOW // 2 :: _WINDOW, _WINDOW // 2 :: _WINDOW]
    found = []
    for part, other in (((slice(1, None),), (slice(-1),)), ((slice(None), slice(1, None)), (slice(None), slice(-1)))):
        rim = (inside[part] != inside[other]) & seen[part] & seen[other]
        found.append(np.abs(means[part] - means[other]).mean(axis=-1)[rim])
    changes = np.concatenate(found)
    return max(1.0, float(changes.mean())) if len(changes) else 1.0


def _windows(values: NDArray[np.floating[Any]]) -> Floats:
    """Cut the grid into (16, 16, 64)."""
    count = GRID // _WINDOW
    return values.reshape(count, _WINDOW, count, _WINDOW).swapaxes(1, 2).reshape(count, count, -1).astype(np.float64)


def _alike(one: Floats, other: Floats) -> Floats:
    one, other = (values - values.mean(axis=-1, keepdims=True) for values in (one, other))
    spread = np.sqrt(np.maximum((one**2).mean(axis=-1), 4.0) * np.maximum((other**2).mean(axis=-1), 4.0))
    return np.asarray((one * other).mean(axis=-1) / spread, np.float64)


def _detail(laid: Laid, seen: Mask) -> tuple[float, float]:
    """Return how much fine detail b has for each of a's, and how far it is the same; 1, 1 where a has none."""
    one, other = (_fine(gray)[seen[1:-1, 1:-1]] for gray in (laid.dark, laid.light))
    if len(one) < 256 or one.std() < 1.0:
        return 1.0, 1.0
    return float(other.std() / one.std()), correlation(one, other)


def _fine(gray: NDArray[np.floating[Any]]) -> Floats:
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return np.asarray(gray[1:-1, 1:-1] - around / 4, np.float64)


def _depth(x: Floats, y: Floats, part: Floats) -> Floats:
    """Return how far points lie inside a convex quadrangle, in sides of the picture; below 0 outside of it."""
    ends = np.roll(part, -1, axis=0)
    turn = 1.0 if np.sum(part[:, 0] * ends[:, 1] - ends[:, 0] * part[:, 1]) > 0 else -1.0
    inside = np.full(x.shape, np.inf)
    for (ax, ay), (bx, by) in zip(part, ends, strict=True):
        length = max(float(np.hypot(bx - ax, by - ay)), 1e-9)
        inside = np.minimum(inside, turn * ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length)
    return inside


def _steps(pixels: Pixels, part: Floats) -> tuple[float, float, float]:
    """Return how much brightness changes across a line inside the part's rim, across the rim, across one outside."""
    gray = to_gray(pixels)
    middle = part.mean(axis=0)
    changes: dict[float, list[Floats]] = {-0.06: [], 0.0: [], 0.06: []}
    for corner, after in zip(part, np.roll(part, -1, axis=0), strict=True):
        along = corner + (after - corner) * np.linspace(0.1, 0.9, 40)[:, None]
        if np.minimum(along, 1 - along).min() < 0.04:
            continue  # the picture's own edge
        outward = along - middle
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        for shift, found in changes.items():
            near, far = (read_at(gray, along + (shift + side) * outward) for side in (-0.015, 0.015))
            found.append(np.abs(far - near))
    if not changes[0.0]:
        return 0.0, 0.0, 0.0
    inner, rim, outer = (float(np.concatenate(found).mean()) for found in changes.values())
    return inner, rim, outer
