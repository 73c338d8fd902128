"""A record as the pages show it: a small picture, a name, and where its links lead."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.errors import InvalidFilter
from lookalike.pages.render import collection_link
from lookalike.pages.thumbnails import address_of, file_of
from lookalike.records import Record

__all__ = ["Tile", "read_filter", "tile_of"]

_FACTS = 3
_LONGEST = 80
_LIKE_THIS = 'write {"category": "animal"}, say'


@dataclass(frozen=True, slots=True)
class Tile:
    """thumb: None if nothing can be shown. width, height: of the whole picture, in pixels; 4 and 3 if none is shown.

    facts: what is known of a record that has no picture to show, as field and text. here: whether its file is, so that
    it can be compared.
    """

    id: str
    thumb: str | None
    width: int
    height: int
    more: str
    details: str
    facts: tuple[tuple[str, str], ...] = ()
    here: bool = False

    @property
    def shape(self) -> int:
        """The aspect as a power of 1.1, from -9 to 13: the stylesheet has a class for each."""
        return max(-9, min(13, round(math.log(self.width / self.height, 1.1))))


def tile_of(collection: str, record: Record, *, size: int = 320) -> Tile:
    """Return how a record is shown; size: the longer side of its thumbnail, in pixels."""
    here = file_of(record) is not None
    thumb = collection_link(collection, "thumb", id=record.id, size=size) if here or address_of(record) else None
    sides = record.fields if thumb else {}
    return Tile(
        id=record.id,
        thumb=thumb,
        width=sides.get("_width", 4),
        height=sides.get("_height", 3),
        more=collection_link(collection, "search", id=record.id),
        details=collection_link(collection, "record", id=record.id),
        facts=() if thumb else _facts(record.fields),
        here=here,
    )


def read_filter(text: str) -> dict[str, Any] | None:
    """Return the filter that a visitor typed, None for nothing. Raises InvalidFilter if it is not a JSON object."""
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidFilter(f"character {error.pos + 1}", f"it is not JSON ({error.msg}); {_LIKE_THIS}") from None
    except ValueError:
        raise InvalidFilter("a number", f"it has too many digits; {_LIKE_THIS}") from None
    except RecursionError:
        raise InvalidFilter("its depth", f"it is nested too deeply; {_LIKE_THIS}") from None
    if not isinstance(value, dict):
        raise InvalidFilter("its beginning", f"it is not an object in braces; {_LIKE_THIS}")
    return value


def _facts(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the first few of the user's own fields that say something, and where the picture is or was."""
    own = [name for name, value in fields.items() if not name.startswith("_") and value not in (None, "", [], {})]
    told = [*own[:_FACTS], *(name for name in ("_url", "_file") if name in fields)]
    return tuple((name, _text(fields[name])[:_LONGEST]) for name in told)


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
