"""Why a record was found: what it shares with what was looked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from lookalike.collection import Collection
from lookalike.comparison import compare
from lookalike.describers.colors import dominant_colors
from lookalike.errors import ImageError, RecordNotFound
from lookalike.images import read_image
from lookalike.images.resize import thumbnail
from lookalike.pages.asking import Question, picture_of
from lookalike.pages.entrance import require_browser
from lookalike.pages.overlaps import find_lying
from lookalike.pages.render import link, page
from lookalike.pages.thumbnails import file_of
from lookalike.pages.tiles import tile_of
from lookalike.pages.words import evidence_of, sentence_of, tone_of
from lookalike.records import Comparison, Record
from lookalike.search.keywords import keywords_of

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_SIDE = 256  # pixels; the palette of a smaller picture is the same
_TOLD = ("Same picture", "Copy vector", "Meaning vector", "Keypoints", "Colors")
_SHORT = 60


class Pointed(Question):
    """A search's URL, and the record found that it is about. bare: only the reasons, for a script to show in place."""

    b: str
    bare: bool = False


@router.get("/collections/{name}/search/why")
def show_why(name: str, pointed: Annotated[Pointed, Query()], request: Request) -> Response:
    """Show the verdict on the two pictures, where they show the same, and the colors, tags and fields they share."""
    collection: Collection = request.app.state.workspace.get(name)
    settings = request.app.state.workspace.settings
    record = collection.get([pointed.b])[0]
    if record is None:
        raise RecordNotFound(name, pointed.b)
    a, b = picture_of(request, collection, pointed), file_of(record)
    found: Comparison | None = None
    if a and b:
        found = compare(a, b, settings=settings)
    return page(
        request,
        "why_bare.html" if pointed.bare else "why.html",
        collection=collection,
        back=pointed.link(name, b="", bare=False),
        tile=tile_of(name, record),
        picture=_shown(name, pointed),
        found=found,
        lying=find_lying(a, b, settings.limits) if a and b else None,
        tone=tone_of(found) if found else "",
        sentence=sentence_of(found) if found else "",
        evidence=[one for one in evidence_of(found) if one.name in _TOLD] if found else [],
        palette_found=_palette(b, settings.limits) if b and pointed.colors else [],
        wanted=[{"hex": color, "name": color, "share": amount / 100} for color, amount in pointed.colors],
        shared=_shared(collection, pointed, record),
    )


def _shown(name: str, pointed: Pointed) -> str:
    if pointed.query:
        return link(f"/uploads/{pointed.query}", size=320)
    return link(f"/collections/{name}/thumb", id=pointed.id, size=320)


def _palette(path: Any, limits: Any) -> list[Any]:
    try:
        return list(dominant_colors(thumbnail(read_image(path, limits=limits, wants=_SIDE).pixels, _SIDE)))
    except ImageError:
        return []


def _shared(collection: Collection, pointed: Pointed, record: Record) -> list[tuple[str, Sequence[str]]]:
    """Return name -> texts: the keywords that the records have in common or the text asks for, and equal fields."""
    ids = [id_ for id_ in (pointed.id, *pointed.like) if id_]
    others = [other for other in (collection.get(ids) if ids else []) if other is not None]
    fields = collection.settings.fields
    wanted = {word for other in others for word in keywords_of(other.fields, fields)}
    said = {word.casefold() for word in pointed.text.split()}
    own = keywords_of(record.fields, fields)
    words = [word for word in own if word in wanted or said & set(word.casefold().split())]
    equal = [
        f"{key}: {value}"
        for key, value in record.fields.items()
        if not key.startswith("_") and key not in fields and isinstance(value, str) and len(value) <= _SHORT
        if any(other.fields.get(key) == value for other in others)
    ]
    return [(name, texts) for name, texts in (("Tags", words), ("Fields", equal)) if texts]
