"""Errors for people: the problem document that a program would get, said on a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lookalike.errors import LookalikeError
from lookalike.pages.entrance import Elsewhere
from lookalike.pages.render import page

__all__ = ["install"]

_TITLES = {
    400: "That request can't be read",
    401: "This needs the key",
    403: "You may not do that",
    404: "There is nothing here",
    405: "That can't be done here",
    409: "That does not fit what is here",
    410: "No longer here",
    413: "That is too large",
    422: "That can't be used",
    507: "It could not be written",
}
_BARE = "http_error"  # code of the framework's own refusals, most of which say no more than their title


def install(app: FastAPI) -> None:
    """Wrap the error handlers that are there: browsers get pages, everyone else what they got before."""
    for kind in (LookalikeError, RequestValidationError, HTTPException):
        app.exception_handlers[kind] = _friendly(app.exception_handlers[kind])

    @app.exception_handler(Elsewhere)
    async def _send_on(_: Request, sent: Elsewhere) -> Response:
        return sent.response


def _friendly(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def friendly(request: Request, error: Exception) -> Response:
        answer: Response = await handler(request, error)
        if not _is_for_people(request):
            return answer
        problem = json.loads(bytes(answer.body))
        title = _TITLES.get(answer.status_code, "That did not work")
        plain = problem["code"] == _BARE and answer.status_code in (404, 405)
        sentence = "Check the address, or start again from the collections." if plain else problem["detail"]
        return page(request, "error.html", answer.status_code, title=title, sentence=sentence)

    return friendly


def _is_for_people(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
