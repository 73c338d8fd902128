"""System 2, the visual search of Ximilar: its client and its scripts drive a collection of ours.

envelope.py the call and the answer · fields.py names and filters · records.py, searching.py methods on a collection ·
pictures.py, colors.py methods that keep nothing · collections.py · entities.py, training.py, training_images.py,
recognition.py what custom similarity and recognition are told

A collection's methods answer below every base path, `<anything>/v2/<method>`: which collection, says the header
`collection-id`; how it compares, its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lookalike.api.compat.ximilar import pictures, records, searching
from lookalike.api.compat.ximilar.collections import collections
from lookalike.api.compat.ximilar.envelope import Call, Called, EnvelopeRoute, told
from lookalike.api.compat.ximilar.recognition import recognition
from lookalike.api.compat.ximilar.training import run_log, training
from lookalike.errors import EntryNotFound
from lookalike.version import __version__

__all__ = ["JwtKeys", "router"]

router = APIRouter(route_class=EnvelopeRoute, include_in_schema=False)
"""Its routes are documented in `compat/ximilar/README.md`; who calls them knows them."""

_EVERY: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class JwtKeys:
    """ASGI middleware: `Authorization: JWT KEY`, as clients send keys of 70 characters and more, is `Token KEY`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [
                (name, b"Token " + value[4:] if name == b"authorization" and value[:4].lower() == b"jwt " else value)
                for name, value in scope["headers"]
            ]
            scope = {**scope, "headers": headers}
        await self.app(scope, receive, send)


def _ping(call: Call) -> Response:
    info = f"Lookalike {__version__}"
    about = {"_service_info": {"_name": "image_matching", "_info": info}} if _is_matching(call) else {}
    return told(call, 200, info=info, **about)


def _is_matching(call: Call) -> bool:
    return call.request.url.path.startswith("/image_matching/")


def _authorize(call: Call) -> Response:
    return told(call, 200, user_id=call.caller.who)


_METHODS: Final[Mapping[str, Callable[[Call], Response]]] = {
    "ping": _ping,
    "authorize": _authorize,
    "insert": records.insert,
    "upsert": records.upsert,
    "get": records.get,
    "update": records.update,
    "delete": records.delete,
    "random": records.random_records,
    "randomRecords": records.random_records,
    "allRecords": records.all_records,
    "visualKNN": searching.visual_knn,
    "visualTagsKNN": searching.visual_tags_knn,
    "visualRankRecords": searching.visual_rank_records,
    "visualRange": searching.visual_range,
    "nearDuplicates": searching.near_duplicates,
    "text": searching.text,
    "descriptor": pictures.descriptor,
    "tags": pictures.tags,
    "dominantcolor": pictures.dominant_color,
    "visual_hash": pictures.visual_hash,
    "remove_duplicates": pictures.remove_duplicates,
    "rank_images": pictures.rank_images,
}


@router.post("/similarity/training/v2/descriptor")
def _training_descriptor(call: Called) -> Response:
    return _answer(call, "descriptor")


@router.api_route("/similarity/training/v2/{rest:path}", methods=_EVERY)
def _training(call: Called, rest: str) -> Response:
    return training(call, rest.strip("/").split("/"))


@router.api_route("/recognition/v2/{rest:path}", methods=_EVERY)
def _recognition(call: Called, rest: str) -> Response:
    return recognition(call, rest.strip("/").split("/"))


@router.api_route("/similarity/v2/{rest:path}", methods=_EVERY)
def _similarity(call: Called, rest: str) -> Response:
    kind, *path = rest.strip("/").split("/")
    if kind not in ("collection", "run-log"):
        return _method(call, "similarity", rest)
    return (collections if kind == "collection" else run_log)(call, path)


@router.api_route("/{base:path}/v2/{method:path}", methods=["GET", "POST"])
def _method(call: Called, base: str, method: str) -> Response:
    name = method.strip("/")
    strange = call.request.method != "POST" and (call.request.method, name) != ("GET", "ping")
    if name not in _METHODS or strange or base.split("/")[0] in ("", "v1"):
        raise EntryNotFound("method", name)
    return _answer(call, name)


def _answer(call: Call, name: str) -> Response:
    call.caller.require("read")
    return _METHODS[name](call)
