"""Background jobs: imports, exports, changes of model and backups are begun here, watched, canceled and forgotten."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from lookalike.administration import BackupRequest, ExportRequest, FailuresBody, JobBody, RedescribeRequest
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import Job
from lookalike.describers.cards import card
from lookalike.errors import EntryNotFound, InvalidArgument, StoreFailed, WouldOverwrite
from lookalike.jobfiles import forget_files, job_folder
from lookalike.records import Existing
from lookalike.transfer import FileFormat
from lookalike.wire.base import FailureBody
from lookalike.work import backups_of, export_of, room_of
from lookalike.workspace import Workspace

__all__ = ["job_body", "router"]

router = APIRouter(tags=["jobs"])

Who = Annotated[Caller, Depends(caller_of)]

_FORMATS: Final[Mapping[str, FileFormat]] = {
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
_FILE: Final = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _FORMATS},
    }
}
_JOBS_AT_ONCE: Final = 100
_ACCEPTED: Final[dict[str, Any]] = {"status_code": 202, "response_model": JobBody}


@router.post("/collections/{name}/import", summary="Import a file of records", openapi_extra=_FILE, **_ACCEPTED)
async def begin_import(
    name: str,
    request: Request,
    response: Response,
    caller: Who,
    form: Annotated[FileFormat | None, Query(alias="format", description="If Content-Type doesn't tell it.")] = None,
    existing: Existing = "merge",
    batch: Annotated[str | None, Query(description="Kept with each record as `_batch`.")] = None,
    rename: Annotated[list[str] | None, Query(description="OLD=NEW, once for each column; OLD= leaves it out.")] = None,
) -> JobBody:
    """The body is the file: JSON lines, a JSON array, CSV or Parquet; gzip'd text with `Content-Encoding: gzip`.

    It is taken down first, then read in the background, and goes on after a restart. Records name pictures by `_url`
    or `_base64`, never by `_file`.
    """
    space: Workspace = request.app.state.workspace
    collection = await run_in_threadpool(space.get, name)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    chosen = form or _FORMATS.get(kind)
    if chosen is None:
        raise InvalidArgument("Content-Type", kind, f"one of {', '.join(_FORMATS)}; or give ?format=")
    room, limit = await run_in_threadpool(room_of, space, caller.key), caller.key.grant.plan.records
    rules = {"format": chosen, "columns": _columns(rename or []), "batch": batch, "existing": existing}
    zipped = ".gz" if request.headers.get("content-encoding", "").lower() == "gzip" else ""
    path = job_folder(space.path) / f"{secrets.token_hex(8)}.{chosen}{zipped}"
    await _take_down(request, path)
    spec = {**rules, "limit": limit, "room": room, "file": path.name}
    job = await run_in_threadpool(_begin, request, "import", spec, collection.name, caller)
    return _accepted(job, response)


@router.post("/collections/{name}/export", summary="Export records into a file", **_ACCEPTED)
def begin_export(name: str, body: ExportRequest, request: Request, response: Response, caller: Who) -> JobBody:
    """When the job is done, `GET /v1/jobs/{id}/file` gives the file; deleting the job deletes it."""
    collection = request.app.state.workspace.get(name)
    collection.count(body.where)  # a filter without sense is refused now
    return _accepted(_begin(request, "export", body.model_dump(), name, caller), response)


@router.post("/collections/{name}/redescribe", summary="Describe a collection by another model", **_ACCEPTED)
def begin_redescribe(name: str, body: RedescribeRequest, request: Request, response: Response, caller: Who) -> JobBody:
    """Search goes on by the old descriptions until all is done; without `anyway` only if every record could be."""
    collection = request.app.state.workspace.get(name)
    card(body.model)
    return _accepted(_begin(request, "redescribe", body.model_dump(), collection.name, caller), response)


@router.post("/backup", summary="Back the workspace up", **_ACCEPTED)
def begin_backup(body: BackupRequest, request: Request, response: Response, caller: Who) -> JobBody:
    """One zip file if the name ends in .zip, else a folder, on the service's machine; restore it there."""
    if not body.force and (backups_of(request.app.state.workspace) / body.name).exists():
        raise WouldOverwrite(body.name)
    return _accepted(_begin(request, "backup", body.model_dump(), None, caller), response)


