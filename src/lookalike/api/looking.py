"""/v1/collections/{name}/count, /facets, /sample and /scroll: looking at a collection without a question."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BeforeValidator

from lookalike.api.answers import written
from lookalike.api.records import record_body
from lookalike.wire.base import check_text
from lookalike.wire.records import FacetBody, FacetsRequest, PageBody, RecordsBody, SampleRequest, ScrollRequest

router = APIRouter(prefix="/collections/{name}", tags=["search"])


def _told(where: Any) -> Any:
    check_text(where)
    return where


Where = Annotated[dict[str, Any] | None, BeforeValidator(_told)]


@router.post("/count", summary="How many records match a filter")
@written
def count(
    name: str, request: Request, where: Annotated[dict[str, Any] | None, BeforeValidator(_told)] = None
) -> dict[str, int]:
    """The body is the filter itself; without one, all records count."""
    return {"count": request.app.state.workspace.get(name).count(where)}


@router.post("/facets", summary="How many records have which values")
@written
def facets(name: str, body: FacetsRequest, request: Request) -> dict[str, list[FacetBody]]:
    """Field -> its most frequent values, exactly counted. An array counts once for each of its values."""
    found = request.app.state.workspace.get(name).facets(body.fields, where=body.where, limit=body.limit)
    return {field: [FacetBody(value=one.value, count=one.count) for one in values] for field, values in found.items()}


@router.post("/sample", summary="Random records")
@written
def sample(name: str, body: SampleRequest, request: Request) -> RecordsBody:
    """Each record that matches is equally likely; with a `seed` the same ones come again."""
    records = request.app.state.workspace.get(name).sample(body.size, where=body.where, seed=body.seed)
    return RecordsBody(records=[record_body(record) for record in records])


@router.post("/scroll", summary="Walk the records that match a filter")
@written
def scroll(name: str, body: ScrollRequest, request: Request) -> PageBody:
    """Every record once, in a stable order; go on with the answer's `next` as `after`."""
    page = request.app.state.workspace.get(name).scroll(where=body.where, after=body.after, limit=body.limit)
    return PageBody(records=[record_body(record) for record in page.records], next=page.next)
