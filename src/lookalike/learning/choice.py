"""How strongly the head speaks: cross-validated over identities, so that every fold is asked about unknown classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import ranks_and_precisions
from lookalike.learning.head import Rows, fit_head, joined_rows, learned_rows

__all__ = ["STRENGTHS", "Choice", "choose_strength", "chosen_strength", "pair_cosines"]

STRENGTHS = (0.0, 0.3, 0.5, 0.7, 0.85)
"""0 keeps the old vector; below 1, so that what words are read from is never lost."""

_CAUTIOUS = 0.5  # where there are too few classes to cross-validate
_FOLDS = 3
_FEWEST = 4
_CLEARLY = 0.002  # of the score: a weaker head is preferred by so much
_PAIRS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """strength: chosen. scores: strength -> mean of recall@1 and mAP over the folds; empty if not cross-validated.

    cosines, same: of pairs of pictures that the head of their fold has not seen, at that strength.
    """

    strength: float
    scores: Mapping[float, float]
    cosines: NDArray[np.float64]
    same: NDArray[np.bool_]


def choose_strength(before: Rows, features: Rows, mirrored: Rows, identities: Sequence[str], seed: int = 0) -> Choice:
    """Choose the strength of the best score on identities left out, the weakest of those that are as good.

    before: (n, w) unit rows of the old vector; features, mirrored: (n, d) of the pictures and of their mirror images.
    """
    numbers = np.unique(np.asarray(identities), return_inverse=True)[1]
    folds = _folds(numbers, seed)
    sums = dict.fromkeys(STRENGTHS, 0.0)
    held: list[tuple[Rows, Rows, NDArray[np.int64]]] = []
    for fold in folds:
        rest = ~fold
        head = fit_head(np.concatenate([features[rest], mirrored[rest]]), np.tile(numbers[rest], 2))
        held.append((before[fold], learned_rows(head, features[fold]), numbers[fold]))
        for strength in STRENGTHS:
            ranks, precisions = ranks_and_precisions(joined_rows(*held[-1][:2], strength), held[-1][2])
            sums[strength] += float((np.mean(ranks <= 1) + precisions.mean()) / 2) / len(folds)
    if not folds:
        return Choice(_CAUTIOUS, {}, np.zeros(0), np.zeros(0, bool))
    chosen = chosen_strength(sums)
    pairs = [pair_cosines(joined_rows(old, new, chosen), known, seed) for old, new, known in held]
    cosines, same = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return Choice(chosen, sums, cosines, same)


def chosen_strength(scores: Mapping[float, float]) -> float:
    """Return the weakest strength whose score is as good as the best."""
    return min(one for one, score in scores.items() if score >= max(scores.values()) - _CLEARLY)


def pair_cosines(
    rows: Rows, identities: NDArray[np.int64], seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return cosines (m,) and whether both show the same (m,): as many of the one kind as of the other."""
    random = np.random.default_rng([seed, 5])
    order = np.argsort(identities, kind="stable")
    sizes = np.bincount(identities)
    starts = np.cumsum(sizes) - sizes
    able = np.flatnonzero(sizes[identities] > 1)
    first = random.choice(able, min(_PAIRS, 20 * len(able)))
    own = identities[first]
    second = order[starts[own] + random.integers(0, sizes[own])]
    alike = first != second
    a, b = random.integers(0, len(rows), (2, 4 * len(first)))
    apart = np.flatnonzero(identities[a] != identities[b])[: int(alike.sum())]
    true = np.einsum("ij,ij->i", rows[first[alike]], rows[second[alike]])
    false = np.einsum("ij,ij->i", rows[a[apart]], rows[b[apart]])
    return np.concatenate([true, false]).astype(np.float64), np.repeat([True, False], [len(true), len(false)])


def _folds(identities: NDArray[np.int64], seed: int) -> list[NDArray[np.bool_]]:
    """Return (n,) masks that share no identity; each holds two at least that occur twice, and leaves as many."""
    sizes = np.bincount(identities)
    able = np.flatnonzero(sizes > 1)
    if len(able) < _FEWEST:
        return []
    order = np.random.default_rng([seed, 4]).permutation(able)
    count = min(_FOLDS, len(able) // 2)
    fold_of = np.full(len(sizes), -1)
    fold_of[order] = np.arange(len(order)) % count
    return [fold_of[identities] == fold for fold in range(count)]
