"""Descriptions laid out in the plane: by their principal components, and by t-SNE, which unfolds them.

- PCA: exact, of the covariance of at most `SAMPLED` rows; always there, and the first thing that is shown.
- t-SNE (van der Maaten and Hinton 2008) as openTSNE does it (Poličar, Stražar and Zupan 2024), begun from the principal
  components so that distant parts of the map mean something (Kobak and Berens 2019). Extra `map`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import MissingExtra

__all__ = ["SAMPLED", "UNFOLDED", "Basis", "Floats", "Method", "basis_of", "best_method", "place_beside", "unfold"]

Floats = NDArray[np.float32]
Method = Literal["pca", "tsne"]

SAMPLED: Final = 50_000
"""Rows from which the principal components are taken; stores walk in the order of hashes, so the first are a sample."""

UNFOLDED: Final = 100_000
"""Rows that t-SNE lays out; the others are placed beside those that they are most like."""

_COMPONENTS: Final = 50
_PERPLEXITY: Final = 30
_NEIGHBORS: Final = 10
_BLOCK: Final = 512  # rows that are compared with all anchors at once
_EXAGGERATED, _ITERATIONS, _STEP = 250, 500, 25


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Principal components. mean: (d,) float32; axes: (k, d) float32, orthonormal, those of most variance first."""

    mean: Floats
    axes: Floats

    def reduced(self, vectors: Floats) -> Floats:
        """Return (n, k) coordinates of (n, d) vectors."""
        return cast(Floats, ((vectors - self.mean) @ self.axes.T).astype(np.float32))


def basis_of(vectors: Floats) -> Basis:
    """Return the first 50 principal components of (n, d) vectors, at least two even of one row.

    The sign of each is the one in which its largest entry is positive, so that equal vectors give equal maps.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centered = (vectors - mean).astype(np.float32)
    _, axes = np.linalg.eigh(np.asarray(centered.T @ centered, np.float64))
    axes = axes[:, ::-1][:, :_COMPONENTS].T
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    axes = axes * np.where(largest < 0, -1.0, 1.0)
    if len(axes) < 2:
        axes = np.vstack([axes, np.zeros_like(axes)])
    return Basis(mean.astype(np.float32), axes.astype(np.float32))


def best_method() -> Method:
    """Return "tsne" where its extra is installed, else "pca"."""
    return "tsne" if importlib.util.find_spec("openTSNE") else "pca"


def unfold(points: Floats, seed: int, told: Callable[[float], None] = lambda share: None) -> Floats:
    """Return (n, 2) places of (n, k) reduced vectors by t-SNE; the same for the same points and seed.

    told: called now and then with the share of the work that is done; what it raises ends the work.
    Fewer than a dozen points are laid out by their principal components. Raises MissingExtra.
    """
    try:
        from openTSNE import TSNE
    except ModuleNotFoundError:
        raise MissingExtra("A map by t-SNE", "map") from None
    if len(points) < 12:
        return points[:, :2].copy()
    turns = iter(range(_STEP, _EXAGGERATED + _ITERATIONS + 1, _STEP))

    def watch(iteration: int, error: float, embedding: Any) -> None:
        told(next(turns, _EXAGGERATED + _ITERATIONS) / (_EXAGGERATED + _ITERATIONS))

    start = points[:, :2] / max(float(points[:, 0].std()), 1e-12) * 1e-4
    layout = TSNE(
        perplexity=min(_PERPLEXITY, (len(points) - 1) / 3),
        initialization=start.astype(np.float64),
        early_exaggeration_iter=_EXAGGERATED,
        n_iter=_ITERATIONS,
        random_state=seed,
        callbacks=watch,
        callbacks_every_iters=_STEP,
    ).fit(points)
    return np.asarray(layout, np.float32)


def place_beside(points: Floats, anchors: Floats, places: Floats) -> Floats:
    """Return (n, 2) places for (n, k) points: the mean of the places of the ten anchors they are nearest to.

    anchors: (m, k), m at least 1; places: (m, 2), theirs. Weights fall with the squared distance, as measured against
    the tenth's; a point that is an anchor comes to lie upon it.
    """
    near = min(_NEIGHBORS, len(anchors))
    squares = (anchors * anchors).sum(axis=1)
    found = np.empty((len(points), 2), np.float32)
    for at in range(0, len(points), _BLOCK):
        block = points[at : at + _BLOCK]
        apart = np.maximum(squares - 2 * block @ anchors.T + (block * block).sum(axis=1)[:, None], 0)
        nearest = np.argpartition(apart, near - 1, axis=1)[:, :near]
        distance = np.take_along_axis(apart, nearest, axis=1).astype(np.float64)
        weight = 1 / (distance / np.maximum(distance.max(axis=1, keepdims=True), 1e-12) + 1e-6)
        weight /= weight.sum(axis=1, keepdims=True)
        found[at : at + _BLOCK] = (weight[:, :, None] * places[nearest]).sum(axis=1)
    return found
