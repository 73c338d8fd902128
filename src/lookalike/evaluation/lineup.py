"""Who takes part in an evaluation: the model that is measured, plain baselines, and further models by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.calibration import Calibration
from lookalike.describers.cards import card
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.hashes import HashDescriber
from lookalike.describers.neural import NeuralDescriber
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square

__all__ = ["Lineup", "Rows", "unit"]

Rows = NDArray[np.float32]
_REFERENCE = "reference"
_REFERENCE_SIDE = 224


class Lineup:
    """Describes pictures by everybody at once. Safe to call from several threads.

    Lines, in this order: the vectors of `model` ("meaning", "copy"; what it lacks comes from the bundled model),
    those of the models `beside` it ("NAME meaning", ...), "color" (Lab histogram), "phash", "dhash", "pdq", and
    "reference": the pooled features of the MobileNetV2 in the TFLite file `reference`, if one is given.
    """

    def __init__(
        self, model: str = "lookalike-mini", beside: Sequence[str] = (), reference: Path | None = None
    ) -> None:
        """Raises UnknownModel, ModelMissing, ModelUnusable; MissingExtra and SourceNotFound for the reference."""
        self._ensemble = standard_ensemble(model)
        self._beside = {name: NeuralDescriber(card(name)) for name in dict.fromkeys(beside) if name != model}
        self._hashes = HashDescriber(("dhash", "pdq"))
        self._reference = None if reference is None else _reference(reference)
        self.model = self._ensemble.neural.signature
        self.wants = max(self._ensemble.wants, self._hashes.wants, *(one.wants for one in self._beside.values()), 0)
        self.signatures = self._signatures()

    @property
    def curves(self) -> dict[str, Calibration]:
        """Line -> the probability curve of its cosines, of the vectors that have one."""
        more = {
            f"{name} {vector}": curve
            for name, describer in self._beside.items()
            for vector, curve in describer.card.calibration.items()
        }
        return {**self._ensemble.curves, **more}

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, Rows]:
        """Return line -> (len(pictures), width) unit rows.

        Hashes become rows of +-1 over the square root of their bits: cosine = 1 - 2 x (bits that differ) / (all bits).
        """
        made = self._ensemble.describe(pictures)
        made |= self._hashes.describe(pictures)
        for name, describer in self._beside.items():
            made |= {f"{name} {vector}": rows for vector, rows in describer.describe(pictures).items()}
        if self._reference is not None:
            made[_REFERENCE] = self._reference(pictures)
        return {
            name: _signs(made[name]) if made[name].dtype == np.uint8 else unit(made[name]) for name in self.signatures
        }

    def _signatures(self) -> dict[str, str]:
        """Line -> who made it, in the order of the lines."""
        own = self._ensemble.signatures
        vectors = {name: own[name] for name in own if name not in ("color", *self._ensemble.hashes)}
        more = {
            f"{name} {spec.name}": describer.signature
            for name, describer in self._beside.items()
            for spec in describer.vectors
        }
        plain = {name: own[name] for name in ("color", "phash")}
        plain |= {
            spec.name: kind for spec, kind in zip(self._hashes.vectors, self._hashes.signature.split("+"), strict=True)
        }
        return vectors | more | plain | ({_REFERENCE: "MobileNetV2 1.0 224, 1280-d"} if self._reference else {})


def unit(rows: NDArray[Any]) -> Rows:
    """Return rows of length 1 as float32; rows of zeros stay zeros."""
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return np.asarray(rows / lengths, np.float32)


def _signs(packed: NDArray[np.uint8]) -> Rows:
    return unit(np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1)


def _reference(path: Path) -> Callable[[Sequence[Pixels]], Rows]:
    from lookalike.training.teacher import Teacher  # needs the extra `train`, but not torch

    teacher = Teacher(path)

    def described(pictures: Sequence[Pixels]) -> Rows:
        squares = [fit_square(picture, _REFERENCE_SIDE) for picture in pictures]
        return unit(teacher.describe(squares).astype(np.float32))

    return described
