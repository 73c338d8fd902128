"""The start page: the collections and what happened to them lately; in an empty workspace, what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import groupby

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from lookalike.catalog import AuditEntry, CollectionInfo
from lookalike.errors import LookalikeError, MissingExtra
from lookalike.pages.changes import log, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import collection_link, page
from lookalike.pages.review import has_plans
from lookalike.pages.tiles import Tile, tile_of
from lookalike.pages.visitor import may, may_read
from lookalike.pages.words import KINDS, changed_how
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

SAMPLES = "samples"
"""The collection of the sample gallery."""

_SHELF = 24
_STRIP = 6
_LOOKED_BACK = 200  # entries of the audit log
_CHANGES = 8


@dataclass(frozen=True, slots=True)
class _Entry:
    """A collection on the start page. changed: when it last was; trouble: why it can't be opened."""

    info: CollectionInfo
    kind: str
    changed: str
    count: int = 0
    strip: list[Tile] = field(default_factory=list)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """What happened to a collection. gone: it is no longer there."""

    at: str
    target: str
    words: str
    gone: bool


@router.get("/")
def show_start(request: Request, after: str = "") -> Response:
    """List the collections, so many a page, in the order of their names; after: the last name of the page before."""
    workspace: Workspace = request.app.state.workspace
    known = [info for info in workspace.list() if may_read(request, info.name)]
    part = [info for info in known if info.name > after][: _SHELF + 1]
    told = _told(workspace.catalog.audit.page(limit=_LOOKED_BACK).entries)
    latest = {entry.target: entry.at for entry in reversed(told)}
    names = {info.name for info in known}
    return page(
        request,
        "start.html",
        entries=[_entry(workspace, info, latest.get(info.name, info.created)) for info in part[:_SHELF]],
        next=part[_SHELF - 1].name if len(part) > _SHELF else None,
        after=after,
        changes=list(_changes(told, names))[:_CHANGES] if may(request, "admin") else [],
        folder=str(workspace.path),
        importing="/collections/{name}/import" in request.app.state.pages,
        plans=has_plans(request),
    )


@router.post("/samples")
def open_samples(request: Request) -> Response:
    """Make the sample gallery, in the background, and lead to it; if it is there already, just lead to it."""
    caller = permitted(request, "admin")
    workspace: Workspace = request.app.state.workspace
    if SAMPLES not in {info.name for info in workspace.list()}:
        if find_spec("skimage") is None:  # whose photographs it is made of
            raise MissingExtra("The sample gallery", "demo")
        workspace.create(SAMPLES, product_id="product", index=["category", "subject", "edit", "tags"])
        log(request, "collection.create", SAMPLES)
        workspace.catalog.jobs.add("samples", {}, collection=SAMPLES, who=caller.who)
    return RedirectResponse(collection_link(SAMPLES), 303)


def _told(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """Return the entries about collections, those that change something there."""
    return [entry for entry in entries if entry.action.startswith(("collection.", "records."))]


def _changes(entries: Sequence[AuditEntry], names: set[str]) -> Iterator[_Change]:
    """Tell the newest entries first, like ones that follow each other as one."""
    for (action, target), group in groupby(entries, key=lambda entry: (entry.action, entry.target)):
        same = list(group)
        yield _Change(
            same[0].at, target, changed_how(action, sum(each.count or 0 for each in same)), target not in names
        )


def _entry(workspace: Workspace, info: CollectionInfo, changed: str) -> _Entry:
    kind = KINDS[info.kind]
    try:
        collection = workspace.get(info.name)
        shown = [tile_of(info.name, record) for record in collection.scroll(limit=3 * _STRIP).records]
        with_picture = [tile for tile in shown if tile.thumb]
        return _Entry(info, kind, changed, len(collection), (with_picture or shown)[:_STRIP])
    except LookalikeError as error:  # one collection that can't be opened must not hide the others
        return _Entry(info, kind, changed, trouble=str(error))
