"""A tagger: a linear map from vectors of meaning to calibrated probabilities of labels."""

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
    vectors it reads. digest: of everything it says, "" before it is written. trained: what is told of its training.
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
    trained: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def check(self, signature: str | None) -> None:
        """Raise TaggerMismatch unless vectors of this signature are those it reads."""
        if signature != self.signature:
            raise TaggerMismatch(self.name, self.signature, signature or "no vector of meaning")

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n, k) of unit rows (n, width); where one label is given of many, they sum to 1."""
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
