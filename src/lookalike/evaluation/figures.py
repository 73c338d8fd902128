"""Measured values with the interval they lie in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import PrecisionRecall, bootstrap_interval

__all__ = ["SEED", "CurvePoint", "Figure", "mean_figure", "points"]

SEED = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and the interval it lies in with 95 % confidence (bootstrap over pictures, or pairs)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Precision and recall of keeping what scores at least `threshold`."""

    recall: float
    precision: float
    threshold: float


def mean_figure(values: NDArray[Any], statistic: Callable[[NDArray[np.float64]], Any] = np.mean) -> Figure:
    """Return the mean (or another statistic) of values, (n, ...), one row for each picture or pair drawn anew."""
    return Figure(float(statistic(values)), *bootstrap_interval(values, statistic, seed=SEED))


def points(curve: PrecisionRecall) -> Sequence[CurvePoint]:
    """Return at most 101 points of a curve, recall rising."""
    thin = curve.thinned()
    columns = (column.tolist() for column in (thin.recall, thin.precision, thin.thresholds))
    return [CurvePoint(*values) for values in zip(*columns, strict=True)]
