"""The application: routes, errors and safety put together."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lookalike.api import collections, compare, describe, doubles, health, looking, problems, records, search
from lookalike.api.limits import BodyLimit
from lookalike.api.security import Gate, require_key
from lookalike.pages import routes as pages
from lookalike.version import __version__
from lookalike.workspace import Workspace

__all__ = ["Access", "create_app"]

_BODY_LIMIT = 100 * 2**20


@dataclass(frozen=True, slots=True)
class Access:
    """Who may reach the service.

    key: needed by every call of the API. hosts: Host headers answered ("*" for any), against DNS rebinding.
    trusting: as in `security.Gate`.
    """

    key: str
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
    app.state.gate = Gate(access.key, trusting=access.trusting)
    app.add_middleware(GZipMiddleware, minimum_size=2048)
    app.add_middleware(BodyLimit, limit=_BODY_LIMIT)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(access.hosts))
    problems.install(app)
    for room in (compare, describe, collections, looking, search, records, doubles):
        app.include_router(room.router, prefix="/v1", dependencies=[Depends(require_key)])
    app.include_router(health.router)
    pages.install(app)
    return app
