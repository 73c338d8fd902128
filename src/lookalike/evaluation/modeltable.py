"""Models side by side on pictures of one's own: what each finds, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lookalike.describers.cards import card
from lookalike.describers.neural import NeuralDescriber
from lookalike.errors import ImageError
from lookalike.evaluation.described import Described
from lookalike.evaluation.lineup import Rows
from lookalike.evaluation.reading import BATCH, Progress, in_batches, read_or_error, stacked
from lookalike.images import Image
from lookalike.images.image import Pixels
from lookalike.settings import Settings

__all__ = ["ModelCost", "beside", "model_costs"]

_TIMED = 16


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What a model costs. megabytes: of its files. milliseconds: a picture, on one thread, without reading it."""

    name: str
    signature: str
    megabytes: float
    floats: int
    milliseconds: float
    license: str


def beside(
    pictures: Described, models: Sequence[str], *, settings: Settings, progress: Progress = lambda _: None
) -> Described:
    """Return those of the pictures whose files can be read, with further lines: the vectors of other models.

    All lines are then of the same pictures; the others are `unreadable`. The rows that there are stay as they are.
    progress: called with the number of pictures described since the last call. Raises ModelError.
    """
    describers = {name: NeuralDescriber(card(name)) for name in dict.fromkeys(models)}
    wants = max(one.wants for one in describers.values())

    def batch(names: Sequence[str]) -> tuple[list[str], dict[str, Rows]]:
        images = [_read(pictures.files.get(name), wants, settings) for name in names]
        good = [image.pixels for image in images if isinstance(image, Image)]
        made = _described(describers, good) if good else {}
        return ["" if isinstance(image, Image) else image for image in images], made

    reasons: list[str] = []
    parts: list[dict[str, Rows]] = []
    for said, made in in_batches(batch, pictures.names, settings.workers):
        progress(len(said))
        reasons += said
        parts += [made] if made else []
    return _kept(pictures, reasons, stacked(parts), describers)


def model_costs(models: Sequence[str], files: Sequence[Path], settings: Settings) -> list[ModelCost]:
    """Measure each model on up to 16 of the pictures, which are read first. Raises ModelError."""
    costs = []
    for name in dict.fromkeys(models):
        describer = NeuralDescriber(card(name))
        images = [read_or_error(file, settings, describer.wants) for file in files[:_TIMED]]
        good = [image.pixels for image in images if isinstance(image, Image)]
        facts = describer.card
        times = [_milliseconds(describer, good[start : start + BATCH]) for start in range(0, len(good), BATCH)]
        costs.append(
            ModelCost(
                name,
                describer.signature,
                round(facts.megabytes, 1),
                sum(facts.vectors.values()),
                round(float(np.median(times)), 2) if times else 0.0,
                facts.license,
            )
        )
    return costs


def _read(file: Path | None, wants: int, settings: Settings) -> Image | str:
    if file is None:
        return "the record names no file"
    found = read_or_error(file, settings, wants)
    return found.reason if isinstance(found, ImageError) else found


def _described(describers: Mapping[str, NeuralDescriber], good: Sequence[Pixels]) -> dict[str, Rows]:
    return {f"{name} {vector}": rows for name, one in describers.items() for vector, rows in one.describe(good).items()}


def _kept(
    pictures: Described, reasons: Sequence[str], rows: Mapping[str, Rows], describers: Mapping[str, NeuralDescriber]
) -> Described:
    kept = [place for place, reason in enumerate(reasons) if not reason]
    made = {f"{name} {vector}": one.signature for name, one in describers.items() for vector in one.card.vectors}
    failed = {name: reason for name, reason in zip(pictures.names, reasons, strict=True) if reason}
    return replace(
        pictures,
        names=[pictures.names[place] for place in kept],
        labels=[pictures.labels[place] for place in kept],
        digests=[pictures.digests[place] for place in kept],
        rows={name: own[kept] for name, own in pictures.rows.items()} | dict(rows),
        signatures={**pictures.signatures, **made},
        unreadable={**pictures.unreadable, **failed},
    )


def _milliseconds(describer: NeuralDescriber, good: Sequence[Pixels]) -> float:
    describer.describe(good[:1])  # loads it
    start = time.perf_counter()
    describer.describe(good)
    return 1000 * (time.perf_counter() - start) / len(good)
