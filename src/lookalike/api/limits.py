"""A cap on request bodies, counted while they arrive."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.api.problems import BodyTooLarge, problem, status_of

__all__ = ["BodyLimit"]


class BodyLimit:
    """ASGI middleware: answers 413 as soon as a body is longer than `limit` bytes, whatever its header says."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.limit:
            await self._refuse(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limit:
                return {"type": "http.disconnect"}  # the route stops reading; nothing more is kept
            return message

        async def guarded(message: Message) -> None:
            if taken <= self.limit:
                await send(message)
            elif message["type"] == "http.response.start":  # whatever the route says of half a body, this is why
                await self._refuse(scope, receive, send)

        await self.app(scope, counted, guarded)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = BodyTooLarge(self.limit)
        await problem(status_of(error), error.code, str(error))(scope, receive, send)
