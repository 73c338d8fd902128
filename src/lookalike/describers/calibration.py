"""From a cosine to a probability: a logistic curve fitted on labeled pairs and stored with the model's card.

Platt, "Probabilistic outputs for support vector machines" (1999): monotone, two parameters; a third where even the
nearest pairs are not all true ones. Those of the bundled model are fitted on as many true as false pairs, by
`lookalike.training.pairs`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Calibration", "fit", "fit_capped"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = top / (1 + exp(-(scale * cosine + offset))). scale: above 0, so that order is kept."""

    scale: float
    offset: float
    top: float = 1.0

    def probability(self, cosine: float) -> float:
        """Return the probability in [0, 1] that a pair with this cosine is a true one."""
        return self.top / (1.0 + math.exp(-max(-60.0, min(60.0, self.scale * cosine + self.offset))))

    def probabilities(self, cosines: ArrayLike) -> NDArray[np.float64]:
        """Return the same for many: (n,) to (n,)."""
        logits = np.clip(self.scale * np.asarray(cosines, np.float64) + self.offset, -60.0, 60.0)
        found: NDArray[np.float64] = self.top / (1.0 + np.exp(-logits))
        return found


def fit(inputs: ArrayLike, same: ArrayLike) -> Calibration:
    """Return the logistic curve with the least cross-entropy (Platt 1999), to four decimals.

    inputs: (n,) scores; same: (n,) bool, of both kinds. Newton's method; targets are drawn in a little, as Platt
    proposes, so that separable pairs stay finite. The scale is not above 0 where scores don't rise with the truth.
    """
    values, truth = np.asarray(inputs, np.float64), np.asarray(same, bool)
    middle, width = values.mean(), max(float(values.std()), 1e-9)
    wanted = np.where(truth, (truth.sum() + 1) / (truth.sum() + 2), 1 / ((~truth).sum() + 2))
    columns, weights = np.stack([(values - middle) / width, np.ones_like(values)], axis=1), np.zeros(2)
    for _ in range(100):
        given = 1 / (1 + np.exp(-np.clip(columns @ weights, -60, 60)))
        slope = columns.T @ (given - wanted)
        bend = (columns * (given * (1 - given))[:, None]).T @ columns + 1e-6 * np.eye(2)
        change = np.linalg.solve(bend, slope)
        weights -= change
        if np.abs(change).max() < 1e-9:
            break
    scale = weights[0] / width
    return Calibration(round(float(scale), 4), round(float(weights[1] - scale * middle), 4))


def fit_capped(inputs: ArrayLike, same: ArrayLike) -> Calibration:
    """Return the curve with the least cross-entropy whose top may lie below 1, to four decimals.

    Arguments as for `fit`, whose curve it begins with; Fisher scoring of three parameters, the top from 0.5 to 1.
    """
    values, truth = np.asarray(inputs, np.float64), np.asarray(same, np.float64)
    start = fit(inputs, same)
    found = np.array([start.scale, start.offset, 0.95])
    for _ in range(200):
        rise = 1 / (1 + np.exp(-np.clip(found[0] * values + found[1], -60, 60)))
        given = np.clip(found[2] * rise, 1e-9, 1 - 1e-9)
        steep = found[2] * rise * (1 - rise)
        columns = np.stack([steep * values, steep, rise], axis=1)
        doubt = (given * (1 - given))[:, None]
        bend = columns.T @ (columns / doubt) + 1e-6 * np.eye(3)
        change = np.linalg.solve(bend, (columns / doubt).T @ (truth - given))
        found = found + change / 2  # whole steps swing around the cap
        found[2] = np.clip(found[2], 0.5, 1.0)
        if np.abs(change).max() < 1e-9:
            break
    return Calibration(*(round(float(value), 4) for value in found))
