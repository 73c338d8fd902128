"""Comparing: two pictures side by side or laid over each other, the verdict, and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from lookalike.collection import Collection
from lookalike.comparison import compare
from lookalike.errors import RecordNotFound
from lookalike.pages.entrance import require_browser
from lookalike.pages.overlaps import find_lying
from lookalike.pages.render import collection_link, link, page
from lookalike.pages.thumbnails import file_of
from lookalike.pages.uploads import received, upload_of
from lookalike.pages.words import evidence_of, sentence_of, tone_of

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

View = Literal["side", "flip", "slider", "difference"]
_VIEWS: Final = {"side": "Side by side", "flip": "Flip", "slider": "Slider", "difference": "Difference"}
_SHOWN = 1600  # pixels of the longer side: enough to zoom into


class Pair(BaseModel):
    """The parameters of the page's URL: for each side an upload's token (a, b) or a record's id (a_id, b_id)."""

    view: View = "side"

    a: str = ""
    b: str = ""
    a_id: str = ""
    b_id: str = ""
    collection: str = ""

    def link(self, **changes: object) -> str:
        """Return the URL of the page with some parameters changed."""
        return link("/compare", **(self.model_dump(exclude_defaults=True) | changes))

    @property
    def swapped(self) -> str:
        """The URL with the sides exchanged."""
        return self.link(a=self.b, b=self.a, a_id=self.b_id, b_id=self.a_id)


@dataclass(frozen=True, slots=True)
class _Side:
    """One picture: what it is called, where it is shown, and its bytes or file."""

    title: str
    picture: str
    source: bytes | Path


@router.get("/compare")
def show_compare(pair: Annotated[Pair, Query()], request: Request) -> Response:
    """Show both pictures and, when there are two, what comparing them says."""
    a = _side(request, pair.a, pair.a_id, pair.collection)
    b = _side(request, pair.b, pair.b_id, pair.collection)
    settings = request.app.state.workspace.settings
    found = compare(a.source, b.source, settings=settings) if a and b else None
    return page(
        request,
        "compare.html",
        pair=pair,
        views=_VIEWS,
        sides={"a": a, "b": b},
        lying=find_lying(a.source, b.source, settings.limits) if a and b else None,
        found=found,
        tone=tone_of(found) if found else "",
        sentence=sentence_of(found) if found else "",
        evidence=evidence_of(found) if found else [],
    )


@router.post("/compare")
def compare_uploads(
    pair: Annotated[Pair, Query()], tokens: Annotated[Mapping[str, str], Depends(received)]
) -> Response:
    """Take one picture or two and lead to the page that shows them."""
    changes: dict[str, object] = {}
    for side in ("a", "b"):
        if side in tokens:
            changes |= {side: tokens[side], f"{side}_id": ""}
    return RedirectResponse(pair.link(**changes), 303)


def _side(request: Request, token: str, id_: str, name: str) -> _Side | None:
    if token:
        upload = upload_of(request, token)
        return _Side(upload.name, link(f"/uploads/{token}", size=_SHOWN), upload.data)
    if not id_:
        return None
    collection: Collection = request.app.state.workspace.get(name)
    record = collection.get([id_])[0]
    if record is None:
        raise RecordNotFound(name, id_)
    path = file_of(record)
    if path is None:
        raise HTTPException(410, "The picture of this record is no longer on this machine, so it can't be compared.")
    return _Side(id_, collection_link(name, "thumb", id=id_, size=_SHOWN), path)
