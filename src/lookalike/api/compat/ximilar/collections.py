"""Collections over REST: similarity/v2/collection/. The original made them in its web page only.

POST {name, type?, product_id_field?, fields_to_index?} -> 201 {id, name, type, ...}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.entities import page_of
from lookalike.api.compat.ximilar.envelope import Call, json_response
from lookalike.api.compat.ximilar.fields import client_name, native_name
from lookalike.collection import Collection
from lookalike.errors import EntryNotFound, InvalidArgument

__all__ = ["collections"]

_KINDS: Final = {
    **dict.fromkeys(("generic", "photo", "photos", "generic photo", "photo-search"), "photos"),
    **dict.fromkeys(("product", "products", "product photo", "product-similarity"), "products"),
    **dict.fromkeys(("fashion", "homedecor", "home decor"), "products"),
    **dict.fromkeys(("matching", "image matching", "image-matching"), "matching"),
    **dict.fromkeys(("color", "colors", "dominant colors", "color-similarity"), "colors"),
    **dict.fromkeys(("custom", "custom-similarity"), "custom"),
}
"""What clients call a type -> kind of collection."""


def collections(call: Call, path: Sequence[str]) -> Response:
    """Make, list, show, change and delete collections; changes need a key of scope admin.

    Raises InvalidArgument, CollectionExists, CollectionNotFound, NotPermitted.
    """
    space, body = call.workspace, call.body
    match call.request.method, list(path):
        case "GET", []:
            call.caller.require("read")
            names = [info.name for info in space.list() if call.caller.permits("read", info.name)]
            return page_of(call, names, lambda name: _show(space.get(name)))
        case "POST", []:
            call.caller.require("admin")
            made = space.create(_name(body.get("name")), kind=_kind(body.get("type")), **_settings(body, new=True))
            call.logged("collection.create", made.name)
            return json_response(_show(made), 201)
        case "GET", [name]:
            call.caller.require("read", name)
            return json_response(_show(space.get(name)))
        case (("PATCH" | "PUT"), [name]):
            call.caller.require("admin", name)
            changed = space.configure(name, **_settings(body, new=False))
            call.logged("collection.configure", name)
            return json_response(_show(changed))
        case "DELETE", [name]:
            call.caller.require("admin", name)
            space.drop(name)
            call.logged("collection.drop", name)
            return Response(status_code=204)
    raise EntryNotFound("route", f"{call.request.method} {call.request.url.path}")


def _show(collection: Collection) -> dict[str, Any]:
    settings = collection.settings
    return {
        "id": collection.name,
        "name": collection.name,
        "type": collection.info.kind,
        "product_id_field": settings.product_id and client_name(settings.product_id),
        "fields_to_index": [client_name(name) for name in settings.index],
        "model": collection.info.model,
        "created": collection.info.created,
        "records_count": len(collection),
    }


def _name(given: Any) -> str:
    """Return a name as collections have them: what they can't hold becomes a hyphen."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", given).strip("-._") if isinstance(given, str) else ""
    if not plain:
        raise InvalidArgument("name", given, "text with letters or digits")
    return plain[:64]


def _kind(given: Any) -> str:
    if given is None:
        return "photos"
    kind = _KINDS.get(given.lower()) if isinstance(given, str) else None
    if kind is None:
        raise InvalidArgument("type", given, "generic, product, fashion, homedecor, custom, matching or colors")
    return kind


def _settings(body: dict[str, Any], *, new: bool) -> dict[str, Any]:
    """Return the settings of a body. A new collection groups nothing unless told to, and folds case."""
    found: dict[str, Any] = {"product_id": None, "ignore_case": True} if new else {}
    if "product_id_field" in body:
        field = body["product_id_field"] or None
        found["product_id"] = native_name(field) if isinstance(field, str) else field
    if body.get("fields_to_index") is not None:
        fields = body["fields_to_index"]
        names = [part.strip() for part in fields.split(",")] if isinstance(fields, str) else fields
        named = isinstance(names, list) and all(isinstance(name, str) for name in names)
        found["index"] = [native_name(name) for name in names if name] if named else names
    if new and body.get("model") is not None:
        found["model"] = str(body["model"])
    return found
