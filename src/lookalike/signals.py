"""What is measured of a pair of pictures: independent signals, without any verdict on them.

A `Portrait` holds what is measured of one picture alone, so that many pairs of the same pictures cost little more each.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import Ensemble, calibrated
from lookalike.describers.hashes import MIN_QUALITY, Bits, hamming, hash_pictures, held_as, orientations
from lookalike.errors import InvalidArgument
from lookalike.images.image import Image, Pixels
from lookalike.images.resize import thumbnail
from lookalike.keypoints import Features, Overlap, count_matches, find_overlap, is_finer, mirrored
from lookalike.keypoints import prepare as find_keypoints
from lookalike.ssim import Prepared, prepare, ssim, to_gray

__all__ = [
    "ALIKE",
    "Portrait",
    "Signals",
    "Sketch",
    "likely_alike",
    "match_hashes",
    "measure",
    "measure_portraits",
    "portrait",
]

ALIKE: Final = 0.7
"""P(same kind of thing) from which two pictures are called similar."""

T = TypeVar("T")

_TURNED = 14  # pHash bits of 64 up to which an orientation is believed
_COMPARED_SIDE = 512  # SSIM looks at pictures of at most this longer side
_EVIDENT = (24, 6, 0.9)  # bits of PDQ and pHash up to which, and P(same) by the copy vector from which, all is said
_FAR = (90, 17)  # bits from which, and
_UNLIKELY, _UNLIKE = 0.02, 0.5  # P(same) and P(same kind) below which two pictures are strangers
_DOUBTFUL = 0.3  # P(same) by the copy vector from which it is worth looking closer for keypoints
_PROMISING = 5  # keypoints that match, from which a closer look may align them
_SURE = 20  # aligned keypoints from which nobody needs to look closer


@dataclass(frozen=True, slots=True)
class Signals:
    """What was measured of a pair (a, b).

    turned: index into `hashes.ORIENTATIONS`: how a is held to be nearest to b. phash_bits of 64, pdq_bits of 256:
    what differs then. plain: one is too plain for hashes to mean anything. copy, meaning, color: cosines, negative
    ones as 0; the probabilities by the model's curves. ssim: in [0, 1]. All of these of a held as said.
    looked: whether it was looked for where they overlap: not where all else agrees that it is the same picture as a
    whole, or a stranger; keypoints is 0 and overlap None then. keypoints: of the picture that has fewer. overlap: where
    a, as it is (or mirrored left to right, if `mirrored`), lies in b; None if no transform explains enough keypoints.
    """

    same_pixels: bool
    turned: int
    phash_bits: int
    pdq_bits: int
    plain: bool
    copy: float
    copy_probability: float
    meaning: float
    meaning_probability: float
    ssim: float
    color: float
    keypoints: int
    overlap: Overlap | None
    mirrored: bool
    looked: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What is known of a picture before it is looked at, and needn't be measured again.

    phashes: (8, 8) packed bits, of it held in each way. plain: as in `Signals`. copy: (d,) the unit row of the
    ensemble's copy vector, None if that isn't known.
    """

    phashes: Bits
    plain: bool
    copy: NDArray[np.float32] | None = None


