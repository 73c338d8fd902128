"""Looking around: the start page, a collection's gallery, and one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from lookalike.catalog import CollectionInfo
from lookalike.collection import Collection
from lookalike.describers.colors import dominant_colors
from lookalike.errors import ImageError, InvalidArgument, InvalidFilter, LookalikeError, RecordNotFound
from lookalike.images import Limits, read_image
from lookalike.images.resize import thumbnail
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import page
from lookalike.pages.thumbnails import file_of
from lookalike.pages.tiles import Tile, chips_of, read_filter, tile_of
from lookalike.pages.visitor import may_read
from lookalike.pages.words import KINDS
from lookalike.records import Page, Record
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_PAGE = 60
_STRIP = 6
_RELATED = 8
_COLORS_SIDE = 256  # pixels; the palette of a smaller picture is the same


@dataclass(frozen=True, slots=True)
class _Entry:
    """A collection on the start page; trouble: why it can't be opened."""

    info: CollectionInfo
    kind: str
    count: int = 0
    strip: list[Tile] = field(default_factory=list)
    trouble: str = ""


@router.get("/")
def show_start(request: Request) -> Response:
    """List the collections; an empty workspace says what to do."""
    workspace: Workspace = request.app.state.workspace
    entries = [_entry(workspace, info) for info in workspace.list() if may_read(request, info.name)]
    return page(request, "start.html", entries=entries, folder=str(workspace.path))


@router.get("/collections/{name}")
def show_gallery(name: str, request: Request, filter: str = "", after: str | None = None) -> Response:  # noqa: A002
    """Show the pictures that match, a page at a time."""
    collection: Collection = request.app.state.workspace.get(name)
    trouble, found, total = "", Page([]), len(collection)
    try:
        where = read_filter(filter)
        found, total = collection.scroll(where=where, after=after, limit=_PAGE), collection.count(where)
    except InvalidFilter as error:
        trouble = str(error)
    return page(
        request,
        "gallery.html",
        422 if trouble else 200,
        collection=collection,
        kind=KINDS[collection.info.kind],
        tiles=[tile_of(name, record, size=480) for record in found.records],
        chips=chips_of(found.records if filter == "" else collection.scroll(limit=_PAGE).records),
        next=found.next,
        total=total,
        filter=filter,
        after=after,
        trouble=trouble,
    )


@router.get("/collections/{name}/record")
def show_record(name: str, id: str, request: Request) -> Response:  # noqa: A002 - the word users know
    """Show one record: its picture, all that is known of it, and what looks like it."""
    collection: Collection = request.app.state.workspace.get(name)
    record = collection.get([id])[0]
    if record is None:
        raise RecordNotFound(name, id)
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


def _entry(workspace: Workspace, info: CollectionInfo) -> _Entry:
    try:
        collection = workspace.get(info.name)
        shown = [tile_of(info.name, record) for record in collection.scroll(limit=3 * _STRIP).records]
        with_picture = [tile for tile in shown if tile.thumb]
        return _Entry(info, KINDS[info.kind], len(collection), (with_picture or shown)[:_STRIP])
    except LookalikeError as error:  # one collection that can't be opened must not hide the others
        return _Entry(info, KINDS[info.kind], trouble=str(error))


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
