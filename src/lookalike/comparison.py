"""Two pictures held against each other: independent signals, one calibrated answer, and the reasons in words.

The signals are digests (the same bytes? the same pixels?), hashes in all eight orientations, the copy and meaning
vectors of the model, SSIM, and colors. Copy and hashes say whether it is the same picture; meaning and colors say
whether it shows the same kind of thing; neither answers for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from lookalike.describe.colors import dominant_colors
from lookalike.describe.ensemble import Ensemble, standard_ensemble
from lookalike.describe.hashes import MIN_QUALITY, ORIENTATIONS, hamming, hash_pictures, orientations
from lookalike.errors import InvalidArgument
from lookalike.images import read_image
from lookalike.images.image import Image, Pixels
from lookalike.records import Comparison, Verdict
from lookalike.settings import Settings
from lookalike.ssim import prepare, ssim, to_gray

__all__ = ["Method", "compare"]

Method = Literal["auto", "copy", "meaning", "ssim", "color"]

_CALIBRATION = "provisional"
_SAME = 0.5  # probability from which two pictures are called the same one
_NEAR = 0.15  # below that, still enough to be called another shot of the same scene, if the meaning agrees
_PDQ_SAME = 31  # bits of 256 at which its authors call two pictures the same
_PHASH_SAME = 10  # bits of 64
_SSIM_SAME = 0.95  # the grade that grouping by SSIM uses by default
_COMPARED_SIDE = 512  # SSIM looks at pictures of at most this longer side


@dataclass(frozen=True, slots=True)
class _Signals:
    """What was measured of a pair; each in [0, 1] except the bit counts."""

    same_pixels: bool
    turned: int  # index into ORIENTATIONS: how a is held to match b
    phash_bits: int
    pdq_bits: int
    plain: bool  # too plain for hashes to mean anything
    copy: float
    copy_probability: float
    meaning: float
    meaning_probability: float
    ssim: float
    color: float


def compare(a: Any, b: Any, *, method: Method = "auto", settings: Settings | None = None) -> Comparison:
    """Compare two pictures: anything `read_image` takes.

    The score is in [0, 1], symmetric, and exactly 1.0 for the same pixels (and only for them). With "auto" it
    joins copy and meaning: 1 - (1 - P(same picture)) x (1 - 3/4 P(same kind of thing)); the other methods give
    one signal alone. `verdict` is "identical" or "edited-copy" where P(same picture) is at least 0.5.
    Raises ImageError for a picture that can't be read, InvalidArgument for an unknown method.
    """
    if method not in get_args(Method):
        raise InvalidArgument("method", method, f"one of {', '.join(get_args(Method))}")
    settings = settings or Settings.load()
    first, second = (read_image(source, limits=settings.limits) for source in (a, b))
    ensemble = standard_ensemble(settings.model)
    # Always measured in one order, so that compare(a, b) and compare(b, a) agree to the last bit.
    swapped = first.sha256 > second.sha256
    pair = (second, first) if swapped else (first, second)
    signals = _measure(*pair, ensemble)
    probability = _same_picture(signals)
    score = _score(method, signals, probability)
    verdict = _verdict(method, signals, probability)
    return Comparison(
        score=score,
        verdict=verdict,
        probability=round(probability, 6),
        method=method,
        calibration=_CALIBRATION,
        reasons=_reasons(signals, swapped),
        evidence=_evidence(signals, first, second, swapped),
    )


def _measure(a: Image, b: Image, ensemble: Ensemble) -> _Signals:
    same_pixels = a.pixels.shape == b.pixels.shape and bool(np.array_equal(a.pixels, b.pixels))
    turned, phash_bits, pdq_bits, plain = _match_hashes(a.pixels, b.pixels)
    held = _turn(a.pixels, turned)
    rows = ensemble.describe([held, b.pixels])
    cosine = {name: float(np.clip(rows[name][0] @ rows[name][1], -1.0, 1.0)) for name in ("copy", "meaning", "color")}
    curves = ensemble.neural.card.calibration
    return _Signals(
        same_pixels=same_pixels,
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
    )


def _match_hashes(a: Pixels, b: Pixels) -> tuple[int, int, int, bool]:
    """Return the orientation of a that is nearest to b, the bits that differ then (pHash, PDQ), and plainness."""
    bits = {}
    quality = 100
    for name in ("phash", "pdq"):
        turned = orientations(name, [a])[0]
        target = hash_pictures(name, [b])
        bits[name] = hamming(target.bits[0], turned)
        quality = min(quality, int(target.quality[0]), int(hash_pictures(name, [a]).quality[0]))
    plain = quality < MIN_QUALITY
    nearest = 0 if plain else int(np.argmin(bits["pdq"] / 256 + bits["phash"] / 64))
    return nearest, int(bits["phash"][nearest]), int(bits["pdq"][nearest]), plain


def _turn(pixels: Pixels, orientation: int) -> Pixels:
    held = pixels[:, ::-1] if orientation >= 4 else pixels
    return np.ascontiguousarray(np.rot90(held, -(orientation % 4)))


def _ssim(a: Pixels, b: Pixels) -> float:
    from lookalike.images.resize import thumbnail

    grays = [prepare(to_gray(thumbnail(pixels, _COMPARED_SIDE))) for pixels in (a, b)]
    return float(np.clip(ssim(*grays), 0.0, 1.0))


def _same_picture(signals: _Signals) -> float:
    """P(same picture): the stronger of two independent signals; plain pictures are judged by their pixels alone."""
    if signals.same_pixels:
        return 1.0
    if signals.plain:
        return 0.99 * max(0.0, 1.0 - 20.0 * (1.0 - signals.ssim)) * signals.color
    by_hash = min(_logistic(_PDQ_SAME + 24, signals.pdq_bits, 8.0), _logistic(_PHASH_SAME + 4, signals.phash_bits, 2.0))
    return min(0.999999, max(by_hash, signals.copy_probability))


def _logistic(middle: float, value: float, width: float) -> float:
    return float(1.0 / (1.0 + np.exp((value - middle) / width)))


def _score(method: Method, signals: _Signals, probability: float) -> float:
    if signals.same_pixels:
        return 1.0
    alone = {"copy": signals.copy, "meaning": signals.meaning, "ssim": signals.ssim, "color": signals.color}
    joined = 1.0 - (1.0 - probability) * (1.0 - 0.75 * signals.meaning_probability)
    return round(min(0.999999, alone.get(method, joined)), 6)


def _verdict(method: Method, signals: _Signals, probability: float) -> Verdict:
    if signals.same_pixels:
        return "identical"
    same = {
        "copy": signals.copy_probability >= _SAME,
        "ssim": signals.ssim >= _SSIM_SAME,
        "meaning": False,
        "color": False,
    }.get(method, probability >= _SAME)
    if same:
        return "edited-copy"
    alike = {"ssim": signals.ssim >= 0.5, "color": signals.color >= 0.8}.get(method, signals.meaning_probability >= 0.5)
    if alike and method in ("auto", "copy") and probability >= _NEAR:
        return "near-duplicate"
    return "similar" if alike else "unrelated"


def _reasons(signals: _Signals, swapped: bool) -> list[str]:
    if signals.same_pixels:
        return ["the pixels are the same"]
    reasons = []
    if signals.plain:
        reasons.append("one of them is too plain for hashes to mean anything")
    elif signals.pdq_bits <= _PDQ_SAME or signals.phash_bits <= _PHASH_SAME:
        how = "" if signals.turned == 0 else f", one of them {ORIENTATIONS[_inverse(signals.turned, swapped)]}"
        reasons.append(f"their hashes agree but for {signals.pdq_bits} of 256 and {signals.phash_bits} of 64 bits{how}")
    else:
        reasons.append(f"their hashes differ in {signals.pdq_bits} of 256 and {signals.phash_bits} of 64 bits")
    reasons.append(f"same picture by the copy vector: {signals.copy_probability:.0%}")
    reasons.append(f"same kind of thing by the meaning vector: {signals.meaning_probability:.0%}")
    reasons.append(f"structure (SSIM) {signals.ssim:.2f}, colors {signals.color:.2f}")
    return reasons


def _inverse(turned: int, swapped: bool) -> int:
    """The turn seen from the other picture: a quarter turn back for one forward; mirrored turns undo themselves."""
    return (4 - turned) % 4 if swapped and turned < 4 else turned


def _evidence(signals: _Signals, a: Image, b: Image, swapped: bool) -> Mapping[str, Any]:
    return {
        "digest": {"same_bytes": a.sha256 == b.sha256, "same_pixels": signals.same_pixels},
        "hash": {
            "phash_bits_of_64": signals.phash_bits,
            "pdq_bits_of_256": signals.pdq_bits,
            "orientation": ORIENTATIONS[_inverse(signals.turned, swapped)],
            "plain": signals.plain,
        },
        "copy": {"cosine": round(signals.copy, 6), "probability": round(signals.copy_probability, 6)},
        "meaning": {"cosine": round(signals.meaning, 6), "probability": round(signals.meaning_probability, 6)},
        "ssim": {"value": round(signals.ssim, 6)},
        "colors": {"similarity": round(signals.color, 6), "a": _palette(a.pixels), "b": _palette(b.pixels)},
        "pictures": [
            {"width": image.width, "height": image.height, "format": image.format, "sha256": image.sha256}
            for image in (a, b)
        ],
    }


def _palette(pixels: Pixels) -> list[dict[str, Any]]:
    return [{"hex": color.hex, "name": color.name, "share": color.share} for color in dominant_colors(pixels)]
