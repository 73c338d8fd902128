"""How good are descriptions? Retrieval figures, precision and recall, calibration. NumPy only.

Rows are unit vectors, so that their dot products are cosines. Products of many rows are made block by block:
30,000 rows of 256 numbers need 60 MB beside the rows, not 3.6 GB. Where a ranking comes of something else than
cosines, a function of the type `Scores` stands in the place of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.errors import InvalidArgument, ShapeMismatch

__all__ = [
    "Bin",
    "PrecisionRecall",
    "Scores",
    "area_under_roc",
    "average_precisions",
    "blocks",
    "bootstrap_interval",
    "calibration_error",
    "cosines_of",
    "first_ranks",
    "mean_average_precision",
    "median_rank",
    "precision_recall_curve",
    "precision_recall_of_counts",
    "ranks_and_precisions",
    "recall_at_k",
    "reliability",
]

BLOCK = 512

Scores = Callable[[NDArray[np.intp]], NDArray[Any]]
"""(m,) places of rows that ask -> (m, n) scores of all rows, higher for the nearer; any finite numbers, new arrays."""

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """One point per distinct score, highest first: what is kept when pairs scoring at least `thresholds` are.

    All (n,) float64. precision and recall in [0, 1]; recall never falls along the arrays.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def recall_at_precision(self, precision: float) -> float:
        """Return the most recall that any threshold gives at this precision or better; 0 where none does."""
        reached = self.recall[self.precision >= precision]
        return float(reached.max()) if len(reached) else 0.0

    def threshold_at_precision(self, precision: float) -> float | None:
        """Return the threshold that gives `recall_at_precision`, the highest of several; None where none does."""
        reached = np.flatnonzero(self.precision >= precision)
        return float(self.thresholds[reached[np.argmax(self.recall[reached])]]) if len(reached) else None

    def thinned(self, points: int = 101) -> PrecisionRecall:
        """Return the points that reach a recall of 0, 0.01, ... 1 first: at most `points`, for files and drawings."""
        chosen = np.unique(np.searchsorted(self.recall, np.linspace(0, self.recall[-1], points)))
        return PrecisionRecall(self.precision[chosen], self.recall[chosen], self.thresholds[chosen])


@dataclass(frozen=True, slots=True)
class Bin:
    """The pairs whose probability is from `low` to `high`: how many, their mean probability, the share that is true."""

    low: float
    high: float
    count: int
    mean: float
    share: float


def recall_at_k(rows: Rows | Scores, labels: ArrayLike, k: int = 1) -> float:
    """Return the share of rows with at least one of their own label among their k nearest other rows.

    rows: (n, d) unit vectors, or what scores them; labels: (n,) of anything comparable. Leave-one-out: a row never
    finds itself. Rows that are alone with their label can't be found and are not asked. Rows that score alike with
    the k-th rank as unlucky as possible: before a tie, other labels go first.
    Raises InvalidArgument where no label occurs twice or k is below 1, ShapeMismatch where lengths differ.
    """
    if k < 1:
        raise InvalidArgument("k", k, "at least 1")
    return float(np.mean(first_ranks(rows, labels) <= k))


def median_rank(rows: Rows | Scores, labels: ArrayLike) -> float:
    """Return the median, over rows, of the rank at which the first other row of the same label comes; 1 is best.

    Rows, labels, ties and errors as in `recall_at_k`.
    """
    return float(np.median(first_ranks(rows, labels)))


def first_ranks(rows: Rows | Scores, labels: ArrayLike) -> NDArray[np.int64]:
    """Return (m,): for each row whose label occurs twice, the rank of the nearest other row with that label.

    Rows, labels, ties and errors as in `recall_at_k`.
    """
    ranks = []
    for _, scores, same in blocks(rows, labels):
        best = np.where(same, scores, -np.inf).max(1, keepdims=True)
        ranks.append(1 + np.count_nonzero((scores >= best) & ~same, axis=1))
    return np.concatenate(ranks)


def mean_average_precision(rows: Rows | Scores, labels: ArrayLike) -> float:
    """Return the mean of `average_precisions`."""
    return float(average_precisions(rows, labels).mean())


def average_precisions(rows: Rows | Scores, labels: ArrayLike) -> NDArray[np.float64]:
    """Return (m,): for each row whose label occurs twice, the average precision of the ranking of all other rows.

    That is the mean, over the rows of the same label, of the precision down to each of them.
    Rows, labels, ties and errors as in `recall_at_k`.
    """
    return ranks_and_precisions(rows, labels)[1]


