"""Pictures to figures: what descriptions find, what copies they know, and what `compare` tells, beside baselines."""

from __future__ import annotations

from lookalike.evaluation.copies import Copies, CopyLine, evaluate_copies
from lookalike.evaluation.figures import Figure
from lookalike.evaluation.lineup import Lineup
from lookalike.evaluation.pairs import PairLine, Pairs, evaluate_pairs
from lookalike.evaluation.retrieval import Retrieval, RetrievalLine, evaluate_retrieval

__all__ = [
    "Copies",
    "CopyLine",
    "Figure",
    "Lineup",
    "PairLine",
    "Pairs",
    "Retrieval",
    "RetrievalLine",
    "evaluate_copies",
    "evaluate_pairs",
    "evaluate_retrieval",
]
