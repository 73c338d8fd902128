"""The models that describe pictures: what each is for, where it comes from, and bringing one onto this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from lookalike.describers.cards import card, facts, names
from lookalike.describers.modelcard import ModelCard
from lookalike.describers.own import HUB_PREFIX
from lookalike.describers.weights import hub, is_here
from lookalike.errors import InvalidArgument, ModelError, UnknownModel
from lookalike.pages.changes import filled, log, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.progress import JobView, view_of
from lookalike.pages.render import page
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_LOOKED_BACK: Final = 200


@dataclass(frozen=True, slots=True)
class _Model:
    """A model on the page. card: None where it can't be read, for which `trouble` is the reason.

    sources: repositories that its missing files come from. job: the last fetch of it, unless that went well.
    """

    name: str
    about: str
    here: bool
    card: ModelCard | None
    measured: Mapping[str, str]
    untested: tuple[str, ...]
    sources: tuple[str, ...]
    job: JobView | None
    uses: int
    trouble: str = ""


@router.get("/models")
def show_models(request: Request) -> Response:
    """List the models, those that are here first."""
    workspace: Workspace = request.app.state.workspace
    uses = [info.model for info in workspace.list()]
    jobs = _fetches(workspace)
    models = [_model(name, jobs.get(name), uses.count(name)) for name in names()]
    return page(
        request,
        "models.html",
        models=sorted(models, key=lambda model: (not model.here, model.job is None)),
        others=[view for name, view in jobs.items() if name not in names()],
        default=workspace.settings.model,
        hub=hub(),
    )


@router.post("/models/fetch")
def fetch(request: Request, form: Annotated[FormData, Depends(filled)]) -> Response:
    """Begin to bring a model onto this machine, unless that is under way."""
    caller = permitted(request, "admin")
    workspace: Workspace = request.app.state.workspace
    name = str(form.get("model", "")).strip()
    if name not in names() and not name.startswith(HUB_PREFIX):
        raise UnknownModel(name, (*names(), f"{HUB_PREFIX}OWNER/REPO"))
    if name in names() and not _sources(card(name)):
        raise InvalidArgument("model", name, "one that the hub has, and that is not here yet")
    view = _fetches(workspace).get(name)
    if view is None or view.job.is_over:
        workspace.catalog.jobs.add("fetch", {"model": name}, who=caller.who)
        log(request, "model.fetch", name)
    return RedirectResponse(f"/models#{quote(name)}", 303)


def _fetches(workspace: Workspace) -> dict[str, JobView]:
    """Return the last fetch of each model, as far as it is not a success of long ago."""
    found: dict[str, JobView] = {}
    for job in workspace.catalog.jobs.page(limit=_LOOKED_BACK):
        if job.kind == "fetch":
            found.setdefault(str(job.spec.get("model")), view_of(job))
    return {name: view for name, view in found.items() if view.job.state != "done"}


def _model(name: str, job: JobView | None, uses: int) -> _Model:
    try:
        found = card(name)
        told: Mapping[str, Any] = {}
        with suppress(ModelError):  # repositories of the hub have no card of their own
            told = facts(name)
    except ModelError as error:
        return _Model(name, "", False, None, {}, (), (), job, uses, str(error))
    return _Model(
        name,
        str(told.get("about") or _ABOUT.get(name, "")),
        is_here(found),
        found,
        dict(_measured(told.get("figures", {}))),
        tuple(told.get("not_verified", ())),
        _sources(found),
        job,
        uses,
        "" if is_here(found) else found.by_hand,
    )


_ABOUT: Final = {
    "lookalike-mini": "The bundled model: what is in a picture, the same picture however edited, and words it knows."
}


_QUESTIONS: Final = {"copy": "for the same picture", "meaning": "for the same kind of thing"}


def _sources(found: ModelCard) -> tuple[str, ...]:
    """Return the repositories of the files that are yet to come."""
    missing = (file for file in found.files.values() if not (found.folder / file.name).is_file())
    return tuple(dict.fromkeys(file.repository for file in missing if file.repository))


def _measured(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what was measured of a model when it was made, as far as its card says."""
    export = figures.get("export", {})
    for what, unit in (("recall@1", ""), ("pictures per second", " pictures a second, when it was made")):
        kinds = export.get(f"{what} by kind", {})
        if kinds:
            kind, value = list(kinds.items())[-1]  # the arithmetic that was chosen comes last
            yield ("Speed" if unit else "Recall@1"), f"{value:,}{unit}, {kind}" if unit else f"{value:.1%}, {kind}"
    errors = {words: figures.get("calibration", {}).get(name, {}).get("error") for name, words in _QUESTIONS.items()}
    told = [f"{error:.3f} {words}" for words, error in errors.items() if error is not None]
    if told:
        yield "Probabilities", f"off by {', '.join(told)}"
