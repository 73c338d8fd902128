"""/v1/usage and /v1/audit: what keys asked for, and who changed what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from lookalike.administration import AuditBody, AuditPageBody, UsageBody
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import Catalog

router = APIRouter(tags=["operations"])


@router.get("/usage", summary="What this key asked for, or every key")
def usage(
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    since: Annotated[str, Query(description="A day, YYYY-MM-DD (UTC).")] = "",
    of: Annotated[str, Query(description="A key's id, or 'all' for sums (admin).")] = "",
) -> list[UsageBody]:
    """By day, oldest first; with `of=all` the sum of each key."""
    if of not in ("", caller.key.id):
        caller.require("admin")
    meter = _catalog(request).usage
    found = meter.totals(since=since) if of == "all" else meter.of(of or caller.key.id, since=since)
    return [UsageBody(**asdict(entry)) for entry in found]


@router.get("/audit", summary="Who changed what, newest first")
def audit(
    request: Request,
    before: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    who: str | None = None,
    target: str | None = None,
) -> AuditPageBody:
    """Writes, deletes, and changes of keys, users, feeds and collections; go on with `next` as `before`."""
    page = _catalog(request).audit.page(before=before, limit=limit, who=who, target=target)
    return AuditPageBody(entries=[AuditBody(**asdict(entry)) for entry in page.entries], next=page.next)


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.workspace.catalog
    return catalog
