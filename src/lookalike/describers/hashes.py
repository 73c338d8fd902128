"""Perceptual hashes: a picture reduced to a few bytes that survive resizing and re-encoding.

A hash is a packed uint8 row, most significant bit first. Rows are stored for years: whoever changes what a
function here makes of the same pixels raises the version in its row of `HASHES`.

Every hash comes with a quality in [0, 100]. Below `MIN_QUALITY` the picture is too plain (a wall, a smooth
gradient, a blank page) for its bits to mean anything: such pictures are not to be matched by hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import pdqhash
from numpy.typing import NDArray

from lookalike.describers.base import VectorSpec
from lookalike.errors import InvalidArgument, ShapeMismatch
from lookalike.images.image import Pixels
from lookalike.images.resize import to_gray

__all__ = [
    "HASHES",
    "MIN_QUALITY",
    "ORIENTATIONS",
    "Bits",
    "Gray",
    "HashDescriber",
    "HashSpec",
    "Hashes",
    "area_average",
    "dhash",
    "dhash_orientations",
    "hamming",
    "hash_pictures",
    "held_as",
    "orientations",
    "phash",
    "phash_orientations",
    "phash_quality",
    "thumbnail",
]

Bits = NDArray[np.uint8]
"""Packed bits, most significant first; the last axis runs over the bytes of one hash."""

Gray = NDArray[np.uint8]
"""Gray pixels, the last two axes being rows and columns."""

Floats = NDArray[np.float64]

MIN_QUALITY = 50

ORIENTATIONS = (
    "upright",
    "rotated 90",
    "rotated 180",
    "rotated 270",
    "mirrored",
    "mirrored and rotated 90",
    "mirrored and rotated 180",
    "mirrored and rotated 270",
)
"""The eight ways to hold a picture. Rotations are clockwise; mirroring is left-right and comes first."""


def held_as(pixels: Pixels, way: int) -> Pixels:
    """Return (H, W, ...) pixels held another way, an index into `ORIENTATIONS`."""
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if way >= 4 else pixels, -(way % 4)))


@dataclass(frozen=True, slots=True, eq=False)
class Hashes:
    """The hashes of n pictures. bits: (n, bytes); quality: (n,) uint8 in [0, 100]."""

    bits: Bits
    quality: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class HashSpec:
    """One kind of hash. compute and orient take pictures of any sizes; orient returns (n, 8, bytes).

    wants: as `decode` takes it; from pictures scaled by that, 0.2 of 64 bits differ on average, 8 of PDQ's 256.
    """

    name: str
    bytes: int
    version: int
    wants: int
    compute: Callable[[Sequence[Pixels]], Hashes]
    orient: Callable[[Sequence[Pixels]], Bits]


def hamming(query: Bits, rows: Bits) -> NDArray[np.uint16]:
    """Count the bits in which one hash differs from each of many.

    query: (bytes,); rows: (n, bytes). Returns (n,), each in [0, 8 * bytes]. 0 says the hashes agree, not that
    the pictures do. Raises ShapeMismatch if the widths differ.
    """
    if query.shape != rows.shape[1:]:
        raise ShapeMismatch("query", expected=rows.shape[1:], got=query.shape)
    word = np.uint64 if rows.shape[1] % 8 == 0 else np.uint8
    words, wanted = np.ascontiguousarray(rows).view(word), np.ascontiguousarray(query).view(word)
    total = np.zeros(len(rows), np.uint16)
    for column, want in enumerate(wanted):
        total += np.bitwise_count(words[:, column] ^ want)
    return total


def hash_pictures(name: str, pictures: Sequence[Pixels]) -> Hashes:
    """Hash pictures of any sizes. name: a key of `HASHES`.

    Raises InvalidArgument for an unknown name, and for what is no (H, W, 3) uint8 picture.
    """
    return _spec(name).compute(pictures)


def orientations(name: str, pictures: Sequence[Pixels]) -> Bits:
    """Return the hashes the pictures would have if turned each way: (n, 8, bytes), in `ORIENTATIONS`' order.

    A stored row equal to `[i, k]` is a copy of picture i, mirrored or rotated as `ORIENTATIONS[k]` says.
    No picture is turned: the cost is about that of one hash. pHash and dHash equal those of really turned
    pictures. PDQ only comes near, as its reference does: of 256 bits 19 are off on average for a quarter turn
    and 29 for a half turn at 200 px, under 10 at 1,600 px.
    """
    return _spec(name).orient(pictures)


class HashDescriber:
    """Describes pictures by hashes. kinds: keys of `HASHES`; "pdq" costs about ten times the others."""

    def __init__(self, kinds: Sequence[str] = ("phash", "dhash")) -> None:
        if not kinds or len(set(kinds)) != len(kinds):
            raise InvalidArgument("kinds", tuple(kinds), f"one or more of {', '.join(HASHES)}, each once")
        self._specs = tuple(_spec(kind) for kind in kinds)

    @property
    def signature(self) -> str:
        """Kinds and their versions, as "phash/1+dhash/1"."""
        return "+".join(f"{spec.name}/{spec.version}" for spec in self._specs)

    @property
    def vectors(self) -> tuple[VectorSpec, ...]:
        """One per kind, in the order given."""
        return tuple(VectorSpec(spec.name, spec.bytes, "hamming") for spec in self._specs)

    @property
    def wants(self) -> int:
        """The greatest need among the kinds."""
        return max(spec.wants for spec in self._specs)

    def describe(self, pictures: Sequence[Pixels]) -> Mapping[str, Bits]:
        """Return kind -> (len(pictures), bytes), in input order."""
        return {name: hashes.bits for name, hashes in self.hashes(pictures).items()}

    def hashes(self, pictures: Sequence[Pixels]) -> Mapping[str, Hashes]:
        """Return kind -> bits with their quality."""
        return {spec.name: spec.compute(pictures) for spec in self._specs}


def phash(grays: Gray) -> Bits:
    """Hash thumbnails by their low frequencies. grays: (n, 32, 32). Returns (n, 8).

    The 64 lowest coefficients of the two-dimensional DCT-II, the mean included, each against their median:
    `imagehash.phash` of the same thumbnail. A coefficient within rounding of the median counts as not above
    it, so that symmetric pictures, whose odd coefficients are all zero, hash the same on every machine.
    """
    return _above_median(_low_frequencies(grays))


def phash_orientations(grays: Gray) -> Bits:
    """The pHashes of thumbnails turned eight ways. grays: (n, 32, 32). Returns (n, 8, 8 bytes).

    Mirroring a picture flips the signs of its DCT's odd columns, transposing it transposes the DCT; every
    turn is made of these two, so that one transform serves all eight.
    """
    upright = _low_frequencies(grays)
    mirrored = upright * _ALTERNATING
    turned = [_turn_frequencies(held, quarter) for held in (upright, mirrored) for quarter in range(4)]
    return _above_median(np.stack(turned, axis=1))


def phash_quality(grays: Gray) -> NDArray[np.uint8]:
    """How far the bits of a pHash can be trusted, 0-100. grays: (n, 32, 32). Returns (n,).

    Half of the coefficients stand at least this far from their threshold: 50 is an amplitude of 0.2 gray
    levels, about what recompression moves them by. Of 500 photographs, logos and drawn pictures, scaled to
    0.6 and saved as JPEG of quality 40, those from 50 up changed 0.6 bits on average and 4 at most; those
    below 15 changed 16.
    """
    coefficients = _low_frequencies(grays).reshape(-1, 64)
    amplitude = _median(np.abs(coefficients - _median(coefficients)))[:, 0] / 256
    return np.minimum(100, 250 * amplitude).astype(np.uint8)


def dhash(grays: Gray) -> Bits:
    """Hash thumbnails by which of two neighbors in a row is brighter. grays: (n, 8, 9). Returns (n, 8).

    A bit is set where the right one is: `imagehash.dhash` of the same thumbnail.
    """
    _check(grays, (8, 9))
    brighter = grays[:, :, 1:] > grays[:, :, :-1]
    return np.packbits(brighter.reshape(-1, 64), axis=1)


def dhash_orientations(wide: Gray, tall: Gray) -> Bits:
    """The dHashes of pictures turned eight ways. wide: (n, 8, 9); tall: (n, 9, 8). Returns (n, 8, 8 bytes).

    A picture on its side has 9 pixels where it had 8, so the quarter turns start from the tall thumbnails.
    """
    _check(wide, (8, 9))
    _check(tall, (9, 8))
    held = (wide, tall, wide, tall)
    mirrored = tuple(grays[:, :, ::-1] for grays in held)
    rows = [
        dhash(np.rot90(grays, -quarter, axes=(1, 2)))
        for turns in (held, mirrored)
        for quarter, grays in enumerate(turns)
    ]
    return np.stack(rows, axis=1)


def thumbnail(gray: Gray, height: int, width: int) -> Gray:
    """Shrink a gray picture of any size to (height, width), each 8, 9 or 32.

    Area average to about 64 x 64, then Lanczos-3: nearly what Pillow's LANCZOS makes of the whole picture, at
    a tenth of its cost. On photographs pHash and dHash then differ from `imagehash` by 0.3 to 0.5 bits of 64 on
    average.
    """
    down, across = _LANCZOS[height], _LANCZOS[width]
    near = area_average(gray, down.shape[1], across.shape[1])
    return _to_uint8(down @ near @ across.T)


def area_average(gray: Gray, height: int, width: int) -> Floats:
    """Shrink to (height, width): each new pixel is the exact mean of the area it covers, not rounded.

    From differences of the integral image (Crow 1984), read between its entries: four times faster than
    `cv2.resize(..., INTER_AREA)`. Enlarging repeats pixels. A picture over 4 megapixels is halved first,
    which keeps the sums within 32 bits.
    """
    gray = _halved(gray)
    sums = np.asarray(cv2.integral(gray))
    row, below = _edges(gray.shape[0], height)
    column, right = _edges(gray.shape[1], width)
    above = sums.take(row, axis=0)
    lines = above + (sums.take(row + 1, axis=0) - above) * below[:, None]
    left = lines.take(column, axis=1)
    corners = left + (lines.take(column + 1, axis=1) - left) * right
    bands = corners[1:] - corners[:-1]
    means: Floats = (bands[:, 1:] - bands[:, :-1]) * (height * width / gray.size)
    return means


def _lanczos(old: int, new: int) -> Floats:
    """The (new, old) matrix that shrinks by Lanczos's kernel of three lobes; its rows sum to 1."""
    centers = (np.arange(new)[:, None] + 0.5) * old / new
    distance = (np.arange(old) + 0.5 - centers) * new / old
    kernel = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)
    weights: Floats = kernel / kernel.sum(axis=1, keepdims=True)
    return weights


