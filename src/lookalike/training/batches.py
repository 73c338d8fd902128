"""Training batches: a pure function of recipe and step, so that a resumed run sees what an unbroken one sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from lookalike.ahead import in_order
from lookalike.training.augment import edit, jitter, weak
from lookalike.training.data import Pictures, Pixels
from lookalike.training.drawings import drawings
from lookalike.training.recipe import Recipe
from lookalike.training.teacher import FEATURES, Views

__all__ = ["Batch", "Batches"]


@dataclass(frozen=True, slots=True)
class Batch:
    """n pictures, d drawings, then copies of `copied` among them.

    pixels: (n + d + c, side, side, 3); copied: (c,) places of what the copies show; features: (n, 1280) the
    teacher's, in its units; labels: vocabulary -> (n,) class numbers, -1 for none; epochs: how often every picture
    was drawn before this batch.
    """

    pixels: Pixels
    copied: NDArray[np.int64]
    features: NDArray[np.uint8]
    labels: dict[str, NDArray[np.int64]]
    epochs: float


class Batches:
    """All batches of a recipe over views that the teacher has finished."""

    def __init__(self, recipe: Recipe, pictures: Pictures, views: Sequence[Views], count: int) -> None:
        self._recipe, self._pictures, self._views = recipe, pictures, views
        self._rows = pictures.training_rows()
        self._features = [[one.load(view) for view in range(count)] for one in views]
        self._boxes = [[one.boxes(view) for view in range(count)] for one in views]
        self._count = count

    def follow(self, step: int) -> Iterator[Batch]:
        """Yield the batches from `step` on, made a little ahead in a thread of its own."""
        return in_order(self.make, count(step), threads=1, ahead=4)

    def make(self, step: int) -> Batch:
        """Return the batch of one step."""
        student, rng = self._recipe.student, np.random.default_rng([self._recipe.seed, 1, step])
        chosen = self._chosen(step)
        crops: list[Pixels] = []
        features = np.empty((len(chosen), FEATURES), np.uint8)
        for place, (one, row) in enumerate(chosen):
            view = int(rng.integers(self._count))
            features[place] = self._features[one][view][row]
            crops.append(weak(self._pictures.sets[one].pixels[row], self._boxes[one][view][row], student.side, rng))
        crops += drawings(student.drawn, student.side, rng)
        copied = np.concatenate([np.arange(student.copies), np.arange(len(chosen), len(crops))])
        copies = [edit(crops[place], student.side, rng, crops[(place + 1) % len(crops)]) for place in copied]
        pixels = np.stack([jitter(crop, rng) for crop in crops] + copies)
        return Batch(pixels, copied, features, self._labels(chosen), step * student.batch / len(self._rows))

    def _chosen(self, step: int) -> NDArray[np.int32]:
        # every epoch is one permutation; a batch may straddle two
        size, total = self._recipe.student.batch, len(self._rows)
        places = np.arange(step * size, (step + 1) * size)
        chosen = np.empty((size, 2), np.int32)
        for epoch in np.unique(places // total):
            order = np.random.default_rng([self._recipe.seed, 2, int(epoch)]).permutation(total)
            inside = places // total == epoch
            chosen[inside] = self._rows[order[places[inside] % total]]
        return chosen

    def _labels(self, chosen: NDArray[np.int32]) -> dict[str, NDArray[np.int64]]:
        labels = {name: np.full(len(chosen), -1, np.int64) for name in self._pictures.vocabularies}
        for place, (one, row) in enumerate(chosen):
            for vocabulary, numbers in self._pictures.sets[one].labels.items():
                labels[vocabulary][place] = numbers[row]
        return labels
