"""The systems that Lookalike replaces, under their own paths: a file or a room each, which translate and do no more."""

from __future__ import annotations

from fastapi import FastAPI

from lookalike.api.compat import hashes, promised, upload, ximilar
from lookalike.api.compat.doors import MarketKeys
from lookalike.settings import Settings

__all__ = ["install"]


def install(app: FastAPI, settings: Settings) -> None:
    """Add their routes, after the application's middleware and before its pages, which share some paths."""
    app.add_middleware(MarketKeys)
    app.add_middleware(ximilar.JwtKeys)
    for system in (promised, upload, hashes):
        app.include_router(system.routes(settings))
    app.include_router(ximilar.router)
