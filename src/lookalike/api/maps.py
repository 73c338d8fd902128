"""/v1/collections/{name}/map: a collection in the plane, drawn by a job."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from lookalike.administration import JobBody
from lookalike.api.answers import written
from lookalike.api.jobs import job_body
from lookalike.api.security import Caller, caller_of
from lookalike.atlas.chart import Chart
from lookalike.atlas.layout import best_method
from lookalike.charting import Atlas, checked_description, is_outdated
from lookalike.errors import MissingExtra
from lookalike.wire.maps import ColoringBody, MapBody, MapRequest, MapValueBody
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(prefix="/collections/{name}/map", tags=["maps"])


@router.post("", status_code=202, summary="Draw a map of a collection, or bring it up to date")
def draw(
    name: str, body: MapRequest, request: Request, response: Response, caller: Annotated[Caller, Depends(caller_of)]
) -> JobBody:
    """A job. By PCA it is there within seconds; t-SNE needs the extra `map` and takes minutes for 100,000 records."""
    space: Workspace = request.app.state.workspace
    description = checked_description(space.get(name).info, body.description)
    if body.method == "tsne" and best_method() != "tsne":
        raise MissingExtra("A map by t-SNE", "map")
    spec = {"description": description, "method": body.method, "anew": body.anew}
    job = space.catalog.jobs.add("map", spec, collection=name, who=caller.who)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_body(job)


@router.get("", summary="The map of a collection", response_model=MapBody)
def show(name: str, request: Request, description: str = "") -> Response:
    """404 until it has been drawn. Its tag changes with the map."""
    space: Workspace = request.app.state.workspace
    chart = _chart(request, name, description)
    outdated = is_outdated(chart, space.get(name).info)
    tag = f'W/"{chart.description}-{chart.changed}-{len(chart.ids)}-{outdated:d}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    answer = _body(chart, outdated)
    answer.headers.update(headers)
    return answer


@router.get("/colors", summary="A field of the records on a map", response_model=ColoringBody)
@written
def show_colors(name: str, field: str, request: Request, description: str = "") -> ColoringBody:
    """Fields are kept with the map, and only those of records changed since are read again."""
    atlas: Atlas = request.app.state.atlas
    chart = _chart(request, name, description)
    found = atlas.coloring(name, chart, field)
    return ColoringBody(
        field=field,
        kind=found.kind,
        values=[MapValueBody(value=value, count=count) for value, count in found.values],
        low=found.low,
        high=found.high,
        codes=found.codes.tolist(),
        since=found.since,
        changed=chart.changed,
    )


@written
def _body(chart: Chart, outdated: bool) -> MapBody:
    return MapBody(
        description=chart.description,
        method=chart.method,
        made=chart.made,
        changed=chart.changed,
        fitted=chart.fitted,
        draft=chart.draft,
        outdated=outdated,
        ids=list(chart.ids),
        x=chart.grid[:, 0].tolist(),
        y=chart.grid[:, 1].tolist(),
    )


def _chart(request: Request, name: str, description: str) -> Chart:
    space: Workspace = request.app.state.workspace
    atlas: Atlas = request.app.state.atlas
    chosen = checked_description(space.get(name).info, description)
    chart = atlas.chart(name, chosen)
    if chart is None:
        raise HTTPException(404, f"{name} has no map by {chosen} yet. Draw it: POST /v1/collections/{name}/map.")
    return chart
