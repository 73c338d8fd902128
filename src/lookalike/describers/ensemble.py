"""The describers that work together: one call gives every description of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.base import Describer, VectorSpec
from lookalike.describers.calibration import Calibration
from lookalike.describers.cards import card
from lookalike.describers.colors import ColorDescriber
from lookalike.describers.hashes import HashDescriber
from lookalike.describers.labels import tags_of
from lookalike.describers.neural import NeuralDescriber, unit
from lookalike.describers.vocabulary import Wordbook
from lookalike.describers.words import Reading
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square

__all__ = ["Ensemble", "calibrated", "standard_ensemble"]

_READ = "meaning"
_ASKED = {"copy", _READ}  # what every collection and every comparison wants to know


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

    def origin(self, vector: str) -> str:
        """Return the signature of the model that a vector comes from: its maker's, or the one its card names."""
        (maker,) = (one for one in self._all if vector in {spec.name for spec in one.vectors})
        origins = maker.card.origins if isinstance(maker, NeuralDescriber) else {}
        return origins.get(vector, maker.signature)

    @property
    def curves(self) -> dict[str, Calibration]:
        """Vector name -> its probability curve, of the vectors that have one."""
        makers = [describer for describer in self._all if isinstance(describer, NeuralDescriber)]
        made = [(spec.name, maker.card.calibration.get(spec.name)) for maker in makers for spec in maker.vectors]
        return {name: curve for name, curve in made if curve is not None}

    @property
    def book(self) -> Wordbook | None:
        """What the meaning vectors mean in words, or None; raises as `NeuralDescriber.book`."""
        return self._reader.book

    @property
    def _reader(self) -> NeuralDescriber:
        """Return the describer that makes "meaning"; of models that read, always the chosen one."""
        makers = [one for one in self._all if isinstance(one, NeuralDescriber) and _READ in one.card.vectors]
        return self.neural if self.neural.card.readable or not makers else makers[0]

    @property
    def wants(self) -> int:
        """The shorter side, in pixels, below which a scaled decode would lose something."""
        return max(describer.wants for describer in self._all)

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """Return name -> (len(pictures), width) rows: unit float32, or packed uint8 bits for hashes."""
        pictures = self._squashed(pictures)
        rows: dict[str, NDArray[Any]] = {}
        for describer in self._all:
            rows.update(describer.describe(pictures))
        return rows

    def describe_with_logits(
        self, pictures: Sequence[Pixels], *, normalized: bool = True
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
        """Return what `describe` does, and scores of labels, of the same pass of the neural describer.

        normalized: vectors of unit length, or else as the models make them. Scores are (len(pictures), labels) before
        the softmax, without columns where the model has no labels.
        """
        pictures = self._squashed(pictures)
        found, logits = self.neural.raw_with_logits(pictures)
        for describer in self._all[1:]:
            if isinstance(describer, NeuralDescriber):
                found |= describer.raw(pictures)
        rows: dict[str, NDArray[Any]] = {name: unit(values) for name, values in found.items()} if normalized else found
        for describer in self._all:
            if not isinstance(describer, NeuralDescriber):
                rows.update(describer.describe(pictures))
        return rows, logits

    def describe_text(self, text: str) -> Reading:
        """Return what a text asks for: rows by description name, their shares of the score, words not known.

        Raises NoTextTower, UnknownWords, MissingExtra, WeightsCorrupt, ModelUnusable.
        """
        return self._reader.read_text(text)

    def tags(self, rows: Mapping[str, NDArray[Any]], least: float = 0.5) -> list[str]:
        """Return the tags of one picture from its rows: cheap, nothing is run. See `labels.tags_of`."""
        return tags_of(rows, self.book, least)

    def _squashed(self, pictures: Sequence[Pixels]) -> Sequence[Pixels]:
        # all of them squash the whole picture to a square: do the costly part once
        return [fit_square(picture, self._square) for picture in pictures] if self._square else pictures


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
