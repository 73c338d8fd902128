"""Held-out pictures that a tagger got wrong: what it said, what is right, and how sure it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.taggers.tagger import Tagger

__all__ = ["Mistake", "mistakes"]

_MOST = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """said: label -> its probability, those that were given. right: label -> probability, those that should be.

    off: how far the probability of a label given wrongly, or not given, was from the truth, at most 1.
    """

    name: str
    said: dict[str, float]
    right: dict[str, float]
    off: float


def mistakes(
    tagger: Tagger, names: Sequence[str], rows: NDArray[np.float32], truth: NDArray[np.bool_]
) -> tuple[list[Mistake], int]:
    """Return the pictures whose labels are not all right, the surest mistakes first, 60 at most, and how many are.

    rows: (n, width) that the tagger reads; truth: (n, k), what is right.
    """
    probabilities = tagger.probabilities(rows)
    found = []
    for name, one, likely, right in zip(names, tagger.say(rows), probabilities, truth, strict=True):
        given = np.array([label in one.labels for label in tagger.labels], bool)
        wrong = given != right
        if wrong.any():
            off = float(np.abs(likely - right)[wrong].max())
            found.append(Mistake(name, _named(tagger, likely, given), _named(tagger, likely, right), off))
    return sorted(found, key=lambda one: (-one.off, one.name))[:_MOST], len(found)


def _named(tagger: Tagger, likely: NDArray[np.float64], which: NDArray[np.bool_]) -> dict[str, float]:
    return {tagger.labels[place]: float(likely[place]) for place in np.flatnonzero(which).tolist()}
