"""A cap on request bodies, counted while they arrive."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.api.problems import BodyTooLarge, problem_of

__all__ = ["BodyLimit"]


class BodyLimit:
    """ASGI middleware: answers 413 as soon as a body is longer than `limit` bytes, whatever its header says.

    larger: endings of paths below /v1 whose bodies go to disk, and their limits.
    """

    def __init__(self, app: ASGIApp, limit: int, larger: Mapping[str, int]) -> None:
        self.app, self._limit, self._larger = app, limit, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await self._refuse(limit, scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                return {"type": "http.disconnect"}  # the route stops reading; nothing more is kept
            return message

        async def guarded(message: Message) -> None:
            if taken <= limit:
                await send(message)
            elif message["type"] == "http.response.start":  # whatever the route says of half a body, this is why
                await self._refuse(limit, scope, receive, send)

        try:
            await self.app(scope, counted, guarded)
        except ClientDisconnect:
            if taken <= limit:
                raise
            await self._refuse(limit, scope, receive, send)

    async def _refuse(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        await problem_of(BodyTooLarge(limit))(scope, receive, send)

    def _limit_of(self, path: str) -> int:
        endings = (ending for ending in self._larger if path.startswith("/v1/") and path.endswith(ending))
        return self._larger.get(next(endings, ""), self._limit)
