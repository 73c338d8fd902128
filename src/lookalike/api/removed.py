"""/v1/collections/{name}/removed: records that were deleted with `keep`, and can be brought back."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from lookalike.api.answers import written
from lookalike.api.plans import check_count
from lookalike.api.records import added_body
from lookalike.api.security import caller_of
from lookalike.collection import Collection
from lookalike.removed import Removal
from lookalike.wire.records import AddedBody
from lookalike.wire.removed import RemovalBody, RemovalsBody

router = APIRouter(prefix="/collections/{name}/removed", tags=["records"])


@router.get("", summary="Deleted records that can be brought back")
@written
def show_removals(name: str, request: Request) -> RemovalsBody:
    """The newest first. They are kept for 30 days, unless they are erased."""
    collection: Collection = request.app.state.workspace.get(name)
    return RemovalsBody(removals=[_body(one) for one in collection.removals()])


@router.post("/{removal}/back", summary="Bring deleted records back")
@written
def bring_back(name: str, removal: str, request: Request) -> AddedBody:
    """Bit for bit, or described anew where the model changed since. Records whose id is taken by now are skipped.

    What can't be described anew is listed in `failed` and stays kept.
    """
    collection: Collection = request.app.state.workspace.get(name)
    records = next((one.records for one in collection.removals() if one.id == removal), 0)
    check_count(request.app.state.workspace, caller_of(request).key, records)
    added = collection.bring_back(removal)
    request.state.written = len(added.inserted)
    return added_body(added, [])


@router.delete("/{removal}", status_code=204, summary="Delete for good what was deleted")
def forget(name: str, removal: str, request: Request) -> Response:
    """404 if there is none."""
    request.app.state.workspace.get(name).forget(removal)
    return Response(status_code=204)


def _body(removal: Removal) -> RemovalBody:
    return RemovalBody(id=removal.id, at=removal.at, records=removal.records, ids=list(removal.ids))
