"""Pictures described for learning: by everybody in the lineup, and by the features that a head looks at."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.cards import card
from lookalike.describers.graph import read_graph
from lookalike.describers.modelcard import ModelCard, ModelFile
from lookalike.describers.neural import NeuralDescriber
from lookalike.describers.weights import read_weights, ready
from lookalike.errors import InvalidArgument
from lookalike.evaluation.lineup import Lineup
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square
from lookalike.learning.onnxfile import FEATURES, MEANING, feature_tensors, with_features
from lookalike.placing import writing

__all__ = ["MIRRORED", "SEEN", "Base", "Views"]

SEEN, MIRRORED = "seen", "seen mirrored"
"""Lines of features: of the pictures, and of their mirror images."""

_INSIDE = "before:"


class Base:
    """The model that is learned from, taken apart.

    card: its card. tensor, pooling, width: its meaning vector in the file. tensors: what its heads look at; none where
    that is the vector itself.
    """

    def __init__(self, name: str) -> None:
        """Raises UnknownModel, ModelMissing, WeightsCorrupt, ModelUnusable; InvalidArgument without meaning vector."""
        self.card: ModelCard = ready(card(name))
        if MEANING not in self.card.vectors:
            raise InvalidArgument("the model", name, "one with a vector of meaning")
        self.model = read_weights(self.card)
        tensor = self.card.outputs.get(MEANING, MEANING)
        if tensor.startswith(_INSIDE):
            tensor = read_graph(self.card.weights).made_from[tensor.removeprefix(_INSIDE)]
        self.tensor, self.pooling, self.width = tensor, self.card.pooling, self.card.vectors[MEANING]
        outside = any(role.startswith("data") for role in self.card.files)
        self.tensors = [] if outside else feature_tensors(self.model)


class Views(Lineup):
    """A lineup that gives two more lines: the features of every picture, and of its mirror image.

    It keeps a file of its own while it is used; use it as a context.
    """

    def __init__(self, base: Base, name: str, reference: Path | None = None) -> None:
        """Raises as `Lineup` does."""
        super().__init__(name, (), reference)
        self._base = base
        self._folder = tempfile.TemporaryDirectory()
        self._describer = NeuralDescriber(self._card())

    def __enter__(self) -> Views:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """Return the lines of the lineup, then SEEN and MIRRORED: (len(pictures), d) float32, not of unit length."""
        made = super().describe(pictures)
        prepare = self._base.card.prepare
        if prepare.resample == "fast":
            pictures = [fit_square(picture, prepare.side) for picture in pictures]
        made[SEEN] = self._features(pictures)
        made[MIRRORED] = self._features([np.ascontiguousarray(picture[:, ::-1]) for picture in pictures])
        return made

    def _features(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        vectors, features = self._describer.raw_with_logits(pictures)
        return features if self._base.tensors else vectors[MEANING]

    def _card(self) -> ModelCard:
        """Return the card of the base whose scores of labels are the features."""
        base = self._base
        if not base.tensors:
            return replace(base.card, logits="")
        model = with_features(base.model, base.tensors)
        folder = Path(self._folder.name)
        with writing(folder):
            (folder / "features.onnx").write_bytes(model)
        files: dict[str, Any] = {"image": ModelFile("features.onnx", sha256=hashlib.sha256(model).hexdigest())}
        return replace(base.card, folder=folder, files=files, logits=FEATURES)
