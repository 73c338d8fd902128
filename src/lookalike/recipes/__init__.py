"""The functions that users of Microsoft's recipes for image similarity know, with the same meaning.

    from lookalike.recipes import *

    data = ImageFolder("fridgeObjects")
    features = compute_features(data)
    sets = comparative_set_builder(data, num_sets=1000, num_negatives=99)
    for one in sets:
        one.compute_distances(features)
    recall_at_k(positive_image_ranks(sets), 1)

Features are a dictionary of path -> vector, data is any folder of folders; a smaller distance is more alike, as there.
Everywhere else in Lookalike scores are higher for what is more alike.
"""

from __future__ import annotations

from lookalike.recipes.data import ImageFolder
from lookalike.recipes.distances import METHODS, compute_distances, vector_distance
from lookalike.recipes.drawing import plot_comparative_set, plot_distances, plot_ranks_distribution, plot_recalls
from lookalike.recipes.features import compute_feature, compute_features
from lookalike.recipes.ranking import evaluate
from lookalike.recipes.sets import ComparativeSet, comparative_set_builder, positive_image_ranks, recall_at_k
from lookalike.recipes.widget import RetrievalWidget

__all__ = [
    "METHODS",
    "ComparativeSet",
    "ImageFolder",
    "RetrievalWidget",
    "comparative_set_builder",
    "compute_distances",
    "compute_feature",
    "compute_features",
    "evaluate",
    "plot_comparative_set",
    "plot_distances",
    "plot_ranks_distribution",
    "plot_recalls",
    "positive_image_ranks",
    "recall_at_k",
    "vector_distance",
]
