"""The neural describer: a model card run by ONNX Runtime. The only file that imports onnxruntime."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.base import VectorSpec
from lookalike.describers.cards import ModelCard
from lookalike.describers.weights import read_weights
from lookalike.images.image import Pixels
from lookalike.images.resize import fit_square

__all__ = ["NeuralDescriber"]

_BATCH = 8  # on a CPU small batches stay in cache and are as fast as large ones


class NeuralDescriber:
    """Runs one model. Safe to call from several threads, which is how it uses several cores."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.signature = card.signature
        self.vectors = tuple(VectorSpec(name, width, "cosine") for name, width in card.vectors.items())
        self.wants = card.input_size
        self._lock = threading.Lock()
        self._session: Any = None

    def describe(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """Return vector name -> (len(pictures), width) float32 unit rows. Raises WeightsCorrupt."""
        rows = self._run([spec.name for spec in self.vectors], pictures)
        # A quantized graph is a few millionths off unit length, which would show in the score of a picture with itself.
        return {name: values / np.linalg.norm(values, axis=1, keepdims=True) for name, values in rows.items()}

    def logits(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        """Return (len(pictures), len(card.labels)) float32 scores, before the softmax. Raises WeightsCorrupt."""
        return self._run([self.card.logits], pictures)[self.card.logits]

    def _run(self, names: Sequence[str], pictures: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        session, side = self._open(), self.card.input_size
        parts: list[list[NDArray[np.float32]]] = []
        for start in range(0, len(pictures), _BATCH):
            batch = np.stack([fit_square(picture, side) for picture in pictures[start : start + _BATCH]])
            parts.append(session.run(list(names), {self.card.input: batch}))
        if not parts:
            widths = {**self.card.vectors, self.card.logits: len(self.card.labels)}
            return {name: np.empty((0, widths[name]), np.float32) for name in names}
        return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}

    def _open(self) -> Any:
        with self._lock:
            if self._session is None:
                import onnxruntime

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1  # callers bring the threads: no barrier inside a picture
                options.log_severity_level = 3
                self._session = onnxruntime.InferenceSession(
                    read_weights(self.card), options, providers=["CPUExecutionProvider"]
                )
            return self._session
