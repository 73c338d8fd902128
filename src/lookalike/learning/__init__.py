"""Learning from a user's own pictures: what they call alike becomes a better meaning vector, in a folder of its own."""

from __future__ import annotations

from lookalike.learning.dataset import Dataset, read_dataset
from lookalike.learning.plan import Plan
from lookalike.learning.run import Trained, train

__all__ = ["Dataset", "Plan", "Trained", "read_dataset", "train"]
