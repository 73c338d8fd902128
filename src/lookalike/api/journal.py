"""The service's log: a line per request, as text or JSON; never a query string, a header, a body or a secret."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.api.metrics import Metrics
from lookalike.api.problems import problem
from lookalike.api.scopes import template_of

__all__ = ["Journal", "write_logs"]

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_requests = logging.getLogger("lookalike.requests")
_service = logging.getLogger("lookalike.service")


class Journal:
    """ASGI middleware, the outermost: gives each request an id, measures it, logs it, and answers for what broke.

    A caller's own X-Request-Id is kept if it is plain; the answer has it in the same header.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        state["request_id"] = request_id = given if _ID.match(given) else secrets.token_hex(8)
        begun, status, headed = time.perf_counter(), 499, False  # 499: the caller went away

        async def named(message: Message) -> None:
            nonlocal status, headed
            if message["type"] == "http.response.start":
                status, headed = message["status"], True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        self._metrics.begin()
        try:
            await self.app(scope, receive, named)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception as error:
            _log_failure(request_id, error)
            if headed:
                raise
            detail = f"Something broke here, and it is not your fault. The log has more under {request_id}."
            await problem(500, "internal_error", detail, request_id=request_id)(scope, receive, named)
        finally:
            seconds = time.perf_counter() - begun
            self._metrics.end(scope["method"], template_of(scope), status, seconds)
            _log_request(scope, state, status, seconds)


def _log_request(scope: Scope, state: MutableMapping[str, Any], status: int, seconds: float) -> None:
    caller = state.get("caller")
    facts = {
        "request_id": state["request_id"],
        "method": scope["method"],
        "path": scope["path"],
        "route": template_of(scope),
        "status": status,
        "ms": round(seconds * 1000, 1),
        "who": caller.who if caller is not None else "",
    }
    _requests.info("request", extra={"facts": facts})


def _log_failure(request_id: str, error: Exception) -> None:
    """Log where it broke, and of what kind; what the error says may hold what the caller sent."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    facts = {"request_id": request_id, "error": type(error).__name__, "where": places[-8:]}
    _service.error("a request failed", extra={"facts": facts})


def write_logs(form: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Send this service's log, and what its server says, to a stream; default stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_AsJson() if form == "json" else _AsText())
    for name, level in (("lookalike", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps({**entry, **getattr(record, "facts", {})}, default=str)


class _AsText(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        facts = getattr(record, "facts", {})
        if record.name == _requests.name:
            who = f" {facts['who']}" if facts["who"] else ""
            said = f"{facts['status']} {facts['method']} {facts['path']!r} {facts['ms']} ms{who} {facts['request_id']}"
        else:
            said = " ".join([record.getMessage(), *(f"{name}={value!r}" for name, value in facts.items())])
        return f"{at} {said}"
