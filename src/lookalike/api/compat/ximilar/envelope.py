"""A call and its answer: the body read tolerantly, the envelope written as shipped programs read it.

    {..., "status": {"code": int, "text": str}, "statistics": {"OperationTime": ms}}

Codes below 300 come with HTTP 200, others with themselves. Who may not enter hears {"detail": str}.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from lookalike.api.problems import status_of
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import Scope
from lookalike.collection import Collection
from lookalike.errors import (
    AccessDenied,
    InvalidArgument,
    LookalikeError,
    NotPermitted,
    PlanExceeded,
)
from lookalike.settings import Settings
from lookalike.workspace import Workspace

__all__ = ["Call", "Called", "EnvelopeRoute", "json_response", "reason", "refusal", "told"]

_TEXTS: Final = {
    200: "OK",
    206: "Some of the records were not found",
    210: "Records inserted",
    211: "Some records were inserted",
    220: "Records deleted",
    400: "No record could be taken; each has its _reason",
    404: "Record not found",
    411: "Record duplicate",
}
_UNPROCESSABLE: Final = 422
_DEEPEST: Final = 100
_FULL: Final = 412


@dataclass(frozen=True, slots=True)
class Call:
    """One request. body: its JSON object, {} if there was none. begun: as `time.perf_counter` tells."""

    request: Request
    caller: Caller
    body: dict[str, Any]
    begun: float

    @property
    def workspace(self) -> Workspace:
        """The workspace of the service."""
        space: Workspace = self.request.app.state.workspace
        return space

    @property
    def settings(self) -> Settings:
        """The settings of the service."""
        return self.workspace.settings

    def collection(self, scope: Scope) -> Collection:
        """Return the collection that the header `collection-id` names.

        Raises InvalidArgument without one, NotPermitted, CollectionNotFound.
        """
        name = self.request.headers.get("collection-id")
        if not name:
            raise InvalidArgument("the header collection-id", None, "the name of a collection")
        self.caller.require(scope, name)
        return self.workspace.get(name)

    def records(self) -> list[Any]:
        """Return what the body lists as `records`. Raises InvalidArgument."""
        given = self.body.get("records")
        if not isinstance(given, list):
            raise InvalidArgument("records", given, "a list of records")
        return given

    def whole(self, name: str, default: int, least: int) -> int:
        """Return a whole number of the body; text of digits counts as one. Raises InvalidArgument."""
        given = self.body.get(name)
        if given is None:
            return default
        try:
            number = -1 if isinstance(given, bool) or float(given) != int(given) else int(given)
        except (TypeError, ValueError, OverflowError):
            number = least - 1
        if number < least:
            raise InvalidArgument(name, given, f"a whole number of at least {least}")
        return number

    def wrote(self, action: str, collection: str, count: int) -> None:
        """Enter into the audit log and the usage what was written."""
        if count:
            self.request.state.written = count
            self.logged(action, collection, count)

    def logged(self, action: str, target: str, count: int | None = None) -> None:
        """Enter an action into the audit log."""
        self.workspace.catalog.audit.append(action, who=self.caller.who, target=target, count=count)


def told(call: Call, code: int, **members: Any) -> Response:
    """Return an answer of this status with these members beside it."""
    spent = round((time.perf_counter() - call.begun) * 1000, 3)
    body = {**members, "status": {"code": code, "text": _TEXTS[code]}, "statistics": {"OperationTime": spent}}
    return json_response(body, 200 if code < 300 else code)


def reason(code: int, text: str = "") -> dict[str, Any]:
    """Return the `_reason` of a record that was skipped. 211: it is there already, no error to the client."""
    return {"status": {"code": code, "text": text or _TEXTS[code]}}


def refusal(error: LookalikeError) -> Response:
    """Return the answer to a call that could not be done. It lists no records, so that clients count an error."""
    code = status_of(error)
    if isinstance(error, AccessDenied):
        response = json_response({"detail": f"{error.reason}. Send a key as `Authorization: Token KEY`."}, code)
        response.headers["WWW-Authenticate"] = "Token"
        return response
    if isinstance(error, NotPermitted):
        return json_response({"detail": str(error)}, code)
    if isinstance(error, PlanExceeded):
        code = _FULL
    elif code == _UNPROCESSABLE:
        code = 400
    response = json_response({"detail": str(error), "status": {"code": code, "text": str(error)}}, code)
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return response


def json_response(body: Any, status: int = 200) -> Response:
    """Return JSON in ASCII, which holds whatever characters and numbers a record has."""
    return Response(json.dumps(body, separators=(",", ":")), status, media_type="application/json")


class EnvelopeRoute(APIRoute):
    """A route that tells every error of the tree in the envelope."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI's own."""
        handle = super().get_route_handler()

        async def enveloped(request: Request) -> Response:
            try:
                return await handle(request)
            except LookalikeError as error:
                return refusal(error)

        return enveloped


async def _read_call(request: Request) -> Call:
    """Read a call; who may not enter is refused before the body is read, whose type is not looked at."""
    begun, caller = time.perf_counter(), caller_of(request)
    try:
        raw = await request.body()
    except ClientDisconnect:
        raise InvalidArgument("the body", None, "whole", told="broken off") from None
    body = await run_in_threadpool(_object, raw) if raw.strip() else {}
    return Call(request, caller, body, begun)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("the body", None, f"a JSON object ({error})", told="not readable") from None
    if not isinstance(body, dict):
        raise InvalidArgument("the body", body, "a JSON object", told=f"of type {type(body).__name__}")
    _check(body)
    return body


def _check(body: Any) -> None:
    """Raise InvalidArgument for what could be read and not be written again: deep nests, and numbers like 1e999."""
    level, deep = [body], 0
    while level:
        deep += 1
        if deep > _DEEPEST:
            raise InvalidArgument("the body", None, f"nested at most {_DEEPEST} deep", told="too deep")
        inner: list[Any] = []
        for one in level:
            for value in one.values() if isinstance(one, dict) else one:
                if isinstance(value, dict | list):
                    inner.append(value)
                elif isinstance(value, float) and not math.isfinite(value):
                    raise InvalidArgument("the body", value, "finite numbers")
        level = inner


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


Called = Annotated[Call, Depends(_read_call)]
