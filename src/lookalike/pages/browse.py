"""Looking around: a collection's pictures, and one record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from lookalike.catalog import Job
from lookalike.collection import Collection
from lookalike.describers.colors import dominant_colors
from lookalike.errors import ImageError, InvalidArgument, InvalidFilter, RecordNotFound
from lookalike.images import Limits, read_image
from lookalike.images.resize import thumbnail
from lookalike.pages.changes import log, permitted
from lookalike.pages.conditions import OPERATORS, VALUELESS, Condition, conditions_of, filter_of
from lookalike.pages.entrance import require_browser
from lookalike.pages.facets import facets_of, filter_link
from lookalike.pages.removed import latest_removal
from lookalike.pages.render import collection_link, page
from lookalike.pages.thumbnails import file_of
from lookalike.pages.tiles import Tile, read_filter, tile_of
from lookalike.pages.visitor import caller_of
from lookalike.pages.words import KINDS
from lookalike.records import Page, Record

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_PAGE = 60
_ROWS = 24
_RELATED = 8
_COLORS_SIDE = 256  # pixels; the palette of a smaller picture is the same


class View(BaseModel):
    """The parameters of a gallery's URL. filter: JSON. field, op, value: rows of its form, which become the filter.

    after: where the page begins, as the page before it said; page: which one that is.
    """

    filter: str = ""
    after: str = ""
    page: int = Field(1, ge=1, le=10**9)
    field: list[str] = Field([], max_length=_ROWS)
    op: list[str] = Field([], max_length=_ROWS)
    value: list[str] = Field([], max_length=_ROWS)

    @property
    def rows(self) -> list[Condition]:
        """The rows that were filled in. Raises InvalidArgument for an operator there is none of."""
        given = zip(self.field, self.op, self.value, strict=False)
        filled = [Condition(name.strip(), operator, value) for name, operator, value in given if name.strip()]
        for row in filled:
            if row.operator not in OPERATORS:
                raise InvalidArgument("op", row.operator, f"one of {', '.join(OPERATORS)}")
        return filled


@router.get("/collections/{name}")
def show_gallery(name: str, view: Annotated[View, Query()], request: Request) -> Response:
    """Show the pictures that match, a page at a time."""
    collection: Collection = request.app.state.workspace.get(name)
    if view.field:
        return RedirectResponse(filter_link(name, filter_of(view.rows)), 303)
    trouble, where, found, total = "", None, Page([]), len(collection)
    try:
        where = read_filter(view.filter)
        found = collection.scroll(where=where, after=view.after or None, limit=_PAGE)
        total = collection.count(where)
    except InvalidFilter as error:
        trouble, where = str(error), None
    sample = found.records if not (view.filter or view.after) else collection.scroll(limit=_PAGE).records
    rows = conditions_of(where)
    return page(
        request,
        "gallery.html",
        422 if trouble else 200,
        collection=collection,
        kind=KINDS[collection.info.kind],
        tiles=[tile_of(name, record, size=480) for record in found.records],
        facets=facets_of(collection, where, sample),
        rows=rows,
        on=[(row, filter_link(name, filter_of([one for one in rows or [] if one is not row]))) for row in rows or []],
        operators=OPERATORS,
        valueless=VALUELESS,
        fields=_fields(collection, sample),
        next=found.next,
        total=total,
        pages=-(-total // _PAGE),
        view=view,
        filter=view.filter,
        trouble=trouble,
        jobs=_jobs(request, name),
        removal=latest_removal(request, collection),
    )


@router.get("/collections/{name}/record")
def show_record(name: str, id: str, request: Request) -> Response:  # noqa: A002 - the word users know
    """Show one record: its picture, all that is known of it, and what looks like it."""
    collection: Collection = request.app.state.workspace.get(name)
    record = _record(collection, id)
    return page(
        request,
        "record.html",
        collection=collection,
        tile=tile_of(name, record),
        metadata={key: value for key, value in record.fields.items() if not key.startswith("_")},
        own={key: value for key, value in record.fields.items() if key.startswith("_")},
        colors=_palette(record, request.app.state.workspace.settings.limits),
        related=_related(collection, id),
    )


@router.get("/collections/{name}/record/delete")
def ask_to_delete(name: str, id: str, request: Request) -> Response:  # noqa: A002
    """Show what would be deleted."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    return page(request, "delete_record.html", collection=collection, tile=tile_of(name, _record(collection, id)))


@router.post("/collections/{name}/record/delete")
def delete_record(name: str, id: str, request: Request) -> Response:  # noqa: A002
    """Delete a record, which can be brought back, and lead to the others."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    _record(collection, id)
    collection.remove([id])
    log(request, "records.delete", name, count=1)
    return RedirectResponse(collection_link(name), 303)


def _record(collection: Collection, id_: str) -> Record:
    record = collection.get([id_])[0]
    if record is None:
        raise RecordNotFound(collection.name, id_)
    return record


def _fields(collection: Collection, records: Sequence[Record]) -> list[str]:
    """Return names of fields to offer: the indexed ones, then those that the records on the page have."""
    seen = dict.fromkeys(collection.settings.index)
    for record in records:
        seen |= dict.fromkeys(name for name in record.fields if "." not in name and not name.startswith("$"))
    return sorted(seen, key=lambda name: (name not in collection.settings.index, name.startswith("_"), name))[:100]


def _jobs(request: Request, name: str) -> list[Job]:
    """Return what is under way in the collection, as far as the visitor may know of it."""
    caller = caller_of(request)
    live = request.app.state.workspace.catalog.jobs.page(collection=name, live=True, limit=5)
    return [job for job in live if caller and (job.who == caller.who or caller.permits("admin", name))]


def _palette(record: Record, limits: Limits) -> list[Any]:
    path = file_of(record)
    if path is None:
        return []
    try:
        pixels = read_image(path, limits=limits, wants=_COLORS_SIDE).pixels
    except ImageError:
        return []
    return list(dominant_colors(thumbnail(pixels, _COLORS_SIDE)))


def _related(collection: Collection, id_: str) -> list[Tile]:
    try:
        return [tile_of(collection.name, match.record) for match in collection.search(id=id_, k=_RELATED)]
    except InvalidArgument:  # a record that came with other vectors than the collection searches by
        return []
