"""Custom similarity: tasks, types and groups of pictures below similarity/training/v2/; logs of runs.

What is kept says which pictures belong together. `task/<id>/train` learns from that, in the background, a model of its
own for descriptors; before, they are of the service's model. The pictures can be searched as `ximilar-images`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.entities import CHANGING, Document, Kind, Shelf, contains, serve
from lookalike.api.compat.ximilar.envelope import Call, json_response
from lookalike.api.compat.ximilar.learned import (
    MODELS,
    SIMILARITY,
    begin,
    forget_models,
    production,
    show_model,
)
from lookalike.api.compat.ximilar.training_images import IMAGES, known_images, show_image
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.learning.split import FEWEST

__all__ = ["run_log", "training"]

_TASK, _TYPE, _GROUP, _LOG = SIMILARITY, "similarity-type", "similarity-group", "run-log"


def training(call: Call, path: Sequence[str]) -> Response:
    """Answer for everything below similarity/training/v2/."""
    kind, *rest = path
    if kind == "group" and rest == ["update"] and call.request.method == "POST":
        return _mark(Shelf(call))
    if kind == "model" and call.request.method == "GET":
        return serve(call, MODELS[_TASK], rest)
    if kind not in _KINDS:
        raise EntryNotFound("route", call.request.url.path)
    return serve(call, _KINDS[kind], rest)


def run_log(call: Call, path: Sequence[str]) -> Response:
    """Answer for similarity/v2/run-log/."""
    return serve(call, _LOGS, path)


def _read_named(shelf: Shelf, before: Document | None, **empty: Any) -> Document:
    """Read `name` and `description`; a new document needs a name, and begins with what is `empty`."""
    body = shelf.call.body
    found = {name: body[name] for name in ("name", "description") if body.get(name) is not None}
    if not all(isinstance(value, str) for value in found.values()):
        raise InvalidArgument("name and description", found, "text")
    if before is not None:
        return found
    if not found.get("name"):
        raise InvalidArgument("name", body.get("name"), "text")
    return {"description": "", **empty, **found}


def _read_group(shelf: Shelf, before: Document | None) -> Document:
    body = shelf.call.body
    empty: Document = {"type": None, "meta_data": {}, "groups": [], "images": [], "test_group": False}
    found = _read_named(shelf, before, **empty)
    if body.get("type") is not None:
        given = body["type"]["id"] if isinstance(body["type"], dict) and "id" in body["type"] else body["type"]
        found["type"] = shelf.find(_TYPE, str(given))["id"]
    elif before is None:
        raise InvalidArgument("type", None, "the id of a type")
    if body.get("meta_data") is not None:
        if not isinstance(body["meta_data"], dict):
            raise InvalidArgument("meta_data", body["meta_data"], "an object")
        found["meta_data"] = body["meta_data"]
    return found


def _show_task(shelf: Shelf, task: Document) -> Document:
    types = [_brief(one) for one in shelf.known(_TYPE, task["types"])]
    return {**task, "types": types, **production(shelf, _TASK, task["id"])}


def _train(shelf: Shelf, id_: str) -> Document:
    """Begin to learn from the groups of the task's types, and of the groups in them; test groups are asked about."""
    task = shelf.find(_TASK, id_)
    found = shelf.every(_GROUP, [{"document.type": {"$in": task["types"]}}], everywhere=True)
    groups = {group["id"]: _images_in(shelf, group, set()) for group in found}
    several = {id_: images for id_, images in groups.items() if len(images) > 1}
    if len(several) < FEWEST:
        told = f"{len(several)} groups of two pictures or more"
        raise InvalidArgument(f"the task {task['name']}", told, f"{FEWEST} at least, of types that were added to it")
    shelf.collection("write", IMAGES)
    spec = {"groups": several, "held": [group["id"] for group in found if group["test_group"]]}
    return show_model(shelf, begin(shelf, _TASK, task, "likeness", IMAGES, spec))


def _images_in(shelf: Shelf, group: Document, seen: set[str]) -> list[str]:
    """Return the pictures of a group and of those in it, each once."""
    seen.add(group["id"])
    images = dict.fromkeys(group["images"])
    for one in shelf.known(_GROUP, [id_ for id_ in group["groups"] if id_ not in seen]):
        images |= dict.fromkeys(_images_in(shelf, one, seen))
    return list(images)


def _show_group(shelf: Shelf, group: Document) -> Document:
    images = known_images(shelf, group["images"])
    groups = [_brief_group(shelf, one) for one in shelf.known(_GROUP, group["groups"])]
    shown = [show_image(shelf, image) for image in images]
    return {**_brief_group(shelf, group), "groups": groups, "images": shown, "detection_objects": []}


def _brief_group(shelf: Shelf, group: Document) -> Document:
    types = shelf.known(_TYPE, [group["type"]])
    about = _brief(types[0]) if types else {"id": group["type"], "name": "", "workspace": group["workspace"]}
    return {**{name: value for name, value in group.items() if name not in ("groups", "images")}, "type": about}


