"""/v1/taggers: what was learned from records that say their labels, to be used by collections of the same model."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from lookalike.administration import JobBody
from lookalike.api.jobs import job_body
from lookalike.api.security import Caller, caller_of
from lookalike.errors import EntryNotFound, WouldOverwrite
from lookalike.learning.tagging import tagging_plan
from lookalike.lessons import forget_tagger, taggers_of
from lookalike.taggers import flow_of, tagger_folder
from lookalike.taggers.folder import CARD
from lookalike.wire.taggers import RetagRequest, TaggerBody, TaggerRequest
from lookalike.workspace import Workspace

router = APIRouter(tags=["taggers"])

Who = Annotated[Caller, Depends(caller_of)]

_ACCEPTED: Final[dict[str, Any]] = {"status_code": 202, "response_model": JobBody}


@router.get("/taggers", summary="The taggers of the workspace")
def list_taggers(request: Request) -> list[TaggerBody]:
    """Ascending by name."""
    return [
        TaggerBody(
            name=one.name,
            task=one.task,
            field=one.field,
            labels=list(one.labels),
            reads=one.signature,
            trained=dict(one.trained),
        )
        for one in taggers_of(request.app.state.workspace)
    ]


@router.post("/collections/{name}/taggers", summary="Learn a tagger from records", **_ACCEPTED)
def begin_tagger(name: str, body: TaggerRequest, request: Request, response: Response, caller: Who) -> JobBody:
    """From their vectors; the job's result has figures on records held out. Name it in `taggers` to use it."""
    space: Workspace = request.app.state.workspace
    collection = space.get(name)
    collection.count(body.where)  # a filter without sense is refused now
    tagging_plan({"field": body.field})
    if not body.force and tagger_folder(body.name, space.path).exists():
        raise WouldOverwrite(f"The tagger {body.name}")
    spec = {**body.model_dump(), "from": body.field}
    return _begun(space, "tagger", spec, collection.name, response, caller)


@router.post("/collections/{name}/retag", summary="Ask the taggers about records that are there", **_ACCEPTED)
def begin_retag(name: str, body: RetagRequest, request: Request, response: Response, caller: Who) -> JobBody:
    """By the stored vectors. What was filled by itself is replaced; what people wrote stays."""
    space: Workspace = request.app.state.workspace
    collection = space.get(name)
    collection.count(body.where)  # a filter without sense is refused now
    flow_of(collection.settings.taggers, space.path).check(collection.info.signatures)
    return _begun(space, "retag", body.model_dump(), collection.name, response, caller)


@router.delete("/taggers/{name}", status_code=204, summary="Delete a tagger")
def delete_tagger(name: str, request: Request) -> Response:
    """Collections that use it refuse new pictures until it is taken out of their `taggers`."""
    space: Workspace = request.app.state.workspace
    if not (space.path / "taggers" / name / CARD).is_file():
        raise EntryNotFound("tagger", name)
    forget_tagger(space, name)
    return Response(status_code=204)


def _begun(
    space: Workspace, kind: str, spec: dict[str, Any], collection: str, response: Response, caller: Caller
) -> JobBody:
    job = space.catalog.jobs.add(kind, spec, collection=collection, who=caller.who)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_body(job)
