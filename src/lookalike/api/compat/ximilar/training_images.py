"""Pictures for training: below recognition/v2/training-image/.

Each is a record of the collection `ximilar-images`, which can be searched like any other; its bytes are a file in the
workspace's folder `training-pictures`, as long as the record is there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fastapi import Response
from fastapi.responses import FileResponse

from lookalike.api.compat.ximilar.entities import CHANGING, Shelf, page_of
from lookalike.api.compat.ximilar.envelope import Call, json_response
from lookalike.api.pictures import picture_bytes
from lookalike.catalog import now
from lookalike.collection import Collection
from lookalike.errors import EntryNotFound, ImageUnreadable, InvalidArgument
from lookalike.records import Record

__all__ = ["IMAGES", "LABEL", "known_images", "remove_labeled", "show_image", "show_label", "training_image"]

IMAGES: Final = "ximilar-images"
"""The collection of training pictures."""

LABEL: Final = "label"

_MARKS: Final = {"test": "test_image", "real": "real"}


def training_image(call: Call, path: Sequence[str]) -> Response:
    """Answer for everything below recognition/v2/training-image/. Raises EntryNotFound, InvalidArgument."""
    shelf = Shelf(call)
    match call.request.method, list(path):
        case "GET", []:
            return _list(shelf)
        case "POST", []:
            return _add(shelf)
        case "POST", ["update"]:
            return _update_many(shelf)
        case "GET", [id_, "file"]:
            return _file(shelf, id_)
        case "GET", [id_]:
            return json_response(show_image(shelf, _find(shelf, id_), whole=True))
        case "PUT" | "PATCH", [id_]:
            return _change(shelf, id_, {"meta_data": _meta_data(shelf)})
        case "DELETE", [id_]:
            gone = _find(shelf, id_)
            _images(shelf, "write").delete([id_])
            _unlink(shelf, [gone])
            call.logged("training-image.delete", id_)
            return Response(status_code=204)
        case "POST", [id_, ("add-label" | "update-label" | "remove-label") as action]:
            return _label(shelf, id_, action)
    raise EntryNotFound("route", f"{call.request.method} {call.request.url.path}")


def known_images(shelf: Shelf, ids: Sequence[str]) -> list[Record]:
    """Return those of some pictures that there are, in the order asked."""
    return [record for record in _images(shelf, "read").get(list(ids)) if record]


def show_image(shelf: Shelf, image: Record, *, whole: bool = False) -> dict[str, Any]:
    """Return what clients get of a picture; its path asks for the key, as everything does. whole: with its labels."""
    fields = image.fields
    path = f"{shelf.call.request.base_url}recognition/v2/training-image/{image.id}/file" if "_file" in fields else ""
    shown = {
        "id": image.id,
        "created": fields["created"],
        "img_path": path,
        "thumb_img_path": path,
        "img_width": fields.get("_width"),
        "img_height": fields.get("_height"),
        "meta_data": fields["meta_data"],
        "test_image": fields["test_image"],
        "real": fields["real"],
        "workspace": fields["workspace"],
        "verifyCount": 0,
    }
    if whole:
        shown["labels"] = [show_label(shelf, one) for one in shelf.known(LABEL, fields["labels"])]
    return shown


def show_label(shelf: Shelf, label: Mapping[str, Any]) -> dict[str, Any]:
    """Return what clients get of a label."""
    tasks = shelf.every("recognition-task", [{"document.labels": label["id"]}], everywhere=True)
    count = _images(shelf, "read").count({"labels": label["id"]})
    return {**label, "images_count": count, "tasks_count": len(tasks)}


def remove_labeled(shelf: Shelf, label: str, *, images: bool) -> None:
    """Take a label off all pictures, or delete these."""
    collection = _images(shelf, "write")
    if images:
        gone = list(collection.records(where={"labels": label}))
        collection.delete([image.id for image in gone])
        _unlink(shelf, gone)
        return
    with CHANGING:
        for image in list(collection.records(where={"labels": label})):
            labels = [one for one in image.fields["labels"] if one != label]
            collection.update([{"_id": image.id, "labels": labels}])


def _images(shelf: Shelf, scope: Any) -> Collection:
    return shelf.collection(scope, IMAGES)


def _find(shelf: Shelf, id_: str) -> Record:
    found = _images(shelf, "read").get([id_])[0]
    if found is None:
        raise EntryNotFound("training image", id_)
    return found


def _add(shelf: Shelf) -> Response:
    """Describe a picture and keep that; one that is there is told in the words that the client looks for."""
    body, text = shelf.call.body, shelf.call.body.get("base64")
    if not isinstance(text, str):
        raise ImageUnreadable("base64", "there is none")
    data = picture_bytes(text, "base64", shelf.call.settings.limits)
    collection = _images(shelf, "write")
    same = {"_sha256": hashlib.sha256(data).hexdigest(), "workspace": shelf.workspace}
    there = collection.scroll(where=same, limit=1).records
    if there:
        return json_response({"detail": f"This image already exists, image ID: {there[0].id}"}, 400)
    id_ = str(uuid.uuid4())
    file = _folder(shelf) / id_
    file.write_bytes(data)
    record = {
        "_id": id_,
        "_file": str(file),
        "workspace": shelf.workspace,
        "created": now(),
        "labels": [],
        "values": {},
        "test_image": bool(body.get("test_image")),
        "real": body.get("real") is not False,
        "meta_data": _meta_data(shelf),
    }
    for failure in collection.add([record]).failed:
        file.unlink()
        raise ImageUnreadable("base64", failure.reason)
    shelf.call.wrote("training-image.create", IMAGES, 1)
    return json_response(show_image(shelf, _find(shelf, id_)), 201)


def _file(shelf: Shelf, id_: str) -> Response:
    fields = _find(shelf, id_).fields
    path = _folder(shelf) / id_
    if not path.is_file():
        raise EntryNotFound("file of the training image", id_)
    return FileResponse(path, media_type=f"image/{str(fields.get('_format', 'jpeg')).lower()}")


def _folder(shelf: Shelf) -> Path:
    folder = shelf.call.workspace.path / "training-pictures"
    folder.mkdir(exist_ok=True)
    return folder


def _unlink(shelf: Shelf, images: Sequence[Record]) -> None:
    for image in images:
        (_folder(shelf) / image.id).unlink(missing_ok=True)


def _list(shelf: Shelf) -> Response:
    query = shelf.call.request.query_params
    where: list[dict[str, Any]] = [{"workspace": shelf.workspace}]
    if query.get("labels"):
        where.append({"labels": query["labels"]})
    if query.get("not_labels"):
        where.append({"labels": {"$ne": query["not_labels"]}})
    for name, path in _MARKS.items():
        if query.get(name):
            where.append({path: query[name].lower() in ("true", "1")})
    found = sorted(
        _images(shelf, "read").records(where={"$and": where}), key=lambda one: (one.fields["created"], one.id)
    )
    if query.get("verified", "0") != "0":
        found = []  # nobody verifies pictures here
    return page_of(shelf.call, found, lambda one: show_image(shelf, one))


def _label(shelf: Shelf, id_: str, action: str) -> Response:
    label = shelf.find(LABEL, str(shelf.call.body.get("label_id")))["id"]
    with CHANGING:
        fields = _find(shelf, id_).fields
        labels = [one for one in fields["labels"] if one != label]
        values = {name: value for name, value in fields["values"].items() if name != label}
        if action != "remove-label":
            labels.append(label)
            if shelf.call.body.get("value") is not None:
                values[label] = shelf.call.body["value"]
        return _change(shelf, id_, {"labels": labels, "values": values})


def _update_many(shelf: Shelf) -> Response:
    """Change labels and marks of the pictures listed, or of those with the labels listed."""
    body, collection = shelf.call.body, _images(shelf, "write")
    added = [shelf.find(LABEL, one)["id"] for one in _optional(shelf, "labels-add")]
    removed = _optional(shelf, "labels-remove")
    marks = {
        path: bool(body.get(f"mark-{name}"))
        for name, path in _MARKS.items()
        if body.get(f"mark-{name}") or body.get(f"unmark-{name}")
    }
    with CHANGING:
        chosen = known_images(shelf, _optional(shelf, "images"))
        if not chosen and _optional(shelf, "labels"):
            chosen = list(collection.records(where={"labels": {"$in": _optional(shelf, "labels")}}))
        for image in chosen:
            labels = [one for one in dict.fromkeys([*image.fields["labels"], *added]) if one not in removed]
            collection.update([{"_id": image.id, "labels": labels, **marks}])
    shelf.call.wrote("training-image.change", IMAGES, len(chosen))
    return json_response({"images": [image.id for image in chosen], "count": len(chosen)})


def _change(shelf: Shelf, id_: str, changes: Mapping[str, Any]) -> Response:
    _find(shelf, id_)
    for failure in _images(shelf, "write").update([{"_id": id_, **changes}]).failed:
        raise InvalidArgument("the body", id_, f"JSON values ({failure.reason})")
    shelf.call.logged("training-image.change", id_)
    return json_response(show_image(shelf, _find(shelf, id_), whole=True))


def _meta_data(shelf: Shelf) -> dict[str, Any]:
    given = shelf.call.body.get("meta_data") or {}
    if not isinstance(given, dict):
        raise InvalidArgument("meta_data", given, "an object")
    return given


def _optional(shelf: Shelf, name: str) -> list[str]:
    return shelf.ids(name) if shelf.call.body.get(name) else []
