"""/healthz and /readyz, for whoever watches the service; they need no key and tell nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Request

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process answers")
def healthz() -> dict[str, str]:
    """Always ok."""
    return {"status": "ok"}


@router.get("/readyz", summary="The workspace answers")
def readyz(request: Request) -> dict[str, str]:
    """Ok once the catalog can be read."""
    request.app.state.workspace.list()
    return {"status": "ready"}
