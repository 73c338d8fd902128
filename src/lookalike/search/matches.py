"""From what a store returns to what a search answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookalike.records import Match, Record
from lookalike.stores.base import Hit

__all__ = ["match_of", "record_of", "row_of", "score_of"]


def score_of(similarity: float) -> float:
    """Turn a cosine into a score: opposite and unrelated directions are 0, the same direction is 1.

    Rounded to six places, so that a picture found as itself scores exactly 1 whatever the arithmetic.
    """
    return round(min(1.0, max(0.0, similarity)), 6)


def record_of(id_: str, payload: Mapping[str, Any]) -> Record:
    """Return the record that a store's payload holds."""
    return Record(id_, {name: value for name, value in payload.items() if name != "_id"})


def match_of(hit: Hit) -> Match:
    """Return a hit with its score."""
    return Match(hit.id, score_of(hit.similarity), record_of(hit.id, hit.payload))


def row_of(match: Match) -> dict[str, Any]:
    """Return a match as JSON values: `_id`, `score` and its fields side by side, `_group` and `_copies` where asked."""
    row: dict[str, Any] = {"_id": match.id, "score": match.score}
    row |= {name: value for name, value in match.record.fields.items() if name not in row}
    if match.group is not None:
        row["_group"] = {"value": match.group.value, "size": match.group.size}
        if len(match.group.members) > 1:
            row["_group"]["members"] = [row_of(member) for member in match.group.members]
    if match.copies:
        row["_copies"] = match.copies
    return row
