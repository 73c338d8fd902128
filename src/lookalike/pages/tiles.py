"""A record as the pages show it: a small picture, a name, and where its links lead."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.errors import InvalidFilter
from lookalike.pages.render import collection_link
from lookalike.pages.thumbnails import file_of
from lookalike.records import Record

__all__ = ["Chip", "Tile", "chips_of", "read_filter", "tile_of"]

_CHIPS_A_FIELD = 12
_LIKE_THIS = 'write {"category": "animal"}, say'


@dataclass(frozen=True, slots=True)
class Tile:
    """thumb: None if nothing can be shown. width, height: of the whole picture, in pixels; 4 and 3 if unknown."""

    id: str
    thumb: str | None
    width: int
    height: int
    more: str
    details: str

    @property
    def shape(self) -> int:
        """The aspect as a power of 1.1, from -9 to 13: the stylesheet has a class for each."""
        return max(-9, min(13, round(math.log(self.width / self.height, 1.1))))


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter to click: the records whose `field` has this value."""

    field: str
    value: str
    filter: str


def tile_of(collection: str, record: Record, *, size: int = 320) -> Tile:
    """Return how a record is shown; size: the longer side of its thumbnail, in pixels."""
    width, height = record.fields.get("_width", 4), record.fields.get("_height", 3)
    return Tile(
        id=record.id,
        thumb=collection_link(collection, "thumb", id=record.id, size=size) if file_of(record) else None,
        width=width,
        height=height,
        more=collection_link(collection, "search", id=record.id),
        details=collection_link(collection, "record", id=record.id),
    )


def chips_of(records: Sequence[Record]) -> list[Chip]:
    """Return filters that divide these records: the values of text fields that repeat themselves."""
    values: dict[str, Counter[str]] = {}
    for record in records:
        for name, value in record.fields.items():
            if isinstance(value, str) and not name.startswith("_") and len(value) <= 40:
                values.setdefault(name, Counter())[value] += 1
    return [
        Chip(name, value, json.dumps({name: value}, ensure_ascii=False))
        for name, counted in values.items()
        if 2 <= len(counted) <= _CHIPS_A_FIELD and counted.total() >= 2 * len(counted)
        for value in sorted(counted)
    ]


def read_filter(text: str) -> dict[str, Any] | None:
    """Return the filter that a visitor typed, None for nothing. Raises InvalidFilter if it is not a JSON object."""
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidFilter(f"character {error.pos + 1}", f"it is not JSON ({error.msg}); {_LIKE_THIS}") from None
    except RecursionError:
        raise InvalidFilter("its depth", f"it is nested too deeply; {_LIKE_THIS}") from None
    if not isinstance(value, dict):
        raise InvalidFilter("its beginning", f"it is not an object in braces; {_LIKE_THIS}")
    return value
