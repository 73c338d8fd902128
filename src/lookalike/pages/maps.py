"""The map of a collection: every record a dot, so that what looks alike lies together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from lookalike.atlas.chart import Chart
from lookalike.atlas.drawing import DARK, LIGHT, draw_picture
from lookalike.atlas.fields import LEGEND, Value
from lookalike.atlas.layout import best_method
from lookalike.catalog import Job
from lookalike.charting import (
    UNCOLORED,
    Atlas,
    checked_description,
    chosen_color,
    color_fields,
    is_outdated,
)
from lookalike.collection import Collection
from lookalike.pages.changes import log, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.facets import filter_link
from lookalike.pages.render import HEADERS, collection_link, page
from lookalike.pages.visitor import caller_of, may

__all__ = ["router"]

router = APIRouter(prefix="/collections/{name}/map", dependencies=[Depends(require_browser)])


class View(BaseModel):
    """The URL of the page. color: a field, "-" for none, "" for the first that fits. at: "x,y,zoom" of what is seen."""

    description: str = ""
    color: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """A value of the field that colors the map. link: to the records that have it."""

    text: str
    count: int
    color: str
    link: str


@router.get("")
def show_map(name: str, view: Annotated[View, Query()], request: Request) -> Response:
    """Show the map, or offer to draw it."""
    collection: Collection = request.app.state.workspace.get(name)
    description = checked_description(collection.info, view.description)
    chart = _chart(request, name, description)
    jobs = request.app.state.workspace.catalog.jobs.page(collection=name, live=True, limit=20)
    job = next((job for job in jobs if job.kind == "map" and job.spec["description"] == description), None)
    kinds = color_fields(collection) if chart else {}
    color = chosen_color(kinds, view.color)
    response = page(
        request,
        "map.html",
        collection=collection,
        chart=chart,
        count=len(collection),
        description=description,
        descriptions=list(collection.info.dims),
        view=view,
        kinds=kinds,
        color=color,
        groups=_groups(collection, color) if kinds.get(color) == "values" else [],
        job=job,
        followed=job is not None and _may_follow(request, job),
        outdated=chart is not None and is_outdated(chart, collection.info),
        unfolds=best_method() != "pca",
        looks={"light": asdict(LIGHT), "dark": asdict(DARK)},
    )
    if job is not None and chart is None:
        response.headers["Refresh"] = "2"
    return response


@router.post("")
def draw(
    name: str,
    request: Request,
    description: Annotated[str, Form()] = "",
    anew: Annotated[bool, Form()] = False,
) -> Response:
    """Draw the map, or bring it up to date, in the background."""
    caller = permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    chosen = checked_description(collection.info, description)
    jobs = request.app.state.workspace.catalog.jobs
    spec = {"description": chosen, "method": "", "anew": anew}
    if not any(job.kind == "map" and job.spec == spec for job in jobs.page(collection=name, live=True, limit=20)):
        jobs.add("map", spec, collection=name, who=caller.who)
        log(request, "collection.map", name)
    return RedirectResponse(collection_link(name, "map", description=description), 303)


@router.get("/picture")
def show_picture(name: str, view: Annotated[View, Query()], request: Request, dark: bool = False) -> Response:
    """Return the map as a picture, for browsers without scripts."""
    collection: Collection = request.app.state.workspace.get(name)
    chart = _chart(request, name, checked_description(collection.info, view.description))
    if chart is None:
        raise HTTPException(404, "This map has not been drawn yet.")
    color = chosen_color(color_fields(collection), view.color)
    atlas: Atlas = request.app.state.atlas
    coloring = atlas.coloring(name, chart, color) if color != UNCOLORED else None
    order = [value for value, _ in _values(collection, color)] if coloring and coloring.kind == "values" else []
    data = draw_picture(chart.grid, coloring, DARK if dark else LIGHT, order)
    return Response(data, 200, {**HEADERS, "Cache-Control": "private, no-cache"}, media_type="image/png")


def _chart(request: Request, name: str, description: str) -> Chart | None:
    atlas: Atlas = request.app.state.atlas
    return atlas.chart(name, description)


def _values(collection: Collection, field: str) -> Sequence[tuple[Value, int]]:
    return [(one.value, one.count) for one in collection.facets([field], limit=LEGEND)[field]]


def _groups(collection: Collection, field: str) -> list[_Group]:
    return [
        _Group(
            value if isinstance(value, str) else json.dumps(value),
            count,
            LIGHT.values[place],
            filter_link(collection.name, {field: value}),
        )
        for place, (value, count) in enumerate(_values(collection, field))
    ]


def _may_follow(request: Request, job: Job) -> bool:
    """Whether the visitor may ask the API how far a job is."""
    caller = caller_of(request)
    return caller is not None and (job.who == caller.who or may(request, "admin", job.collection))
