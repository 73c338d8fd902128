"""What numbers say: scores, verdicts and evidence in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.describers.calibration import Calibration
from lookalike.records import Comparison
from lookalike.signals import ALIKE

__all__ = ["KINDS", "WAYS", "Evidence", "Judgement", "changed_how", "evidence_of", "judge", "sentence_of", "tone_of"]

KINDS = {
    "photos": "Generic Photos",
    "products": "Product Photos",
    "matching": "Image Matching",
    "colors": "Dominant Colors",
    "custom": "Custom",
}
"""Kind of a collection -> its name on the pages."""

WAYS = {
    "meaning": ("Meaning", "pictures that show the same kind of thing"),
    "copy": ("Same picture", "copies of this picture, however edited"),
    "color": ("Colors", "pictures with the same colors"),
}
"""Description compared -> its name on the pages, and what a search by it finds."""

_CHANGES = {
    "collection.create": "made",
    "collection.configure": "settings changed",
    "collection.redescribe": "change of model begun",
    "collection.drop": "deleted",
    "records.add": "records added",
    "records.update": "records changed",
    "records.delete": "records deleted",
    "records.back": "records brought back",
    "records.forget": "deleted records forgotten for good",
    "records.erase": "records erased for good",
    "records.import": "import begun",
    "records.export": "export begun",
}
_VERDICTS = {
    "identical": ("same", "The same picture, pixel for pixel."),
    "edited-copy": ("same", "The same picture, altered."),
    "near-duplicate": ("near", "Another shot of the same scene or object."),
    "similar": ("alike", "Two pictures of the same kind of thing."),
    "unrelated": ("apart", "Two pictures that have little in common."),
}
_WORDS = {
    "meaning": ("very similar", "similar", "somewhat similar", "unlike"),
    "copy": ("same picture", "likely a copy", "perhaps a copy", "another picture"),
    "color": ("same colors", "close colors", "some shared colors", "other colors"),
}
_TONES = ("same", "near", "alike", "apart")
_STEPS = (0.9, 0.5, 0.15)  # probability at least -> tone, in their order
_MEANT = (0.9, 0.8, ALIKE)  # the same, of the nearest of many: their curve was fitted where every other pair is alike
_REACH = (0.99, 0.95, 1.0)  # share of the most that a curve ever says which is enough for that tone
_SIGNALS = {
    "digest": "Bytes and pixels",
    "hash": "Perceptual hashes",
    "geometry": "Keypoints",
    "copy": "Copy vector",
    "meaning": "Meaning vector",
    "ssim": "Structure (SSIM)",
    "colors": "Colors",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A short word for a score, and how near it is: tone "same", "near", "alike" or "apart"."""

    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One signal of a comparison. share: how much it speaks for likeness, in [0, 1], or None; palettes: hex colors."""

    name: str
    text: str
    share: float | None = None
    palettes: tuple[tuple[Mapping[str, Any], ...], ...] = ()


def changed_how(action: str, count: int) -> str:
    """Return an entry of the audit log in words; count: how many records, 0 if that was not said."""
    words = _CHANGES.get(action, action.partition(".")[2].replace("_", " "))
    if not count or not words.startswith("records"):
        return words
    return f"{count:,} {words}" if count > 1 else f"1 record{words.removeprefix('records')}"


def judge(by: str, score: float, curve: Calibration | None) -> Judgement:
    """Put the score of a search by one description into words; curve turns it into a probability if there is one."""
    likely = curve.probability(score) if curve and score < 1 else score
    most = curve.top if curve else 1.0
    steps = zip(_MEANT if curve and by == "meaning" else _STEPS, _REACH, strict=True)
    level = next((level for level, (least, reach) in enumerate(steps) if likely >= min(least, reach * most)), -1)
    return Judgement(_WORDS.get(by, _WORDS["meaning"])[level], _TONES[level])


def tone_of(comparison: Comparison) -> str:
    """Return how near the verdict says the two are."""
    return _VERDICTS[comparison.verdict][0]


def sentence_of(comparison: Comparison) -> str:
    """Return the verdict as a sentence."""
    return _VERDICTS[comparison.verdict][1]


def evidence_of(comparison: Comparison) -> list[Evidence]:
    """Return the signals in reading order; what is not known here comes last, or as it came."""
    facts = {name: comparison.evidence[name] for name in _SIGNALS if name in comparison.evidence}
    facts |= {name: value for name, value in comparison.evidence.items() if name not in facts and name != "pictures"}
    return [_told(name, value) for name, value in facts.items()]


def _told(name: str, facts: Any) -> Evidence:
    label = _SIGNALS.get(name, name.replace("_", " ").capitalize())
    try:
        return _read(name, label, facts)
    except (KeyError, TypeError):
        return Evidence(label, json.dumps(facts, ensure_ascii=False))


def _read(name: str, label: str, facts: Mapping[str, Any]) -> Evidence:
    """Raises KeyError or TypeError for a signal, or facts of one, that are not known here."""
    match name:
        case "digest":
            return Evidence(label, _digest(facts), float(facts["same_pixels"]))
        case "hash":
            return Evidence(label, _hash(facts), None if facts["plain"] else 1 - facts["pdq_bits_of_256"] / 128)
        case "geometry" if not facts.get("looked_for", True):
            return Evidence(label, "Not looked for: all else agrees already")
        case "geometry":
            return Evidence(label, _geometry(facts), max(0.0, facts.get("agreement", 0.0)))
        case "copy":
            text = f"{facts['probability']:.1%} likely the same picture, whatever was done to it"
            return Evidence(label, f"{text}; cosine {facts['cosine']:.3f}", facts["probability"])
        case "meaning":
            text = f"{facts['probability']:.1%} likely the same kind of thing"
            return Evidence(label, f"{text}; cosine {facts['cosine']:.3f}", facts["probability"])
        case "ssim":
            return Evidence(label, f"{facts['value']:.3f} of 1, both held at one size", facts["value"])
        case "colors":
            palettes = tuple(tuple(facts[side]) for side in ("a", "b"))
            return Evidence(label, f"{facts['similarity']:.3f} of 1", facts["similarity"], palettes)
        case _:
            raise KeyError(name)


def _digest(facts: Mapping[str, Any]) -> str:
    if facts["same_bytes"]:
        return "The files are the same, byte for byte"
    return "Other bytes, the same pixels" if facts["same_pixels"] else "Neither the bytes nor the pixels are the same"


def _hash(facts: Mapping[str, Any]) -> str:
    bits = f"{facts['pdq_bits_of_256']} of 256 bits differ (PDQ), {facts['phash_bits_of_64']} of 64 (pHash)"
    agree = facts["pdq_bits_of_256"] < 64  # among hashes that differ, the nearest way to hold them says nothing
    turned = f"; {facts['orientation']}" if agree and facts["orientation"] != "upright" else ""
    return bits + turned + ("; too plain for hashes to mean much" if facts["plain"] else "")


def _geometry(facts: Mapping[str, Any]) -> str:
    if not facts["keypoints_aligned"]:
        return "No details fall into place when one is laid over the other"
    mirror = ", mirrored" if facts["mirrored"] else ""
    return (
        f"{facts['keypoints_aligned']} details fall into place{mirror}: {facts['share_of_a']:.0%} of the first is "
        f"{facts['share_of_b']:.0%} of the second, and there they agree by {facts['agreement']:.2f}"
    )
