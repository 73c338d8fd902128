"""/v1/collections/{name}/trials and /events: two ways to search, tried on visitors; what these did, and the verdict."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from lookalike.administration import JobBody
from lookalike.api.jobs import job_body
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import Trial
from lookalike.promoting import begin_promotion
from lookalike.trials import Trials
from lookalike.wire.trials import (
    CountedBody,
    EventRequest,
    NewTrial,
    PromoteRequest,
    ReportBody,
    TrialBody,
    report_body,
    trial_body,
)
from lookalike.workspace import Workspace

router = APIRouter(prefix="/collections/{name}", tags=["trials"])

Who = Annotated[Caller, Depends(caller_of)]


@router.post("/trials", status_code=201, summary="Begin a trial")
def start_trial(name: str, body: NewTrial, request: Request, caller: Who) -> TrialBody:
    """From now on, searches that name it in `trial` take part. 409 if the collection has one of this name."""
    for variant in (body.a, body.b):
        if variant.collection is not None:
            caller.require("read", variant.collection)
    trial = Trial(
        collection=name,
        a=body.a.model_dump(exclude_none=True),
        b=body.b.model_dump(exclude_none=True),
        who=caller.who,
        **body.model_dump(exclude={"a", "b"}),
    )
    return trial_body(_trials(request).start(trial))


@router.get("/trials", summary="The trials of a collection")
def list_trials(name: str, request: Request) -> list[TrialBody]:
    """Newest first, also those that are over."""
    return [trial_body(trial) for trial in _trials(request).list(name)]


@router.get("/trials/{trial}", summary="What a trial shows so far")
def report_trial(name: str, trial: str, request: Request) -> ReportBody:
    """Visitors, what they did, intervals, and a verdict that may be looked at every day."""
    return report_body(_trials(request).report(name, trial))


@router.post(
    "/trials/{trial}/promote",
    summary="Go by a variant from now on",
    response_model=TrialBody,
    responses={202: {"model": JobBody, "description": "Records are copied by a job; the trial is over when that is."}},
)
def promote_trial(
    name: str, trial: str, body: PromoteRequest, request: Request, caller: Who
) -> TrialBody | JSONResponse:
    """Its settings become the collection's, and the trial is over; its figures stay. 409 if it is over already.

    A variant that is another collection is copied by a job: 202, and the collection changes when all of it is there.
    """
    space: Workspace = request.app.state.workspace
    space.get(name)
    job = begin_promotion(space.catalog, name, trial, body.variant, who=caller.who)
    if job is not None:
        content = job_body(job).model_dump(mode="json")
        return JSONResponse(content, 202, {"Location": f"/v1/jobs/{job.id}"})
    return trial_body(_trials(request).promote(name, trial, body.variant, who=caller.who))


@router.post("/trials/{trial}/drop", summary="End a trial and change nothing")
def drop_trial(name: str, trial: str, request: Request, caller: Who) -> TrialBody:
    """Its figures stay. 409 if it is over already."""
    return trial_body(_trials(request).drop(name, trial, who=caller.who))


@router.delete("/trials/{trial}", status_code=204, summary="Forget a trial")
def forget_trial(name: str, trial: str, request: Request, caller: Who) -> Response:
    """With all that was logged, whether it is over or not."""
    _trials(request).forget(name, trial, who=caller.who)
    return Response(status_code=204)


@router.post("/events", summary="Say what a visitor did with a record that was found")
def log_event(name: str, body: EventRequest, request: Request) -> CountedBody:
    """By the impression that the search's answer named. Saying it again changes nothing."""
    return CountedBody(counted=_trials(request).log(name, body.impression, body.record, body.event))


def _trials(request: Request) -> Trials:
    trials: Trials = request.app.state.workspace.trials
    return trials
