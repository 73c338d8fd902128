"""Searching: by a record, by a picture that the visitor brings, or from a random start."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from lookalike.collection import Collection
from lookalike.describers.cards import card
from lookalike.errors import InvalidFilter, RecordNotFound
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import collection_link, link, page
from lookalike.pages.tiles import Tile, read_filter, tile_of
from lookalike.pages.uploads import received, upload_of
from lookalike.pages.words import WAYS, Judgement, judge
from lookalike.records import Match

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_STARTS = 18
_DRAWN_FROM = 10_000  # a random start comes from the first so many records that match


class Question(BaseModel):
    """The parameters of a search's URL. id or query (an upload's token) is what to look for; neither asks for one."""

    id: str = ""
    query: str = ""
    random: bool = False
    k: int = Field(24, ge=1, le=200)
    by: str = ""
    filter: str = ""
    group: bool = False

    def link(self, name: str, **changes: object) -> str:
        """Return the URL of this search with some parameters changed; defaults are left out."""
        stated = self.model_dump(exclude_defaults=True) | changes
        return collection_link(name, "search", **stated)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The picture that is looked for."""

    title: str
    picture: str | None
    details: str | None
    width: int = 4
    height: int = 3


@dataclass(frozen=True, slots=True)
class _Found:
    """One match as it is shown."""

    tile: Tile
    score: float
    judgement: Judgement
    more: str
    compare: str | None


@router.get("/collections/{name}/search")
def show_search(name: str, question: Annotated[Question, Query()], request: Request) -> Response:
    """Show what was looked for and the nearest records, best first."""
    collection: Collection = request.app.state.workspace.get(name)
    asked, found, starts, trouble = None, [], [], ""
    if question.id or question.query:
        asked = _asked(request, collection, question)
    try:
        where = read_filter(question.filter)
        if question.random:
            return _random_start(collection, question, where)
        if asked:
            found = _found(collection, question, _matches(request, collection, question, where))
        else:
            starts = [tile_of(name, record) for record in collection.scroll(where=where, limit=_STARTS).records]
    except InvalidFilter as error:
        trouble = str(error)
    return page(
        request,
        "search.html",
        422 if trouble else 200,
        collection=collection,
        question=question,
        by=question.by or collection.by,
        ways=WAYS,
        asked=asked,
        found=found,
        starts=starts,
        trouble=trouble,
    )


@router.post("/collections/{name}/search")
def search_upload(
    name: str,
    question: Annotated[Question, Query()],
    tokens: Annotated[Mapping[str, str], Depends(received)],
) -> Response:
    """Take a picture and lead to the search by it."""
    return RedirectResponse(question.link(name, id="", query=next(iter(tokens.values())), random=False), 303)


def _asked(request: Request, collection: Collection, question: Question) -> _Asked:
    if question.query:
        name = upload_of(request, question.query).name
        return _Asked(name, link(f"/uploads/{question.query}", size=640), None)
    record = collection.get([question.id])[0]
    if record is None:
        raise RecordNotFound(collection.name, question.id)
    tile = tile_of(collection.name, record, size=640)
    return _Asked(record.id, tile.thumb, tile.details, tile.width, tile.height)


def _matches(
    request: Request, collection: Collection, question: Question, where: dict[str, Any] | None
) -> Sequence[Match]:
    source = {"image": upload_of(request, question.query).data} if question.query else {"id": question.id}
    return collection.search(**source, by=question.by or None, k=question.k, where=where, group=question.group)


def _found(collection: Collection, question: Question, matches: Sequence[Match]) -> list[_Found]:
    by = question.by or collection.by
    curve = card(collection.info.model).calibration.get(by)
    held = {"a": question.query} if question.query else {"a_id": question.id}
    return [
        _Found(
            tile=(tile := tile_of(collection.name, match.record)),
            score=match.score,
            judgement=judge(by, match.score, curve),
            more=question.link(collection.name, id=match.id, query=""),
            compare=link("/compare", collection=collection.name, **held, b_id=match.id) if tile.thumb else None,
        )
        for match in matches
    ]


def _random_start(collection: Collection, question: Question, where: dict[str, Any] | None) -> Response:
    records = collection.scroll(where=where, limit=_DRAWN_FROM).records
    chosen = {"id": random.choice(records).id} if records else {}
    target = question.link(collection.name, **{"id": "", "query": "", "random": False, **chosen})
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})
