"""Colors of a picture: a histogram to search by, and the few dominant ones to show.

Both are taken in CIE Lab (D65 white, 2° observer, as OpenCV converts sRGB) from the picture area-averaged to
64 x 64, so that every part of it counts by its area, whatever its size in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.describers.base import VectorSpec
from lookalike.errors import InvalidArgument
from lookalike.images.image import Pixels

__all__ = [
    "BASIC_COLORS",
    "COLOR_BINS",
    "COLOR_VERSION",
    "Color",
    "ColorDescriber",
    "basic_name",
    "color_histogram",
    "dominant_colors",
    "palette_histogram",
]

Floats = NDArray[np.float64]

COLOR_VERSION = 1  # raise it when the same pixels would give another histogram

BASIC_COLORS: Mapping[str, str] = {
    "black": "000000 181818 282828",
    "grey": "484848 585858 707070 808080 989898 b0b0b0 c8c8c8 dcdcdc",
    "white": "ffffff f4f4f4 f0f8ff fffaf5 f0fff0",
    "red": "ff0000 d01020 b22222 8b0000 800000 dc143c f04a3c 600010 cd5c5c 702830 a83a40",
    "pink": "ffc0cb ff69b4 ff1493 f4a6b8 d87093 ffb0a8 fadadd d02090 d8b0b4 c08090",
    "orange": "ffa500 ff8c00 ff7f50 ff6a00 ffb060 e07010",
    "yellow": "ffff00 ffd700 fff68f e6c200 d4b018 ffe45c c8c010",
    "green": "008000 00ff00 006400 90ee90 556b2f 808000 2e8b57 9acd32 8fbc8f 0a3010 40c080 a8b880 5a6850 "
    "203028 8a9a80 b8c8b4",
    "blue": "0000ff 000080 4169e1 87ceeb b0d8e8 00ffff 008b9b 40d0e0 4682b4 101840 1e90ff 30406a 6f8fb5 "
    "191970 4d5a74 202838 7c8aa0 a8b8cc 406878",
    "purple": "800080 4b0082 9370db a040c0 c8a2c8 d8c8f0 6a4a7a 301040 ff00ff 9b7fa8 605068 b0a0b8",
    "brown": "8b4513 654321 a0522d b87333 3b2314 5c4033 7b5a3c 9c7248 a52a2a bc8f8f 6a5850 907868 302018",
    "beige": "f5f5dc d2b48c f5deb3 e8d8c0 c8b090 faebd7 e0c8a8 c8bca8 b0a490",
}
"""Basic color name -> sRGB anchors; a color bears the name of the anchor nearest to it in Lab."""

_SIDE = 64
_HUES = 12
_GRAYS = np.linspace(0, 100, 8)
_LIGHTNESSES = np.array([20.0, 45.0, 70.0, 90.0])
_CHROMAS = np.array([15.0, 45.0])
COLOR_BINS = len(_GRAYS) + len(_CHROMAS) * len(_LIGHTNESSES) * _HUES

_SPREAD = 6.0  # Lab distance, the standard deviation by which a palette's color stands for those beside it

_FIVE_BITS = ((np.arange(256) * 31 + 127) // 255).astype(np.uint8)
_NEAR_IDENTICAL = 10.0  # Lab distance under which two dominant colors are told as one
_CRITERIA = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)


@dataclass(frozen=True, slots=True)
class Color:
    """A dominant color. hex: "#rrggbb"; share: of the picture's area, in (0, 1]; name: key of `BASIC_COLORS`."""

    hex: str
    rgb: tuple[int, int, int]
    share: float
    name: str


class ColorDescriber:
    """Describes pictures by their color histogram."""

    @property
    def signature(self) -> str:
        """Name and version."""
        return f"color/{COLOR_VERSION}"

    @property
    def vectors(self) -> tuple[VectorSpec, ...]:
        """One: "color"."""
        return (VectorSpec("color", COLOR_BINS, "cosine"),)

    @property
    def wants(self) -> int:
        """The side that the histogram is taken at."""
        return _SIDE

    def describe(self, pictures: Sequence[Pixels]) -> Mapping[str, NDArray[np.float32]]:
        """Return "color" -> (len(pictures), COLOR_BINS) unit rows, in input order."""
        rows = [color_histogram(picture) for picture in pictures]
        return {"color": np.array(rows, np.float32).reshape(-1, COLOR_BINS)}