def _brief(one: Document) -> Document:
    return {name: one[name] for name in ("id", "name", "workspace")}


def _group_conditions(shelf: Shelf) -> list[dict[str, Any]]:
    query = shelf.call.request.query_params
    found: list[dict[str, Any]] = []
    if query.get("search"):
        found.append(contains("document.name", query["search"]))
    if query.get("test"):
        found.append({"document.test_group": query["test"].lower() in ("true", "1")})
    for name, path in (("image", "images"), ("group", "groups"), ("type", "type")):
        if query.get(name):
            found.append({f"document.{path}": query[name]})
    if query.get("type__name"):
        types = [one["id"] for one in shelf.every(_TYPE) if one["name"] == query["type__name"]]
        found.append({"document.type": {"$in": types}})
    if query.get("empty", "").lower() in ("true", "1"):
        found.append({"document.images": {"$size": 0}})
    if query.get("object"):
        found.append({"_id": {"$in": []}})  # there are no detected objects here
    return found


def _named_conditions(shelf: Shelf) -> list[dict[str, Any]]:
    words = shelf.call.request.query_params.get("search")
    return [contains("document.name", words)] if words else []


def _add(shelf: Shelf, id_: str, *, kind: Kind, name: str, members: str, given: str) -> Document:
    """Add members to a document's list; all of them must be there. Raises EntryNotFound."""
    ids = shelf.ids(given)
    known = known_images(shelf, ids) if members == "image" else shelf.known(members, ids)
    there = {one.id if not isinstance(one, dict) else one["id"] for one in known}
    for one in ids:
        if one not in there:
            raise EntryNotFound(members, one)
    return kind.show(shelf, shelf.extend(kind.name, id_, name, ids))


def _remove(shelf: Shelf, id_: str, *, kind: Kind, name: str, given: str) -> Document:
    return kind.show(shelf, shelf.shrink(kind.name, id_, name, shelf.ids(given)))


def _objects(shelf: Shelf, id_: str) -> Document:
    group = shelf.find(_GROUP, id_)
    for one in shelf.ids("objects"):
        raise EntryNotFound("detected object", one)
    return _show_group(shelf, group)


def _mark(shelf: Shelf) -> Response:
    """Mark groups as test groups, or take that away."""
    body = shelf.call.body
    changes = {"test_group": True} if body.get("mark-test") else {"test_group": False}
    if not body.get("mark-test") and not body.get("unmark-test"):
        raise InvalidArgument("update", sorted(body), "given mark-test or unmark-test")
    with CHANGING:
        ids = shelf.ids("groups")
        for id_ in ids:
            shelf.find(_GROUP, id_)
        for id_ in ids:
            shelf.change(_GROUP, id_, changes)
    return json_response({"groups": ids, **changes})


def _left(shelf: Shelf, id_: str, *, kind: str, name: str) -> None:
    """Take the id of a deleted document out of the lists that have it."""
    for one in shelf.every(kind, [{f"document.{name}": id_}], everywhere=True):
        shelf.shrink(kind, one["id"], name, [id_])


def _read_log(shelf: Shelf, before: Document | None) -> Document:
    body = shelf.call.body
    known: Document = {name: body[name] for name in ("collection", "data") if name in body}
    return known if before is not None else {"collection": None, "data": None, **known}


_TASKS: Final[Kind] = Kind(
    _TASK,
    partial(_read_named, types=[]),
    _show_task,
    _named_conditions,
    {
        "add-type": lambda shelf, id_: _add(shelf, id_, kind=_TASKS, name="types", members=_TYPE, given="type_id"),
        "remove-type": lambda shelf, id_: _remove(shelf, id_, kind=_TASKS, name="types", given="type_id"),
        "train": _train,
    },
    partial(forget_models, kind=_TASK),
)
_TYPES: Final[Kind] = Kind(
    _TYPE,
    _read_named,
    lambda shelf, one: one,
    _named_conditions,
    left=partial(_left, kind=_TASK, name="types"),
)
_GROUPS: Final[Kind] = Kind(
    _GROUP,
    _read_group,
    _show_group,
    _group_conditions,
    {
        "add-images": lambda shelf, id_: _add(shelf, id_, kind=_GROUPS, name="images", members="image", given="images"),
        "remove-images": lambda shelf, id_: _remove(shelf, id_, kind=_GROUPS, name="images", given="images"),
        "add-groups": lambda shelf, id_: _add(shelf, id_, kind=_GROUPS, name="groups", members=_GROUP, given="groups"),
        "remove-groups": lambda shelf, id_: _remove(shelf, id_, kind=_GROUPS, name="groups", given="groups"),
        "add-objects": _objects,
        "remove-objects": _objects,
    },
    partial(_left, kind=_GROUP, name="groups"),
)
_LOGS: Final[Kind] = Kind(_LOG, _read_log, lambda shelf, one: one)
_KINDS: Final = {"task": _TASKS, "type": _TYPES, "group": _GROUPS}