def ranks_and_precisions(
    rows: Rows | Scores, labels: ArrayLike, asked: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what `first_ranks` and `average_precisions` do, in one pass: (m,) and (m,).

    asked: places of the rows to ask with, all with a label that occurs twice; default all that have one.
    """
    ranks: list[int] = []
    precisions: list[float] = []
    for _, scores, same in blocks(rows, labels, asked):
        for row, own in zip(scores, same, strict=True):
            # other labels go first among equals: those that score as much count as before
            before = np.count_nonzero(~own) - np.searchsorted(np.sort(row[~own]), np.sort(row[own])[::-1])
            found = np.arange(1, len(before) + 1)
            ranks.append(1 + int(before[0]))
            precisions.append(float((found / (found + before)).mean()))
    return np.array(ranks, np.int64), np.array(precisions)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], float | np.floating[Any]] = np.mean,
    *,
    confidence: float = 0.95,
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the interval in which a statistic of values like these lies with this confidence.

    values: (n, ...), drawn anew along the first axis, with replacement, `rounds` times; the same seed gives the
    same interval. Efron's percentile method (1979). It tells what chance did in drawing these values, not what
    others of another kind would give. Raises InvalidArgument for no values or a confidence outside (0, 1).
    """
    drawn = np.asarray(values, np.float64)
    if drawn.ndim == 0 or len(drawn) == 0:
        raise InvalidArgument("values", "empty", "at least one number")
    if not 0 < confidence < 1:
        raise InvalidArgument("confidence", confidence, "between 0 and 1")
    random = np.random.default_rng(seed)
    found = [float(statistic(drawn[random.integers(len(drawn), size=len(drawn))])) for _ in range(rounds)]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def area_under_roc(scores: ArrayLike, same: ArrayLike) -> float:
    """Return the probability that a true pair scores above a false one, ties counting half: in [0, 1], 0.5 is chance.

    scores: (n,); same: (n,) bool. Equal to the area under the ROC curve (Hanley and McNeil 1982).
    Raises InvalidArgument unless there are pairs of both kinds, ShapeMismatch where lengths differ.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(same, bool)
    if values.shape != truth.shape or values.ndim != 1:
        raise ShapeMismatch("same", expected=values.shape, got=truth.shape)
    true, false = values[truth], np.sort(values[~truth])
    if len(true) == 0 or len(false) == 0:
        raise InvalidArgument("same", "all alike", "true for some pairs and false for others")
    below = np.searchsorted(false, true, "left") + np.searchsorted(false, true, "right")
    return float(below.mean() / 2 / len(false))


def precision_recall_curve(scores: ArrayLike, same: ArrayLike) -> PrecisionRecall:
    """Return precision and recall of "at least this score means the same", for every distinct score.

    scores: (n,); same: (n,) bool, the truth. Pairs of equal score are kept or dropped together.
    Raises InvalidArgument where no pair is the same, ShapeMismatch where lengths differ.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(same, bool)
    if values.shape != truth.shape or values.ndim != 1:
        raise ShapeMismatch("same", expected=values.shape, got=truth.shape)
    if not truth.any():
        raise InvalidArgument("same", "all false", "true for at least one pair")
    levels, place = np.unique(values, return_inverse=True)
    true, false = (np.bincount(place[kind], minlength=len(levels)) for kind in (truth, ~truth))
    return precision_recall_of_counts(levels, true, false)


def precision_recall_of_counts(
    scores: NDArray[np.float64], true: NDArray[np.int64], false: NDArray[np.int64]
) -> PrecisionRecall:
    """Return the curve of pairs that were only counted: scores (n,) ascending, true and false pairs (n,) at each.

    Scores without any pair are left out. At least one pair must be true.
    """
    met = np.flatnonzero(true + false)[::-1]
    hits, kept = np.cumsum(true[met]), np.cumsum(true[met] + false[met])
    return PrecisionRecall(hits / kept, hits / hits[-1], scores[met])


def calibration_error(probabilities: ArrayLike, same: ArrayLike, bins: int = 15) -> float:
    """Return the expected calibration error: how far probabilities are from the shares that came true.

    The mean distance between mean probability and true share, weighted by bin size, in [0, 1] (Naeini et al.
    2015). Arguments and errors as in `reliability`.
    """
    table = reliability(probabilities, same, bins)
    return sum(one.count * abs(one.mean - one.share) for one in table) / sum(one.count for one in table)


def reliability(probabilities: ArrayLike, same: ArrayLike, bins: int = 10) -> list[Bin]:
    """Return the reliability diagram as a table: bins of equal width, ascending, those without pairs left out.

    probabilities: (n,) in [0, 1]; same: (n,) bool. A probability on an edge belongs to the bin above it.
    Raises InvalidArgument for no pairs or values outside [0, 1], ShapeMismatch where lengths differ.
    """
    values, truth = np.asarray(probabilities, np.float64), np.asarray(same, bool)
    if values.shape != truth.shape or values.ndim != 1:
        raise ShapeMismatch("same", expected=values.shape, got=truth.shape)
    if len(values) == 0 or not (values.min() >= 0 and values.max() <= 1):
        raise InvalidArgument("probabilities", "empty or outside", "at least one number, all in [0, 1]")
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    counts, sums, hits = (np.bincount(place, weights, bins) for weights in (None, values, truth))
    return [
        Bin(i / bins, (i + 1) / bins, int(counts[i]), float(sums[i] / counts[i]), float(hits[i] / counts[i]))
        for i in np.flatnonzero(counts).tolist()
    ]


def cosines_of(rows: Rows) -> Scores:
    """Return the scores by which unit rows rank each other: their cosines."""
    return lambda places: rows[places] @ rows.T


def blocks(
    rows: Rows | Scores, labels: ArrayLike, asked: ArrayLike | None = None
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any], NDArray[np.bool_]]]:
    """Yield (places, scores, same) of up to `BLOCK` rows: (m,), (m, n), (m, n); a row scores -inf with itself.

    Arguments and errors as in `ranks_and_precisions`.
    """
    names = np.asarray(labels)
    if not callable(rows) and (rows.ndim != 2 or names.shape != rows.shape[:1]):
        raise ShapeMismatch("labels", expected=rows.shape[:1], got=names.shape)
    score = rows if callable(rows) else cosines_of(rows)
    numbers, sizes = np.unique(names, return_inverse=True, return_counts=True)[1:]
    chosen = np.flatnonzero(sizes[numbers] > 1) if asked is None else np.asarray(asked, np.intp)
    if len(chosen) == 0:
        raise InvalidArgument("labels", f"{len(names)} rows", "such that at least one label occurs twice")
    for start in range(0, len(chosen), BLOCK):
        queries = chosen[start : start + BLOCK]
        scores = score(queries)
        same = numbers[queries, None] == numbers[None, :]
        own = (np.arange(len(queries)), queries)
        scores[own], same[own] = -np.inf, False
        yield queries, scores, same
