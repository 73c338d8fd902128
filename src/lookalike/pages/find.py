"""Searching: by a record, a picture that the visitor brings, words, colors, examples, or from a random start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from lookalike.collection import Collection
from lookalike.describers.cards import card
from lookalike.errors import (
    ImageError,
    ImageTooLarge,
    InvalidArgument,
    InvalidFilter,
    NoTextTower,
    RecordNotFound,
    UnknownVector,
    UnknownWords,
    UrlRefused,
)
from lookalike.images.sources import Encoded, load
from lookalike.pages import takeaway, why
from lookalike.pages.asking import Question, ask, weights_of
from lookalike.pages.entrance import require_browser
from lookalike.pages.facets import facets_of
from lookalike.pages.render import link, page
from lookalike.pages.tiles import Tile, read_filter, tile_of
from lookalike.pages.uploads import Upload, checked, received, upload_of
from lookalike.pages.words import WAYS, Judgement, judge
from lookalike.records import Group, Matches

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])
router.include_router(takeaway.router)
router.include_router(why.router)

_MISTAKES = (InvalidFilter, InvalidArgument, UnknownVector, NoTextTower, UnknownWords)
"""What a visitor can put right on the page itself."""

_STARTS = 18
_SPARE_COLORS = 3  # rows of the form for colors not chosen yet


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for, if it is a picture or a record, else what to call it."""

    title: str
    picture: str | None
    details: str | None
    width: int = 4
    height: int = 3


@dataclass(frozen=True, slots=True)
class _Found:
    """One match as it is shown. plus, minus: the URLs of a search for more, or less, of its kind besides."""

    tile: Tile
    score: float
    judgement: Judgement
    more: str
    plus: str
    minus: str
    why: str
    compare: str | None
    group: Group | None
    copies: int


@router.get("/collections/{name}/search")
def show_search(name: str, question: Annotated[Question, Query()], request: Request) -> Response:
    """Show what was looked for and the nearest records, best first."""
    collection: Collection = request.app.state.workspace.get(name)
    if _is_unknown(collection, question):
        sentence = f"{name} has no record “{question.id}”. Ids count letter for letter, upper and lower case too."
        kept = question.model_copy(update={"id": "", "box": []})
        return _show(request, collection, kept, 404, trouble=sentence, unknown_id=question.id)
    asked = _asked(request, collection, question) if question.asks else None
    found, facets, starts = Matches(), [], []
    try:
        if question.form:
            return RedirectResponse(question.tidy(collection), 303)
        where = read_filter(question.filter)
        if question.random:
            return _random_start(collection, question, where)
        if asked:
            found = ask(request, collection, question)
        sample = [match.record for match in found] or collection.scroll(where=where, limit=_STARTS).records
        starts = [] if asked else [tile_of(name, record) for record in sample]
        facets = facets_of(collection, where, sample, lambda other: question.link(name, filter=_json(other)))
    except _MISTAKES as error:
        return _show(request, collection, question, 422, asked=asked, trouble=str(error))
    return _show(request, collection, question, 200, asked=asked, found=found, facets=facets, starts=starts)


def _show(
    request: Request,
    collection: Collection,
    question: Question,
    status: int,
    *,
    found: Matches | None = None,
    **more: Any,
) -> Response:
    """Return the page. more: asked, facets, starts; or trouble, and the unknown_id or the address that made it."""
    found = found or Matches()
    told = {"asked": None, "facets": [], "starts": [], "trouble": "", "unknown_id": "", "address": ""} | more
    return page(
        request,
        "search.html",
        status,
        collection=collection,
        question=question,
        box=[] if told["trouble"] else question.fractions or [],
        examples=_examples(collection, question),
        found=_shown(collection, question, found),
        unknown=found.unknown_words,
        next=question.link(collection.name, after=found.next) if found.next else None,
        permanent=str(request.url),
        **told,
        **_compared(collection, question, list(found.shares)),
    )


def _compared(collection: Collection, question: Question, parts: Sequence[str]) -> dict[str, Any]:
    """Return what the form of a search offers to compare by, and what counts now; parts: what was compared."""
    return {
        "by": question.by or (parts[0] if len(parts) == 1 else "" if parts or question.part else collection.by),
        "palette_asked": [{"hex": color, "name": color, "share": amount} for color, amount in question.colors],
        "ways": {way: WAYS.get(way, (way, f"what is near by {way}")) for way in collection.settings.vectors},
        "weights": weights_of(collection, question.by) | question.weights,
        "spare": _SPARE_COLORS,
    }


async def _brought(request: Request) -> str | ImageError:
    """Return the token of the picture that a form brings, or why it can't be used."""
    try:
        return next(iter((await received(request)).values()))
    except ImageError as error:
        return error


@router.post("/collections/{name}/search")
def search_upload(
    name: str,
    question: Annotated[Question, Query()],
    request: Request,
    brought: Annotated[str | ImageError, Depends(_brought)],
) -> Response:
    """Take a picture and lead to the search by it; one that can't be used is refused on the page."""
    if isinstance(brought, ImageError):
        return _refused(request, name, question, brought)
    return RedirectResponse(question.link(name, **_fresh(query=brought)), 303)


