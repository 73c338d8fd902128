"""System 1, the image embedding API: many pictures to their embeddings and what they show.

    POST /upload-images/   multipart, field `files`, repeated
    -> {"message": "You uploaded N image(s)", "predictions": {name: class}, "embeddings": {name: [512 numbers]}}

Query parameters beyond the original: `model`; `reference` and `metric`, which add {"similarities": {name: score}}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from lookalike.api.compat.doors import enter
from lookalike.api.compat.vectors import Seen, vectors_of
from lookalike.describers.cards import names
from lookalike.errors import ImageError, InvalidArgument, UnknownModel
from lookalike.metrics import METRICS, distances, similarities
from lookalike.settings import Settings

__all__ = ["routes"]

_BODY: Final = {
    "type": "object",
    "required": ["files"],
    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
}
_MISSING: Final = {"type": "missing", "loc": ["body", "files"], "msg": "Field required", "input": None}
_NAMED: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_VECTORS: Final = {
    "type": "object",
    "additionalProperties": {"type": "array", "items": {"type": "number"}},
}
_ANSWER: Final = {
    "type": "object",
    "required": ["message", "predictions", "embeddings"],
    "properties": {"message": {"type": "string"}, "predictions": _NAMED, "embeddings": _VECTORS},
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "What was read", "content": {"application/json": {"schema": _ANSWER}}},
    400: {"description": "The body is no multipart form"},
    401: {"description": "Another machine, and no key"},
    404: {"description": "No such model"},
    422: {"description": "No files, none that can be read, or a metric or reference that is not known"},
    429: {"description": "More than the key's plan allows; see Retry-After"},
    503: {"description": "The model's files are not here"},
}


def routes(settings: Settings) -> APIRouter:
    """Return the route, with the settings' model and limits."""
    router = APIRouter(tags=["image embeddings"])

    async def upload_images(
        request: Request,
        model: Annotated[str, Query(description="A name of GET /v1/models; default the service's own")] = "",
        metric: Annotated[str, Query(description=f"Of the similarities: {', '.join(METRICS)}")] = "cosine",
        reference: Annotated[str, Query(description="File name to which the others are compared")] = "",
    ) -> Response:
        """Files that can't be read are told in `message` and `errors`; if there is no other, the answer is 422."""
        enter(request, settings)
        chosen = replace(settings, model=_known(model)) if model else settings
        if metric not in METRICS:
            raise InvalidArgument("metric", metric, f"one of {', '.join(METRICS)}")
        async with request.form() as form:
            files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
            if not files:
                return _json({"detail": [_MISSING]}, 422)
            return await run_in_threadpool(_answer, files, chosen, metric, reference)

    body = {"required": True, "content": {"multipart/form-data": {"schema": _BODY}}}
    router.add_api_route(
        "/upload-images/",
        upload_images,
        methods=["POST"],
        summary="Embeddings of pictures, and what they show",
        responses=_RESPONSES,
        openapi_extra={"requestBody": body},
    )
    return router


def _known(model: str) -> str:
    """Return the name of a model that has a card here; a caller can't have the service read other files."""
    if model not in names():
        raise UnknownModel(model, names())
    return model


def _answer(files: Sequence[UploadFile], settings: Settings, metric: str, reference: str) -> Response:
    titles = [file.filename or f"file{place}" for place, file in enumerate(files)]
    seen: dict[str, Seen] = {}
    errors: dict[str, str] = {}
    for title, one in zip(titles, vectors_of([file.file.read() for file in files], settings, named=True), strict=True):
        if isinstance(one, ImageError):
            errors[title] = one.reason
        else:
            seen[title] = one
    failed = [f"Error processing {title}: {reason}" for title, reason in errors.items()]
    if not seen:
        return _json({"message": "; ".join(failed), "errors": errors}, 422)
    found: dict[str, Any] = {
        "message": "; ".join([f"You uploaded {len(files)} image(s)", *failed]),
        "predictions": {title: one.name for title, one in seen.items()},
        "embeddings": {title: one.row.tolist() for title, one in seen.items()},
    }
    if reference:
        found["similarities"] = _similarities(seen, reference, metric)
    return _json(found | ({"errors": errors} if errors else {}))


def _similarities(seen: Mapping[str, Seen], reference: str, metric: str) -> dict[str, float]:
    if reference not in seen:
        raise InvalidArgument("reference", reference, "the name of an uploaded file that can be read")
    rows = [one.row for one in seen.values()]
    query = seen[reference].row
    values = similarities(query, rows, metric) if METRICS[metric].score else -distances(query, rows, metric)
    return {title: float(value) for title, value in zip(seen, values, strict=True)}


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
