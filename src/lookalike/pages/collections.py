"""Collections made, set up, described anew and deleted."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from lookalike.catalog import CollectionInfo
from lookalike.collection import Collection
from lookalike.describers.cards import card, names
from lookalike.describers.weights import is_here
from lookalike.errors import CollectionExists, InvalidArgument, InvalidName, ModelError, TaggerMismatch, TaggerUnusable
from lookalike.intake import FACTS
from lookalike.kinds import KINDS, VECTORS, CollectionSettings
from lookalike.pages.chains import chain_of, chosen_taggers
from lookalike.pages.changes import filled, log, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.forms import listed, named_numbers, number, said_numbers
from lookalike.pages.render import collection_link, page
from lookalike.pages.words import KINDS as KIND_NAMES
from lookalike.pages.words import WAYS
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

Filled = Annotated[FormData, Depends(filled)]

_NEW = {"name": "", "kind": "photos", "product_id": "", "index": "", "model": "", "entities": "", "next": ""}
_ONWARD = ("import", "connect", "settings")
_REFUSALS = (InvalidName, CollectionExists, InvalidArgument, ModelError)


@router.get("/new")
def show_new(request: Request, kind: str = "photos", next: str = "") -> Response:  # noqa: A002 - customary in URLs
    """Ask what a new collection is for. kind: chosen beforehand; next: the room of it to go on to."""
    permitted(request, "admin")
    return _new(request, {**_NEW, "kind": kind, "next": next})


@router.post("/new")
def create(request: Request, form: Filled) -> Response:
    """Make a collection and lead to it."""
    permitted(request, "admin")
    given = {name: str(form.get(name, "")).strip() for name in _NEW}
    describers = [str(name) for name in form.getlist("describers")]
    workspace: Workspace = request.app.state.workspace
    try:
        settings = _chosen(given, describers)
        workspace.create(given["name"], kind=given["kind"], model=given["model"] or None, **settings)
    except _REFUSALS as error:
        return _new(request, given, describers, str(error))
    log(request, "collection.create", given["name"])
    unknown = given["product_id"].startswith("_") and given["product_id"] not in FACTS
    room = "settings" if unknown else given["next"] if given["next"] in _ONWARD else ""  # which warns of such a field
    there = f"/collections/{{name}}/{room}" in request.app.state.pages
    return RedirectResponse(collection_link(given["name"], room if there else ""), 303)


@router.get("/collections/{name}/settings")
def show_settings(name: str, request: Request) -> Response:
    """Show how a collection is set up."""
    collection: Collection = request.app.state.workspace.get(name)
    return _settings(request, collection.info, _written(collection.settings))


@router.post("/collections/{name}/settings")
def configure(name: str, request: Request, form: Filled) -> Response:
    """Change what may change."""
    permitted(request, "admin", name)
    workspace: Workspace = request.app.state.workspace
    info = workspace.get(name).info
    given = {field: str(value).strip() for field, value in form.items()}
    try:
        workspace.configure(name, **_changes(info.settings, given), **chosen_taggers(workspace, info, given))
    except (InvalidArgument, TaggerUnusable, TaggerMismatch) as error:
        return _settings(request, info, {**_written(info.settings), "ignore_case": "", **given}, str(error))
    log(request, "collection.configure", name)
    return RedirectResponse(collection_link(name, "settings", saved=True), 303)


@router.post("/collections/{name}/redescribe")
def redescribe(name: str, request: Request, form: Filled) -> Response:
    """Begin to describe all records by another model, in the background."""
    caller = permitted(request, "admin", name)
    workspace: Workspace = request.app.state.workspace
    info, model = workspace.get(name).info, str(form.get("model", ""))
    if model == info.model or workspace.catalog.jobs.page(collection=name, live=True, limit=1):
        raise InvalidArgument("model", model, "another than now, while nothing else is under way in the collection")
    card(model)
    workspace.catalog.jobs.add("redescribe", {"model": model, "anyway": False}, collection=name, who=caller.who)
    log(request, "collection.redescribe", name)
    return RedirectResponse(collection_link(name, "settings"), 303)


@router.get("/collections/{name}/delete")
def ask_to_delete(name: str, request: Request) -> Response:
    """Say what would go, and ask for the name."""
    permitted(request, "admin", name)
    return _delete(request, name)


@router.post("/collections/{name}/delete")
def delete(name: str, request: Request, form: Filled) -> Response:
    """Delete a collection whose name was typed."""
    permitted(request, "admin", name)
    workspace: Workspace = request.app.state.workspace
    if str(form.get("typed", "")).strip() != name:
        workspace.get(name)
        return _delete(request, name, "That is not its name. Nothing was deleted.")
    workspace.drop(name)
    log(request, "collection.drop", name)
    return RedirectResponse("/", 303)


def _new(request: Request, given: dict[str, str], describers: list[str] | None = None, trouble: str = "") -> Response:
    return page(
        request,
        "new.html",
        422 if trouble else 200,
        given=given,
        describers=describers or [],
        kinds={kind: (KIND_NAMES[kind], shown.choose) for kind, shown in KINDS.items()},
        ways={name: WAYS[name] for name in VECTORS},
        models=_models(),
        model=request.app.state.workspace.settings.model,
        own=FACTS,
        trouble=trouble,
    )


def _settings(request: Request, info: CollectionInfo, given: dict[str, str], trouble: str = "") -> Response:
    workspace: Workspace = request.app.state.workspace
    return page(
        request,
        "settings.html",
        422 if trouble else 200,
        info=info,
        given=given,
        kind=KIND_NAMES[info.kind],
        ways=WAYS,
        own=FACTS,
        chain=chain_of(workspace, info, given),
        models=[name for name in _models() if name != info.model],
        jobs=workspace.catalog.jobs.page(collection=info.name, live=True, limit=5),
        saved="saved" in request.query_params,
        trouble=trouble,
    )


def _delete(request: Request, name: str, trouble: str = "") -> Response:
    workspace: Workspace = request.app.state.workspace
    count, info = len(workspace.get(name)), workspace.get(name).info
    return page(request, "delete_collection.html", 422 if trouble else 200, info=info, count=count, trouble=trouble)


def _models() -> list[str]:
    """Return the names of the models whose files are on this machine."""
    found = []
    for name in names():
        with suppress(ModelError):  # one whose files were damaged can't be used either
            if is_here(card(name)):
                found.append(name)
    return found


def _chosen(given: dict[str, str], describers: list[str]) -> dict[str, Any]:
    """Return the settings of a new collection that differ from its kind's own."""
    chosen: dict[str, Any] = {"index": listed(given["index"])}
    if given["product_id"]:
        chosen["product_id"] = given["product_id"]
    if given["entities"]:
        sizes = named_numbers("entities", given["entities"])
        chosen["entities"] = {name: int(size) if size.is_integer() else size for name, size in sizes.items()}
    if describers:
        chosen["describers"] = describers
    return chosen


def _changes(settings: CollectionSettings, given: dict[str, str]) -> dict[str, Any]:
    """Return the settings that the form says; a weight left empty is none."""
    weights = {name: given.get(f"weight.{name}", "") for name in (*settings.vectors, "tags")}
    return {
        "product_id": given.get("product_id") or None,
        "index": listed(given.get("index", "")),
        "weights": {name: number(f"weights.{name}", text) for name, text in weights.items() if text},
        "fields": named_numbers("fields", given.get("fields", "")),
        "ignore_case": "ignore_case" in given,
        "auto_tags": int(number("auto_tags", given.get("auto_tags") or "0")),
        "threshold": number("threshold", given.get("threshold", "")),
    }


def _written(settings: CollectionSettings) -> dict[str, str]:
    """Return the settings as the form's fields have them."""
    weights = {f"weight.{name}": f"{weight:g}" for name, weight in settings.weights.items()}
    return {
        "product_id": settings.product_id or "",
        "index": ", ".join(settings.index),
        "fields": said_numbers(settings.fields),
        "ignore_case": "1" if settings.ignore_case else "",
        "auto_tags": str(settings.auto_tags),
        "threshold": f"{settings.threshold:g}",
        **weights,
    }
