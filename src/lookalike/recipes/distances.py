"""Distances between feature vectors by the names that the recipes give them. Smaller is more alike.

    l2            sqrt(sum (a - b)²)
    l1            sum |a - b|
    normalizedl2  l2 of both brought to length 1
    cosine        1 - a·b / (|a| |b|)
    correlation   cosine of a - mean(a), b - mean(b)
    hamming       share of places where one is above 0 and the other is not
    chi-squared   1/2 sum (a - b)² / (a + b), 0 / 0 = 0; also "chisquared"; no number below 0
    normalizedchisquared   the same of both divided by their sums

All but hamming are brought to length 1 first, unless `l2_normalize` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.errors import InvalidArgument
from lookalike.metrics import distances

__all__ = ["METHODS", "compute_distances", "vector_distance"]

Floats = NDArray[np.float64]


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


def _share(rows: Floats) -> Floats:
    sums = rows.sum(axis=-1, keepdims=True)
    return np.asarray(rows / np.where(sums > 0, sums, 1.0))


def _same(rows: Floats) -> Floats:
    return rows


def _signs(rows: Floats) -> Floats:
    return np.asarray(rows > 0, np.float64)


METHODS: Mapping[str, tuple[str, Callable[[Floats], Floats]]] = {
    "l2": ("l2", _same),
    "l1": ("l1", _same),
    "normalizedl2": ("l2", _unit),
    "cosine": ("cosine", _same),
    "correlation": ("correlation", _same),
    "hamming": ("hamming", _signs),
    "chi-squared": ("chi-squared", _same),
    "chisquared": ("chi-squared", _same),
    "normalizedchisquared": ("chi-squared", _share),
}
"""Name -> the metric of `lookalike.metrics`, and what is done to vectors before it."""


def vector_distance(vec1: ArrayLike, vec2: ArrayLike, method: str = "l2", l2_normalize: bool = True) -> float:
    """Return the distance of two vectors, (d,) each.

    method: a key of `METHODS`, in any case. A vector of zeros stays as it is. Raises InvalidArgument for another
    method, numbers that are not finite and, under chi-squared, negative ones; ShapeMismatch where widths differ.
    """
    return float(_distances(vec1, np.asarray(vec2, np.float64)[None], method, l2_normalize)[0])


def compute_distances(
    query_features: ArrayLike, feature_dict: Mapping[Any, ArrayLike], method: str = "l2", l2_normalize: bool = True
) -> list[tuple[Any, float]]:
    """Return (path, distance to the query) of every entry, in the order of the dictionary. Raises as above."""
    if not feature_dict:
        return []
    rows = np.stack([np.asarray(row, np.float64) for row in feature_dict.values()])
    found = _distances(query_features, rows, method, l2_normalize)
    return list(zip(feature_dict, found.tolist(), strict=True))


def _distances(query: ArrayLike, rows: Floats, method: str, l2_normalize: bool) -> Floats:
    if method.lower() not in METHODS:
        raise InvalidArgument("method", method, f"one of {', '.join(METHODS)}")
    metric, prepared = METHODS[method.lower()]
    one, many = np.asarray(query, np.float64), rows
    if l2_normalize:
        one, many = _unit(one), _unit(many)
    return distances(prepared(one), prepared(many), metric)
