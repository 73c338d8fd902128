"""Two pictures held against each other: one calibrated answer from independent signals, and the reasons in words.

Digests, hashes in all eight orientations, the copy vector and the geometry of keypoints say whether it is the same
picture; meaning and colors say whether it shows the same kind of thing; neither answers for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from lookalike.describers.colors import dominant_colors
from lookalike.describers.ensemble import Ensemble, calibrated, standard_ensemble
from lookalike.describers.hashes import ORIENTATIONS
from lookalike.errors import InvalidArgument
from lookalike.images import read_image
from lookalike.images.image import Image, Pixels
from lookalike.judgment import judgment
from lookalike.records import Comparison, Verdict
from lookalike.settings import Settings
from lookalike.signals import ALIKE, Signals, measure

__all__ = ["Method", "compare"]

Method = Literal["auto", "copy", "meaning", "ssim", "color"]

_SAME = 0.5  # probability from which two pictures are called the same one
_BELOW_ONE = 0.999999  # the score 1 is kept for the same pixels
_PDQ_SAME = 31  # bits of 256 at which its authors call two pictures the same
_PHASH_SAME = 10  # bits of 64
_SSIM_SAME = 0.95  # the grade that grouping by SSIM uses by default
_INLIERS = 14  # keypoints on one transform; chance and shared captions seldom give more
_SCENE = 0.4  # agreement from which aligned pictures show the same scene


def compare(a: Any, b: Any, *, method: Method = "auto", settings: Settings | None = None) -> Comparison:
    """Compare two pictures: anything `read_image` takes.

    The score is in [0, 1], symmetric, and exactly 1.0 for the same pixels (and only for them). With "auto" it
    joins both questions: 1 - (1 - P(same picture)) x (1 - 3/4 P(same kind of thing)); the other methods give
    one signal alone. `verdict` is "identical" for the same pixels, "edited-copy" where P(same picture) is at least 0.5,
    "near-duplicate" where keypoints align the two without making them the same picture, else "similar" where P(same
    kind of thing) is at least 0.5. `calibration` is "fitted" where the weights of the signals were fitted with the
    copy vector that measured, also one that a trained model took over, else "provisional".
    Raises ImageError for a picture that can't be read, InvalidArgument for an unknown method.
    """
    if method not in get_args(Method):
        raise InvalidArgument("method", method, f"one of {', '.join(get_args(Method))}")
    settings = settings or Settings.load()
    first, second = (read_image(source, limits=settings.limits) for source in (a, b))
    # Always measured in one order, so that compare(a, b) and compare(b, a) agree to the last bit.
    swapped = first.sha256 > second.sha256
    ensemble = standard_ensemble(settings.model)
    signals = measure(*((second, first) if swapped else (first, second)), ensemble)
    judge = judgment()
    probability = judge.probability(signals)
    return Comparison(
        score=_score(method, signals, probability),
        verdict=_verdict(method, signals, probability),
        probability=round(probability, 6),
        method=method,
        calibration="fitted" if judge.signature == calibrated(ensemble).origin("copy") else "provisional",
        reasons=[*_reasons(signals, swapped), *_substitution(ensemble)],
        evidence=_evidence(signals, first, second, swapped),
    )


def _score(method: Method, signals: Signals, probability: float) -> float:
    if signals.same_pixels:
        return 1.0
    alone = {"copy": signals.copy, "meaning": signals.meaning, "ssim": signals.ssim, "color": signals.color}
    joined = 1.0 - (1.0 - probability) * (1.0 - 0.75 * signals.meaning_probability)
    return round(min(_BELOW_ONE, alone.get(method, joined)), 6)


def _verdict(method: Method, signals: Signals, probability: float) -> Verdict:
    if signals.same_pixels:
        return "identical"
    match method:
        case "copy":
            same, alike = signals.copy_probability >= _SAME, signals.meaning_probability >= ALIKE
        case "meaning":
            same, alike = False, signals.meaning_probability >= ALIKE
        case "ssim":
            same, alike = signals.ssim >= _SSIM_SAME, signals.ssim >= 0.5
        case "color":
            same, alike = False, signals.color >= 0.8
        case "auto":
            same, alike = probability >= _SAME, signals.meaning_probability >= ALIKE
    if same:
        return "edited-copy"
    if method == "auto" and _same_scene(signals):
        return "near-duplicate"
    return "similar" if alike else "unrelated"


def _same_scene(signals: Signals) -> bool:
    overlap = signals.overlap
    return overlap is not None and overlap.inliers >= _INLIERS and overlap.agreement >= _SCENE


def _reasons(signals: Signals, swapped: bool) -> list[str]:
    if signals.same_pixels:
        return ["the pixels are the same"]
    reasons = []
    bits = f"{signals.pdq_bits} of 256 and {signals.phash_bits} of 64 bits"
    if signals.plain:
        reasons.append("one of them is too plain for hashes to mean anything")
    elif signals.pdq_bits <= _PDQ_SAME or signals.phash_bits <= _PHASH_SAME:
        how = _inverse(signals.turned, swapped)
        turned = f"; the second is the first {_held(how)}" if how else ""
        reasons.append(f"their hashes agree but for {bits}{turned}")
    else:
        reasons.append(f"their hashes differ in {bits}")
    if signals.overlap is not None and _same_scene(signals):
        first, second = _shares(signals, swapped)
        mirror = ", mirrored" if signals.mirrored else ""
        reasons.append(
            f"{signals.overlap.inliers} keypoints align them{mirror}: {first:.0%} of the first is {second:.0%} of the "
            f"second, and what they share agrees by {signals.overlap.agreement:.2f}"
        )
    if not signals.looked:
        reasons.append("keypoints were not looked for: hashes and copy vector agree on the answer")
    reasons.append(f"same picture by the copy vector: {signals.copy_probability:.0%}")
    reasons.append(f"same kind of thing by the meaning vector: {signals.meaning_probability:.0%}")
    reasons.append(f"structure (SSIM) {signals.ssim:.2f}, colors {signals.color:.2f}")
    return reasons


def _substitution(ensemble: Ensemble) -> list[str]:
    measured, asked = calibrated(ensemble).neural.card.name, ensemble.neural.card.name
    return [] if measured == asked else [f"measured with {measured}: the cosines of {asked} are not calibrated"]


def _inverse(turned: int, swapped: bool) -> int:
    """The turn seen from the other picture: a quarter turn back for one forward; mirrored turns undo themselves."""
    return (4 - turned) % 4 if swapped and turned < 4 else turned


def _held(how: int) -> str:
    """An orientation as a sentence says it; in the evidence it is a name that others read."""
    name = ORIENTATIONS[how]
    return f"{name} degrees clockwise" if "rotated" in name else name


def _shares(signals: Signals, swapped: bool) -> tuple[float, float]:
    assert signals.overlap is not None
    shares = (signals.overlap.share_a, signals.overlap.share_b)
    return shares[::-1] if swapped else shares


def _evidence(signals: Signals, a: Image, b: Image, swapped: bool) -> Mapping[str, Any]:
    return {
        "digest": {"same_bytes": a.sha256 == b.sha256, "same_pixels": signals.same_pixels},
        "hash": {
            "phash_bits_of_64": signals.phash_bits,
            "pdq_bits_of_256": signals.pdq_bits,
            "orientation": ORIENTATIONS[_inverse(signals.turned, swapped)],
            "plain": signals.plain,
        },
        "copy": {"cosine": round(signals.copy, 6), "probability": round(signals.copy_probability, 6)},
        "geometry": _geometry(signals, swapped),
        "meaning": {"cosine": round(signals.meaning, 6), "probability": round(signals.meaning_probability, 6)},
        "ssim": {"value": round(signals.ssim, 6)},
        "colors": {"similarity": round(signals.color, 6), "a": _palette(a.pixels), "b": _palette(b.pixels)},
        "pictures": [
            {"width": image.width, "height": image.height, "format": image.format, "sha256": image.sha256}
            for image in (a, b)
        ],
    }


def _geometry(signals: Signals, swapped: bool) -> dict[str, Any]:
    if not signals.looked:
        return {"looked_for": False, "keypoints_aligned": None}
    if signals.overlap is None:
        return {"looked_for": True, "keypoints_aligned": 0}
    first, second = _shares(signals, swapped)
    return {
        "looked_for": True,
        "keypoints_aligned": signals.overlap.inliers,
        "agreement": round(signals.overlap.agreement, 4),
        "share_of_a": round(first, 4),
        "share_of_b": round(second, 4),
        "mirrored": signals.mirrored,
    }


def _palette(pixels: Pixels) -> list[dict[str, Any]]:
    return [{"hex": color.hex, "name": color.name, "share": color.share} for color in dominant_colors(pixels)]
