"""Keywords: the strings of a record's fields that a search may weigh in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lookalike.filters import Filter, Or, one_of, reach

__all__ = ["carriers", "keyword_share", "keywords_of"]


def keywords_of(payload: Mapping[str, Any], fields: Mapping[str, float]) -> dict[str, float]:
    """Return a record's keywords with their weights in (0, 1]: those of their fields, the heaviest field's being 1.

    fields: field -> weight, as in `CollectionSettings`. A string is one keyword, an array of strings several; one that
    stands in two fields has the larger weight.
    """
    heaviest = max(fields.values(), default=0.0)
    found: dict[str, float] = {}
    for path, weight in fields.items():
        for value in reach(payload, path):
            if isinstance(value, str) and weight > 0:
                found[value] = max(found.get(value, 0.0), weight / heaviest)
    return found


def keyword_share(wanted: Mapping[str, float], payload: Mapping[str, Any], fields: Mapping[str, float]) -> float:
    """Return how much of the wanted keywords a record has, in [0, 1]: sum(min(wanted, its own)) / sum(wanted).

    0 for a record without any. Keywords that it has besides are of no account, so that one more never counts
    against a record.
    """
    has = keywords_of(payload, fields)
    return sum(min(weight, has.get(word, 0.0)) for word, weight in wanted.items()) / sum(wanted.values())


def carriers(wanted: Mapping[str, float], fields: Mapping[str, float]) -> Filter:
    """Return the filter for the records that have at least one of the keywords."""
    parts = tuple(one_of(path, sorted(wanted)) for path, weight in fields.items() if weight > 0)
    return parts[0] if len(parts) == 1 else Or(parts)