class Portrait:
    """What is measured of one picture alone; every part when it is first asked for, once, whatever threads ask.

    `held` is an index into `hashes.ORIENTATIONS`: how the picture is turned before it is measured.
    """

    def __init__(self, pixels: Pixels, ensemble: Ensemble, sketch: Sketch | None = None) -> None:
        """pixels: (H, W, 3) uint8, not to be changed afterwards; ensemble: with curves for both of its answers."""
        self.pixels, self.ensemble = pixels, ensemble
        self._lock = threading.RLock()
        self._made: dict[tuple[str, int], Any] = {}
        if sketch is not None:
            self._made = {("phashes", 0): sketch.phashes, ("plain", 0): sketch.plain}
        self._copy = None if sketch is None else sketch.copy

    @property
    def phashes(self) -> Bits:
        """The pHashes of the picture held in each way: (8, 8) packed bits."""
        return self._once("phashes", 0, lambda: orientations("phash", [self.pixels])[0])

    @property
    def plain(self) -> bool:
        """Whether it is too plain for hashes to mean anything."""
        return self._once("plain", 0, lambda: int(hash_pictures("phash", [self.pixels]).quality[0]) < MIN_QUALITY)

    @property
    def keypoints(self) -> Features:
        """Keypoints of the picture as it is, at a glance."""
        return self._once("keypoints", 0, lambda: find_keypoints(self.pixels))

    @property
    def fine_keypoints(self) -> Features:
        """Keypoints of the picture as it is, looked at closer, or those at a glance where that is all there is."""
        if not is_finer(self.pixels):
            return self.keypoints
        return self._once("fine", 0, lambda: find_keypoints(self.pixels, closer=True))

    def pdq(self, held: int = 0) -> Bits:
        """Return (32,) packed bits."""
        return self._once("pdq", held, lambda: hash_pictures("pdq", [held_as(self.pixels, held)]).bits[0])

    def rows(self, held: int = 0) -> Mapping[str, NDArray[Any]]:
        """Return what the ensemble says of it, name -> (width,)."""

        def describe() -> Mapping[str, NDArray[Any]]:
            return {name: rows[0] for name, rows in self.ensemble.describe([held_as(self.pixels, held)]).items()}

        return self._once("rows", held, describe)

    def row(self, name: str, held: int = 0) -> NDArray[Any]:
        """Return one of the rows, (width,)."""
        if name == "copy" and not held and self._copy is not None:
            return self._copy
        return self.rows(held)[name]

    def gray(self, held: int = 0) -> Prepared:
        """Return it ready for SSIM, at most 512 px on its longer side."""
        return self._once("gray", held, lambda: prepare(to_gray(thumbnail(held_as(self.pixels, held), _COMPARED_SIDE))))

    def _once(self, part: str, held: int, make: Callable[[], T]) -> T:
        with self._lock:
            if (part, held) not in self._made:
                self._made[part, held] = make()
            made: T = self._made[part, held]
            return made


def portrait(picture: Image | Pixels, ensemble: Ensemble, sketch: Sketch | None = None) -> Portrait:
    """Return a picture ready to be measured against others: fully decoded, or (H, W, 3) uint8.

    The bundled model measures if the ensemble's cosines have no curves; then a sketch must be of its making.
    """
    return Portrait(picture.pixels if isinstance(picture, Image) else picture, calibrated(ensemble), sketch)


def measure(a: Image, b: Image, ensemble: Ensemble) -> Signals:
    """Measure every signal of a pair, a and b fully decoded; by the bundled model if the cosines have no curves."""
    return measure_portraits(portrait(a, ensemble), portrait(b, ensemble))


def measure_portraits(a: Portrait, b: Portrait, *, needless: bool = True, overlap: Overlap | None = None) -> Signals:
    """Measure every signal of a pair; what is of one picture alone is kept in its portrait.

    needless: whether to measure what no judgment asks for, too: SSIM and color where hashes say more, meaning where
    the copy vector does, nan otherwise; and to look closer where a glance has as good as nothing to go by.
    overlap: of the two, if that is known, so that nobody looks for keypoints.
    Not symmetric to the last bit: who wants that takes the pictures in one order. Raises InvalidArgument if the two
    were made for different ensembles.
    """
    if a.ensemble is not b.ensemble:
        raise InvalidArgument("b", b.ensemble.signatures, "a portrait by the same ensemble as the first")
    held, phash_bits, plain = match_hashes(a, b)
    copy, likely = _agreed(a, b, "copy", held)
    meaning, alike = _agreed(a, b, "meaning", held) if needless or likely < _UNLIKELY else (math.nan, math.nan)
    by_pixels = plain or needless
    signals = Signals(
        same_pixels=a.pixels.shape == b.pixels.shape and bool(np.array_equal(a.pixels, b.pixels)),
        turned=held,
        phash_bits=phash_bits,
        pdq_bits=int(hamming(a.pdq(held), b.pdq()[None])[0]),
        plain=plain,
        copy=copy,
        copy_probability=likely,
        meaning=meaning,
        meaning_probability=alike,
        ssim=float(np.clip(ssim(a.gray(held), b.gray()), 0.0, 1.0)) if by_pixels else math.nan,
        color=max(0.0, _cosine(a, b, "color", held)) if by_pixels else math.nan,
        keypoints=0,
        overlap=overlap,
        mirrored=held >= 4 and overlap is not None,
        looked=overlap is not None,
    )
    return signals if signals.looked or _decided(signals) else _aligned(a, b, signals, needless)


