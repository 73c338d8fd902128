"""Distances to choose from where vectors are compared directly. Smaller is nearer, for every one of them.

    cosine       1 - a·b / (|a| |b|)               [0, 2]     directions; lengths do not matter
    correlation  cosine of a - mean(a), b - mean(b) [0, 2]     shapes; lengths and levels do not matter
    dot          -a·b                               any        no score: it has no nearest possible value
    l2           sqrt(sum (a - b)²)                 [0, inf)   Euclidean
    l1           sum |a - b|                        [0, inf)   Manhattan
    chi-squared  1/2 sum (a - b)² / (a + b)         [0, inf)   histograms, none negative; [0, 1] if each sums to 1
    hamming      share of places that differ        [0, 1]     bits or codes; unpack packed bits first

Chi-squared is the symmetric form (Pele and Werman, "The quadratic-chi histogram distance family", 2010), 0 / 0 = 0.
A vector without direction (all zero; all equal under correlation) is at cosine or correlation 1 from every vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.errors import InvalidArgument, ShapeMismatch

__all__ = ["METRICS", "Metric", "distances", "similarities"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metric:
    """One way to compare vectors. distance: (d,), (n, d) -> (n,); score: distances -> scores, None if it has none."""

    name: str
    distance: Callable[[Floats, Floats], Floats]
    score: Callable[[Floats], Floats] | None


def distances(query: ArrayLike, rows: ArrayLike, metric: str = "cosine") -> Floats:
    """Measure how far one vector is from each of many.

    query: (d,); rows: (n, d), any numbers, reckoned in float64. metric: a key of `METRICS`. Returns (n,).
    Raises InvalidArgument for an unknown metric, for numbers that are not finite, and under chi-squared for
    negative ones; ShapeMismatch where widths differ.
    """
    one, many = _checked(query, rows)
    return _metric(metric).distance(one, many)


def similarities(query: ArrayLike, rows: ArrayLike, metric: str = "cosine") -> Floats:
    """Score how alike one vector is to each of many: (n,) in [0, 1], 1 = at distance 0, in the order of `distances`.

    cosine, correlation and hamming: 1 - distance, and 0 beyond distance 1, as scores are everywhere in Lookalike;
    l1, l2 and chi-squared: 1 / (1 + distance). Arguments and errors as in `distances`; InvalidArgument for dot.
    """
    found = _metric(metric)
    if found.score is None:
        scored = [name for name, other in METRICS.items() if other.score]
        raise InvalidArgument("metric", metric, f"one that has scores: {', '.join(scored)}")
    one, many = _checked(query, rows)
    return found.score(found.distance(one, many))


def _cosine(query: Floats, rows: Floats) -> Floats:
    # Scaled first, so that squares of very large or small numbers neither overflow nor vanish.
    one, many = _scaled(query[None]), _scaled(rows)
    lengths = np.linalg.norm(many, axis=1) * np.linalg.norm(one)
    products = many @ one[0]
    cosines: Floats = np.divide(products, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return 1.0 - np.clip(cosines, -1.0, 1.0)


def _scaled(rows: Floats) -> Floats:
    largest = np.abs(rows).max(axis=1, keepdims=True)
    return rows / np.where(largest > 0, largest, 1.0)


def _correlation(query: Floats, rows: Floats) -> Floats:
    return _cosine(_centered(query[None])[0], _centered(rows))


def _centered(rows: Floats) -> Floats:
    level = rows.max(axis=1, keepdims=True) == rows.min(axis=1, keepdims=True)
    return np.where(level, 0.0, rows - rows.mean(axis=1, keepdims=True))  # a mean may be off by its rounding


def _dot(query: Floats, rows: Floats) -> Floats:
    return -(rows @ query)


def _l2(query: Floats, rows: Floats) -> Floats:
    found: Floats = np.linalg.norm(rows - query, axis=1)
    return found


def _l1(query: Floats, rows: Floats) -> Floats:
    found: Floats = np.abs(rows - query).sum(axis=1)
    return found


def _chi_squared(query: Floats, rows: Floats) -> Floats:
    if query.min() < 0 or (rows.size and rows.min() < 0):
        raise InvalidArgument("a vector under chi-squared", "negative in places", "a histogram: no number below 0")
    sums = rows + query
    terms = np.divide((rows - query) ** 2, sums, out=np.zeros_like(sums), where=sums > 0)
    found: Floats = 0.5 * terms.sum(axis=1)
    return found


def _hamming(query: Floats, rows: Floats) -> Floats:
    found: Floats = (rows != query).mean(axis=1)
    return found


def _complement(found: Floats) -> Floats:
    return np.maximum(0.0, 1.0 - found)


def _reciprocal(found: Floats) -> Floats:
    return 1.0 / (1.0 + found)


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("cosine", _cosine, _complement),
        Metric("correlation", _correlation, _complement),
        Metric("dot", _dot, None),
        Metric("l2", _l2, _reciprocal),
        Metric("l1", _l1, _reciprocal),
        Metric("chi-squared", _chi_squared, _reciprocal),
        Metric("hamming", _hamming, _complement),
    )
}
"""Name -> metric."""


def _metric(name: str) -> Metric:
    if name not in METRICS:
        raise InvalidArgument("metric", name, f"one of {', '.join(METRICS)}")
    return METRICS[name]


def _checked(query: ArrayLike, rows: ArrayLike) -> tuple[Floats, Floats]:
    one, many = np.asarray(query, np.float64), np.asarray(rows, np.float64)
    if one.ndim != 1:
        raise ShapeMismatch("query", expected=many.shape[1:], got=one.shape)
    if many.ndim != 2 or many.shape[1] != len(one):
        raise ShapeMismatch("rows", expected=(*many.shape[:1], len(one)), got=many.shape)
    if len(one) == 0:
        raise InvalidArgument("query", "empty", "at least one number")
    if not (np.isfinite(one).all() and np.isfinite(many).all()):
        raise InvalidArgument("a vector", "not finite in places", "made of finite numbers")
    return one, many
