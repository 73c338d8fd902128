"""System 4, imageSimilarity: pictures divided by their structural similarity, told by the SHA-1 of their bytes.

POST /api/imageSimilarityByHash   multipart, each file under a field name of its own
similarity_grade                  query parameter or form field, 0 to 1, default 0.95
-> {"lists": [[sha1, ...], ...]}  by first upload
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from lookalike.api.compat.doors import enter
from lookalike.duplicates import group_by_ssim
from lookalike.errors import ImageError, ImageTooLarge
from lookalike.images import read_image
from lookalike.settings import Settings
from lookalike.ssim import Gray, to_gray

__all__ = ["routes"]

_GRADE: Final = 0.95
_BAD_GRADE: Final = "ERROR: Similarity grade should be between 0 and 1."
_log: Final = logging.getLogger("lookalike.compat.hashes")
"""Says what the original wrote into imageSimilarity.log, in its words."""

_PIXELS: Final = 4  # of all pictures of a request together, as a multiple of what one may have
_NUMBER: Final = {"type": "number", "minimum": 0, "maximum": 1, "default": _GRADE}
_BODY: Final = {
    "type": "object",
    "properties": {"similarity_grade": _NUMBER},
    "additionalProperties": {"type": "string", "format": "binary"},
}
_LISTS: Final = {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}
_ANSWER: Final = {"type": "object", "required": ["lists"], "properties": {"lists": _LISTS}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Hashes of like pictures", "content": {"application/json": {"schema": _ANSWER}}},
    400: {"description": "A grade that is no number from 0 to 1, or a broken form"},
    401: {"description": "Another machine, and no key"},
    413: {"description": "More pixels than the service takes at once"},
    429: {"description": "More than the key's plan allows; see Retry-After"},
}


def routes(settings: Settings) -> APIRouter:
    """Return the route. Where the settings say `upstream_grade`, every grade counts as 0.95, as it did originally."""
    router = APIRouter(tags=["imageSimilarity"])

    async def image_similarity_by_hash(request: Request) -> Response:
        """Transitive. A file that can't be read is like its own copies only."""
        enter(request, settings)
        _log.debug("Processing Request..")
        async with request.form() as form:
            asked = request.query_params.get("similarity_grade", form.get("similarity_grade", _GRADE))
            grade = _grade(asked)
            if grade is None:
                return HTMLResponse(_BAD_GRADE, 400)
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            lists = await run_in_threadpool(_lists, files, _GRADE if settings.upstream_grade else grade, settings)
        return Response(orjson.dumps({"lists": lists}), media_type="application/json")

    grade = {"name": "similarity_grade", "in": "query", "schema": _NUMBER}
    body = {"content": {"multipart/form-data": {"schema": _BODY}}}
    router.add_api_route(
        "/api/imageSimilarityByHash",
        image_similarity_by_hash,
        methods=["POST"],
        summary="Divide pictures by their structural similarity",
        responses=_RESPONSES,
        openapi_extra={"parameters": [grade], "requestBody": body},
    )
    return router


def _grade(asked: Any) -> float | None:
    try:
        grade = float(asked)
    except (TypeError, ValueError):
        return None
    return grade if math.isfinite(grade) and 0 <= grade <= 1 else None


def _lists(files: Sequence[UploadFile], grade: float, settings: Settings) -> list[list[str]]:
    """Group the files; the same bytes are looked at once, and stand once for each time they came."""
    _log.debug("Getting buffers from request...")
    content: dict[str, bytes] = {}
    hashes = []
    for file in files:
        data = file.file.read()
        _log.debug("File Size: %d bytes", len(data))
        hashes.append(hashlib.sha1(data, usedforsecurity=False).hexdigest())
        content[hashes[-1]] = data
    _log.debug("All buffers obtained...")
    groups = _groups(content, grade, settings) if len(content) > 1 else [list(content)]
    place = {digest: number for number, group in enumerate(groups) for digest in group}
    lists: dict[int, list[str]] = {}
    for digest in hashes:
        lists.setdefault(place[digest], []).append(digest)
    return list(lists.values())


def _groups(content: dict[str, bytes], grade: float, settings: Settings) -> list[list[str]]:
    _log.debug("Dividing images according to their similarity")
    readable: dict[str, Gray] = {}
    left = limit = _PIXELS * settings.max_pixels
    for digest, data in content.items():
        try:
            gray = to_gray(read_image(data, limits=settings.limits).pixels)
        except ImageError:
            continue  # it is a group of its own
        left -= gray.size
        if left < 0:
            raise ImageTooLarge("all pictures together", size=limit - left, limit=limit, unit="pixels")
        readable[digest] = np.ascontiguousarray(gray)
    names = list(readable)
    _log.debug("Number of images to divide: %d", len(content))
    _log.debug("Minimum Similarity: %s", grade)
    found = [[names[at] for at in group] for group in group_by_ssim(list(readable.values()), grade)]
    found += [[digest] for digest in content if digest not in readable]
    _log.debug("Number of divisions: %d", len(found))
    return found
