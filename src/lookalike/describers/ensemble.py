"""The describers that work together: one call gives every description of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from numpy.typing import NDArray

from lookalike.describers.base import Describer, VectorSpec
from lookalike.describers.cards import card
from lookalike.describers.colors import ColorDescriber
from lookalike.describers.hashes import HashDescriber
from lookalike.describers.neural import NeuralDescriber
from lookalike.images.image import Pixels

__all__ = ["Ensemble", "standard_ensemble"]


class Ensemble:
    """A neural describer and the classical ones beside it. Safe to call from several threads."""

    def __init__(self, neural: NeuralDescriber, others: Sequence[Describer]) -> None:
        self.neural = neural
        self._all: tuple[Describer, ...] = (neural, *others)
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
    def wants(self) -> int:
        """The shorter side, in pixels, below which a scaled decode would lose something."""
        return max(describer.wants for describer in self._all)

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """Return name -> (len(pictures), width) rows: unit float32, or packed uint8 bits for hashes."""
        rows: dict[str, NDArray[Any]] = {}
        for describer in self._all:
            rows.update(describer.describe(pictures))
        return rows


@cache
def standard_ensemble(model: str = "lookalike-mini") -> Ensemble:
    """Return what every collection uses: the model's vectors, the Lab color histogram and pHash.

    One instance per model and process. Raises UnknownModel, WeightsCorrupt.
    """
    return Ensemble(NeuralDescriber(card(model)), (ColorDescriber(), HashDescriber(("phash",))))
