"""Recognition: tasks and labels below recognition/v2/. They are kept; nothing is trained from them here yet.

`train` and `classify` say so with status 501, and there are no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.entities import Document, Kind, Shelf, contains, page_of, serve
from lookalike.api.compat.ximilar.envelope import Call, json_response
from lookalike.api.compat.ximilar.training_images import LABEL, remove_labeled, show_label, training_image
from lookalike.errors import EntryNotFound, InvalidArgument

__all__ = ["recognition"]

_TASK: Final = "recognition-task"
_TASK_TYPES: Final = ("multi_class", "multi_label", "regression")
_LABEL_TYPES: Final = ("category", "tag", "value")


def recognition(call: Call, path: Sequence[str]) -> Response:
    """Answer for everything below recognition/v2/. Raises EntryNotFound, InvalidArgument."""
    kind, *rest = path
    method = call.request.method
    match kind, rest:
        case "training-image", _:
            return training_image(call, rest)
        case "classify", _:
            return _not_yet("classify")
        case "task", [id_, "train"] if method == "POST":
            Shelf(call).find(_TASK, id_)
            return _not_yet("train")
        case "label", [id_, "wipe"] if method == "DELETE":
            shelf = Shelf(call)
            shelf.find(LABEL, id_)
            remove_labeled(shelf, id_, images=True)
            return serve(call, _LABELS, [id_])
        case "model", [] if method == "GET":
            return page_of(call, [], lambda one: one)
        case "model", [id_, *_]:
            raise EntryNotFound("model", id_)
        case (("task" | "label"), _):
            return serve(call, _TASKS if kind == "task" else _LABELS, rest)
    raise EntryNotFound("route", call.request.url.path)


def _not_yet(what: str) -> Response:
    text = f"Lookalike can't {what} yet: tasks, labels and pictures are kept, and are not trained on here."
    return json_response({"status": {"code": 501, "text": text}, "detail": text}, 501)


def _read(shelf: Shelf, before: Document | None, types: Sequence[str], empty: Document) -> Document:
    body = shelf.call.body
    names = ("name", "type", "description", "output_name")
    found = {name: body[name] for name in names if name in {*empty, "name"} and body.get(name) is not None}
    if not all(isinstance(value, str) for value in found.values()):
        raise InvalidArgument("the body", found, "text for each field")
    if found.get("type", types[0]) not in types:
        raise InvalidArgument("type", found["type"], f"one of {', '.join(types)}")
    if before is None and not found.get("name"):
        raise InvalidArgument("name", body.get("name"), "text")
    return found if before is not None else {**empty, **found}


def _read_task(shelf: Shelf, before: Document | None) -> Document:
    return _read(shelf, before, _TASK_TYPES, {"type": _TASK_TYPES[0], "description": "", "labels": []})


def _read_label(shelf: Shelf, before: Document | None) -> Document:
    return _read(shelf, before, _LABEL_TYPES, {"type": _LABEL_TYPES[0], "description": "", "output_name": ""})


def _show_task(shelf: Shelf, task: Document) -> Document:
    return {**task, "production_version": None, "last_train_status": ""}


def _named(shelf: Shelf) -> list[dict[str, Any]]:
    words = shelf.call.request.query_params.get("search")
    return [contains("document.name", words)] if words else []


def _label_conditions(shelf: Shelf) -> list[dict[str, Any]]:
    task = shelf.call.request.query_params.get("task")
    if not task:
        return _named(shelf)
    return [*_named(shelf), {"_id": {"$in": shelf.find(_TASK, task)["labels"]}}]


def _add_label(shelf: Shelf, id_: str) -> Document:
    labels = [shelf.find(LABEL, one)["id"] for one in shelf.ids("label_id")]
    return _show_task(shelf, shelf.extend(_TASK, id_, "labels", labels))


def _remove_label(shelf: Shelf, id_: str) -> Document:
    return _show_task(shelf, shelf.shrink(_TASK, id_, "labels", shelf.ids("label_id")))


def _label_left(shelf: Shelf, id_: str) -> None:
    for task in shelf.every(_TASK, [{"document.labels": id_}], everywhere=True):
        shelf.shrink(_TASK, task["id"], "labels", [id_])
    remove_labeled(shelf, id_, images=False)


_TASKS: Final = Kind(_TASK, _read_task, _show_task, _named, {"add-label": _add_label, "remove-label": _remove_label})
_LABELS: Final = Kind(LABEL, _read_label, show_label, _label_conditions, left=_label_left)
