"""Labeled pairs, and the logistic curves fitted on them (Platt 1999).

Nothing is fitted where it is measured: copies are fitted on pictures that were trained on and reported on validation
pictures; meaning, of which the network is surer on classes it knows, on one half of the validation classes and on the
other half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.calibration import Calibration, fit, fit_capped
from lookalike.edits import EDITS, LEVELS
from lookalike.evaluate import calibration_error, reliability
from lookalike.training.data import TRAIN, VALIDATION, Pictures
from lookalike.training.drawings import drawings
from lookalike.training.validation import Describe, edited, held_out, resized

__all__ = ["Pairs", "calibrate", "copy_pairs", "meaning_pairs", "report"]

# the cosines of pairs (n,) and whether they are the same (n,)
Pairs = tuple[NDArray[np.float64], NDArray[np.bool_]]


def copy_pairs(pictures: Pictures, split: int, describe: Describe, side: int, each: int = 20) -> Pairs:
    """Return as many pairs of picture and edited copy, over all edits at three strengths, as pairs of strangers.

    `each` pictures are drawn from every set, and twice as many drawings are made. Half of the strangers come from the
    same set.
    """
    chosen_rows = [(one, held_out(one, split, each, 5)) for one in pictures.sets]
    drawn = [resized(one.pixels[rows], side) for one, rows in chosen_rows if len(rows)]
    drawn.append(np.stack(drawings(2 * each, side, np.random.default_rng([split, 9]))))
    originals = np.concatenate(drawn)
    of = np.repeat(np.arange(len(drawn)), [len(pixels) for pixels in drawn])
    rows, rng = describe(originals)[1], np.random.default_rng(6)
    same, strangers = [], []
    for number, name in enumerate(EDITS):
        chosen = np.sort(rng.permutation(len(originals))[: len(originals) // 2])
        copies = describe(edited(originals[chosen], name, LEVELS[number % 3], 7))[1]
        same.append(np.sum(rows[chosen] * copies, axis=1))
        strangers.append(np.sum(rows[_others(chosen, of, rng)] * copies, axis=1))
    return _balanced(np.concatenate(same), np.concatenate(strangers))


def meaning_pairs(pictures: Pictures, half: int, describe: Describe, side: int, each: int = 600) -> Pairs:
    """Return as many pairs of one class as pairs of two, of half 0 or 1 of the validation classes.

    Half of the pairs of two classes come from one set, half from two, as far as there are such.
    """
    rng = np.random.default_rng(8)
    drawn = []
    for one in pictures.sets:
        chosen = held_out(one, VALIDATION, each, 5)
        numbers = one.classes(chosen) if len(chosen) else np.zeros(0, np.int64)
        inside = numbers % 2 == half
        if inside.any():
            drawn.append((one.pixels[chosen[inside]], numbers[inside]))
    rows = describe(np.concatenate([resized(pixels, side) for pixels, _ in drawn]))[0]
    of = np.repeat(np.arange(len(drawn)), [len(numbers) for _, numbers in drawn])
    # class numbers of different sets must not meet
    classes = np.concatenate([numbers for _, numbers in drawn]) + of * 100_000
    first, second = rng.integers(0, len(rows), (2, 400_000))
    cosines = np.sum(rows[first] * rows[second], axis=1)
    together, near_by = classes[first] == classes[second], of[first] == of[second]
    alike = cosines[together & (first != second)]
    near, far = cosines[~together & near_by], cosines[~near_by]
    near = near[: max(len(alike) // 2, len(alike) - len(far))]
    strangers = np.concatenate([near, far[: max(len(near), len(alike) - len(near))]])
    number = min(len(alike), len(strangers))
    return _balanced(alike[:number], strangers[:number])


def report(curve: Calibration, fitted: Pairs, held_out: Pairs) -> dict[str, Any]:
    """Return how many pairs a curve was fitted on, and how true it is on others."""
    said = curve.probabilities(held_out[0])
    return {
        "fitted on": len(fitted[1]),
        "held out": len(held_out[1]),
        "error": round(calibration_error(said, held_out[1]), 4),
        "reliability": [[round(one.mean, 3), round(one.share, 3), one.count] for one in reliability(said, held_out[1])],
    }


def calibrate(pictures: Pictures, describe: Describe, side: int) -> tuple[dict[str, Calibration], dict[str, Any]]:
    """Return vector name -> curve, and vector name -> `report` on pairs that it was not fitted on."""
    pairs = {
        "copy": [copy_pairs(pictures, split, describe, side) for split in (TRAIN, VALIDATION)],
        "meaning": [meaning_pairs(pictures, half, describe, side) for half in (0, 1)],
    }
    fits = {"copy": fit, "meaning": fit_capped}  # of the most similar pictures some are of two classes
    curves = {name: fits[name](*known) for name, (known, _) in pairs.items()}
    return curves, {name: report(curves[name], known, others) for name, (known, others) in pairs.items()}


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
