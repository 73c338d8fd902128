"""The systems that Lookalike replaces, under their own paths: a file each, which translates and does nothing else."""

from __future__ import annotations

from fastapi import FastAPI

from lookalike.api.compat import hashes, promised, upload
from lookalike.api.compat.doors import MarketKeys
from lookalike.settings import Settings

__all__ = ["install"]


def install(app: FastAPI, settings: Settings) -> None:
    """Add their routes, after the application's middleware and before its pages, which share some paths."""
    app.add_middleware(MarketKeys)
    for system in (promised, upload, hashes):
        app.include_router(system.routes(settings))
