"""Pictures to figures: what descriptions find, what copies they know, and what `compare` tells, beside baselines."""

from __future__ import annotations

from lookalike.evaluation.copies import Copies, CopyLine, evaluate_copies
from lookalike.evaluation.described import Described, described
from lookalike.evaluation.figures import Figure
from lookalike.evaluation.lineup import Lineup
from lookalike.evaluation.pairs import PairLine, Pairs, evaluate_pairs
from lookalike.evaluation.retrieval import Retrieval, RetrievalLine, evaluate_described, evaluate_retrieval
from lookalike.evaluation.stored import IndexRecall, described_records, index_recall

__all__ = [
    "Copies",
    "CopyLine",
    "Described",
    "Figure",
    "IndexRecall",
    "Lineup",
    "PairLine",
    "Pairs",
    "Retrieval",
    "RetrievalLine",
    "described",
    "described_records",
    "evaluate_copies",
    "evaluate_described",
    "evaluate_pairs",
    "evaluate_retrieval",
    "index_recall",
]
