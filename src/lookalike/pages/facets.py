"""Values to click beside a collection's pictures: how many records have each, and the filter that asks for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lookalike.collection import Collection
from lookalike.pages.conditions import Condition, conditions_of, shown, with_equal
from lookalike.pages.render import collection_link
from lookalike.records import Record

__all__ = ["FacetList", "Value", "facets_of", "filter_link"]

_FIELDS = 8
_VALUES = 10
_LONGEST = 60
_COUNTED_ANYWAY = 20_000  # records up to which fields without an index are counted too


@dataclass(frozen=True, slots=True)
class Value:
    """link: to those that have it besides all that was asked for; where it is on, to no longer asking for it."""

    text: str
    count: int
    link: str
    on: bool


@dataclass(frozen=True, slots=True)
class FacetList:
    """The most frequent values of a field."""

    field: str
    values: Sequence[Value]


def facets_of(
    collection: Collection,
    where: Mapping[str, Any] | None,
    records: Sequence[Record],
    lead: Callable[[Mapping[str, Any] | None], str] | None = None,
) -> list[FacetList]:
    """Return the values of the indexed fields among the records that match.

    Without an index, those of the fields that repeat themselves in `records`, if the collection is small enough.
    lead: makes the URL of a filter, by default that of the collection's pictures.
    """
    lead = lead or partial(filter_link, collection.name)
    fields = list(collection.settings.index)
    if not fields and len(collection) <= _COUNTED_ANYWAY:
        fields = _repeating(records)
    if not fields:
        return []
    rows = conditions_of(where) or []
    found = []
    for name, counted in collection.facets(fields[:_FIELDS], where=where, limit=_VALUES).items():
        values = [
            Value(
                text=facet.value if isinstance(facet.value, str) else json.dumps(facet.value),
                count=facet.count,
                link=lead(with_equal(where, name, facet.value)),
                on=Condition(name, "is", shown(facet.value)) in rows,
            )
            for facet in counted
        ]
        if any(value.count > 1 or value.on for value in values):
            found.append(FacetList(name, values))
    return found


def filter_link(name: str, where: Mapping[str, Any] | None) -> str:
    """Return the URL of the collection's records that match."""
    return collection_link(name, filter=json.dumps(where, ensure_ascii=False) if where else "")


def _repeating(records: Sequence[Record]) -> list[str]:
    counted: dict[str, Counter[str]] = {}
    for record in records:
        for name, value in record.fields.items():
            if name.startswith("_") or "." in name or name.startswith("$"):
                continue
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, str) and len(part) <= _LONGEST:
                    counted.setdefault(name, Counter())[part] += 1
    return [name for name, values in counted.items() if len(values) > 1 and values.total() >= 2 * len(values)]
