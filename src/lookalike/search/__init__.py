"""Search: a question about pictures -> what is looked for -> the nearest, filtered, grouped and paged, with scores."""

from lookalike.search.matches import record_of, row_of, score_of
from lookalike.search.query import MAX_K, MAX_RANKED, Query, check_whole
from lookalike.search.searcher import Searcher
from lookalike.search.target import TargetReader

__all__ = [
    "MAX_K",
    "MAX_RANKED",
    "Query",
    "Searcher",
    "TargetReader",
    "check_whole",
    "record_of",
    "row_of",
    "score_of",
]