def likely_alike(a: Portrait, b: Portrait, held: int = 0) -> float:
    """Return P(same kind of thing) of two pictures, the first held as said."""
    return _agreed(a, b, "meaning", held)[1]


def _agreed(a: Portrait, b: Portrait, name: str, held: int) -> tuple[float, float]:
    """Return a cosine, negative ones as 0, and what it means as a probability."""
    cosine = _cosine(a, b, name, held)
    return max(0.0, cosine), a.ensemble.curves[name].probability(cosine)


def _cosine(a: Portrait, b: Portrait, name: str, held: int) -> float:
    return float(np.clip(a.row(name, held) @ b.row(name), -1.0, 1.0))


def _decided(signals: Signals) -> bool:
    """Whether keypoints would change nothing: no crop or border leaves both hashes that near.

    Of 1,000 copies of unseen classes 2 that keypoints would have found are strangers by all else, parts of collages.
    """
    pdq, phash, likely = _EVIDENT
    near = signals.pdq_bits <= pdq and signals.phash_bits <= phash and signals.copy_probability >= likely
    far_pdq, far_phash = _FAR
    far = signals.pdq_bits >= far_pdq and signals.phash_bits >= far_phash
    strange = signals.copy_probability < _UNLIKELY and signals.meaning_probability < _UNLIKE
    return signals.same_pixels or (not signals.plain and (near or (far and strange)))


def match_hashes(a: Portrait, b: Portrait) -> tuple[int, int, bool]:
    """Return the orientation of a that is nearest to b, the bits of pHash that differ then, and whether one is plain.

    pHash tells the orientation, since it turns exactly; PDQ is then made of the picture held that way.
    """
    bits = hamming(b.phashes[0], a.phashes)
    plain = a.plain or b.plain
    nearest = int(np.argmin(bits))
    if plain or bits[nearest] > _TURNED:
        nearest = 0  # of eight hashes that don't agree, the best means nothing
    return nearest, int(bits[nearest]), plain


def _aligned(a: Portrait, b: Portrait, signals: Signals, needless: bool) -> Signals:
    """Return the signals with what keypoints say: at a glance, and where it is in doubt then, looked at closer.

    Of 48 copies that only a closer look told, all but 2 had `_PROMISING` matches at a glance; of 699 strangers that
    the copy vector takes for copies a third had fewer.
    """
    own, other = a.keypoints, b.keypoints
    overlap, flipped = _find_overlap(own, other, signals.turned >= 4)
    firm = 0 if overlap is None else overlap.inliers
    in_doubt = firm < _SURE and signals.copy_probability >= _DOUBTFUL
    finer = is_finer(a.pixels) or is_finer(b.pixels)
    if in_doubt and finer and (needless or firm or count_matches(own, other) >= _PROMISING):
        closely, closely_flipped = _find_overlap(a.fine_keypoints, b.fine_keypoints, signals.turned >= 4)
        if overlap is None or (closely is not None and closely.inliers > firm):
            own, other = a.fine_keypoints, b.fine_keypoints
            overlap, flipped = closely, closely_flipped
    fewer = min(len(own.points), len(other.points))
    return replace(signals, keypoints=fewer, overlap=overlap, mirrored=flipped, looked=True)


def _find_overlap(a: Features, b: Features, flipped: bool) -> tuple[Overlap | None, bool]:
    """Keypoints know rotation and scale by themselves, but a mirrored part must be looked for as such.

    flipped: whether to try that first.
    """
    for mirror in (flipped, not flipped):
        overlap = find_overlap(mirrored(a) if mirror else a, b)
        if overlap is not None:
            return overlap, mirror
    return None, False
