"""Comparative sets: a picture, one other of its label, and many of other labels; which rank does the one take?

The measure of Microsoft's recipes for image similarity: unlike recall over everything, it doesn't get harder with the
number of pictures, so that collections of different sizes can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.evaluate import BLOCK, Scores
from lookalike.evaluation.figures import SEED, Figure, mean_figure

__all__ = ["Comparative", "Sets", "draw_sets", "measured_sets", "set_ranks"]

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """Places of rows. queries, positives: (m,); negatives: (m, k), each once in its set."""

    queries: Places
    positives: Places
    negatives: Places


@dataclass(frozen=True, slots=True)
class Comparative:
    """Ranks of the one positive among `negatives` + 1 pictures, over `sets` sets; 1 is best, ties count against it."""

    sets: int
    negatives: int
    recall_at_1: Figure
    recall_at_5: Figure
    recall_at_10: Figure
    median_rank: Figure


def draw_sets(labels: ArrayLike, *, count: int = 1000, negatives: int = 99, seed: int = SEED) -> Sets | None:
    """Draw sets, the same for the same seed; queries evenly from all rows whose label occurs twice.

    negatives: fewer where there are not so many rows of other labels. None where there is no such set.
    """
    random = np.random.default_rng(seed)
    numbers = np.unique(np.asarray(labels), return_inverse=True)[1]
    order = np.argsort(numbers, kind="stable")  # rows of one label stand together
    sizes = np.bincount(numbers)
    starts = np.cumsum(sizes) - sizes
    able = np.flatnonzero((sizes[numbers] > 1) & (sizes[numbers] < len(numbers)))
    if len(able) == 0:
        return None
    queries = random.choice(able, count)
    wanted = min(negatives, len(numbers) - int(sizes[numbers[able]].max()))
    positives, others = np.empty(count, np.intp), np.empty((count, wanted), np.intp)
    for row, query in enumerate(queries):
        start, size = starts[numbers[query]], sizes[numbers[query]]
        own = order[start : start + size]
        positives[row] = random.choice(own[own != query])
        drawn = random.choice(len(numbers) - size, wanted, replace=False)
        others[row] = order[np.where(drawn >= start, drawn + size, drawn)]
    return Sets(queries, positives, others)


def set_ranks(score: Scores, sets: Sets) -> NDArray[np.int64]:
    """Return (m,): 1 + how many negatives score at least as high as the positive."""
    ranks = np.empty(len(sets.queries), np.int64)
    for start in range(0, len(ranks), BLOCK):
        part = slice(start, start + BLOCK)
        scores = score(sets.queries[part])
        positive = np.take_along_axis(scores, sets.positives[part, None], axis=1)
        ranks[part] = 1 + (np.take_along_axis(scores, sets.negatives[part], axis=1) >= positive).sum(axis=1)
    return ranks


def measured_sets(score: Scores, sets: Sets) -> Comparative:
    """Return the figures of the ranks, with bootstrap intervals over sets."""
    ranks = set_ranks(score, sets)
    at_1, at_5, at_10 = (mean_figure(ranks <= k) for k in (1, 5, 10))
    return Comparative(len(ranks), sets.negatives.shape[1], at_1, at_5, at_10, mean_figure(ranks, np.median))
