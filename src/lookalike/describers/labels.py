"""Labels: what a picture shows, in words, with probabilities; and tags, the words that are likely enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.colors import COLOR_BINS, basic_name, color_histogram
from lookalike.describers.vocabulary import Vocabulary, Wordbook

__all__ = ["Answer", "Label", "Labels", "color_shares", "labels_of", "tags_of", "top_labels"]

_IMAGENET = "imagenet"
_PHOTO = "photo"
_LEVELS = 9  # of red, green and blue, to learn which basic color each bin of the histogram holds


@dataclass(frozen=True, slots=True)
class Label:
    """A name, its probability in [0, 1], and the vocabulary it comes from."""

    name: str
    probability: float
    vocabulary: str = _IMAGENET


@dataclass(frozen=True, slots=True)
class Answer:
    """What one vocabulary says of a picture.

    confidence: the probability that it applies. labels: most probable first, their probabilities as if it applied.
    """

    vocabulary: str
    confidence: float
    labels: Sequence[Label]


@dataclass(frozen=True, slots=True)
class Labels:
    """labels: of all vocabularies that say what is shown, most probable first. answers: of each vocabulary."""

    labels: Sequence[Label]
    answers: Sequence[Answer]


def labels_of(rows: NDArray[np.float32], book: Wordbook, count: int = 5) -> list[Labels]:
    """Return for each row (n, width) of the model's meaning vectors its `count` most probable labels.

    A label's probability is that of its vocabulary to apply times its own in it, so that a vocabulary made for
    something else is quiet. Ties keep the order of the vocabularies and of their names.
    """
    found = [(one, one.confidence(rows), one.probabilities(rows)) for one in book.vocabularies]
    return [_one([(one, float(sure[at]), shares[at]) for one, sure, shares in found], count) for at in range(len(rows))]


def tags_of(
    rows: Mapping[str, NDArray[Any]], book: Wordbook | None, least: float = 0.5, share: float = 0.2
) -> list[str]:
    """Return the tags of one picture from its descriptions, as `Ensemble.describe` makes them; nothing is run.

    rows: description name -> one row; "meaning" and "color" are looked at, if there. book: of the model that made
    them; None gives colors only. least: probability from which on a label is a tag. share: of the picture's area
    from which on a color is. Order: kinds of things ("dog"), labels, then colors; descending in each, no repetitions.
    """
    found: list[str] = []
    if book is not None and "meaning" in rows:
        row = np.asarray(rows["meaning"], np.float32)[None]
        found += [name for name, likely in _kinds(row, book) if likely >= least]
        for one in _ranked(row, book):
            if one.probability >= least and one.name != _PHOTO:
                found.append(one.name.split(",")[0])
    if "color" in rows:
        found += [name for name, covered in color_shares(rows["color"]).items() if covered >= share]
    return list(dict.fromkeys(found))


def color_shares(row: NDArray[np.float32]) -> dict[str, float]:
    """Return basic color name -> its share of the picture's area, largest first, from a color histogram row."""
    names, members = _bin_names()
    shares = (np.asarray(row, np.float64) ** 2) @ members
    order = np.argsort(-shares, kind="stable")
    return {names[at]: float(shares[at]) for at in order if shares[at] > 0}


def top_labels(logits: NDArray[np.float32], names: Sequence[str], count: int = 5) -> list[list[Label]]:
    """Return for each row of (n, len(names)) logits its `count` most probable labels, most probable first."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    return [_top(row, names, _IMAGENET, count) for row in probabilities]


def _one(answers: Sequence[tuple[Vocabulary, float, NDArray[np.float64]]], count: int) -> Labels:
    together: list[Label] = []
    apart: list[Answer] = []
    for one, sure, shares in answers:
        best = _top(shares, one.names, one.name, count)
        apart.append(Answer(one.name, round(sure, 6), best))
        if not one.aside:
            together += [Label(label.name, round(sure * label.probability, 6), one.name) for label in best]
    together.sort(key=lambda label: -label.probability)
    return Labels(together[:count], apart)


def _top(shares: NDArray[Any], names: Sequence[str], vocabulary: str, count: int) -> list[Label]:
    order = np.argsort(-shares, kind="stable")[:count]
    return [Label(names[at], round(float(shares[at]), 6), vocabulary) for at in order]


def _kinds(row: NDArray[np.float32], book: Wordbook) -> list[tuple[str, float]]:
    imagenet = next((one for one in book.vocabularies if one.name == _IMAGENET), None)
    if imagenet is None:
        return []
    shares = imagenet.probabilities(row)[0] * imagenet.confidence(row)[0]
    found = [(name, float(shares[list(places)].sum())) for name, places in book.kinds.items()]
    return sorted(found, key=lambda kind: -kind[1])


def _ranked(row: NDArray[np.float32], book: Wordbook) -> list[Label]:
    """Return each vocabulary's most probable name, with the probability that it applies and is right."""
    best = []
    for one in book.vocabularies:
        shares = one.probabilities(row)[0]
        at = int(np.argmax(shares))
        best.append(Label(one.names[at], float(shares[at] * one.confidence(row)[0]), one.name))
    return sorted(best, key=lambda label: -label.probability)


@cache
def _bin_names() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the basic color names, and for each bin of the histogram which share of it bears each: (bins, names)."""
    levels = np.linspace(0, 255, _LEVELS).round().astype(int)
    names: dict[str, int] = {}
    mass = np.zeros((COLOR_BINS, _LEVELS**3))
    for red in levels:
        for green in levels:
            for blue in levels:
                rgb = (int(red), int(green), int(blue))
                at = names.setdefault(basic_name(rgb), len(names))
                mass[:, at] += color_histogram(np.array([[rgb]], np.uint8)) ** 2
    mass = mass[:, : len(names)]
    return tuple(names), mass / np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
