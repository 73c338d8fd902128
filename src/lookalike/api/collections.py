"""/v1/collections: make, list, look at and drop collections."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from lookalike.api.security import caller_of
from lookalike.catalog import CollectionInfo
from lookalike.collection import Collection
from lookalike.errors import ModelError, StoreError
from lookalike.wire.collections import CollectionBody, NewCollection, SettingsBody, SettingsRequest
from lookalike.workspace import Workspace

router = APIRouter(prefix="/collections", tags=["collections"])


@router.get("", summary="All collections")
def list_collections(request: Request) -> list[CollectionBody]:
    """Those that the key may read, ascending by name."""
    workspace: Workspace = request.app.state.workspace
    caller = caller_of(request)
    return [_listed(workspace, info) for info in workspace.list() if caller.permits("read", info.name)]


@router.post("", status_code=201, summary="Make an empty collection")
def create_collection(body: NewCollection, request: Request) -> CollectionBody:
    """409 if the name is taken."""
    workspace: Workspace = request.app.state.workspace
    return _body(workspace.create(**body.model_dump(exclude_unset=True)))


@router.get("/{name}", summary="One collection")
def show_collection(name: str, request: Request) -> CollectionBody:
    """404 if there is none of this name."""
    return _body(request.app.state.workspace.get(name))


@router.patch("/{name}", summary="Change settings of a collection")
def configure_collection(name: str, body: SettingsRequest, request: Request) -> CollectionBody:
    """Those given change, the others stay; what records are described by can't change any more (422)."""
    workspace: Workspace = request.app.state.workspace
    return _body(workspace.configure(name, **body.model_dump(exclude_unset=True)))


@router.delete("/{name}", status_code=204, summary="Drop a collection and its records")
def drop_collection(name: str, request: Request) -> Response:
    """Pictures on disk are not touched."""
    request.app.state.workspace.drop(name)
    return Response(status_code=204)


def _listed(workspace: Workspace, info: CollectionInfo) -> CollectionBody:
    try:
        return _body(workspace.get(info.name))
    except (StoreError, ModelError):  # one that can't be opened must not hide the others
        return _entry(info, None)


def _body(collection: Collection) -> CollectionBody:
    return _entry(collection.info, len(collection))


def _entry(info: CollectionInfo, count: int | None) -> CollectionBody:
    return CollectionBody(
        name=info.name,
        kind=info.kind,
        product_id=info.product_id,
        model=info.model,
        created=info.created,
        count=count,
        settings=SettingsBody(**info.settings.as_json()),
    )