@router.get("/jobs", summary="Jobs, newest first")
def list_jobs(
    request: Request,
    caller: Who,
    before: Annotated[str | None, Query(description="The id of the last job of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    collection: str | None = None,
    live: Annotated[bool, Query(description="Only those not over.")] = False,
) -> list[JobBody]:
    """One's own; with scope admin, all."""
    space: Workspace = request.app.state.workspace
    found: list[JobBody] = []
    size = max(limit, _JOBS_AT_ONCE)
    while len(found) < limit:  # others' jobs may fill whole pages
        page = space.catalog.jobs.page(before=before, limit=size, collection=collection, live=live)
        found += [job_body(job) for job in page if _may_see(caller, job)]
        if len(page) < size:
            break
        before = page[-1].id
    return found[:limit]


@router.get("/jobs/{id}", summary="One job: how far it is, and what came of it")
def show_job(id: str, request: Request, caller: Who) -> JobBody:  # noqa: A002 - the word of the URL
    """404 if there is none, or it is another's."""
    return job_body(_job(request, caller, id))


@router.get("/jobs/{id}/errors", summary="The items of a job that failed")
def show_failures(
    id: str,  # noqa: A002
    request: Request,
    caller: Who,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> FailuresBody:
    """In order; go on with `next` as `after`."""
    job = _job(request, caller, id)
    page = request.app.state.workspace.catalog.jobs.failures(job.id, after=after, limit=limit)
    listed = [FailureBody(id=one.source, code=one.code, reason=one.reason) for one in page.failures]
    return FailuresBody(errors=listed, next=page.next)


@router.get("/jobs/{id}/file", summary="The file that an export wrote", response_class=FileResponse)
def fetch_file(id: str, request: Request, caller: Who) -> FileResponse:  # noqa: A002
    """409 unless it is an export that is done."""
    job = _job(request, caller, id)
    if job.kind != "export" or job.state != "done":
        raise HTTPException(409, f"Job {job.id} is {job.kind}, {job.state}; only an export that is done has a file.")
    path = export_of(request.app.state.workspace, job)
    if not path.is_file():
        raise HTTPException(410, f"The file of job {job.id} is not on this machine any more. Export once more.")
    return FileResponse(path, filename=f"{job.collection}.{job.spec['format']}")


@router.delete("/jobs/{id}", summary="Cancel a job, or forget one that is over", response_model=JobBody)
def end_job(id: str, request: Request, caller: Who) -> JobBody | Response:  # noqa: A002
    """What it did stays. 200 with the job if it was told to stop, 204 if it was over and is forgotten now."""
    space: Workspace = request.app.state.workspace
    job = _job(request, caller, id)
    if not job.is_over:
        return job_body(space.catalog.jobs.cancel(job.id))
    forget_files(space.path, job)
    space.catalog.jobs.remove(job.id)
    return Response(status_code=204)


def job_body(job: Job) -> JobBody:
    """Return a job as callers see it."""
    return JobBody(**{name: getattr(job, name) for name in JobBody.model_fields})


def _job(request: Request, caller: Caller, id_: str) -> Job:
    job: Job = request.app.state.workspace.catalog.jobs.find(id_)
    if not _may_see(caller, job):
        raise EntryNotFound("job", id_)
    return job


def _may_see(caller: Caller, job: Job) -> bool:
    return job.who == caller.who or caller.permits("admin", job.collection)


def _begin(request: Request, kind: str, spec: Mapping[str, Any], collection: str | None, caller: Caller) -> Job:
    """Queue a job; whoever does the jobs of this workspace sees it within a second."""
    job: Job = request.app.state.workspace.catalog.jobs.add(kind, spec, collection=collection, who=caller.who)
    return job


def _accepted(job: Job, response: Response) -> JobBody:
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_body(job)


def _columns(pairs: list[str]) -> dict[str, str]:
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise InvalidArgument("rename", wrong, "like product_name=title")
    return {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs}


async def _take_down(request: Request, path: Path) -> None:
    """Write the body into a file, as it comes; half a file is no file."""
    try:
        with path.open("wb") as file:
            async for piece in request.stream():
                await run_in_threadpool(file.write, piece)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise StoreFailed("keep the file to import", error.strerror or str(error)) from None
        raise
