"""From scores to probabilities that come true, and from these to which labels are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.calibration import fit
from lookalike.learning.logistic import Fitted, Numbers, minimized
from lookalike.taggers.tagger import Task, logistic, softmax

__all__ = ["Turn", "best_thresholds", "calibrated", "log_loss"]

_NEVER = 1.01  # a probability that none reaches
_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """scores * scales + offsets, (k,) each, are scores whose probabilities come true."""

    scales: Numbers
    offsets: Numbers

    def turned(self, fitted: Fitted) -> Fitted:
        """Return the fit whose scores are these."""
        return Fitted(fitted.weights * self.scales, fitted.offsets * self.scales + self.offsets)

    def probabilities(self, scores: Numbers, task: Task) -> Numbers:
        """Return (n, k)."""
        return (softmax if task == "classify" else logistic)(scores * self.scales + self.offsets)


def calibrated(scores: Numbers, truth: NDArray[np.bool_], task: Task) -> Turn:
    """Return what makes scores come true: a temperature and offsets for all labels (Guo et al. 2017), or a curve each.

    scores: (n, k) of pictures that were not fitted on. The offsets also take back that rare labels counted more.
    """
    count = scores.shape[1]
    if task == "tag":
        curves = [fit(scores[:, place], truth[:, place]) for place in range(count)]
        return Turn(
            np.array([max(curve.scale, 0.01) for curve in curves]), np.array([curve.offset for curve in curves])
        )
    prior = 1 / len(scores)  # holds the offsets of labels that few pictures tell of

    def slope(point: Numbers) -> tuple[float, Numbers]:
        scale, offsets = np.exp(point[0]), point[1:]
        found = softmax(scores * scale + offsets)
        loss = -float(np.log(np.maximum(found[truth], _TINY)).mean()) + prior * float(point @ point)
        gap = (found - truth) / len(scores)
        return loss, np.concatenate([[(gap * scores).sum() * scale], gap.sum(axis=0)]) + 2 * prior * point

    found = minimized(slope, np.zeros(count + 1))
    return Turn(np.full(count, float(np.exp(found[0]))), found[1:])


def log_loss(probabilities: Numbers, truth: NDArray[np.bool_], task: Task) -> float:
    """Return the mean log loss; lower is better."""
    if task == "classify":
        return -float(np.log(np.maximum(probabilities[truth], _TINY)).mean())
    right = np.where(truth, probabilities, 1 - probabilities)
    return -float(np.log(np.maximum(right, _TINY)).mean())


def best_thresholds(
    probabilities: Numbers, truth: NDArray[np.bool_], task: Task, precision: float | None
) -> NDArray[np.float64]:
    """Return (k,) least probabilities. probabilities: (n, k) of pictures that were not fitted on.

    precision: wanted of what is given; the lowest threshold that has it, one for all labels of a classifier, and more
    than 1, never reached, where none has. Without it a classifier has 0, and tags have that of the best F1.
    """
    count = truth.shape[1]
    if task == "classify":
        if precision is None:
            return np.zeros(count)
        best = probabilities.argmax(axis=1)
        right = truth[np.arange(len(truth)), best]
        return np.full(count, _precise(probabilities.max(axis=1), right, precision))
    columns = [(probabilities[:, place], truth[:, place]) for place in range(count)]
    if precision is not None:
        return np.array([_precise(values, right, precision) for values, right in columns])
    return np.array([_best_f1(values, right) for values, right in columns])


def _precise(values: Numbers, right: NDArray[np.bool_], precision: float) -> float:
    kept, hits, _ = _steps(values, right)
    good = np.flatnonzero(hits / np.arange(1, len(hits) + 1)[kept] >= precision)
    return _between(values, kept, int(good[-1])) if len(good) else _NEVER


def _best_f1(values: Numbers, right: NDArray[np.bool_]) -> float:
    kept, hits, total = _steps(values, right)
    f1 = 2 * hits / (np.arange(1, len(values) + 1)[kept] + max(1, total))
    return _between(values, kept, int(f1.argmax()))


def _steps(values: Numbers, right: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[Any], int]:
    """Return the places, highest first, after which a threshold may lie, the hits until there, and all hits."""
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    kept = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    return kept, np.cumsum(right[order])[kept], int(right.sum())


def _between(values: Numbers, kept: NDArray[np.intp], step: int) -> float:
    """Return half way between the last value that is kept and the next; half of it where none follows."""
    ordered = -np.sort(-values)
    last = float(ordered[kept[step]])
    after = float(ordered[kept[step] + 1]) if kept[step] + 1 < len(ordered) else 0.0
    return (last + after) / 2
