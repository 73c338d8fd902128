"""Linear classifiers on frozen vectors: softmax over labels, or one logistic curve for each, by L-BFGS in NumPy.

Deterministic: both losses are convex with their ridge, so that the same rows give the same weights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.taggers.tagger import Task, logistic, softmax

__all__ = ["Fitted", "class_weights", "fit_linear", "minimized"]

Numbers = NDArray[np.float64]
Slope = Callable[[Numbers], tuple[float, Numbers]]
"""A point (m,) -> the value there and its gradient (m,)."""

_STEPS, _MEMORY, _HALVINGS = 200, 10, 30
_STILL = 1e-6  # of the gradient's largest number
_ENOUGH = 1e-4  # of the descent promised, as Armijo asks


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """weights: (width, k), offsets: (k,), float64: scores of unit rows, whose softmax or logistic is meant."""

    weights: Numbers
    offsets: Numbers

    def scores(self, rows: NDArray[np.float32]) -> Numbers:
        """Return (n, k)."""
        return np.asarray(rows.astype(np.float64) @ self.weights + self.offsets)


def class_weights(targets: Numbers) -> Numbers:
    """Return (n, k) weights of mean 1: rare labels count more, by the root of how rare they are.

    targets: (n, k) of 0 and 1. The root is half way between counting pictures and counting labels alike.
    """
    share = np.clip(targets.mean(axis=0), 1 / max(2, len(targets)), 1 - 1 / max(2, len(targets)))
    weights = np.where(targets > 0, (1 / share) ** 0.5, (1 / (1 - share)) ** 0.5)
    return np.asarray(weights / weights.mean(axis=0))


def fit_linear(rows: NDArray[np.float32], targets: Numbers, task: Task, ridge: float) -> Fitted:
    """Fit labels to unit rows. rows: (n, width); targets: (n, k) of 0 and 1, one 1 in a row to "classify".

    ridge: weight of the squared weights, offsets not counted, on rows centered and of mean square 1.
    """
    center = rows.astype(np.float64).mean(axis=0)
    scale = float(np.sqrt(np.mean((rows - center) ** 2))) or 1.0
    inputs = np.concatenate([(rows - center) / scale, np.ones((len(rows), 1))], axis=1)
    count, width = targets.shape[1], inputs.shape[1]
    each = class_weights(targets)
    if task == "classify":
        each = np.repeat((each * targets).sum(axis=1, keepdims=True), count, axis=1)
        each /= each[:, 0].mean()
    free = np.ones((width, 1))
    free[-1] = 0

    def slope(point: Numbers) -> tuple[float, Numbers]:
        weights = point.reshape(width, count)
        scores = inputs @ weights
        if task == "classify":
            found = softmax(scores)
            loss = -float((each[:, 0] * np.log(np.maximum((found * targets).sum(axis=1), 1e-300))).mean())
        else:
            found = logistic(scores)
            loss = float((each * (np.logaddexp(0, scores) - targets * scores)).sum(axis=1).mean())
        gradient = inputs.T @ (each * (found - targets)) / len(rows) + ridge * weights * free
        return loss + ridge / 2 * float((weights * weights * free).sum()), gradient.ravel()

    found = minimized(slope, np.zeros(width * count)).reshape(width, count)
    weights = found[:-1] / scale
    return Fitted(weights, found[-1] - center @ weights)


def minimized(slope: Slope, start: Numbers) -> Numbers:
    """Return where a smooth convex function is least: L-BFGS (Nocedal 1980) with a halving line search."""
    point = start
    value, gradient = slope(point)
    known: deque[tuple[Numbers, Numbers, float]] = deque(maxlen=_MEMORY)
    for _ in range(_STEPS):
        if np.abs(gradient).max() < _STILL:
            break
        step = -_preconditioned(gradient, known)
        length = 1.0 if known else min(1.0, 1 / float(np.abs(gradient).sum()))
        promised = float(gradient @ step)
        for _ in range(_HALVINGS):
            after, steeper = slope(point + length * step)
            if after <= value + _ENOUGH * length * promised:
                break
            length /= 2
        else:
            break  # no further down than rounding allows
        moved, turned = length * step, steeper - gradient
        if float(moved @ turned) > 1e-12:
            known.append((moved, turned, 1 / float(moved @ turned)))
        point, value, gradient = point + moved, after, steeper
    return point


def _preconditioned(gradient: Numbers, known: deque[tuple[Numbers, Numbers, float]]) -> Numbers:
    """Return the gradient times the inverse curvature that the last steps tell of."""
    rest, shares = gradient.copy(), []
    for moved, turned, inverse in reversed(known):
        shares.append(inverse * float(moved @ rest))
        rest -= shares[-1] * turned
    if known:
        moved, turned, _ = known[-1]
        rest *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned, inverse), share in zip(known, reversed(shares), strict=True):
        rest += (share - inverse * float(turned @ rest)) * moved
    return rest
