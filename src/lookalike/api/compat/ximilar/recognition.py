"""Recognition: tasks and labels below recognition/v2/, what they learn from training pictures, and what that says.

A task becomes a tagger of the workspace, trained in the background on the vectors of the collection `ximilar-images`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.entities import Document, Kind, Shelf, contains, serve
from lookalike.api.compat.ximilar.envelope import Call, told
from lookalike.api.compat.ximilar.learned import (
    MODELS,
    TASKS_OF,
    begin,
    chosen,
    forget_models,
    production,
    show_model,
)
from lookalike.api.compat.ximilar.pictures import answer_row, listed, look_at
from lookalike.api.compat.ximilar.training_images import IMAGES, LABEL, remove_labeled, show_label, training_image
from lookalike.describers.descriptions import Description
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.lessons import forget_tagger
from lookalike.taggers import Said, Tagger, read_tagger, tagger_folder

__all__ = ["recognition"]

_TASK: Final = "recognition-task"
_TASK_TYPES: Final = ("multi_class", "multi_label", "regression")
_LEARNED: Final = {"multi_class": "classify", "multi_label": "tag"}
_LEAST: Final = 2
_FIELD: Final = 64
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LABEL_TYPES: Final = ("category", "tag", "value")


def recognition(call: Call, path: Sequence[str]) -> Response:
    """Answer for everything below recognition/v2/. Raises EntryNotFound, InvalidArgument."""
    kind, *rest = path
    method = call.request.method
    match kind, rest:
        case "training-image", _:
            return training_image(call, rest)
        case "classify", []:
            return _classify(call)
        case "task", [id_, "train"] if method == "POST":
            return _train(Shelf(call), id_)
        case "label", [id_, "wipe"] if method == "DELETE":
            shelf = Shelf(call)
            shelf.find(LABEL, id_)
            remove_labeled(shelf, id_, images=True)
            return serve(call, _LABELS, [id_])
        case "model", [id_] if method == "DELETE":
            return _delete_model(Shelf(call), id_)
        case "model", ([] | [_]) if method == "GET":
            return serve(call, MODELS[_TASK], rest)
        case (("task" | "label"), _):
            return serve(call, _TASKS if kind == "task" else _LABELS, rest)
    raise EntryNotFound("route", call.request.url.path)


def _train(shelf: Shelf, id_: str) -> Response:
    """Begin to learn from the pictures that have the task's labels; those marked as test are asked about."""
    task = shelf.find(_TASK, id_)
    labels = [one["id"] for one in shelf.known(LABEL, task["labels"])]
    if task["type"] not in _LEARNED:
        raise InvalidArgument("type", task["type"], f"one of {', '.join(_LEARNED)} to be trained")
    if len(labels) < _LEAST:
        raise InvalidArgument(f"the task {task['name']}", f"{len(labels)} labels", f"given {_LEAST} labels at least")
    shelf.collection("write", IMAGES)
    spec = {
        "task": _LEARNED[task["type"]],
        "from": "labels",
        "labels": labels,
        "where": {"labels": {"$in": labels}},
        "test": "test_image",
        "field": "tags"
        if task["type"] == "multi_label"
        else _UNSAFE.sub("-", task["name"])[:_FIELD].strip("-_") or "class",
    }
    model = show_model(shelf, begin(shelf, _TASK, task, "tagger", IMAGES, spec))
    return told(shelf.call, 200, **model)


def _classify(call: Call) -> Response:
    """Give each record the `best_label` and the `labels` that a trained task says: of tags those likely enough."""
    shelf = Shelf(call)
    task = shelf.find(_TASK, str(call.body.get("task_id")))
    model = chosen(shelf, _TASK, task)
    tagger = read_tagger(tagger_folder(model["learned"], call.workspace.path))
    settings = replace(call.settings, model=shelf.collection("read", IMAGES).info.model)
    tagger.check(standard_ensemble(settings.model).signatures)
    names = {one["id"]: one for one in shelf.known(LABEL, list(tagger.labels))}
    found = []
    for record, seen in look_at(call, settings):
        members = (
            _answer(tagger.say(tagger.row(seen.vectors))[0], tagger, names) if isinstance(seen, Description) else {}
        )
        found.append(answer_row(call, record, seen, members))
    about = {"task_id": task["id"], "version": model["version"], "task_name": task["name"], "type": task["type"]}
    return listed(call, found, **about)


def _answer(said: Said, tagger: Tagger, names: Mapping[str, Document]) -> dict[str, Any]:
    order = sorted(said.probabilities, key=lambda label: -said.probabilities[label])
    shown = [_said(label, said.probabilities[label], names) for label in order]
    given = shown if tagger.task == "classify" else [one for one in shown if one["id"] in said.labels]
    return {"best_label": shown[0], "labels": given}


def _said(label: str, probability: float, names: Mapping[str, Document]) -> dict[str, Any]:
    """Return a label with its probability; one that was deleted since is called by its id."""
    known = names.get(label, {})
    name = known.get("name", label)
    return {"id": label, "name": name, "output_name": known.get("output_name") or name, "prob": probability}


def _delete_model(shelf: Shelf, id_: str) -> Response:
    learned = shelf.find(TASKS_OF[_TASK], id_)["learned"]
    shelf.remove(TASKS_OF[_TASK], id_)
    forget_tagger(shelf.call.workspace, learned)
    return Response(status_code=204)


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
    return {**task, **production(shelf, _TASK, task["id"])}


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


_TASKS: Final = Kind(
    _TASK,
    _read_task,
    _show_task,
    _named,
    {"add-label": _add_label, "remove-label": _remove_label},
    partial(forget_models, kind=_TASK),
)
_LABELS: Final = Kind(LABEL, _read_label, show_label, _label_conditions, left=_label_left)
