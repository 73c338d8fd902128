"""Labeled pairs of one's own: the threshold for a wanted precision, and the curve that makes scores probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.describers.calibration import Calibration, fit
from lookalike.errors import InvalidArgument, ShapeMismatch
from lookalike.evaluate import (
    Bin,
    area_under_roc,
    bootstrap_interval,
    calibration_error,
    precision_recall_curve,
    reliability,
)
from lookalike.evaluation.figures import SEED, Figure, mean_figure

__all__ = ["FEWEST", "Calibrated", "calibrated", "clopper_pearson", "log_odds"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST = 10
"""Pairs of each kind below which nothing is fitted."""

_FOLDS = 5
_SURE = 1e-6  # probabilities nearer to 0 and 1 count as this far from them


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What labeled pairs say of a score: of `pairs`, `same` are true ones.

    threshold: the score from which pairs count so that `wanted_precision` of them are true, at the most recall, with
    its bootstrap interval; None where no score gives that. probability: what the new curve says there. precision,
    recall: of pairs that the threshold was not chosen by (five parts take turns), precision with its exact interval;
    precision is None where nothing was kept. curve: the new one, over the score, or over the log-odds of scores that
    are probabilities already. error_before, error_after: expected calibration error of what was said so far, None if
    nothing was, and of curves on pairs they were not fitted on; with the tables behind.
    """

    by: str
    pairs: int
    same: int
    wanted_precision: float
    auc: Figure
    threshold: Figure | None
    probability: float | None
    precision: Figure | None
    recall: Figure
    curve: Calibration
    error_before: float | None
    error_after: float
    reliability_before: Sequence[Bin]
    reliability_after: Sequence[Bin]


def calibrated(
    by: str, scores: ArrayLike, same: ArrayLike, *, precision: float = 0.99, said: ArrayLike | None = None
) -> Calibrated:
    """Choose a threshold and fit a curve.

    scores: (n,), cosines, or probabilities where `said` is the same array; same: (n,) bool, the truth. said: the
    probabilities that are said so far, (n,), None if there are none. Raises InvalidArgument for a precision outside
    (0, 1], for fewer than 10 pairs of a kind, and where scores don't rise with the truth; ShapeMismatch.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(same, bool)
    if values.shape != truth.shape or values.ndim != 1:
        raise ShapeMismatch("same", expected=values.shape, got=truth.shape)
    if not 0 < precision <= 1:
        raise InvalidArgument("precision", precision, "above 0 and at most 1")
    if min(truth.sum(), (~truth).sum()) < FEWEST:
        found = f"{truth.sum()} same and {(~truth).sum()} other pairs"
        raise InvalidArgument("what is to be calibrated", found, f"at least {FEWEST} pairs of each kind")
    given = None if said is None else np.asarray(said, np.float64)
    inputs = log_odds(values) if said is scores else values
    curve = _rising(inputs, truth)
    threshold = _threshold(values, truth, precision)
    after, kept = _in_turns(inputs, truth, precision)
    right = int((kept & truth).sum())
    return Calibrated(
        by=by,
        pairs=len(truth),
        same=int(truth.sum()),
        wanted_precision=precision,
        auc=mean_figure(np.column_stack([values, truth]), _auc),
        threshold=threshold,
        probability=None if threshold is None else _at(curve, threshold.value, said is scores),
        precision=Figure(right / kept.sum(), *clopper_pearson(right, int(kept.sum()))) if kept.any() else None,
        recall=mean_figure(kept[truth]),
        curve=curve,
        error_before=None if given is None else calibration_error(given, truth),
        error_after=calibration_error(after, truth),
        reliability_before=[] if given is None else reliability(given, truth),
        reliability_after=reliability(after, truth),
    )


def _rising(scores: ArrayLike, same: ArrayLike) -> Calibration:
    """Fit the curve. Raises InvalidArgument where it would not rise."""
    curve = fit(scores, same)
    if not curve.scale > 0:
        raise InvalidArgument("what is to be calibrated", "scores that don't rise with the truth", "told apart by them")
    return curve


def clopper_pearson(hits: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share, `hits` of `count` (Clopper and Pearson 1934).

    Never too narrow: at least `confidence` of such intervals hold the true share. count: at least 1.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _solved(lambda share: _at_least(hits, count, share) - tail)
    high = 1.0 if hits == count else _solved(lambda share: _at_least(hits + 1, count, share) - (1 - tail))
    return low, high


def log_odds(probabilities: ArrayLike) -> Floats:
    """Return log(p / (1 - p)) of (n,), those beyond one in a million counting as one in a million."""
    clipped = np.clip(np.asarray(probabilities, np.float64), _SURE, 1 - _SURE)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _threshold(values: Floats, truth: Bools, precision: float) -> Figure | None:
    found = precision_recall_curve(values, truth).threshold_at_precision(precision)
    if found is None:
        return None

    def drawn(rows: Floats) -> float:
        if not rows[:, 1].any():
            return float(rows[:, 0].max())
        chosen = precision_recall_curve(rows[:, 0], rows[:, 1] > 0).threshold_at_precision(precision)
        return float(rows[:, 0].max()) if chosen is None else chosen

    return Figure(found, *bootstrap_interval(np.column_stack([values, truth]), drawn, seed=SEED))


def _in_turns(inputs: Floats, truth: Bools, precision: float) -> tuple[Floats, Bools]:
    """Return what curves say of pairs, and which pairs thresholds keep, that four fifths of the others gave."""
    said, kept = np.empty(len(truth)), np.zeros(len(truth), bool)
    random = np.random.default_rng(SEED)
    part = np.empty(len(truth), np.int64)
    for kind in (truth, ~truth):
        part[kind] = random.permutation(int(kind.sum())) % _FOLDS
    for fold in range(_FOLDS):
        others, here = part != fold, part == fold
        said[here] = _rising(inputs[others], truth[others]).probabilities(inputs[here])
        threshold = precision_recall_curve(inputs[others], truth[others]).threshold_at_precision(precision)
        if threshold is not None:
            kept[here] = inputs[here] >= threshold
    return said, kept


def _auc(drawn: Floats) -> float:
    alike = drawn[:, 1] > 0
    # a draw of one kind alone tells nothing: it counts as chance, which only widens the interval
    return 0.5 if alike.all() or not alike.any() else area_under_roc(drawn[:, 0], alike)


def _at(curve: Calibration, score: float, is_probability: bool) -> float:
    return curve.probability(float(log_odds(score)) if is_probability else score)


def _at_least(hits: int, count: int, share: float) -> float:
    """Return the probability of `hits` and more of `count` draws that each hit with probability `share`, in (0, 1)."""
    numbers = np.arange(1, count + 1)
    chosen = np.concatenate([[0.0], np.cumsum(np.log(count - numbers + 1) - np.log(numbers))])[hits:]
    upto = np.arange(hits, count + 1)
    return float(np.exp(chosen + upto * math.log(share) + (count - upto) * math.log1p(-share)).sum())


def _solved(rising: Callable[[float], float]) -> float:
    """Return where a rising function of a share in (0, 1) is 0, by halving."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