@router.post("/collections/{name}/search/address")
def search_address(
    name: str, question: Annotated[Question, Query()], request: Request, url: Annotated[str, Form()] = ""
) -> Response:
    """Fetch a picture of the web, as guardedly as for a program, and lead to the search by it."""
    settings = request.app.state.workspace.settings
    address = url.strip()
    try:
        if not address.lower().startswith(("http://", "https://")):
            raise UrlRefused(address or "The address", "it does not begin with http:// or https://")
        source = load(address, settings.limits)
        assert isinstance(source, Encoded)  # what is behind a URL is never pixels
        token = checked(Upload(source.data, source.name[-80:]), request.app.state.uploads, settings)
    except ImageError as error:
        return _refused(request, name, question, error, address=address)
    return RedirectResponse(question.link(name, **_fresh(query=token)), 303)


def _refused(request: Request, name: str, question: Question, error: ImageError, address: str = "") -> Response:
    """Say on the page, where another can be chosen at once, why a picture can't be used; address: as it was typed."""
    collection: Collection = request.app.state.workspace.get(name)
    kept = question.model_copy(update={"id": "", "query": "", "random": False, "box": []})
    status = 413 if isinstance(error, ImageTooLarge) else 422
    return _show(request, collection, kept, status, trouble=str(error), address=address)


def _fresh(**changes: object) -> dict[str, object]:
    """Return what changes where another picture is looked for: its place in the URL, and no part of it is chosen."""
    return {"id": "", "query": "", "random": False, "box": [], **changes}


def _is_unknown(collection: Collection, question: Question) -> bool:
    """Whether the record that is looked for is not there."""
    return bool(question.id) and not question.query and collection.get([question.id])[0] is None


def _asked(request: Request, collection: Collection, question: Question) -> _Asked:
    if question.query:
        name = upload_of(request, question.query).name
        return _Asked(name, link(f"/uploads/{question.query}", size=640), None)
    if not question.id:
        chosen = "These colors" if question.colors else "Like these examples"
        return _Asked(question.text.strip() or chosen, None, None)
    record = collection.get([question.id])[0]
    if record is None:  # deleted just now
        raise RecordNotFound(collection.name, question.id)
    tile = tile_of(collection.name, record, size=640)
    return _Asked(record.id, tile.thumb, tile.details, tile.width, tile.height)


def _examples(collection: Collection, question: Question) -> list[tuple[str, Tile, str]]:
    """Return the examples besides: sign, tile, and the URL of the search without it. Raises RecordNotFound."""
    found = []
    for field, sign in (("like", "+"), ("unlike", "−")):
        ids: list[str] = getattr(question, field)
        for id_, record in zip(ids, collection.get(ids) if ids else [], strict=True):
            if record is None:
                raise RecordNotFound(collection.name, id_)
            without = question.link(collection.name, **{field: [other for other in ids if other != id_]})
            found.append((sign, tile_of(collection.name, record, size=160), without))
    return found


def _shown(collection: Collection, question: Question, matches: Matches) -> list[_Found]:
    name = collection.name
    held = {"a": question.query} if question.query else {"a_id": question.id} if question.id else {}
    return [
        _Found(
            tile=(tile := tile_of(name, match.record)),
            score=match.score,
            judgement=_judged(collection, question, matches.shares, match.score),
            more=question.link(name, **_fresh(id=match.id, text="", color=[], amount=[], like=[], unlike=[])),
            plus=question.link(name, **_sided(question, "like", match.id)),
            minus=question.link(name, **_sided(question, "unlike", match.id)),
            why=question.link_to(name, "search/why", b=match.id),
            compare=link("/compare", collection=name, **held, b_id=match.id) if tile.here and held else None,
            group=match.group,
            copies=match.copies,
        )
        for match in matches
    ]


def _sided(question: Question, side: str, id_: str) -> dict[str, list[str]]:
    """Return the examples with one more, which can't be on both sides."""
    sides = {field: [one for one in getattr(question, field) if one != id_] for field in ("like", "unlike")}
    sides[side].append(id_)
    return sides


def _judged(collection: Collection, question: Question, shares: Mapping[str, float], score: float) -> Judgement:
    """Put a score into words if it is of one description and between pictures; else only how high it is shows."""
    if question.text.strip():
        return Judgement("", "near")  # words and pictures are never as near as two pictures
    if len(shares) != 1 or question.colors:
        return Judgement("", judge("meaning", score, None).tone)
    (by,) = shares
    return judge(by, score, card(collection.info.model).calibration.get(by))


def _random_start(collection: Collection, question: Question, where: dict[str, Any] | None) -> Response:
    chosen: Sequence[Any] = collection.sample(1, where=where)
    target = question.link(collection.name, **_fresh(id=chosen[0].id if chosen else ""))
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})


def _json(where: Mapping[str, Any] | None) -> str:
    return json.dumps(where, ensure_ascii=False) if where else ""
