"""/healthz and /readyz, for whoever watches the service; they need no key and tell nothing else."""

from __future__ import annotations

import tempfile
import threading
import time
from typing import Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from lookalike.errors import LookalikeError
from lookalike.workspace import Workspace

__all__ = ["Readiness", "router"]

_BELIEVED: Final = 2.0  # seconds; strangers may ask, and must not keep the disk busy
_PROBE: Final = 64 * 1024

router = APIRouter(tags=["health"])


class Readiness:
    """Whether requests should come here. Safe to call from several threads."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._lock = threading.Lock()
        self.threads = CapacityLimiter(1)
        """Whoever watches is answered while all other threads are at work."""
        self._asked, self._answer = -_BELIEVED, ""
        self.stopping = False
        """Set when the service has been told to end: it finishes what it has, and wants nothing new."""

    def trouble(self) -> str:
        """Return why not, or ""."""
        if self.stopping:
            return "stopping"
        with self._lock:
            if time.monotonic() - self._asked >= _BELIEVED:
                self._asked, self._answer = time.monotonic(), self._probe()
            return self._answer

    def _probe(self) -> str:
        try:
            self._space.list()
        except LookalikeError:
            return "the catalog can't be read"
        try:
            with tempfile.TemporaryFile(dir=self._space.path) as file:
                file.write(b"\0" * _PROBE)
                file.flush()
        except OSError:
            return "the workspace can't be written"
        return ""


@router.get("/healthz", summary="The process answers")
async def healthz() -> dict[str, str]:
    """Always ok, however busy the service is."""
    return {"status": "ok"}


@router.get("/readyz", summary="Requests are welcome", responses={503: {"description": "Not here, not now."}})
async def readyz(request: Request, response: Response) -> dict[str, str]:
    """503 while the service ends, or if the catalog can't be read or the workspace not be written."""
    readiness: Readiness = request.app.state.readiness
    trouble = await to_thread.run_sync(readiness.trouble, limiter=readiness.threads)
    if trouble:
        response.status_code = HTTP_503_SERVICE_UNAVAILABLE
        return {"status": "not ready", "reason": trouble}
    return {"status": "ready"}
