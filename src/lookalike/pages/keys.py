"""Keys: who may call the service, for what and how often; and what each asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from lookalike.catalog import PLANS, Catalog, Grant, Key, Plan, Scope, Usage
from lookalike.errors import InvalidArgument
from lookalike.pages.changes import filled, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.forms import number
from lookalike.pages.render import page
from lookalike.pages.visitor import gate_of
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

Filled = Annotated[FormData, Depends(filled)]

SCOPES: Final = {
    "read": "Search and look",
    "write": "Also add, change and delete records",
    "admin": "Everything: also collections, keys and models",
}
"""Scope -> in words."""

_LIMITS: Final = {
    "requests_per_second": "Requests a second",
    "concurrency": "Requests at once",
    "records": "Records in all",
    "bytes": "Bytes sent a day",
}
_UNITS: Final = {
    "requests_per_second": "{:,g} request/s",
    "concurrency": "{:,} at once",
    "records": "{:,} records",
    "bytes": "{:,} bytes a day",
}
_CUSTOM: Final = "custom"
_NAME: Final = 200
_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key in the list. plan: what it is limited to, in words; own: whether the visitor signed in with it."""

    key: Key
    usage: Usage
    plan: str
    own: bool


@router.get("/keys")
def show_keys(request: Request) -> Response:
    """List all keys, newest first, and ask for a new one."""
    permitted(request, "admin")
    return _shown(request, {})


@router.post("/keys")
def make(request: Request, form: Filled) -> Response:
    """Make a key and show its secret, this once."""
    caller = permitted(request, "admin")
    given = {name: str(value).strip() for name, value in form.items()}
    chosen = [str(name) for name in form.getlist("collections")]
    try:
        grant = _granted(request, given, chosen)
        if len(given.get("name", "")) > _NAME:
            raise InvalidArgument("name", len(given["name"]), f"at most {_NAME} characters")
    except InvalidArgument as error:
        return _shown(request, given, chosen, trouble=str(error))
    _, secret = _catalog(request).keys.create(given.get("name", ""), grant, who=caller.who)
    response = _shown(request, {}, secret=secret, made=given.get("name", ""))
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/keys/{id}/revoke")
def ask_to_revoke(id: str, request: Request) -> Response:  # noqa: A002 - the word of the URL
    """Say what a key opened, and ask."""
    caller = permitted(request, "admin")
    key = _catalog(request).keys.find(id)
    return page(request, "revoke.html", key=key, scopes=SCOPES, own=key.id == caller.who)


@router.post("/keys/{id}/revoke")
def revoke(id: str, request: Request) -> Response:  # noqa: A002
    """Make a key useless, at once and for good."""
    caller = permitted(request, "admin")
    _catalog(request).keys.revoke(id, who=caller.who)
    gate_of(request).forget()
    return RedirectResponse("/keys", 303)


@router.get("/usage")
def show_usage(request: Request, of: str = "") -> Response:
    """Show what the visitor's own key asked for, day by day, or another key."""
    caller = permitted(request, "read")
    others = of not in ("", caller.who)
    if others:
        permitted(request, "admin")
    key = _catalog(request).keys.find(of) if others else caller.key
    days = list(reversed(_catalog(request).usage.of(key.id)))[:_DAYS]
    most = max((day.requests for day in days), default=0)
    return page(request, "usage.html", days=days, key=key, others=others, most=most, plan=_words(key.grant.plan))


def _shown(
    request: Request,
    given: dict[str, str],
    chosen: list[str] | None = None,
    *,
    secret: str = "",
    made: str = "",
    trouble: str = "",
) -> Response:
    workspace: Workspace = request.app.state.workspace
    used = {usage.key: usage for usage in workspace.catalog.usage.totals()}
    who = permitted(request, "admin").who
    entries = [
        _Entry(key, used.get(key.id, Usage(key.id, "")), _words(key.grant.plan), key.id == who)
        for key in reversed(workspace.catalog.keys.list())
    ]
    context: dict[str, Any] = {"given": given, "chosen": chosen or [], "secret": secret, "made": made}
    return page(
        request,
        "keys.html",
        422 if trouble else 200,
        entries=sorted(entries, key=lambda entry: entry.key.state != "good"),
        scopes=SCOPES,
        plans={name: _words(plan) for name, plan in PLANS.items()},
        limits=_LIMITS,
        collections=[info.name for info in workspace.list()],
        today=datetime.now(UTC).date().isoformat(),
        trouble=trouble,
        **context,
    )


def _granted(request: Request, given: dict[str, str], chosen: list[str]) -> Grant:
    """Return what the form grants. Raises InvalidArgument."""
    scope = given.get("scope", "read")
    if scope not in SCOPES:
        raise InvalidArgument("scope", scope, f"one of {', '.join(SCOPES)}")
    only = given.get("of") == "only"
    known = {info.name for info in request.app.state.workspace.list()}
    if only and (not chosen or not known.issuperset(chosen)):
        raise InvalidArgument("collections", ", ".join(chosen), "one or more of those that there are, or all")
    return Grant(cast(Scope, scope), chosen if only else None, _until(given.get("expires", "")), _plan(given))


def _until(text: str) -> datetime | None:
    """Return the end of a day (UTC); None for no day. Raises InvalidArgument."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidArgument("expires", text, "a day like 2030-12-31") from None
    until = datetime.combine(day, time.max, UTC)
    if until <= datetime.now(UTC):
        raise InvalidArgument("expires", text, "a day that is not over")
    return until


def _plan(given: dict[str, str]) -> Plan:
    """Return the limits. Raises InvalidArgument."""
    name = given.get("plan", "unlimited")
    if name in PLANS:
        return PLANS[name]
    if name != _CUSTOM:
        raise InvalidArgument("plan", name, f"one of {', '.join((*PLANS, _CUSTOM))}")
    limits = {limit: number(limit, given[limit]) for limit in _LIMITS if given.get(limit)}
    whole: dict[str, Any] = {name: int(value) if value.is_integer() else value for name, value in limits.items()}
    return Plan(**whole)


def _words(plan: Plan) -> str:
    """Return the limits of a plan in words."""
    limits = {name: value for name, value in asdict(plan).items() if value is not None}
    return ", ".join(_UNITS[name].format(value) for name, value in limits.items()) or "without limits"


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.workspace.catalog
    return catalog
