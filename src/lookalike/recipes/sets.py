"""Comparative sets: a query, one picture of its label, and many of other labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lookalike.errors import InvalidArgument
from lookalike.evaluation.figures import SEED
from lookalike.evaluation.sets import draw_sets
from lookalike.recipes.data import ImageFolder
from lookalike.recipes.distances import compute_distances, vector_distance

__all__ = ["ComparativeSet", "comparative_set_builder", "positive_image_ranks", "recall_at_k"]


class ComparativeSet:
    """A query with one positive and several negatives; after `compute_distances` it knows the positive's rank.

    pos_dist: distance of the positive, neg_dists: (n,) of the negatives; None before.
    """

    def __init__(
        self,
        query_im_path: str,
        pos_im_path: str,
        neg_im_paths: Sequence[str],
        pos_label: str,
        neg_labels: Sequence[str],
    ) -> None:
        """Take paths and labels. Raises InvalidArgument for no negatives, or not a label for each."""
        if not neg_im_paths or len(neg_im_paths) != len(neg_labels):
            found = f"{len(neg_im_paths)} with {len(neg_labels)} labels"
            raise InvalidArgument("neg_im_paths", found, "one and more, a label for each")
        self.query_im_path, self.pos_im_path, self.neg_im_paths = query_im_path, pos_im_path, list(neg_im_paths)
        self.pos_label, self.neg_labels = pos_label, list(neg_labels)
        self.distance_method = "l2"
        self.pos_dist: float | None = None
        self.neg_dists: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        return f"ComparativeSet({self.query_im_path!r}, label {self.pos_label!r}, {len(self.neg_im_paths)} negatives)"

    def set_distance_method(self, method: str) -> None:
        """Use another distance from the next `compute_distances` on."""
        self.distance_method = method

    def compute_distances(self, features: Mapping[str, ArrayLike]) -> None:
        """Measure from the query to all others. features: path -> (d,). Raises as `vector_distance`."""
        query = features[self.query_im_path]
        self.pos_dist = vector_distance(query, features[self.pos_im_path], self.distance_method)
        # by place and not by path: a negative that was drawn twice counts twice
        negatives = {place: features[path] for place, path in enumerate(self.neg_im_paths)}
        measured = compute_distances(query, negatives, self.distance_method)
        self.neg_dists = np.array([distance for _, distance in measured])

    def pos_rank(self) -> int:
        """Return 1 + the number of negatives that are strictly nearer. Raises InvalidArgument before distances."""
        if self.pos_dist is None or self.neg_dists is None:
            raise InvalidArgument("pos_rank", "asked for before distances", "asked for after compute_distances")
        return 1 + int((self.neg_dists < self.pos_dist).sum())


def comparative_set_builder(
    data: ImageFolder, num_sets: int, num_negatives: int = 100, *, seed: int = SEED
) -> list[ComparativeSet]:
    """Draw sets; the same seed draws the same.

    num_negatives: fewer where there are not so many pictures of other labels; each is in a set once. Raises
    InvalidArgument unless some label has two pictures and there is another label.
    """
    sets = draw_sets(data.labels, count=num_sets, negatives=num_negatives, seed=seed)
    if sets is None:
        raise InvalidArgument("data", f"{len(data)} pictures", "two pictures of one label and one of another, at least")
    return [
        ComparativeSet(
            data.items[query],
            data.items[positive],
            [data.items[one] for one in negatives],
            data.labels[query],
            [data.labels[one] for one in negatives],
        )
        for query, positive, negatives in zip(sets.queries, sets.positives, sets.negatives, strict=True)
    ]


def positive_image_ranks(comparative_sets: Sequence[ComparativeSet]) -> list[int]:
    """Return the rank of the positive in each set, 1 being best."""
    return [one.pos_rank() for one in comparative_sets]


def recall_at_k(ranks: Sequence[int], k: int) -> float:
    """Return the percentage of ranks up to k, to one decimal. Raises InvalidArgument for no ranks."""
    if len(ranks) == 0:
        raise InvalidArgument("ranks", "empty", "at least one")
    return round(100.0 * sum(rank <= k for rank in ranks) / len(ranks), 1)
