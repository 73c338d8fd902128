"""/v1/collections/{name}/marks: which records people say are the same picture, and which are not."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request, Response

from lookalike.api.security import caller_of
from lookalike.catalog.decisions import Decision, Mark
from lookalike.errors import EntryNotFound, RecordNotFound
from lookalike.wire.marks import MarkBody, MarkRequest, MarksBody
from lookalike.workspace import Workspace

router = APIRouter(prefix="/collections/{name}/marks", tags=["records"])


@router.get("", summary="What people said of records that look alike")
def show_marks(name: str, request: Request) -> MarksBody:
    """The oldest first. Calibration and training learn from them, and what is different is no duplicate."""
    return MarksBody(marks=[_body(one) for one in _marks(request, name)])


@router.post("", status_code=201, summary="Say that records are the same picture, or are not")
def mark(name: str, body: MarkRequest, request: Request) -> MarkBody:
    """What was said before of just these records is replaced. 404 for an id that no record has."""
    workspace: Workspace = request.app.state.workspace
    found = workspace.get(name).get(body.members)
    gone = next((id_ for id_, record in zip(body.members, found, strict=True) if record is None), None)
    if gone is not None:
        raise RecordNotFound(name, gone)
    who = caller_of(request).who
    decisions = workspace.catalog.decisions
    return _body(decisions.mark(body.verdict, body.members, collection=name, who=who, note=body.note))


@router.delete("/{id}", status_code=204, summary="Withdraw what was said")
def unmark(name: str, id: int, request: Request) -> Response:  # noqa: A002 - the word of the API
    """404 if the collection has no such mark."""
    if id not in {one.id for one in _marks(request, name)}:
        raise EntryNotFound("decision", str(id))
    request.app.state.workspace.catalog.decisions.withdraw(id)
    return Response(status_code=204)


def _marks(request: Request, name: str) -> list[Decision]:
    workspace: Workspace = request.app.state.workspace
    decisions = workspace.catalog.decisions.list(workspace.get(name).name)
    return [one for one in decisions if one.verdict in get_args(Mark)]


def _body(one: Decision) -> MarkBody:
    return MarkBody.model_validate(one, from_attributes=True)
