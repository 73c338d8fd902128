"""What tasks learned: a document for each training, its version, and the job behind it.

How a training stands is read from the job and from what it wrote, and is kept nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lookalike.api.compat.ximilar.entities import CHANGING, Document, Kind, Shelf
from lookalike.api.compat.ximilar.envelope import Call
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.lessons import forget_tagger, models_folder
from lookalike.taggers import read_tagger, tagger_folder
from lookalike.taggers.folder import CARD

__all__ = [
    "MODELS",
    "SIMILARITY",
    "TASKS_OF",
    "begin",
    "chosen",
    "forget_models",
    "learned_model",
    "models_of",
    "production",
    "show_model",
    "status_of",
]

SIMILARITY: Final = "similarity-task"
TASKS_OF: Final = {"recognition-task": "recognition-model", SIMILARITY: "similarity-model"}
"""Kind of a task -> kind of what it learned."""

_TRAINED, _TRAINING, _FAILED = "TRAINED", "TRAINING", "ERROR"


def begin(shelf: Shelf, kind: str, task: Document, job: str, collection: str, spec: Mapping[str, Any]) -> Document:
    """Begin a training of the next version, or return the one that is under way. job: its kind."""
    with CHANGING:
        known = models_of(shelf, kind, task["id"])
        for model in known:
            if status_of(shelf, model) == _TRAINING:
                return model
        version = max((model["version"] for model in known), default=0) + 1
        name = f"ximilar-{task['id']}-{version}"
        wanted = {**spec, "name": name}
        begun = shelf.call.workspace.catalog.jobs.add(job, wanted, collection=collection, who=shelf.call.caller.who)
        about = {"task": task["id"], "task_name": task["name"], "version": version, "learned": name, "job": begun.id}
        return shelf.add(TASKS_OF[kind], about)


def models_of(shelf: Shelf, kind: str, task: str) -> list[Document]:
    """Return the trainings of a task, oldest first."""
    found = shelf.every(TASKS_OF[kind], [{"document.task": task}], everywhere=True)
    return sorted(found, key=lambda model: model["version"])


def status_of(shelf: Shelf, model: Document) -> str:
    """Return how a training stands, in the words that the client prints."""
    space, name = shelf.call.workspace, model["learned"]
    if (tagger_folder(name, space.path) / CARD).is_file() or (models_folder(space) / name).is_dir():
        return _TRAINED
    try:
        return _FAILED if space.catalog.jobs.find(model["job"]).is_over else _TRAINING
    except EntryNotFound:
        return _FAILED


def show_model(shelf: Shelf, model: Document) -> Document:
    """Return what clients get of a training: how it stands, why it failed, how good it is on test pictures."""
    space, state = shelf.call.workspace, status_of(shelf, model)
    shown: Document = {name: value for name, value in model.items() if name != "job"} | {"train_status": state}
    if state == _TRAINED and (tagger_folder(model["learned"], space.path) / CARD).is_file():
        shown |= {name: value for name, value in _tagger(shelf, model).trained.items() if name in ("accuracy", "f1")}
    elif state == _FAILED:
        try:
            shown["detail"] = space.catalog.jobs.find(model["job"]).error
        except EntryNotFound:
            shown["detail"] = "it was forgotten before it was done"
    return shown


def production(shelf: Shelf, kind: str, task: str) -> Document:
    """Return `production_version` and `last_train_status` of a task."""
    models = [(model["version"], status_of(shelf, model)) for model in models_of(shelf, kind, task)]
    good = [version for version, state in models if state == _TRAINED]
    return {"production_version": good[-1] if good else None, "last_train_status": models[-1][1] if models else ""}


def chosen(shelf: Shelf, kind: str, task: Document) -> Document:
    """Return the training that the body's `version` names, or the newest that is done. Raises InvalidArgument."""
    done = [model for model in models_of(shelf, kind, task["id"]) if status_of(shelf, model) == _TRAINED]
    if shelf.call.body.get("version") is not None:
        wanted = shelf.call.whole("version", 0, 1)
        done = [model for model in done if model["version"] == wanted]
    if not done:
        asked = shelf.call.body.get("version")
        found = "no version" if asked is None else f"no version {asked}"
        raise InvalidArgument(
            f"the task {task['name']}", f"{found} that is trained", "trained first: POST task/<id>/train"
        )
    return done[-1]


def learned_model(call: Call) -> str | None:
    """Return the folder of what a task of custom similarity learned; None if it has not been trained.

    Raises EntryNotFound for an unknown task, InvalidArgument for a version that is not there.
    """
    shelf = Shelf(call)
    task = shelf.find(SIMILARITY, str(call.body["task_id"]))
    if call.body.get("version") is None and production(shelf, SIMILARITY, task["id"])["production_version"] is None:
        return None
    return str(models_folder(call.workspace) / chosen(shelf, SIMILARITY, task)["learned"])


def forget_models(shelf: Shelf, id_: str, *, kind: str) -> None:
    """Delete what a task learned that is deleted itself."""
    for model in models_of(shelf, kind, id_):
        shelf.remove(TASKS_OF[kind], model["id"])
        forget_tagger(shelf.call.workspace, model["learned"])


def _tagger(shelf: Shelf, model: Document) -> Any:
    return read_tagger(tagger_folder(model["learned"], shelf.call.workspace.path))


def _conditions(shelf: Shelf) -> list[dict[str, Any]]:
    task = shelf.call.request.query_params.get("task")
    return [{"document.task": task}] if task else []


def _none(shelf: Shelf, before: Document | None) -> Document:
    raise InvalidArgument("a model", shelf.call.body, "made by training: POST task/<id>/train")


MODELS: Final = {kind: Kind(models, _none, show_model, _conditions) for kind, models in TASKS_OF.items()}
"""Kind of a task -> how its trainings are listed, shown and deleted."""
