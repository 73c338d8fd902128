"""Label heads on finished vectors: linear discriminants, their temperatures, and whether a vocabulary applies at all.

Class means with one covariance inside all classes (Fisher 1936), in closed form: the same vectors give the same heads.
Temperatures after Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Lessons", "Taught", "discriminant", "gate", "logistic", "softmax", "temperature"]

Floats = NDArray[np.float64]

_PRIOR = 5.0  # pictures' worth of the general mean in every class mean, so that rare classes stay modest
_LEAST_SHRINKAGE = 0.1
_TEACHER_RIDGE = 20.0  # pictures' worth
_RIDGE = 1e-3  # of the mean squared weight of a gate, per unit of weight


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What a teacher of k classes says, added up over pictures.

    mass: (k,) its answers; total: (k, width) of rows times answers. weights: (width, k), offsets: (k,): its scores, as
    linear functions of rows.
    """

    mass: Floats
    total: Floats
    weights: Floats
    offsets: Floats


class Lessons:
    """Adds up what a teacher says, some pictures at a time: a billion scores need not be held at once."""

    def __init__(self, width: int, size: int) -> None:
        self._mass, self._total = np.zeros(size), np.zeros((size, width))
        self._gram, self._cross = np.zeros((width + 1, width + 1)), np.zeros((width + 1, size))

    def add(self, rows: Floats, scores: NDArray[np.float32], share: float) -> None:
        """Take rows (n, width) and the scores (n, k) of their pictures. share: what its answers count here."""
        answers = share * softmax(scores.astype(np.float64))
        inputs = np.hstack([rows, np.ones((len(rows), 1))])
        self._mass += answers.sum(0)
        self._total += answers.T @ rows
        self._gram += inputs.T @ inputs
        self._cross += inputs.T @ scores

    def taught(self) -> Taught:
        """Return all of it; scores by ridge regression."""
        ridge = _TEACHER_RIDGE * np.diag([*np.ones(len(self._gram) - 1), 1e-6])
        found = np.asarray(np.linalg.solve(self._gram + ridge, self._cross), np.float64)
        return Taught(self._mass, self._total, found[:-1], found[-1])


def discriminant(rows: Floats, classes: NDArray[np.int64], taught: Taught | None, size: int) -> tuple[Floats, Floats]:
    """Return weights (width, size) and offsets (size,) of the linear discriminant, to be put through a softmax.

    rows: (n, width); classes: (n,) class numbers, all of them certain. taught: further answers, or None.
    """
    width = rows.shape[1]
    center = rows.mean(0)
    counts = np.bincount(classes, minlength=size).astype(np.float64)
    sums = np.zeros((size, width))
    np.add.at(sums, classes, rows)
    certain = sums / np.maximum(counts, 1)[:, None]
    apart = rows - certain[classes]
    covariance = apart.T @ apart / len(rows)
    shrinkage = max(_LEAST_SHRINKAGE, width / (width + len(rows)))
    covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / width * np.eye(width)
    if taught is not None:
        counts, sums = counts + taught.mass, sums + taught.total
    found = (sums - counts[:, None] * center) / (counts + _PRIOR)[:, None]
    weights = np.linalg.solve(covariance, found.T)
    offsets = -0.5 * np.sum(found * weights.T, axis=1) - center @ weights
    return weights, offsets


def gate(rows: Floats, applies: NDArray[np.bool_], weight: Floats) -> tuple[Floats, float]:
    """Return weights (width,) and offset of the logistic curve that tells rows where a vocabulary applies.

    weight: (n,) of each row. Newton's method with a slight ridge.
    """
    inputs = np.hstack([rows, np.ones((len(rows), 1))])
    weight = weight / weight.sum()
    found = np.zeros(inputs.shape[1])
    ridge = _RIDGE * np.diag([*np.ones(rows.shape[1]), 1e-6])
    for _ in range(30):
        given = logistic(inputs @ found)
        slope = inputs.T @ (weight * (given - applies)) + ridge @ found
        bend = (inputs * (weight * given * (1 - given))[:, None]).T @ inputs + ridge + 1e-9 * np.eye(len(found))
        change = np.linalg.solve(bend, slope)
        found -= change
        if np.abs(change).max() < 1e-6:
            break
    return found[:-1], float(found[-1])


def temperature(scores: Floats, classes: NDArray[np.int64]) -> float:
    """Return what scores (n, k) are multiplied by so that the softmax of held-out pictures is least surprised."""
    steps = np.exp(np.linspace(np.log(0.02), np.log(20.0), 140))
    rows = np.arange(len(scores))
    losses = [-np.log(softmax(step * scores)[rows, classes] + 1e-12).mean() for step in steps]
    return float(steps[int(np.argmin(losses))])


def softmax(scores: Floats) -> Floats:
    """Return (n, k) probabilities; rows sum to 1."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return found


def logistic(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-values))."""
    found: Floats = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return found
