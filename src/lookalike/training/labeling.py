"""The label heads of a finished model: fitted on its own vectors, calibrated on pictures it was never trained on.

Pictures of classes that the network was trained on fit the heads, and of the others half does. Of the two quarters
left, each is measured at the temperature of the other; the shipped one is that of both. Pictures of one product or one
house stay together.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.vocabulary import Vocabulary
from lookalike.evaluate import calibration_error
from lookalike.training.data import TRAIN, Pictures, PictureSet
from lookalike.training.heads import Taught, discriminant, gate, softmax, temperature
from lookalike.training.lexicon import IMAGENET, Lexicon, VocabularyPart

__all__ = ["FIT", "TEST", "TUNE", "Examples", "Heads", "Known", "examples", "fit_heads", "parts_of", "unit"]

FIT, TUNE, TEST = 0, 1, 2
_FEWEST = 5  # pictures a class needs to be a label
_TEACHER = 0.5  # share of the teacher's own scores among those of its classes (docs/words.md)
_EACH = 600  # pictures of a set that a gate looks at

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the heads are fitted on.

    rows: set name -> (n, width) meaning rows; gray: likewise of some of its pictures without their color. taught:
    what the teacher says of all pictures that fit. imagenet: the names of its answers.
    """

    lexicon: Lexicon
    pictures: Pictures
    rows: Mapping[str, Floats]
    gray: Mapping[str, Floats]
    taught: Taught
    imagenet: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """The pictures of one vocabulary. rows: (n, width); classes: (n,) places among names; part: FIT, TUNE or TEST."""

    names: tuple[str, ...]
    rows: Floats
    classes: NDArray[np.int64]
    part: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """vocabularies: as shipped. directions: vocabulary -> (k, width), where in meaning its classes lie; unit rows."""

    vocabularies: tuple[Vocabulary, ...]
    directions: Mapping[str, Floats]
    figures: Mapping[str, Mapping[str, float]]


def parts_of(one: PictureSet) -> NDArray[np.int8]:
    """Return (n,) of FIT, TUNE and TEST. What the network was trained on is never TUNE or TEST."""
    identity = one.part.identity
    if identity in one.part.labels.values():
        keys = [source.rsplit("/", 1)[-1] for source in one.columns["source"]]
    else:
        keys = one.columns[identity]
    quarter = np.array([zlib.crc32(key.encode()) % 4 for key in keys])
    part = np.select([quarter == 0, quarter == 1], [TEST, TUNE], FIT)
    return np.where(one.split == TRAIN, FIT, part).astype(np.int8)


