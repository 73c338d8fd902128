"""What was deleted from a collection on its pages: shown, brought back, or forgotten for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from lookalike.collection import Collection
from lookalike.pages.changes import log, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import collection_link, page
from lookalike.pages.visitor import caller_of
from lookalike.removed import KEPT_DAYS, Removal

__all__ = ["latest_removal", "router"]

router = APIRouter(prefix="/collections/{name}/removed", dependencies=[Depends(require_browser)])

_LATELY: Final = timedelta(days=1)


def latest_removal(request: Request, collection: Collection) -> Removal | None:
    """Return what was deleted last, if that was lately and the visitor may bring it back."""
    caller = caller_of(request)
    if caller is None or not caller.permits("write", collection.name):
        return None
    newest = next(iter(collection.removals()), None)
    if newest is None or datetime.now(UTC) - datetime.fromisoformat(newest.at) > _LATELY:
        return None
    return newest


@router.get("")
def show_removed(name: str, request: Request, back: int | None = None, there: int = 0, failed: int = 0) -> Response:
    """Show what was deleted and is still kept. back, there, failed: what became of the last one brought back."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    return page(
        request,
        "removed.html",
        collection=collection,
        removals=collection.removals(),
        days=KEPT_DAYS,
        back=back,
        there=there,
        failed=failed,
    )


@router.post("/{removal}/back")
def bring_back(name: str, removal: str, request: Request) -> Response:
    """Bring back what was deleted together."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    added = collection.bring_back(removal)
    log(request, "records.back", name, count=len(added.inserted))
    told = {"back": len(added.inserted), "there": len(added.skipped), "failed": len(added.failed)}
    return RedirectResponse(collection_link(name, "removed", **told), 303)


@router.post("/{removal}/forget")
def forget(name: str, removal: str, request: Request) -> Response:
    """Delete for good what was deleted."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    collection.forget(removal)
    log(request, "records.forget", name)
    return RedirectResponse(collection_link(name, "removed"), 303)
