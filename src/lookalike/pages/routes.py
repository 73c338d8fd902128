"""The pages put together and added to the application."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from lookalike.cleaning.planfile import plans_folder
from lookalike.pages import (
    browse,
    carrying,
    collections,
    connect,
    doubles,
    entrance,
    find,
    health,
    importing,
    keys,
    maps,
    models,
    pictures,
    progress,
    refusals,
    removed,
    review,
    sidebyside,
    start,
    trials,
)
from lookalike.pages.plans import Desk
from lookalike.pages.render import HEADERS
from lookalike.pages.thumbnails import Thumbnails
from lookalike.pages.uploads import Uploads
from lookalike.workspace import Workspace

__all__ = ["install"]


def install(app: FastAPI) -> None:
    """Add the pages to an application whose state has `workspace` and `gate`, after its error handlers."""
    workspace: Workspace = app.state.workspace
    app.state.thumbnails = Thumbnails(workspace.settings.limits, at_once=workspace.settings.workers)
    app.state.uploads = Uploads()
    app.state.searches = {}
    app.state.desk = Desk(plans_folder(), workspace.settings, lambda: nullcontext(workspace.catalog))
    looking = (entrance, start, collections, browse, connect, find, sidebyside, pictures, review, carrying, doubles)
    rooms = (*looking, removed, maps, trials, importing, progress, models, keys, health)
    app.state.pages = frozenset(str(getattr(route, "path", "")) for room in rooms for route in room.router.routes)
    for room in rooms:
        app.include_router(room.router, include_in_schema=False)
    static = _Static(directory=Path(__file__).parent / "static")
    app.mount("/static", static, name="static")
    app.add_route("/favicon.ico", partial(_icon, static), include_in_schema=False)
    refusals.install(app)


async def _icon(static: StaticFiles, request: Request) -> Response:
    """Return the icon where browsers look for one by themselves, beside the documentation and pictures."""
    return await static.get_response("logo.svg", request.scope)


class _Static(StaticFiles):
    """Files that browsers ask for anew each time, and seldom get, as their tags tell that nothing has changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with the headers of pages."""
        response = await super().get_response(path, scope)
        response.headers.update({**HEADERS, "Cache-Control": "no-cache"})
        return response
