"""What visitors look for, as the parameters of a URL, and as the engine's question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from pydantic import BaseModel, Field

from lookalike.collection import Collection
from lookalike.errors import InvalidArgument, RecordNotFound
from lookalike.pages.render import collection_link
from lookalike.pages.thumbnails import file_of
from lookalike.pages.tiles import read_filter
from lookalike.pages.uploads import upload_of
from lookalike.records import Matches
from lookalike.search.query import TAGS

__all__ = ["Question", "ask", "picture_of", "weights_of"]

_AWAY: Final = -0.5  # weight of a record to stay away from, beside 1 of those to be like
_EXAMPLES, _COLORS, _PARTS = 16, 8, 32


class Question(BaseModel):
    """The parameters of a search's URL; what to look for is any of id, query, text, color, like and unlike.

    query: an upload's token. box: left, top, right, bottom of the part of the picture that counts, in percent.
    color, amount: hex colors, and how much of each in percent. part, weight: what is compared, and how much it counts;
    by: one of them alone. after: where an earlier page of matches ended. form: whether the page's own form sent this,
    with all its fields, so that what is not used is taken out of the URL.
    """

    id: str = ""
    query: str = ""
    random: bool = False
    k: int = Field(24, ge=1, le=200)
    by: str = ""
    filter: str = ""
    group: bool = False
    text: str = Field("", max_length=1000)
    box: list[str] = Field([], max_length=4)
    color: list[str] = Field([], max_length=_COLORS)
    amount: list[float] = Field([], max_length=_COLORS)
    part: list[str] = Field([], max_length=_PARTS)
    weight: list[float] = Field([], max_length=_PARTS)
    like: list[str] = Field([], max_length=_EXAMPLES)
    unlike: list[str] = Field([], max_length=_EXAMPLES)
    distinct: bool = False
    after: str = ""
    form: bool = False

    @property
    def asks(self) -> bool:
        """Whether it says what to look for."""
        return bool(self.id or self.query or self.text.strip() or self.colors or self.like or self.unlike)

    @property
    def colors(self) -> list[tuple[str, float]]:
        """The colors wanted, those of which some is wanted; a color without an amount counts in full."""
        amounts = [*self.amount, *(len(self.color) - len(self.amount)) * [100.0]]
        return [(color, amount) for color, amount in zip(self.color, amounts, strict=False) if amount > 0]

    @property
    def weights(self) -> dict[str, float]:
        """Part -> how much it counts, of those that were stated."""
        return dict(zip(self.part, self.weight, strict=False))

    @property
    def fractions(self) -> tuple[float, ...] | None:
        """The box in fractions of the picture's sides, None for the whole. Raises InvalidArgument."""
        given = [side.strip() for side in self.box if side.strip()]
        if not given:
            return None
        try:
            sides = tuple(float(side) / 100 for side in given)
        except ValueError:
            sides = ()
        if len(sides) != 4 or not all(math.isfinite(side) and 0 <= side <= 1 for side in sides):
            raise InvalidArgument("box", ", ".join(self.box), "left, top, right and bottom in percent of the picture")
        return None if sides == (0, 0, 1, 1) else sides

    def link(self, name: str, **changes: object) -> str:
        """Return the URL of this search with some parameters changed, on its first page; defaults are left out."""
        return self.link_to(name, "search", **changes)

    def link_to(self, name: str, room: str, **changes: object) -> str:
        """Return the URL of another page about this search."""
        said = self.stated(**changes)
        return collection_link(name, room) + (f"?{urlencode(said, errors='replace')}" if said else "")

    def stated(self, **changes: object) -> list[tuple[str, str]]:
        """Return the parameters that are not the usual ones, some of them changed, as URLs and forms have them."""
        stated = self.model_dump(exclude_defaults=True, exclude={"after", "form"}) | changes
        return [(key, part) for key, value in stated.items() for part in _texts(value)]

    def tidy(self, collection: Collection) -> str:
        """Return the URL of what the form says, without what it leaves as it is."""
        changes: dict[str, Any] = {"text": self.text.strip(), "box": self.box if self.fractions else []}
        changes["color"] = [color for color, _ in self.colors]
        changes["amount"] = [f"{amount:g}" for _, amount in self.colors]
        stated = {part: weight for part, weight in self.weights.items() if weight > 0}
        usual = {part: weight for part, weight in weights_of(collection, self.by).items() if weight > 0}
        if not stated or stated == usual:
            changes |= {"part": [], "weight": []}
        elif len(stated) == 1 and TAGS not in stated:
            changes |= {"by": next(iter(stated)), "part": [], "weight": []}
        else:
            changes |= {"by": "", "part": list(stated), "weight": [f"{weight:g}" for weight in stated.values()]}
        return self.link(collection.name, **changes)


def weights_of(collection: Collection, by: str = "") -> dict[str, float]:
    """Return how much each part counts unless a search states it, the heaviest 100; by: that one alone."""
    names = (*collection.settings.vectors, TAGS)
    if by:
        return {name: 100.0 * (name == by) for name in names}
    usual = collection.settings.weights
    heaviest = max(usual.values(), default=0.0) or 1.0
    return {name: float(round(100 * usual.get(name, 0.0) / heaviest)) for name in names}


def ask(request: Request, collection: Collection, question: Question) -> Matches:
    """Return what is found.

    Raises InvalidArgument, InvalidFilter, RecordNotFound, HTTPException 410 for a picture that is gone, and whatever
    else a search does.
    """
    stated = question.weights
    part_of = question.id if question.id and question.fractions and not question.query else ""
    return collection.search(
        like=list(_examples(request, collection, question)),
        colors=[{"hex": color, "weight": amount} for color, amount in question.colors] or None,
        by=None if stated else question.by or None,
        weights=stated or None,
        where=_without(read_filter(question.filter), part_of),
        k=question.k,
        group=question.group,
        distinct=question.distinct,
        after=question.after or None,
    )


def picture_of(request: Request, collection: Collection, question: Question) -> bytes | Path | None:
    """Return the picture that is looked for, None if it is none or its file is gone."""
    if question.query:
        return upload_of(request, question.query).data
    record = collection.get([question.id])[0] if question.id else None
    return file_of(record) if record else None


def _examples(request: Request, collection: Collection, question: Question) -> Iterator[dict[str, Any]]:
    box = question.fractions
    if question.query:
        yield {"image": upload_of(request, question.query).data, "box": box}
    elif question.id and box:
        if collection.get([question.id])[0] is None:
            raise RecordNotFound(collection.name, question.id)
        path = picture_of(request, collection, question)
        if path is None:
            raise HTTPException(410, "The picture of this record is no longer on this machine, so no part of it is.")
        yield {"image": path, "box": box}
    elif question.id:
        yield {"id": question.id}
    if question.text.strip():
        yield {"text": question.text.strip()}
    yield from ({"id": id_} for id_ in question.like)
    yield from ({"id": id_, "weight": _AWAY} for id_ in question.unlike)


def _without(where: Mapping[str, Any] | None, id_: str) -> Mapping[str, Any] | None:
    """Return the filter that leaves out a record too, which its own part would find; "" leaves out none."""
    if not id_:
        return where
    other = {"_id": {"$ne": id_}}
    return {"$and": [where, other]} if where else other


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, list | tuple):
        return [f"{part:g}" if isinstance(part, float) else str(part) for part in value]
    if value is None or value is False or value == "":
        return []
    return ["1" if value is True else str(value)]
