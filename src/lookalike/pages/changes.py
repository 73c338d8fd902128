"""What visitors change: only those who may, and with an entry in the audit log, as over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData

from lookalike.errors import AccessDenied
from lookalike.pages.visitor import Caller, caller_of
from lookalike.workspace import Workspace

__all__ = ["filled", "log", "permitted"]

_MOST_FIELDS = 64


def permitted(request: Request, scope: str, collection: str | None = None) -> Caller:
    """Return the visitor if they may do this; else raise NotPermitted, or AccessDenied for strangers."""
    caller = caller_of(request)
    if caller is None:
        raise AccessDenied("This needs a key")
    caller.require(scope, collection)
    return caller


def log(
    request: Request, action: str, target: str, *, count: int | None = None, details: Mapping[str, Any] | None = None
) -> None:
    """Enter what the visitor did into the audit log; action and target as in `AuditEntry`."""
    workspace: Workspace = request.app.state.workspace
    caller = caller_of(request)
    who = caller.who if caller else ""
    workspace.catalog.audit.append(action, who=who, target=target, count=count, details=details)


async def filled(request: Request) -> FormData:
    """Return the fields of the form that was sent; a dependency of routes that change something."""
    return await request.form(max_files=0, max_fields=_MOST_FIELDS)