_DCT = np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(32) + 1) / 64)
_ALTERNATING: Floats = np.where(np.arange(8) % 2, -1.0, 1.0)
_ROUNDING = 1e-6  # a float64 DCT errs by 1e-10; two coefficients seldom lie nearer than 1
_LANCZOS = {side: _lanczos(near, side) for side, near in ((8, 64), (9, 72), (32, 64))}
_MAX_PIXELS = 1 << 22
_PDQ_ORDER = (0, 3, 2, 1, 5, 7, 4, 6)  # pdqhash turns counterclockwise, and has its own order of mirrors


def _spec(name: str) -> HashSpec:
    if name not in HASHES:
        raise InvalidArgument("hash", name, f"one of {', '.join(HASHES)}")
    return HASHES[name]


def _check(grays: Gray, shape: tuple[int, int]) -> None:
    if grays.ndim != 3 or grays.shape[1:] != shape:
        raise ShapeMismatch("gray thumbnails", expected=(len(grays), *shape), got=grays.shape)


def _checked(picture: Pixels) -> Pixels:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
        got = f"{picture.shape} {picture.dtype}"
        raise InvalidArgument("picture", got, "(H, W, 3) uint8 pixels with H and W at least 1")
    return picture


def _low_frequencies(grays: Gray) -> Floats:
    _check(grays, (32, 32))
    low: Floats = _DCT @ grays.astype(np.float64) @ _DCT.T
    return low


