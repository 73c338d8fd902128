"""Which vectors a tagger reads: meaning alone, or colors beside it where pictures left out say that this is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCALES", "Folds", "Reading", "choose_reading", "concatenated"]

SCALES = (1.0, 2.0, 4.0)
"""Lengths that further vectors are tried at, where meaning has 1: the longer, the less the ridge holds them back."""

_CLEARLY = 2.0  # standard errors of the gain, picture by picture: less is chance

Rows = NDArray[np.float32]

Folds = tuple[Mapping[float, NDArray[np.float64]], Mapping[float, float]]
"""Of cross-validation: ridge -> (n, k) scores, and ridge -> log loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """scale: of the vectors beside meaning, 0 where they are not read. folds: what cross-validation said of it.

    losses: scale -> least log loss, of all that were tried.
    """

    scale: float
    folds: Folds
    losses: Mapping[float, float] = field(default_factory=dict)

    @property
    def ridge(self) -> float:
        """The best of the ridges."""
        return min(self.folds[1], key=lambda one: self.folds[1][one])

    @property
    def scores(self) -> NDArray[np.float64]:
        """(n, k) at the best ridge, by fits that had not seen the row."""
        return self.folds[0][self.ridge]


def choose_reading(
    rows: Rows,
    more: Mapping[str, Rows],
    validated: Callable[[Rows], Folds],
    each: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Reading:
    """Return how to read: meaning alone, unless the others beside it lower the log loss by two standard errors.

    rows: (n, width) of meaning. more: name -> (n, its width), unit rows. validated: cross-validates rows. each: the
    log loss of every row of (n, k) scores.
    """
    found = {0.0: validated(rows)}
    if more:
        found |= {scale: validated(concatenated(rows, more, scale)) for scale in SCALES}
    losses = {scale: min(folds[1].values()) for scale, folds in found.items()}
    alone = Reading(0.0, found[0.0], losses)
    best = min(losses, key=lambda scale: losses[scale])
    chosen = Reading(best, found[best], losses)
    gains = each(alone.scores) - each(chosen.scores)
    return chosen if gains.mean() > _CLEARLY * gains.std() / len(gains) ** 0.5 else alone


def concatenated(rows: Rows, more: Mapping[str, Rows], scale: float) -> Rows:
    """Return (n, all widths together): meaning, then the others at this length; meaning alone at 0."""
    return np.concatenate([rows, *(np.float32(scale) * one for one in more.values())], axis=1) if scale else rows