def color_histogram(picture: Pixels) -> NDArray[np.float32]:
    """Return the square roots of the shares of `COLOR_BINS` colors: (COLOR_BINS,), unit length, none negative.

    The dot product of two rows is their Bhattacharyya coefficient in [0, 1]: 1 for the same colors in the same
    shares, 0 for none in common. Bins are points in lightness, chroma and hue: 8 grays, then for each of 2
    chromas and 4 lightnesses 12 hues from 0° on; a pixel is divided among the nearest by linear interpolation, so
    that a slight change of color changes the row slightly. Raises InvalidArgument for what is no picture.
    """
    red, green, blue = cv2.LUT(_reduced(picture), _FIVE_BITS).reshape(-1, 3).T.astype(np.int32)
    seen, counts = np.unique((red << 10) | (green << 5) | blue, return_counts=True)  # far fewer colors than pixels
    bins, weights = _bins_by_code()
    mass = np.bincount(bins[seen].ravel(), (weights[seen] * counts[:, None]).ravel(), COLOR_BINS)
    row: NDArray[np.float32] = np.sqrt(mass / mass.sum()).astype(np.float32)
    return row


def palette_histogram(colors: Sequence[tuple[int, int, int]], weights: Sequence[float]) -> NDArray[np.float32]:
    """Return the row that `color_histogram` would give a picture of these sRGB colors in these shares.

    colors: at least one; weights: one per color, above 0, in any unit. As no picture's colors are exact, each
    color is spread over its neighborhood in Lab: a Gaussian of 6 units, at -1, 0 and 1 standard deviations along
    each axis. Returns (COLOR_BINS,), unit length. Its dot product with the row of a picture is
    sum(sqrt(share in the palette x share in the picture)) over the bins: 1 for the palette's colors in its shares.
    """
    steps = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    near = np.exp(-0.5 * (steps**2).sum(axis=1))
    lab = _to_lab(np.array(colors, np.uint8)).astype(np.float64)
    around = (lab[:, None] + _SPREAD * steps).reshape(-1, 3)
    bins, shares = _bins_of(around)
    mass = np.bincount(bins.ravel(), (shares * np.outer(weights, near).reshape(-1, 1)).ravel(), COLOR_BINS)
    row: NDArray[np.float32] = np.sqrt(mass / mass.sum()).astype(np.float32)
    return row


def dominant_colors(picture: Pixels, k: int = 6) -> list[Color]:
    """Return the at most k colors that sum the picture up, most dominant first; their shares sum to 1.

    k-means in Lab, seeded without chance: the same pixels give the same colors. Clusters nearer than 10 in Lab
    are told as one; a color is the mean of its pixels. Raises InvalidArgument for k outside 1 to 32, and for what
    is no picture.
    """
    if not 1 <= k <= 32:
        raise InvalidArgument("k", k, "between 1 and 32")
    rgb = _reduced(picture).reshape(-1, 3)
    lab = _to_lab(rgb)
    seeds = _seeds(lab, k)
    start = np.argmin(_distances(lab, seeds), axis=1).astype(np.int32)[:, None]
    found = cv2.kmeans(lab, len(seeds), start, _CRITERIA, 1, cv2.KMEANS_USE_INITIAL_LABELS)[1]
    means, counts = _merged(*_means(np.hstack([lab, rgb]), np.asarray(found, np.intp).ravel()))
    colors = [_color(mean[3:], count / len(rgb)) for mean, count in zip(means, counts, strict=True)]
    return sorted(colors, key=lambda color: (-color.share, color.hex))


def basic_name(rgb: tuple[int, int, int]) -> str:
    """Return which of the twelve basic colors comes nearest."""
    names, anchors = _anchors()
    lab = _to_lab(np.array([rgb], np.uint8))
    return names[int(np.argmin(_distances(lab, anchors)))]


