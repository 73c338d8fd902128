"""rank@n and mAP of a data set by its features, with re-ranking if wanted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.errors import InvalidArgument
from lookalike.evaluate import blocks, cosines_of
from lookalike.evaluation.lineup import unit
from lookalike.evaluation.reranking import Reranked
from lookalike.recipes.data import ImageFolder

__all__ = ["evaluate"]


def evaluate(
    data: ImageFolder,
    features: Mapping[str, ArrayLike],
    use_rerank: bool = False,
    rerank_k1: int = 20,
    rerank_k2: int = 6,
    rerank_lambda: float = 0.3,
) -> tuple[NDArray[np.float64], float]:
    """Ask with every picture for the others of its label, and return (rank@n, mAP).

    rank@n: (len(data),) shares in [0, 1], the one of index n - 1 counting the pictures whose first other of the label
    comes within the first n. mAP as in the recipes: the area under precision and recall by trapezoids, which lies a
    little below the mean of precisions that `lookalike evaluate` tells. Features count by their cosine, ties in the
    order of the data. Pictures that are alone with their label are not asked with, but can be found.
    use_rerank: k-reciprocal re-ranking (Zhong et al. 2017), among all pictures, each counting once. Raises
    InvalidArgument where no label occurs twice or a picture has no features.
    """
    missing = [item for item in data.items if item not in features]
    if missing:
        raise InvalidArgument("features", f"without {missing[0]}", "of every picture of the data")
    rows = unit(np.stack([np.asarray(features[item], np.float64) for item in data.items]))
    score = cosines_of(rows)
    if use_rerank:
        score = Reranked(rows, k1=rerank_k1, k2=rerank_k2, share=rerank_lambda)
    found, areas = np.zeros(len(data)), []
    for _, scores, same in blocks(score, data.labels):
        order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]  # oneself is last
        for hits in np.take_along_axis(same, order, axis=1):
            places = np.flatnonzero(hits)
            found[places[0]] += 1
            areas.append(_area(places))
    return np.cumsum(found) / len(areas), float(np.mean(areas))


def _area(places: NDArray[np.intp]) -> float:
    """Return the mean, over right answers at these places from 0, of the precision just before and at each."""
    before = np.arange(len(places))
    at = (before + 1) / (places + 1)
    just_before = np.where(places > 0, before / np.maximum(places, 1), 1.0)
    return float(((at + just_before) / 2).mean())
