"""Records into a collection: pictures, folders, tables and lists of addresses, dropped or chosen."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from lookalike.catalog import Job
from lookalike.errors import InvalidArgument
from lookalike.jobfiles import job_folder
from lookalike.pages.bringing import Brought, brought_by, write_files
from lookalike.pages.changes import log, permitted
from lookalike.pages.entrance import require_browser_with_files
from lookalike.pages.forms import listed
from lookalike.pages.progress import jobs_of
from lookalike.pages.render import link, page
from lookalike.pages.visitor import Caller
from lookalike.work import room_of
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser_with_files)])

EXISTING = {
    "merge": "Take the new picture, keep its fields",
    "replace": "Replace it, fields and all",
    "skip": "Leave it as it is",
}
"""What becomes of a record that is there -> in words."""

_NONE = {"addresses": "", "existing": "merge", "batch": "", "rename": ""}
_LATEST = 5


@router.get("/collections/{name}/import")
def show_import(name: str, request: Request) -> Response:
    """Ask for pictures, a folder, a table or addresses."""
    permitted(request, "write", name)
    return _shown(request, name, _NONE)


@router.post("/collections/{name}/import")
async def begin_import(name: str, request: Request) -> Response:
    """Begin to import what the form brings, in the background, and lead to where that can be watched."""
    async with request.form() as form:
        return await run_in_threadpool(_begin, request, name, form)


def _begin(request: Request, name: str, form: FormData) -> Response:
    caller = permitted(request, "write", name)
    workspace: Workspace = request.app.state.workspace
    workspace.get(name)
    given = {field: str(form.get(field, default)).strip() for field, default in _NONE.items()}
    try:
        rules = _rules(given)
        brought = brought_by(form)
        if not brought:
            raise InvalidArgument("the import", "empty", "pictures, a table, or addresses: choose or write some")
        jobs = _queued(workspace, name, caller, brought, rules)
    except InvalidArgument as error:
        return _shown(request, name, given, str(error))
    log(request, "records.import", name)
    return RedirectResponse(f"/jobs/{jobs[0].id}" if len(jobs) == 1 else link("/jobs", collection=name), 303)


def _queued(workspace: Workspace, name: str, caller: Caller, brought: Brought, rules: dict[str, Any]) -> list[Job]:
    limit, room = caller.key.grant.plan.records, room_of(workspace, caller.key)
    specs = [
        {**rules, "file": file, "format": form, "limit": limit, "room": room}
        for file, form in write_files(brought, job_folder(workspace.path))
    ]
    return [workspace.catalog.jobs.add("import", spec, collection=name, who=caller.who) for spec in specs]


def _rules(given: dict[str, str]) -> dict[str, Any]:
    """Return how records are taken. Raises InvalidArgument."""
    if given["existing"] not in EXISTING:
        raise InvalidArgument("existing", given["existing"], f"one of {', '.join(EXISTING)}")
    pairs = listed(given["rename"])
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise InvalidArgument("rename", wrong, "like product_name=title")
    columns = {pair.partition("=")[0].strip(): pair.partition("=")[2].strip() for pair in pairs}
    return {"columns": columns, "batch": given["batch"] or None, "existing": given["existing"]}


def _shown(request: Request, name: str, given: dict[str, str], trouble: str = "") -> Response:
    workspace: Workspace = request.app.state.workspace
    return page(
        request,
        "import.html",
        422 if trouble else 200,
        collection=workspace.get(name),
        given=given,
        existing=EXISTING,
        latest=[each for each in jobs_of(request, collection=name)[0] if each.job.kind == "import"][:_LATEST],
        trouble=trouble,
    )
