"""Labeled pairs of held-out pictures, and the logistic curves fitted on them (Platt 1999)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import calibration_error
from lookalike.training.augment import EDITS
from lookalike.training.data import Pictures
from lookalike.training.validation import Describe, edited, held_out, resized

__all__ = ["Pairs", "calibrate", "copy_pairs", "fit", "meaning_pairs"]

# the cosines of pairs (n,) and whether they are the same (n,)
Pairs = tuple[NDArray[np.float64], NDArray[np.bool_]]


def copy_pairs(pictures: Pictures, split: int, describe: Describe, side: int, each: int = 40) -> Pairs:
    """Return as many pairs of picture and edited copy, over all edits at three strengths, as pairs of strangers.

    `each` pictures are drawn from every set. Half of the strangers come from the same set.
    """
    drawn = [resized(one.pixels[held_out(one, split, each, 5)], side) for one in pictures.sets]
    originals = np.concatenate(drawn)
    of = np.repeat(np.arange(len(drawn)), [len(pixels) for pixels in drawn])
    rows, rng = describe(originals)[1], np.random.default_rng(6)
    same, strangers = [], []
    for number, name in enumerate(EDITS):
        chosen = np.sort(rng.permutation(len(originals))[: len(originals) // 2])
        copies = describe(edited(originals[chosen], name, (0.2, 0.5, 0.8)[number % 3], 7))[1]
        same.append(np.sum(rows[chosen] * copies, axis=1))
        strangers.append(np.sum(rows[_others(chosen, of, rng)] * copies, axis=1))
    return _balanced(np.concatenate(same), np.concatenate(strangers))


def meaning_pairs(pictures: Pictures, split: int, describe: Describe, side: int, each: int = 300) -> Pairs:
    """Return as many pairs of one class as pairs of two; half of those come from one set, half from two."""
    rng = np.random.default_rng(8)
    drawn = [(one, held_out(one, split, each, 5)) for one in pictures.sets if len(one.rows(split))]
    rows = describe(np.concatenate([resized(one.pixels[numbers], side) for one, numbers in drawn]))[0]
    of = np.repeat(np.arange(len(drawn)), [len(numbers) for _, numbers in drawn])
    # class numbers of different sets must not meet
    classes = np.concatenate([one.classes(numbers) for one, numbers in drawn]) + of * 100_000
    first, second = rng.integers(0, len(rows), (2, 400_000))
    cosines = np.sum(rows[first] * rows[second], axis=1)
    together, inside = classes[first] == classes[second], of[first] == of[second]
    alike = cosines[together & (first != second)]
    near, far = cosines[~together & inside], cosines[~inside]
    half = min(len(alike), 2 * len(near), 2 * len(far)) // 2
    return _balanced(alike[: 2 * half], np.concatenate([near[:half], far[:half]]))


def fit(pairs: Pairs) -> dict[str, float]:
    """Return scale, offset and the calibration error of the logistic curve with the least cross-entropy.

    Newton's method; targets are drawn in a little, as Platt proposes, so that separable pairs stay finite.
    """
    cosines, same = pairs
    wanted = np.where(same, (same.sum() + 1) / (same.sum() + 2), 1 / ((~same).sum() + 2))
    inputs, weights = np.stack([cosines, np.ones_like(cosines)], axis=1), np.zeros(2)
    for _ in range(100):
        given = _logistic(inputs @ weights)
        slope = inputs.T @ (given - wanted)
        bend = (inputs * (given * (1 - given))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        change = np.linalg.solve(bend, slope)
        weights -= change
        if np.abs(change).max() < 1e-9:
            break
    return {
        "scale": float(weights[0]),
        "offset": float(weights[1]),
        "error": calibration_error(_logistic(inputs @ weights), same),
    }


def calibrate(pictures: Pictures, split: int, describe: Describe, side: int) -> dict[str, dict[str, float]]:
    """Return vector name -> scale, offset and calibration error."""
    return {
        "copy": fit(copy_pairs(pictures, split, describe, side)),
        "meaning": fit(meaning_pairs(pictures, split, describe, side)),
    }


def _logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
    return result


def _others(chosen: NDArray[np.intp], of: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return for each chosen picture another one, of the same set for every second."""
    others = np.empty_like(chosen)
    for place, row in enumerate(chosen):
        pool = np.flatnonzero(of == of[row]) if place % 2 else np.arange(len(of))
        others[place] = rng.choice(pool[pool != row])
    return others


def _balanced(same: NDArray[np.float32], different: NDArray[np.float32]) -> Pairs:
    truth = np.repeat([True, False], [len(same), len(different)])
    return np.concatenate([same, different]).astype(np.float64), truth
