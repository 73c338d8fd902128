"""System 0, the image similarity API: two pictures to one score; and the feature vector that it only promised.

    POST /compare (or /)   {"image_a": S, "image_b": S} -> {"similarity_score": 0.0 to 1.0}
    POST /vector           {"image": S} -> {"vector": [numbers], "model": who made them}

S is an http(s) URL, base64, or a data URI. The score is the cosine of the two vectors, no less than 0: see `likeness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from lookalike.api.compat.doors import enter
from lookalike.api.compat.likeness import likeness
from lookalike.api.compat.vectors import vectors_of
from lookalike.api.pictures import picture_bytes
from lookalike.api.problems import BodyTooLarge, problem, problem_of, status_of
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import ImageError
from lookalike.metrics import similarities
from lookalike.settings import Settings

__all__ = ["LIMIT", "routes"]

LIMIT: Final = 10 * 2**20
"""Most bytes of a request's body, and of a picture behind a URL."""

_PICTURE: Final = {"type": "string", "description": "http(s) URL, base64, or data URI"}
_CAUSES: Final = {
    400: "The body is no JSON object with these fields",
    401: "Another machine, and no key",
    413: "Body or picture over 10 MB",
    422: "A picture that can't be fetched or read",
    429: "More than the key's plan allows; see Retry-After",
}
_NO_MODEL: Final = 503


class _NotFromPages(APIRoute):
    """A route that leaves forms to the page of the same path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if dict(scope.get("headers", ())).get(b"content-type", b"").startswith(b"multipart/"):
            return Match.NONE, {}
        return super().matches(scope)


class _Wrong(Exception):
    """An answer other than the one asked for."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


def routes(settings: Settings) -> APIRouter:
    """Return the routes, for pictures within both the settings' limits and the 10 MB of the original."""
    router = APIRouter(tags=["image similarity API"], route_class=_NotFromPages)
    limit = min(LIMIT, settings.max_bytes)
    settings = replace(settings, max_bytes=limit)

    async def compare_pair(request: Request) -> Response:
        """Symmetric; the same picture scores 1.0."""
        return await _answer(request, settings, ("image_a", "image_b"), _score)

    async def vector(request: Request) -> Response:
        """The cosine of two pictures' vectors is their similarity score."""
        return await _answer(request, settings, ("image",), _vector)

    score = {"similarity_score": {"type": "number", "minimum": 0, "maximum": 1}}
    numbers = {"vector": {"type": "array", "items": {"type": "number"}}, "model": {"type": "string"}}
    for path in ("/compare", "/compare/", "/"):
        options = _documented(("image_a", "image_b"), score) | {"include_in_schema": path == "/compare"}
        router.add_api_route(path, compare_pair, methods=["POST"], summary="How alike two pictures are", **options)
    about = _documented(("image",), numbers)
    router.add_api_route("/vector", vector, methods=["POST"], summary="A picture's feature vector", **about)
    return router


def _documented(fields: tuple[str, ...], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a route with these fields is described: its body is read here, to count it and to be tolerant."""
    body = {"type": "object", "required": list(fields), "properties": dict.fromkeys(fields, _PICTURE)}
    given = {"type": "object", "required": list(answer), "properties": answer}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}},
        "responses": {
            200: {"description": "Both were read", "content": {"application/json": {"schema": given}}},
            **{status: {"description": cause} for status, cause in (*_CAUSES.items(), (_NO_MODEL, "No such model"))},
        },
    }


async def _answer(
    request: Request,
    settings: Settings,
    names: tuple[str, ...],
    say: Callable[[Mapping[str, str], Settings], Mapping[str, Any]],
) -> Response:
    enter(request, settings)
    try:
        fields = _fields(await _body(request), names)
        return Response(orjson.dumps(await run_in_threadpool(say, fields, settings)), media_type="application/json")
    except _Wrong as wrong:
        return wrong.answer


async def _body(request: Request) -> bytes:
    """Read the body. One that is too long is read to its end, so that the client hears why, and not kept."""
    parts: list[bytes] = []
    taken = 0
    try:
        async for part in request.stream():
            taken += len(part)
            if taken <= LIMIT:
                parts.append(part)
    except ClientDisconnect:
        raise _Wrong(problem_of(BodyTooLarge(LIMIT))) from None
    if taken > LIMIT:
        raise _Wrong(problem_of(BodyTooLarge(LIMIT)))
    return b"".join(parts)


def _fields(body: bytes, names: tuple[str, ...]) -> dict[str, str]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _forgiven(body)
    if not isinstance(found, dict):
        raise _Wrong(problem(400, "invalid_request", f"The body is no JSON object with {' and '.join(names)}."))
    for name in names:
        if not isinstance(found.get(name), str) or not found[name].strip():
            why = f"{name} is missing, empty or no text: give a URL, base64 or a data URI."
            raise _Wrong(problem(422, "invalid_request", why, field=name))
    return {name: found[name].strip() for name in names}


def _forgiven(body: bytes) -> Any:
    """Read JSON with one comma too many at its end, as the original's own example has it."""
    head, brace, rest = body.rstrip().rpartition(b"}")
    try:
        return orjson.loads(head.rstrip().removesuffix(b",") + brace) if not rest else None
    except orjson.JSONDecodeError:
        return None


def _read(fields: Mapping[str, str], settings: Settings) -> list[NDArray[np.float32]]:
    """Return each picture's vector. Raises _Wrong with the field whose picture can't be had."""
    pictures = []
    for name, text in fields.items():
        try:
            pictures.append(picture_bytes(text, name, settings.limits))
        except ImageError as error:
            raise _unreadable(name, error) from None
    rows = []
    join = partial(likeness, model=settings.model)
    for name, seen in zip(fields, vectors_of(pictures, settings, join), strict=True):
        if isinstance(seen, ImageError):
            raise _unreadable(name, seen)
        rows.append(seen.row)
    return rows


def _unreadable(name: str, error: ImageError) -> _Wrong:
    return _Wrong(problem(status_of(error), error.code, f"{name}: {error.reason}.", field=name))


def _score(fields: Mapping[str, str], settings: Settings) -> dict[str, float]:
    a, b = _read(fields, settings)
    return {"similarity_score": round(float(similarities(a, np.asarray([b]))[0]), 6)}


def _vector(fields: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    return {"vector": _read(fields, settings)[0].tolist(), "model": standard_ensemble(settings.model).neural.signature}
