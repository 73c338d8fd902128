"""The pictures on the pages: thumbnails, larger views, and what visitors uploaded."""

from __future__ import annotations

from bisect import bisect_left

from fastapi import APIRouter, Depends, Request, Response

from lookalike.collection import Collection
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import HEADERS
from lookalike.pages.thumbnails import Thumbnail, Thumbnails, address_of, file_of
from lookalike.pages.uploads import upload_of

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_SIDES = (160, 320, 480, 640, 960, 1600)  # few sizes, so that few are kept
_MISSING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 120" role="img" aria-label="no picture">'
    '<rect width="160" height="120" fill="#8883"/><path d="M48 82l22-26 14 16 10-11 18 21z" fill="#8888"/>'
    '<circle cx="100" cy="46" r="7" fill="#8888"/><path d="M40 26l80 68" stroke="#8888" stroke-width="4"/></svg>'
)


@router.get("/collections/{name}/thumb")
def show_thumbnail(name: str, id: str, request: Request, size: int = 320) -> Response:  # noqa: A002 - a record's word
    """Return a record's picture, its longer side near `size` pixels, while its file is there."""
    return _record_picture(request, name, id, size)


@router.get("/collections/{name}/picture")
def show_picture(name: str, id: str, request: Request) -> Response:  # noqa: A002
    """Return a record's picture as large as a screen needs."""
    return _record_picture(request, name, id, _SIDES[-1])


@router.get("/uploads/{token}")
def show_upload(token: str, request: Request, size: int = 640) -> Response:
    """Return a picture that a visitor brought."""
    thumbnails: Thumbnails = request.app.state.thumbnails
    return _response(request, thumbnails.of_bytes(upload_of(request, token).data, _side(size)))


def _record_picture(request: Request, name: str, id_: str, size: int) -> Response:
    collection: Collection = request.app.state.workspace.get(name)
    thumbnails: Thumbnails = request.app.state.thumbnails
    record = collection.get([id_])[0]
    path, address = (file_of(record), address_of(record)) if record else (None, None)
    if path is None and address is not None:
        return _response(request, thumbnails.of_address(address, _side(size)))
    return _response(request, thumbnails.of_file(path, _side(size)) if path else None)


def _side(size: int) -> int:
    return _SIDES[min(bisect_left(_SIDES, size), len(_SIDES) - 1)]


def _response(request: Request, thumbnail: Thumbnail | None) -> Response:
    if thumbnail is None:
        return Response(_MISSING, 404, {**HEADERS, "Cache-Control": "no-store"}, media_type="image/svg+xml")
    headers = {**HEADERS, "ETag": f'"{thumbnail.etag}"', "Cache-Control": "private, max-age=300"}
    if f'"{thumbnail.etag}"' in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(thumbnail.data, 200, headers, media_type="image/jpeg")
