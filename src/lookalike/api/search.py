"""/v1/collections/{name}/search and /count."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from lookalike.api.pictures import picture_bytes
from lookalike.api.records import record_body
from lookalike.collection import Collection
from lookalike.wire import MatchesBody, SearchRequest

router = APIRouter(prefix="/collections/{name}", tags=["search"])


@router.post("/search", summary="The records most like a picture, a record or a vector")
def search(name: str, body: SearchRequest, request: Request) -> MatchesBody:
    """Best first, scores in [0, 1]. A search by id does not find the record itself."""
    collection: Collection = request.app.state.workspace.get(name)
    matches = collection.search(
        image=None
        if body.image is None
        else picture_bytes(body.image, "image", request.app.state.workspace.settings.limits),
        id=body.id,
        vector=body.vector,
        by=body.by,
        k=body.k,
        where=body.where,
        min_score=body.min_score,
        exact=body.exact,
        group=body.group,
    )
    found = [{**record_body(match.record), "score": match.score} for match in matches]
    by = body.by or collection.by
    return MatchesBody(model=collection.info.signatures[by], by=by, matches=found)


@router.post("/count", summary="How many records match a filter")
def count(name: str, request: Request, where: dict[str, Any] | None = None) -> dict[str, int]:
    """The body is the filter itself; without one, all records count."""
    return {"count": request.app.state.workspace.get(name).count(where)}
