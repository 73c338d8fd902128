"""Learning from a user's own pictures: what they call alike becomes a better meaning vector, their labels a tagger,
each in a folder of its own.
"""

from __future__ import annotations

from lookalike.learning.dataset import Dataset, read_dataset
from lookalike.learning.plan import Plan
from lookalike.learning.run import Trained, train
from lookalike.learning.tagging import LearnedTagger, TagPlan, train_tagger

__all__ = ["Dataset", "LearnedTagger", "Plan", "TagPlan", "Trained", "read_dataset", "train", "train_tagger"]
