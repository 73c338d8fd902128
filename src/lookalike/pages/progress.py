"""Long work: the jobs that are under way or over, how far each is, what failed, and how to stop it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from lookalike.catalog import Job
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.jobfiles import forget_files
from lookalike.pages.changes import log
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import page
from lookalike.pages.visitor import caller_of
from lookalike.work import export_of
from lookalike.workspace import Workspace

__all__ = ["JobView", "jobs_of", "router", "view_of"]

router = APIRouter(dependencies=[Depends(require_browser)])

_PAGE: Final = 30
_READ: Final = 200
_FAILURES: Final = 50
_KINDS: Final = {
    "import": ("Import", "record"),
    "export": ("Export", "record"),
    "redescribe": ("Change of model", "record"),
    "backup": ("Backup", "record"),
    "sync": ("Feed", "record"),
    "samples": ("Sample gallery", "picture"),
    "fetch": ("Fetch a model", ""),
    "map": ("Map", "step"),
    "tagger": ("Train a tagger", "step"),
    "likeness": ("Train a model", "step"),
    "retag": ("Taggers asked again", "record"),
    "promote": ("Promotion", "record"),
}
"""Kind of a job -> its name on the pages, and what it counts; bytes where that is ""."""

_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "queued": ("waits for its turn", "apart"),
    "running": ("under way", "near"),
    "done": ("done", "same"),
    "failed": ("failed", "bad"),
    "canceled": ("canceled", "alike"),
}
"""State of a job -> in words, and the tone of its badge."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown. unit: what it counts, "" for bytes. took, left: how long, in words, or "".

    figures: what came of it, name to text.
    """

    job: Job
    title: str
    unit: str
    state: str
    tone: str
    took: str
    left: str
    figures: Mapping[str, str]


@router.get("/jobs")
def show_jobs(request: Request, before: str | None = None, collection: str = "") -> Response:
    """List the jobs that the visitor may see, newest first. before: the last one of the page before."""
    found, more = jobs_of(request, collection=collection or None, before=before)
    return page(request, "jobs.html", jobs=found, next=found[-1].job.id if more else None, before=before, of=collection)


@router.get("/jobs/{id}")
def show_job(id: str, request: Request, after: int = 0) -> Response:  # noqa: A002 - the word of the URL
    """Show how far one is, and what failed. after: where the list of failures goes on."""
    job = _job(request, id)
    workspace: Workspace = request.app.state.workspace
    failures = workspace.catalog.jobs.failures(id, after=max(0, after), limit=_FAILURES)
    exported = job.kind == "export" and job.state == "done" and export_of(workspace, job).is_file()
    return page(request, "job.html", view=view_of(job), failures=failures, after=after, exported=exported)


@router.post("/jobs/{id}/cancel")
def cancel(id: str, request: Request) -> Response:  # noqa: A002
    """Tell a job to stop; what it did stays."""
    workspace: Workspace = request.app.state.workspace
    workspace.catalog.jobs.cancel(_job(request, id).id)
    log(request, "job.cancel", id)
    return RedirectResponse(f"/jobs/{id}", 303)


@router.post("/jobs/{id}/forget")
def forget(id: str, request: Request) -> Response:  # noqa: A002
    """Forget a job that is over, and its file."""
    job, workspace = _job(request, id), request.app.state.workspace
    if not job.is_over:
        raise InvalidArgument("job", id, f"over before it is forgotten, and it is {job.state}; cancel it first")
    forget_files(workspace.path, job)
    workspace.catalog.jobs.remove(id)
    return RedirectResponse("/jobs", 303)


def jobs_of(
    request: Request, *, collection: str | None = None, before: str | None = None
) -> tuple[list[JobView], bool]:
    """Return a page of the jobs that the visitor may see, newest first, and whether there are more."""
    table = request.app.state.workspace.catalog.jobs
    found: list[Job] = []
    while len(found) <= _PAGE:  # others' jobs may fill whole pages
        read = table.page(before=before, limit=_READ, collection=collection)
        found += [job for job in read if _may_see(request, job)]
        if len(read) < _READ:
            break
        before = read[-1].id
    return [view_of(job) for job in found[:_PAGE]], len(found) > _PAGE


def view_of(job: Job) -> JobView:
    """Return a job as it is shown."""
    title, unit = _KINDS.get(job.kind, (job.kind.capitalize(), "item"))
    model = job.spec.get("model")
    state, tone = _STATES[job.state]
    took = _seconds(job.started, job.finished) if job.started else 0
    left = took * (job.total - job.done) / job.done if job.state == "running" and took and job.total and job.done else 0
    return JobView(
        job,
        f"{title}: {model}" if model else title,
        unit,
        "stops" if job.canceling and not job.is_over else state,
        tone,
        _lasting(took) if took else "",
        _lasting(left) if left >= 1 else "",
        {name: _said(value) for name, value in job.result.items() if name != "model" and value},
    )


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _seconds(begin: str, end: str | None) -> float:
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return max(0.0, (until - datetime.fromisoformat(begin)).total_seconds())


def _lasting(seconds: float) -> str:
    """Return how long that is, by its two largest units."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _job(request: Request, id_: str) -> Job:
    job: Job = request.app.state.workspace.catalog.jobs.find(id_)
    if not _may_see(request, job):
        raise EntryNotFound("job", id_)
    return job


def _may_see(request: Request, job: Job) -> bool:
    """Whether it is the visitor's own, or they may run what it is about; as over the API."""
    caller = caller_of(request)
    return caller is not None and (job.who == caller.who or caller.permits("admin", job.collection))
