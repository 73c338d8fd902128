"""What is measured of a pair of pictures: independent signals, without any verdict on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookalike.describers.ensemble import Ensemble, calibrated
from lookalike.describers.hashes import MIN_QUALITY, hamming, hash_pictures, orientations
from lookalike.images.image import Image, Pixels
from lookalike.images.resize import thumbnail
from lookalike.keypoints import Overlap, find_overlap
from lookalike.keypoints import prepare as find_keypoints
from lookalike.ssim import prepare, ssim, to_gray

__all__ = ["Signals", "measure"]

_TURNED = 14  # pHash bits of 64 up to which an orientation is believed
_COMPARED_SIDE = 512  # SSIM looks at pictures of at most this longer side


@dataclass(frozen=True, slots=True)
class Signals:
    """What was measured of a pair (a, b).

    turned: index into `hashes.ORIENTATIONS`: how a is held to be nearest to b. phash_bits of 64, pdq_bits of 256:
    what differs then. plain: one is too plain for hashes to mean anything. copy, meaning, color: cosines, negative
    ones as 0; the probabilities by the model's curves. ssim: in [0, 1], a held as said.
    keypoints: of the picture that has fewer. overlap: where a, held as said (and mirrored, if `mirrored`), lies in b;
    None if no transform explains enough keypoints.
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


def measure(a: Image, b: Image, ensemble: Ensemble) -> Signals:
    """Measure every signal of a pair, a and b fully decoded; by the bundled model if the cosines have no curves."""
    turned, phash_bits, pdq_bits, plain = _match_hashes(a.pixels, b.pixels)
    held = _turn(a.pixels, turned)
    ensemble = calibrated(ensemble)
    rows, curves = ensemble.describe([held, b.pixels]), ensemble.curves
    cosine = {name: float(np.clip(rows[name][0] @ rows[name][1], -1.0, 1.0)) for name in ensemble.dims}
    keypoints, overlap, mirrored = _find_overlap(held, b.pixels)
    return Signals(
        same_pixels=a.pixels.shape == b.pixels.shape and bool(np.array_equal(a.pixels, b.pixels)),
        turned=turned,
        phash_bits=phash_bits,
        pdq_bits=pdq_bits,
        plain=plain,
        copy=max(0.0, cosine["copy"]),
        copy_probability=curves["copy"].probability(cosine["copy"]),
        meaning=max(0.0, cosine["meaning"]),
        meaning_probability=curves["meaning"].probability(cosine["meaning"]),
        ssim=_ssim(held, b.pixels),
        color=max(0.0, cosine["color"]),
        keypoints=keypoints,
        overlap=overlap,
        mirrored=mirrored,
    )


def _match_hashes(a: Pixels, b: Pixels) -> tuple[int, int, int, bool]:
    """Return the orientation of a that is nearest to b, the bits that differ then (pHash, PDQ), and plainness.

    pHash tells the orientation, since it turns exactly; PDQ is then made of the picture held that way.
    """
    own, other = (hash_pictures("phash", [pixels]) for pixels in (a, b))
    bits = hamming(other.bits[0], orientations("phash", [a])[0])
    plain = min(int(own.quality[0]), int(other.quality[0])) < MIN_QUALITY
    nearest = int(np.argmin(bits))
    if plain or bits[nearest] > _TURNED:
        nearest = 0  # of eight hashes that don't agree, the best means nothing
    pdq = hash_pictures("pdq", [_turn(a, nearest), b]).bits
    return nearest, int(bits[nearest]), int(hamming(pdq[0], pdq[1:])[0]), plain


def _turn(pixels: Pixels, orientation: int) -> Pixels:
    held = pixels[:, ::-1] if orientation >= 4 else pixels
    return np.ascontiguousarray(np.rot90(held, -(orientation % 4)))


def _ssim(a: Pixels, b: Pixels) -> float:
    grays = [prepare(to_gray(thumbnail(pixels, _COMPARED_SIDE))) for pixels in (a, b)]
    return float(np.clip(ssim(*grays), 0.0, 1.0))


def _find_overlap(a: Pixels, b: Pixels) -> tuple[int, Overlap | None, bool]:
    """Keypoints know rotation and scale by themselves, but a mirrored part must be looked for as such."""
    own, target = find_keypoints(a), find_keypoints(b)
    fewer = min(len(own.points), len(target.points))
    upright = find_overlap(own, target)
    if upright is not None:
        return fewer, upright, False
    mirrored = find_overlap(find_keypoints(np.ascontiguousarray(a[:, ::-1])), target)
    return fewer, mirrored, mirrored is not None