def examples(part: VocabularyPart, known: Known) -> Examples:
    """Return a vocabulary's pictures."""
    rows = known.rows
    found: list[tuple[str, Floats, int]] = []
    for one in known.pictures.sets:
        if part.made_from in one.part.labels:
            values = one.columns[one.part.labels[part.made_from]]
            if part.by_folder:
                values = [source.split("/")[-2].replace("-", " ") for source in one.columns["source"]]
            found += list(zip(values, rows[one.part.name], parts_of(one).tolist(), strict=True))
        for name, sets in part.everywhere.items():
            if one.part.name in sets:
                some = np.flatnonzero(parts_of(one) == FIT)[:: max(1, len(one.split) // _EACH)]
                found += [(f"={name}", rows[one.part.name][row], FIT) for row in some]
    if part.name == IMAGENET:
        names, place = tuple(known.imagenet), known.lexicon.wordnet
    else:
        kinds, counts = np.unique([name for name, _, _ in found if name[:1] != "="], return_counts=True)
        kept = [str(kind) for kind, count in zip(kinds, counts, strict=True) if kind and count >= _FEWEST]
        names = part.named(kept)
        place = {name: at for at, name in enumerate(kept)} | {f"={name}": at for at, name in enumerate(names)}
    chosen = [entry for entry in found if entry[0] in place]
    return Examples(
        names,
        np.stack([row for _, row, _ in chosen]).astype(np.float64),
        np.array([place[name] for name, _, _ in chosen], np.int64),
        np.array([one for _, _, one in chosen], np.int8),
    )


def fit_heads(known: Known) -> Heads:
    """Fit, calibrate and measure every vocabulary of the lexicon."""
    pictures, rows = known.pictures, known.rows
    center = np.concatenate([rows[one.part.name][one.split == TRAIN] for one in pictures.sets]).mean(0)
    vocabularies, directions, figures = [], {}, {}
    for part in known.lexicon.vocabularies:
        shown = examples(part, known)
        taught = known.taught if part.name == IMAGENET else None
        fit = shown.part == FIT
        weights, offsets = discriminant(shown.rows[fit], shown.classes[fit], taught, len(shown.names))
        directions[part.name] = _directions(shown, taught, weights, center)
        heat = _heat(shown, (weights, offsets), shown.part != FIT)
        if taught is not None:
            weights, offsets = heat * weights + _TEACHER * taught.weights, heat * offsets + _TEACHER * taught.offsets
            heat = _heat(shown, (weights, offsets), shown.part != FIT)
        vocabularies.append(_vocabulary(part, shown, (weights * heat, offsets * heat), _gate(part, known)))
        figures[part.name] = _figures(shown, (weights, offsets)) | _applied(part, vocabularies[-1], known)
    return Heads(tuple(vocabularies), directions, figures)


def _vocabulary(
    part: VocabularyPart, shown: Examples, head: tuple[Floats, Floats], opened: tuple[Floats, float]
) -> Vocabulary:
    weights, offsets = head
    return Vocabulary(
        part.name,
        shown.names,
        # as they will be read back, so that what is reported is what is shipped
        weights.astype(np.float16).astype(np.float32),
        (offsets - offsets.mean()).astype(np.float32),
        opened[0].astype(np.float32),
        float(np.float32(opened[1])),
        part.aside,
    )


def _directions(shown: Examples, taught: Taught | None, weights: Floats, center: Floats) -> Floats:
    """Half the discriminant, half the class's mean: together they found more than either alone (docs/words.md)."""
    fit = shown.part == FIT
    counts = np.bincount(shown.classes[fit], minlength=len(shown.names)).astype(np.float64)
    sums = np.zeros(weights.T.shape)
    np.add.at(sums, shown.classes[fit], shown.rows[fit])
    if taught is not None:
        counts, sums = counts + taught.mass, sums + taught.total
    means = sums / np.maximum(counts, 1e-9)[:, None] - center
    return unit(unit(weights.T) + unit(means))


def _foreign(part: VocabularyPart, known: Known, which: int) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Return rows, whether the vocabulary applies, and weights: its share of pictures, and every set the same in it."""
    found = []
    for one in known.pictures.sets:
        own = part.made_from in one.part.labels
        if one.part.name in part.apart and not own:
            continue
        chosen = np.flatnonzero(parts_of(one) == which)
        chosen = chosen[:: max(1, len(chosen) // _EACH)]
        values = known.rows[one.part.name][chosen]
        if part.gray and not own:
            values = known.gray[one.part.name]
            values = values[np.arange(len(values)) % 2 == (which == TEST)]
        if len(values):
            found.append((values, np.full(len(values), own), np.full(len(values), 1 / len(values))))
    values, applies, weight = (np.concatenate(column) for column in zip(*found, strict=True))
    if applies.any() and not applies.all():
        weight *= np.where(applies, part.share / weight[applies].sum(), (1 - part.share) / weight[~applies].sum())
    return values.astype(np.float64), applies, weight


def _gate(part: VocabularyPart, known: Known) -> tuple[Floats, float]:
    width = next(iter(known.rows.values())).shape[1]
    if part.everywhere:
        return np.zeros(width), 30.0
    weights, offset = gate(*_foreign(part, known, FIT))
    values, applies, weight = _foreign(part, known, TUNE)
    if applies.all() or not applies.any():
        return weights, offset
    scale, shift = gate((values @ weights + offset)[:, None], applies, weight)
    slope = max(float(scale[0]), 0.1)
    return weights * slope, offset * slope + shift


def _heat(shown: Examples, head: tuple[Floats, Floats], which: NDArray[np.bool_]) -> float:
    if not which.any():  # nothing was kept from the network: what fitted the head is all there is
        which = shown.part == FIT
    return temperature(shown.rows[which] @ head[0] + head[1], shown.classes[which])


def _figures(shown: Examples, head: tuple[Floats, Floats]) -> dict[str, float]:
    """Measure a head on both quarters that it was not fitted on, each at the temperature of the other."""
    shares, classes = [], []
    for measured, tuned in ((TEST, TUNE), (TUNE, TEST)):
        which = shown.part == measured
        heat = _heat(shown, head, shown.part == tuned)
        shares.append(softmax(heat * (shown.rows[which] @ head[0] + head[1])))
        classes.append(shown.classes[which])
    found, truth = np.concatenate(shares), np.concatenate(classes)
    if not len(truth):
        return {"names": len(shown.names)}
    right = np.argsort(-found, axis=1, kind="stable") == truth[:, None]
    return {
        "names": len(shown.names),
        "pictures": len(truth),
        "first": round(float(right[:, 0].mean()), 4),
        "first five": round(float(right[:, :5].any(1).mean()), 4),
        "calibration error": round(calibration_error(found.max(1), right[:, 0]), 4),
    }


def _applied(part: VocabularyPart, one: Vocabulary, known: Known) -> dict[str, float]:
    if part.everywhere:
        return {}
    values, applies, _ = _foreign(part, known, TEST)
    sure = one.confidence(values.astype(np.float32))
    return {
        "applies to its own": round(float((sure[applies] >= 0.5).mean()), 4),
        "applies to others": round(float((sure[~applies] >= 0.5).mean()), 4),
    }


def unit(rows: Any) -> Floats:
    """Scale rows to length 1."""
    found: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return found