def _reduced(picture: Pixels) -> Pixels:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
        got = f"{picture.shape} {picture.dtype}"
        raise InvalidArgument("picture", got, "(H, W, 3) uint8 pixels with H and W at least 1")
    # OpenCV averages whole blocks of 2 x 2 ten times faster than areas with fractions of pixels.
    while min(picture.shape[:2]) >= 2 * _SIDE:
        height, width = picture.shape[0] // 2, picture.shape[1] // 2
        even = picture[: 2 * height, : 2 * width]
        picture = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 3) sRGB -> (n, 3) Lab, L in [0, 100]."""
    unit = rgb.astype(np.float32)[None] / 255
    lab: NDArray[np.float32] = np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), np.float32)[0]
    return lab


@cache
def _bins_by_code() -> tuple[NDArray[np.intp], Floats]:
    """For each of the 32^3 colors of 5 bits: the bins it falls into and its weights there, (32768, 10) each."""
    levels = np.round(np.arange(32) * 255 / 31).astype(np.uint8)
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    return _bins_of(_to_lab(np.stack([red, green, blue], axis=-1).reshape(-1, 3)).astype(np.float64))


def _bins_of(lab: Floats) -> tuple[NDArray[np.intp], Floats]:
    """For each color, (n, 3) Lab: the bins it falls into and its weights there, (n, 10) each."""
    lightness, a, b = lab.T
    chroma, hue = np.hypot(a, b), np.arctan2(b, a) % (2 * np.pi) / (2 * np.pi) * _HUES
    gray, brighter = _between(lightness, _GRAYS)
    level, higher = _between(lightness, _LIGHTNESSES)
    spoke = np.floor(hue).astype(np.intp)
    vivid = np.clip((chroma - _CHROMAS[0]) / (_CHROMAS[1] - _CHROMAS[0]), 0, 1)
    colored = np.minimum(chroma / _CHROMAS[0], 1)
    bins = [gray, gray + 1]
    weights = [(1 - colored) * (1 - brighter), (1 - colored) * brighter]
    for ring, in_ring in enumerate((colored - vivid, vivid)):
        for up, in_level in enumerate((1 - higher, higher)):
            for turn, in_hue in enumerate((1 - hue + spoke, hue - spoke)):
                row = ring * len(_LIGHTNESSES) + level + up
                bins.append(len(_GRAYS) + row * _HUES + (spoke + turn) % _HUES)
                weights.append(in_ring * in_level * in_hue)
    return np.stack(bins, axis=1), np.stack(weights, axis=1)


def _between(values: Floats, nodes: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The node below each value, and how far it is on to the next in [0, 1]; outside values count as the end's."""
    below = np.clip(np.searchsorted(nodes, values, side="right") - 1, 0, len(nodes) - 2)
    onward = np.clip((values - nodes[below]) / (nodes[below + 1] - nodes[below]), 0, 1)
    return below, onward


def _distances(lab: NDArray[np.float32], others: NDArray[np.float32]) -> Floats:
    """Squared Lab distances: (n, 3), (m, 3) -> (n, m)."""
    apart = lab[:, None].astype(np.float64) - others[None]
    squared: Floats = np.einsum("nmc,nmc->nm", apart, apart)
    return squared


def _seeds(lab: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """At most k different colors to start from: the commonest, then whichever is common and far from those taken.

    A deterministic k-means++ (Arthur and Vassilvitskii 2007) on cells of 8 units of Lab.
    """
    cells = np.floor(lab / 8).astype(np.int64) @ np.array([1_000_000, 1_000, 1])
    cells = np.unique(cells, return_inverse=True)[1]
    exact, counts = _means(lab, cells)
    means = exact.astype(np.float32)
    taken = [int(np.argmax(counts))]
    far = _distances(means, means[taken])[:, 0]
    while len(taken) < k and far.max() > 0:
        taken.append(int(np.argmax(counts * far)))
        far = np.minimum(far, _distances(means, means[taken[-1:]])[:, 0])
    return means[taken]


def _means(rows: NDArray[np.float32], labels: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """The mean of the rows under each label that occurs, and their number."""
    counts = np.bincount(labels)
    sums = np.stack([np.bincount(labels, column) for column in rows.T], axis=1)
    used = counts > 0
    return sums[used] / counts[used, None], counts[used]


def _merged(means: Floats, counts: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """Join the two nearest clusters until all are apart. The first three columns are Lab."""
    while len(means) > 1:
        apart = np.linalg.norm(means[:, None, :3] - means[None, :, :3], axis=2)
        np.fill_diagonal(apart, np.inf)
        i, j = divmod(int(np.argmin(apart)), len(means))
        if apart[i, j] >= _NEAR_IDENTICAL:
            break
        means[i] = np.average(means[[i, j]], axis=0, weights=counts[[i, j]])
        counts[i] += counts[j]
        means, counts = np.delete(means, j, axis=0), np.delete(counts, j)
    return means, counts


def _color(mean: Floats, share: float) -> Color:
    red, green, blue = (int(level) for level in np.rint(mean))
    rgb = (red, green, blue)
    return Color(f"#{red:02x}{green:02x}{blue:02x}", rgb, float(share), basic_name(rgb))


@cache
def _anchors() -> tuple[tuple[str, ...], NDArray[np.float32]]:
    pairs = [(name, bytes.fromhex(code)) for name, codes in BASIC_COLORS.items() for code in codes.split()]
    return tuple(name for name, _ in pairs), _to_lab(np.array([list(code) for _, code in pairs], np.uint8))
