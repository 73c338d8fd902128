"""k-reciprocal re-ranking: neighbors that have each other among their neighbors move up.

Zhong, Zheng, Cao and Li, "Re-ranking person re-identification with k-reciprocal encoding" (CVPR 2017). The distance of
two rows is the Jaccard distance of their neighborhoods, mixed with their own distance. As in the paper's published
program, distances are squared Euclidean ones, divided by the largest of their row.

Of n rows only k1 neighbors and a sparse encoding are kept (some 2 kB a row), and distances to all are made for a few
rows at a time. No labels are used: it can be applied to any ranking, at the price of knowing the whole gallery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.evaluate import BLOCK
from lookalike.evaluation.lineup import Rows

__all__ = ["MOST_RERANKED", "Reranked"]

MOST_RERANKED = 20_000
"""Rows up to which an evaluation re-ranks: the time grows with their square."""

Places = NDArray[np.intp]
Floats = NDArray[np.float64]


class Reranked:
    """Scores rows by the re-ranked distance, as `evaluate.Scores`: (m,) places -> (m, n), minus the distance."""

    def __init__(self, rows: Rows, *, k1: int = 20, k2: int = 6, share: float = 0.3) -> None:
        """Encode (n, d) unit rows.

        k1: neighbors looked at for reciprocity; k2: neighbors whose encodings are averaged; share: of the rows' own
        distance in the mixture, the paper's lambda, in [0, 1]. Raises InvalidArgument for what is outside.
        """
        if k1 < 1 or k2 < 1:
            raise InvalidArgument("k1 and k2", (k1, k2), "at least 1")
        if not 0 <= share <= 1:
            raise InvalidArgument("lambda", share, "between 0 and 1")
        self._rows, self._share = rows, share
        nearest, self._farthest = _nearest(rows, max(k1, k2) + 1)
        mutual = _reciprocal(nearest[:, : k1 + 1])
        half = _reciprocal(nearest[:, : round(k1 / 2) + 1])
        encoded = [self._encoded(place, _expanded(place, mutual, half)) for place in range(len(rows))]
        self._own = [_averaged([encoded[other] for other in near]) for near in nearest[:, :k2]] if k2 > 1 else encoded
        self._inverted = _Inverted.of(self._own, len(rows))

    def __call__(self, places: Places) -> Floats:
        jaccard = np.stack([1 - (shared := self._inverted.shared(self._own[one])) / (2 - shared) for one in places])
        return -((1 - self._share) * jaccard + self._share * self._distances(places, slice(None)))

    def _distances(self, places: Places, others: Places | slice) -> Floats:
        """Return (m, others): squared Euclidean, from 0 to 1 for the farthest of the row."""
        squared = np.maximum(0, 2 - 2 * (self._rows[places] @ self._rows[others].T).astype(np.float64))
        return np.asarray(squared / self._farthest[places, None])

    def _encoded(self, place: int, neighbors: Places) -> tuple[Places, Floats]:
        weights = np.exp(-self._distances(np.array([place]), neighbors)[0])
        return neighbors, weights / weights.sum()


@dataclass(frozen=True, slots=True, eq=False)
class _Inverted:
    """The encodings by neighbor: `rows[starts[j] : starts[j + 1]]` have j in theirs, with those weights."""

    starts: Places
    rows: Places
    weights: Floats

    @classmethod
    def of(cls, encoded: Sequence[tuple[Places, Floats]], count: int) -> _Inverted:
        columns = np.concatenate([neighbors for neighbors, _ in encoded])
        rows = np.repeat(np.arange(count), [len(neighbors) for neighbors, _ in encoded])
        order = np.argsort(columns, kind="stable")
        starts = np.searchsorted(columns[order], np.arange(count + 1))
        return cls(starts, rows[order], np.concatenate([weights for _, weights in encoded])[order])

    def shared(self, encoded: tuple[Places, Floats]) -> Floats:
        """Return (n,): the sum of the smaller weights of this and every other encoding."""
        neighbors, weights = encoded
        lengths = self.starts[neighbors + 1] - self.starts[neighbors]
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1]) + np.repeat(self.starts[neighbors] - (ends - lengths), lengths)
        least = np.minimum(np.repeat(weights, lengths), self.weights[places])
        return np.bincount(self.rows[places], least, minlength=len(self.starts) - 1).astype(np.float64)


def _nearest(rows: Rows, count: int) -> tuple[Places, Floats]:
    """Return (n, count) places of the nearest, oneself first, and (n,) the largest squared distance of each row."""
    count = min(count, len(rows))
    nearest, farthest = np.empty((len(rows), count), np.intp), np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        cosines = rows[start : start + BLOCK] @ rows.T
        block = np.arange(len(cosines))
        farthest[start : start + len(block)] = np.maximum(1e-12, 2 - 2 * cosines.min(axis=1).astype(np.float64))
        cosines[block, start + block] = np.inf
        top = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(cosines, top, axis=1), axis=1, kind="stable")
        nearest[start : start + len(block)] = np.take_along_axis(top, order, axis=1)
    return nearest, farthest


def _reciprocal(nearest: Places) -> list[Places]:
    """Return for each row those of its neighbors that have it among theirs; itself first."""
    found: list[Places] = []
    for start in range(0, len(nearest), BLOCK):
        near = nearest[start : start + BLOCK]
        mutual = (nearest[near] == np.arange(start, start + len(near))[:, None, None]).any(axis=2)
        found += [row[kept] for row, kept in zip(near, mutual, strict=True)]
    return found


def _expanded(place: int, mutual: Sequence[Places], half: Sequence[Places]) -> Places:
    """Return the reciprocal neighbors, and the half-sized neighborhoods of those of which they hold over two thirds."""
    own = set(mutual[place].tolist())
    parts = [mutual[place]]
    parts += [half[one] for one in own if 3 * len(own.intersection(half[one].tolist())) > 2 * len(half[one])]
    return np.unique(np.concatenate(parts))


def _averaged(encoded: Iterable[tuple[Places, Floats]]) -> tuple[Places, Floats]:
    """Return the mean of sparse encodings."""
    parts = list(encoded)
    neighbors, place = np.unique(np.concatenate([one for one, _ in parts]), return_inverse=True)
    return neighbors, np.bincount(place, np.concatenate([weights for _, weights in parts])) / len(parts)
