"""How programs reach a collection: its id, a key made for it, and snippets to paste."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from lookalike.catalog import Grant, Scope
from lookalike.collection import Collection
from lookalike.errors import InvalidArgument
from lookalike.pages.changes import filled, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import page
from lookalike.pages.snippets import Place, snippets_of
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_NO_KEY = "YOUR_KEY"
_SCOPES = {"read": "search and look", "write": "also add, change and delete records"}


@router.get("/collections/{name}/connect")
def show_connect(name: str, request: Request) -> Response:
    """Show the collection's id and programs that use it, with a place for the key."""
    return _shown(request, name)


@router.post("/collections/{name}/connect")
def make_key(name: str, request: Request, form: Annotated[FormData, Depends(filled)]) -> Response:
    """Make a key for this collection alone, and show it this once, in programs to paste."""
    caller = permitted(request, "admin")
    workspace: Workspace = request.app.state.workspace
    workspace.get(name)
    scope = str(form.get("scope", ""))
    if scope not in _SCOPES:
        raise InvalidArgument("scope", scope, f"one of {', '.join(_SCOPES)}")
    _, secret = workspace.catalog.keys.create(name, Grant(cast(Scope, scope), [name]), who=caller.who)
    response = _shown(request, name, secret=secret, scope=scope)
    response.headers["Cache-Control"] = "no-store"
    return response


def _shown(request: Request, name: str, *, secret: str = "", scope: str = "read") -> Response:
    collection: Collection = request.app.state.workspace.get(name)
    writes = scope == "write"
    place = Place(
        address=str(request.base_url).rstrip("/"),
        key=secret or _NO_KEY,
        collection=name,
        example=_example(collection, writes),
        writes=writes,
        vector=None if collection.settings.describers else collection.info.dims[collection.by],
    )
    context: dict[str, Any] = {"secret": secret, "scope": scope, "scopes": _SCOPES, "place": place}
    return page(request, "connect.html", collection=collection, snippets=snippets_of(place), **context)


def _example(collection: Collection, writes: bool) -> str:
    """Return the id of a record that there is, or that the program adds first."""
    records = collection.scroll(limit=1).records
    return records[0].id if records and not writes else "photo"
