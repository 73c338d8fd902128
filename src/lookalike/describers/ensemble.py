"""The describers that work together: one call gives every description of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from numpy.typing import NDArray

from lookalike.describers.base import Describer, VectorSpec
from lookalike.describers.calibration import Calibration
from lookalike.describers.cards import card
from lookalike.describers.colors import ColorDescriber
from lookalike.describers.hashes import HashDescriber
from lookalike.describers.neural import NeuralDescriber
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square

__all__ = ["Ensemble", "calibrated", "standard_ensemble"]

_ASKED = {"copy", "meaning"}  # what every collection and every comparison wants to know


class Ensemble:
    """A neural describer and the classical ones beside it. Safe to call from several threads."""

    def __init__(self, neural: NeuralDescriber, others: Sequence[Describer]) -> None:
        self.neural = neural
        self._all: tuple[Describer, ...] = (neural, *others)
        small = max((describer.wants for describer in others), default=0)
        squashes = neural.card.prepare.resample == "fast" and neural.card.prepare.side >= 2 * small
        self._square = neural.card.prepare.side if squashes else 0
        self.specs: dict[str, VectorSpec] = {spec.name: spec for describer in self._all for spec in describer.vectors}

    @property
    def dims(self) -> dict[str, int]:
        """Name -> number of floats, of the descriptions that are searched by cosine."""
        return {name: spec.width for name, spec in self.specs.items() if spec.metric == "cosine"}

    @property
    def hashes(self) -> tuple[str, ...]:
        """Names of the descriptions that are packed bits."""
        return tuple(name for name, spec in self.specs.items() if spec.metric == "hamming")

    @property
    def signatures(self) -> dict[str, str]:
        """Name of each description -> signature of the describer that makes it."""
        return {spec.name: describer.signature for describer in self._all for spec in describer.vectors}

    @property
    def curves(self) -> dict[str, Calibration]:
        """Vector name -> its probability curve, of the vectors that have one."""
        makers = [describer for describer in self._all if isinstance(describer, NeuralDescriber)]
        made = [(spec.name, maker.card.calibration.get(spec.name)) for maker in makers for spec in maker.vectors]
        return {name: curve for name, curve in made if curve is not None}

    @property
    def wants(self) -> int:
        """The shorter side, in pixels, below which a scaled decode would lose something."""
        return max(describer.wants for describer in self._all)

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """Return name -> (len(pictures), width) rows: unit float32, or packed uint8 bits for hashes."""
        rows: dict[str, NDArray[Any]] = {}
        if self._square:  # all of them squash the whole picture to a square: do the costly part once
            pictures = [fit_square(picture, self._square) for picture in pictures]
        for describer in self._all:
            rows.update(describer.describe(pictures))
        return rows


@cache
def standard_ensemble(model: str = "lookalike-mini") -> Ensemble:
    """Return what every collection uses: the model's vectors, the Lab color histogram and pHash.

    Of "meaning" and "copy", what the model doesn't make comes from the bundled one.
    One instance per model and process. Raises UnknownModel, ModelMissing, ModelUnusable, WeightsCorrupt.
    """
    neural = NeuralDescriber(card(model))
    lacking = _ASKED - {spec.name for spec in neural.vectors}
    beside = [NeuralDescriber(card(), only=lacking)] if lacking else []
    return Ensemble(neural, (*beside, ColorDescriber(), HashDescriber(("phash",))))


def calibrated(ensemble: Ensemble) -> Ensemble:
    """Return the ensemble, or the bundled model's if not both of its answers can be said as probabilities."""
    return ensemble if ensemble.curves.keys() >= _ASKED else standard_ensemble()
