"""A cap on requests taken on at once: beyond it callers hear so at once, and nothing piles up."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from lookalike.api.problems import problem_of
from lookalike.errors import Overloaded

__all__ = ["Backlog"]

_AGAIN: Final = 2.0  # seconds


class Backlog:
    """ASGI middleware: of requests that carry something to be worked on, `most` are open at once.

    More are answered 503 with Retry-After before their bodies are read. GET always passes: whoever watches the service
    must see that it is busy.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self._most, self._open = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        if self._open >= self._most:
            await problem_of(Overloaded(self._most, _AGAIN))(scope, receive, send)
            return
        self._open += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._open -= 1