def _turn_frequencies(low: Floats, quarter: int) -> Floats:
    down = _ALTERNATING[:, None]
    if quarter == 0:
        return low
    if quarter == 2:
        return low * _ALTERNATING * down
    return low.swapaxes(1, 2) * (_ALTERNATING if quarter == 1 else down)


def _median(values: Floats) -> Floats:
    """The median of 64 values along the last axis, which is kept."""
    ordered = np.sort(values, axis=-1)
    middle: Floats = (ordered[..., 31:32] + ordered[..., 32:33]) / 2
    return middle


def _above_median(coefficients: Floats) -> Bits:
    flat = coefficients.reshape(*coefficients.shape[:-2], 64)
    return np.packbits(flat > _median(flat) + _ROUNDING, axis=-1)


def _to_uint8(levels: Floats) -> Gray:
    # Seven decimals drop the rounding of earlier sums, so that a mirrored picture breaks its ties alike.
    return np.clip(np.rint(np.round(levels, 7)), 0, 255).astype(np.uint8)


@lru_cache(maxsize=256)
def _edges(old: int, new: int) -> tuple[NDArray[np.intp], Floats]:
    """Where the new pixels' borders fall among the old: whole part, and the rest in [0, 1]."""
    border = np.arange(new + 1) * old / new
    whole = np.minimum(border.astype(np.intp), old - 1)
    return whole, border - whole


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    while picture.shape[0] * picture.shape[1] > _MAX_PIXELS:
        height, width = picture.shape[:2]
        size = (max(1, width // 2), max(1, height // 2))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


def _thumbnails(pictures: Sequence[Pixels], *shapes: tuple[int, int]) -> list[Gray]:
    """One (n, height, width) array for each shape."""
    made = [np.empty((len(pictures), *shape), np.uint8) for shape in shapes]
    for i, picture in enumerate(pictures):
        gray = to_gray(_checked(picture))
        for rows, shape in zip(made, shapes, strict=True):
            rows[i] = thumbnail(gray, *shape)
    return made


def _phash_pictures(pictures: Sequence[Pixels]) -> Hashes:
    (grays,) = _thumbnails(pictures, (32, 32))
    return Hashes(phash(grays), phash_quality(grays))


def _phash_turned(pictures: Sequence[Pixels]) -> Bits:
    return phash_orientations(*_thumbnails(pictures, (32, 32)))


def _dhash_pictures(pictures: Sequence[Pixels]) -> Hashes:
    # Smooth gradients have steady dHashes, but all of them the same one: pHash's quality sees through that.
    grays, textures = _thumbnails(pictures, (8, 9), (32, 32))
    return Hashes(dhash(grays), phash_quality(textures))


def _dhash_turned(pictures: Sequence[Pixels]) -> Bits:
    return dhash_orientations(*_thumbnails(pictures, (8, 9), (9, 8)))


def _pdq_pictures(pictures: Sequence[Pixels]) -> Hashes:
    made = [pdqhash.compute(_halved(_checked(picture))) for picture in pictures]
    bits = np.array([vector for vector, _ in made], np.uint8).reshape(-1, 256)
    return Hashes(np.packbits(bits, axis=1), np.array([quality for _, quality in made], np.uint8))


def _pdq_turned(pictures: Sequence[Pixels]) -> Bits:
    made = [pdqhash.compute_dihedral(_halved(_checked(picture)))[0] for picture in pictures]
    bits = np.array(made, np.uint8).reshape(-1, 8, 256)
    return np.packbits(bits[:, _PDQ_ORDER], axis=2)


HASHES: Mapping[str, HashSpec] = {
    spec.name: spec
    for spec in (
        HashSpec("phash", bytes=8, version=1, wants=32, compute=_phash_pictures, orient=_phash_turned),
        HashSpec("dhash", bytes=8, version=1, wants=36, compute=_dhash_pictures, orient=_dhash_turned),
        HashSpec("pdq", bytes=32, version=1, wants=256, compute=_pdq_pictures, orient=_pdq_turned),
    )
}
"""Every kind: pHash (DCT; Zauner 2010), dHash (Krawetz 2013), PDQ (Meta 2019, computed by pdqhash)."""
