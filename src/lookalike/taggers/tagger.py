"""A tagger: a linear map from vectors of meaning, perhaps with colors, to calibrated probabilities of labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import TaggerMismatch

__all__ = ["TASKS", "VECTOR", "Said", "Tagger", "Task"]

Task = Literal["classify", "tag"]

TASKS: tuple[Task, ...] = ("classify", "tag")
VECTOR = "meaning"
"""The description that taggers read."""

_MOST = 60.0  # scores beyond it say no more, and would overflow


@dataclass(frozen=True, slots=True)
class Said:
    """What a tagger says of one picture.

    labels: those given, most probable first; none where it is not sure enough. probabilities: of every label.
    """

    labels: Sequence[str]
    probabilities: Mapping[str, float]

    @property
    def best(self) -> str:
        """The most probable label, given or not; of equals the first."""
        return max(self.probabilities, key=lambda label: self.probabilities[label])


@dataclass(frozen=True, slots=True, eq=False)
class Tagger:
    """task: "classify" gives one of many labels, "tag" any of many. field: metadata that a record gets of it.

    weights: (width, k), offsets: (k,), float32, k the number of labels: the softmax of the scores, or the logistic
    function of each. thresholds: (k,) least probability of a label that is given. signature: of the describer whose
    vectors of meaning it reads. beside: name -> signature of further vectors, whose rows come after those. digest: of
    everything it says, "" before it is written. trained: what is told of its training.
    """

    name: str
    task: Task
    field: str
    labels: Sequence[str]
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]
    thresholds: NDArray[np.float64]
    signature: str
    digest: str = ""
    beside: Mapping[str, str] = dataclasses.field(default_factory=dict)
    trained: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def reads(self) -> dict[str, str]:
        """Name -> signature of the vectors it reads, in the order in which their rows are put together."""
        return {VECTOR: self.signature, **self.beside}

    def check(self, signatures: Mapping[str, str]) -> None:
        """Raise TaggerMismatch unless the vectors of these signatures, by name, are those it reads."""
        for vector, signature in self.reads.items():
            if signatures.get(vector) != signature:
                raise TaggerMismatch(self.name, signature, signatures.get(vector, f"no vector of {vector}"))

    def row(self, rows: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return (1, width): what it reads of the unit rows of one picture."""
        return np.concatenate([np.asarray(rows[vector], np.float32) for vector in self.reads])[None]

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, k) of rows (n, width), unit vectors side by side; to classify, they sum to 1."""
        scores = rows.astype(np.float64) @ self.weights + self.offsets
        return softmax(scores) if self.task == "classify" else logistic(scores)

    def say(self, rows: NDArray[np.float32]) -> list[Said]:
        """Return what it says of each of the unit rows (n, width)."""
        return [self._said(one) for one in self.probabilities(rows)]

    def _said(self, values: NDArray[np.float64]) -> Said:
        order = np.argsort(-values, kind="stable")
        shown = order[:1] if self.task == "classify" else order
        given = [self.labels[place] for place in shown if values[place] >= self.thresholds[place]]
        return Said(given, dict(zip(self.labels, values.tolist(), strict=True)))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, k) that sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def logistic(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logistic function of each."""
    return np.asarray(1 / (1 + np.exp(-np.clip(scores, -_MOST, _MOST))))
