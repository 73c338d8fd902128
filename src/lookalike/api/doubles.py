"""/v1/collections/{name}/check, /duplicates and /erase."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request

from lookalike.api.answers import written
from lookalike.api.pictures import picture_bytes
from lookalike.api.records import record_body
from lookalike.collection import Collection
from lookalike.wire.duplicates import (
    CheckBody,
    CheckRequest,
    DuplicatesBody,
    DuplicatesRequest,
    ErasedBody,
    EraseRequest,
    GroupBody,
    ResemblanceBody,
)
from lookalike.workspace import Workspace

router = APIRouter(prefix="/collections/{name}", tags=["records"])


@router.post("/check", summary="Is this picture here already?")
@written
def check(name: str, body: CheckRequest, request: Request) -> CheckBody:
    """Records that show the picture as it is, edited, or in another shot of its scene; most probable first."""
    collection: Collection = request.app.state.workspace.get(name)
    picture = picture_bytes(body.image, "image", request.app.state.workspace.settings.limits)
    found = collection.check(picture, k=body.k, where=body.where, verify=body.verify)
    return CheckBody(
        model=collection.info.model,
        matches=[
            ResemblanceBody(
                id=one.id,
                verdict=one.verdict,
                probability=one.probability,
                evidence=dict(one.evidence),
                record=record_body(one.record),
            )
            for one in found
        ],
    )


@router.post("/duplicates", summary="Records that show one picture, as groups")
@written
def duplicates(name: str, body: DuplicatesRequest, request: Request) -> DuplicatesBody:
    """Largest first. Pairs that were decided to be different are left apart."""
    workspace: Workspace = request.app.state.workspace
    decided = workspace.catalog.decisions.list(name, verdict="different")
    apart = [(a, b) for one in decided for a in one.members for b in one.members if a < b]
    groups = workspace.get(name).duplicates(
        where=body.where, probability=body.probability, linkage=body.linkage, apart=[*apart, *body.apart]
    )
    return DuplicatesBody(
        groups=[GroupBody(members=list(one.members), pairs=[asdict(pair) for pair in one.pairs]) for one in groups]
    )


@router.post("/erase", summary="Erase records for good")
@written
def erase(name: str, body: EraseRequest, request: Request) -> ErasedBody:
    """By `ids` or by `where`. The answer is the receipt; the store is written anew, so erase many at once."""
    workspace: Workspace = request.app.state.workspace
    receipt = workspace.erase(name, body.ids, where=body.where)
    request.state.removed = len(receipt.erased)
    return ErasedBody.model_validate(asdict(receipt))
