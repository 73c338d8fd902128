"""The application: routes, errors and safety put together."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lookalike.api import (
    collections,
    compare,
    compat,
    describe,
    doubles,
    feeds,
    group,
    health,
    jobs,
    keys,
    looking,
    maps,
    marks,
    metrics,
    models,
    openapi,
    problems,
    records,
    removed,
    search,
    taggers,
    trials,
    usage,
    users,
)
from lookalike.api.admission import Admission
from lookalike.api.backlog import Backlog
from lookalike.api.heads import Heads
from lookalike.api.health import Readiness
from lookalike.api.journal import Journal
from lookalike.api.limits import BodyLimit
from lookalike.api.security import Gate, require_key
from lookalike.charting import Atlas
from lookalike.pages import routes as pages
from lookalike.version import __version__
from lookalike.workspace import Workspace

__all__ = ["Access", "create_app"]

_BODY_LIMIT = 100 * 2**20


@dataclass(frozen=True, slots=True)
class Access:
    """Who may reach the service.

    key: opens everything, besides the keys of the workspace; "" for none. hosts: Host headers answered ("*" for any),
    against DNS rebinding. trusting: as in `security.Gate`.
    """

    key: str = ""
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    trusting: bool = False


def create_app(workspace: Workspace, access: Access) -> FastAPI:
    """Return the service over an open workspace; the caller closes the workspace afterwards."""
    app: FastAPI = FastAPIOffline(  # FastAPI with the documentation's scripts served from here, not a CDN
        title="Lookalike",
        version=__version__,
        summary="Compare, describe, search and group pictures that look alike.",
        description="Send the key printed at the start as `Authorization: Bearer KEY`. "
        "Scores are similarities in [0, 1], 1 = identical. Errors are RFC 9457 problem documents "
        "with a permanent `code`.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.workspace = workspace
    app.state.gate = gate = Gate(workspace, master=access.key, trusting=access.trusting)
    app.state.metrics = figures = metrics.Metrics(workspace)
    app.state.atlas = Atlas(workspace)
    app.state.readiness = Readiness(workspace)
    app.add_middleware(GZipMiddleware, minimum_size=2048)  # the innermost; each one that follows is around it
    app.add_middleware(Heads)
    app.add_middleware(BodyLimit, limit=_BODY_LIMIT, larger={"/import": workspace.settings.import_bytes})
    app.add_middleware(Backlog, most=workspace.settings.max_requests)
    app.add_middleware(Admission, gate=gate, catalog=workspace.catalog)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(access.hosts))
    app.add_middleware(Journal, metrics=figures)
    problems.install(app)
    about_pictures = (
        compare,
        describe,
        group,
        models,
        collections,
        looking,
        search,
        removed,
        records,
        doubles,
        marks,
        maps,
    )
    for room in (*about_pictures, taggers, trials, jobs, feeds, keys, users, usage):
        app.include_router(room.router, prefix="/v1", dependencies=[Depends(require_key)])
    app.include_router(health.router)
    app.include_router(metrics.router)
    compat.install(app, workspace.settings)
    pages.install(app)
    openapi.complete(app)
    return app
