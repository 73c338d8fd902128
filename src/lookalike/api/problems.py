"""Errors over HTTP: RFC 9457 problem documents. The one table that maps the error tree to status codes."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from lookalike import errors

__all__ = ["BodyTooLarge", "codes_of", "install", "problem", "problem_of", "status_of"]

_STATUS: dict[type[errors.LookalikeError], int] = {
    errors.LookalikeError: 500,
    errors.ImageError: 422,
    errors.ImageTooLarge: 413,
    errors.UnknownModel: 404,
    errors.ModelMissing: 503,
    errors.ModelUnusable: 503,
    errors.FetchFailed: 502,
    errors.NoTextTower: 422,
    errors.UnknownWords: 422,
    errors.ModelMismatch: 409,
    errors.TaggerMismatch: 409,
    errors.TaggerUnusable: 422,
    errors.FolderUnwritable: 507,
    errors.StoreFailed: 507,
    errors.ShapeMismatch: 422,
    errors.UnknownVector: 422,
    errors.CollectionNotFound: 404,
    errors.CollectionExists: 409,
    errors.CollectionClosed: 410,
    errors.WouldOverwrite: 409,
    errors.InvalidName: 422,
    errors.InvalidRecord: 422,
    errors.ImportUnreadable: 422,
    errors.RecordNotFound: 404,
    errors.InvalidFilter: 422,
    errors.InvalidArgument: 422,
    errors.TrialExists: 409,
    errors.TrialOver: 409,
    errors.CleaningError: 409,
    errors.PlanNotFound: 404,
    errors.AccessDenied: 401,
    errors.NotPermitted: 403,
    errors.PlanExceeded: 403,
    errors.TooManyRequests: 429,
    errors.Overloaded: 503,
    errors.EntryNotFound: 404,
    errors.NameTaken: 409,
    errors.CatalogFailed: 507,
    errors.BackupUnreadable: 422,
    errors.MissingExtra: 501,
}


class BodyTooLarge(errors.LookalikeError):
    """A request body over the service's limit."""

    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The request body is over the limit of {limit:,} bytes. Send fewer or smaller pictures.")


_STATUS[BodyTooLarge] = 413

_NO_JSON: Final[dict[type[Exception], str]] = {
    UnicodeDecodeError: "its text is not UTF-8",
    RecursionError: "it is nested too deeply",
}
"""What the framework can't parse and does not say why."""


def status_of(error: errors.LookalikeError) -> int:
    """Return the status of the nearest class of the error that the table knows."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def codes_of(status: int) -> list[str]:
    """Return the codes of the errors that have this status, ascending."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    found = {kind.code for kind in [*kinds, BodyTooLarge] if status_of(kind.__new__(kind)) == status}
    return sorted(found | ({"invalid_request"} if status == 422 else set()))


def problem(status: int, code: str, detail: str, **facts: Any) -> Response:
    """Return a problem document. code: permanent, from the error tree; facts: further JSON members."""
    body = {"type": f"urn:lookalike:problem:{code}", "title": code.replace("_", " "), "status": status}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    # in ASCII: what a client sent is told back, and may hold half a surrogate pair, which has no UTF-8
    text = json.dumps({**body, "code": code, "detail": detail, **facts}, allow_nan=False)
    return Response(text, status, headers, media_type="application/problem+json")


def problem_of(error: errors.LookalikeError) -> Response:
    """Return the problem document of an error of the tree."""
    plain = {name: fact for name, fact in vars(error).items() if isinstance(fact, str | int)}
    response = problem(status_of(error), error.code, str(error), facts=plain)
    if isinstance(error, errors.TooManyRequests | errors.Overloaded):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return response


def install(app: FastAPI) -> None:
    """Let every error of the tree, and every refusal of the framework, answer with a problem document."""

    @app.exception_handler(errors.LookalikeError)
    async def _own(_: Request, error: errors.LookalikeError) -> Response:
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(422, "invalid_request", f"{where}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    async def _framework(_: Request, error: HTTPException) -> Response:
        for kind, reason in _NO_JSON.items():
            if isinstance(error.__cause__, kind):
                return problem(422, "invalid_request", f"body: it is no JSON that can be read here: {reason}.")
        response = problem(error.status_code, "http_error", str(error.detail))
        response.headers.update(error.headers or {})
        return response
