"""A head on frozen features: directions in which pictures of one identity differ count less.

Within-class covariance normalization (Hatch, Kajarekar and Stolcke 2006) with the covariance shrunk toward a multiple
of the identity, in closed form: the same features give the same head. What is learned is joined to the old vector, not
put in its place: the cosine of both together is the mean of their cosines in the shares 1 - strength and strength.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Head", "fit_head", "joined_rows", "learned_rows"]

Rows = NDArray[np.float32]

SHRINKAGE = 0.6
WIDTH = 384
_LARGE = 4.0  # a class counts as many pictures as this many times the median class, at most
_FEW = 10


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """weights: (d, k), bias: (k,), float32. strength: share of what was learned in the score, in [0, 1)."""

    weights: Rows
    bias: Rows
    strength: float = 0.0

    def at(self, strength: float) -> Head:
        """Return the same head with another strength."""
        return replace(self, strength=strength)


def fit_head(features: Rows, identities: NDArray[np.int64], width: int = WIDTH) -> Head:
    """Return the head that evens out how pictures of one identity differ.

    features: (n, d); identities: (n,) class numbers, of which at least one occurs twice. width: the principal
    components that are kept of the result, at most d.
    """
    rows = features.astype(np.float64)
    numbers, counts = np.unique(identities, return_inverse=True, return_counts=True)[1:]
    most = max(_FEW, _LARGE * float(np.median(counts)))
    weights = np.minimum(1, most / counts)[numbers]
    center = np.average(rows, axis=0, weights=weights)
    rows -= center
    means = np.zeros((len(counts), rows.shape[1]))
    np.add.at(means, numbers, rows)
    apart = rows - (means / counts[:, None])[numbers]
    inside = (apart * weights[:, None]).T @ apart / max(1.0, weights.sum() - len(counts))
    even = np.trace(inside) / len(inside) + 1e-12
    inside = (1 - SHRINKAGE) * inside + SHRINKAGE * even * np.eye(len(inside))
    whitened = np.linalg.inv(np.linalg.cholesky(inside)).T
    if width < len(inside):
        whitened = whitened @ _axes((rows * np.sqrt(weights)[:, None]) @ whitened, width)
    return Head(whitened.astype(np.float32), (-center @ whitened).astype(np.float32))


def learned_rows(head: Head, features: Rows) -> Rows:
    """Return (n, k) unit rows of what was learned."""
    return _unit(features @ head.weights + head.bias)


def joined_rows(before: Rows, learned: Rows, strength: float) -> Rows:
    """Return (n, w + k) unit rows: both side by side. before, learned: (n, w), (n, k) unit rows."""
    old, new = np.float32((1 - strength) ** 0.5), np.float32(strength**0.5)
    return np.concatenate([before * old, learned * new], axis=1)


def _axes(rows: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return (d, width) orthogonal directions: those in which rows (n, d) spread most, as far as n rows tell any.

    Of what they tell nothing, directions by chance are kept rather than none: pictures yet unknown spread there too.
    """
    if len(rows) >= rows.shape[1]:
        found: NDArray[np.float64] = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :width]
        return found
    known = np.linalg.svd(rows, full_matrices=False)[2].T[:, :width]
    chance = np.random.default_rng(0).standard_normal((rows.shape[1], width - known.shape[1]))
    return np.asarray(np.linalg.qr(np.concatenate([known, chance], axis=1))[0])


def _unit(rows: Rows) -> Rows:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.float32(1e-6)), np.float32)
