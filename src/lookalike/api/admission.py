"""At the door: who calls is known, is within their plan, and what they change is logged before they hear of it."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from functools import partial
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.api.plans import Meter
from lookalike.api.problems import problem_of
from lookalike.api.scopes import rule_of, template_of
from lookalike.api.security import Caller, Gate
from lookalike.catalog import Catalog
from lookalike.errors import AccessDenied, CatalogFailed, LookalikeError, TooManyRequests

__all__ = ["Admission"]

_API: Final = "/v1/"
_THREADS: Final = 4  # of its own: nobody waits at the door until those inside are done
_log = logging.getLogger("lookalike.service")


class Admission:
    """ASGI middleware. Below /v1 it answers whoever may not enter before a byte of the body is read.

    Elsewhere it lets everyone pass, and `security.caller_of` raises what it found. Routes leave in `request.state`
    how many records they have `written`, which is counted as usage and logged, or `removed`, which is logged.
    """

    def __init__(self, app: ASGIApp, gate: Gate, catalog: Catalog) -> None:
        self.app, self._gate, self._catalog = app, gate, catalog
        self._meter = Meter(catalog.usage)
        self._threads = CapacityLimiter(_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        try:
            caller = await self._admitted(scope)
        except LookalikeError as error:
            state["refusal"], caller = error, None
            if scope["path"].startswith(_API):
                await problem_of(error)(scope, receive, send)
                return
        if caller is None:
            await self.app(scope, receive, send)
            return
        state["caller"] = caller
        await self._served(caller, state, scope, receive, send)

    async def _admitted(self, scope: Scope) -> Caller | None:
        """Return who calls, their request counted as begun; None if they need not say."""
        connection = HTTPConnection(scope)
        api = scope["path"].startswith(_API)
        if not api and "authorization" not in connection.headers:
            return None  # a page, which asks the gate itself, or what is for everyone
        caller = self._gate.identify(connection, remembered=True)
        if caller is None:
            caller = await to_thread.run_sync(self._gate.identify, connection, limiter=self._threads)
        if caller is None or (caller.by == "trusted" and "sec-fetch-site" not in connection.headers):
            raise AccessDenied("This needs a key")
        if caller.by != "key" and scope["method"] not in ("GET", "HEAD"):
            self._gate.check_token(connection, caller, connection.headers.get("x-csrf-token", ""))
        try:
            if not self._meter.is_counted(caller.key):
                await to_thread.run_sync(self._meter.read_bytes, caller.key, limiter=self._threads)
            declared = connection.headers.get("content-length", "0")
            self._meter.check_bytes(caller.key, int(declared) if declared.isdigit() else 0)
            self._meter.enter(caller.key)
        except TooManyRequests:
            self._catalog.usage.count(caller.key.id, requests=0, refused=1)
            raise
        return caller

    async def _served(
        self, caller: Caller, state: MutableMapping[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return message

        async def logged(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                await self._enter(caller, state, scope)
            await send(message)

        try:
            await self.app(scope, counted, logged)
        finally:
            self._meter.leave(caller.key, taken)
            self._catalog.usage.count(caller.key.id, bytes=taken, records=state.get("written") or 0)

    async def _enter(self, caller: Caller, state: MutableMapping[str, Any], scope: Scope) -> None:
        """Write what was done into the audit log; if that fails it is said in the service's own."""
        template = template_of(scope)
        action = rule_of(scope["method"], template).action if template.startswith(_API) else ""
        if not action:
            return
        target = scope["path_params"].get("name") or scope["path_params"].get("id") or ""
        count = state.get("removed", state.get("written"))
        try:
            append = partial(self._catalog.audit.append, action, who=caller.who, target=target, count=count)
            await to_thread.run_sync(append, limiter=self._threads)
        except CatalogFailed as error:
            _log.error("not in the audit log: %s of %r by %s (%s)", action, target, caller.who, error.reason)
