"""/v1/keys: make, look at, change and revoke keys. For keys of scope admin."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from lookalike.administration import KeyBody, KeyChange, MadeKeyBody, NewKey, PlanBody
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import PLANS, Catalog, Grant, Key, Plan, Usage

router = APIRouter(prefix="/keys", tags=["operations"])

Who = Annotated[Caller, Depends(caller_of)]


@router.get("", summary="All keys and what they asked for")
def list_keys(request: Request) -> list[KeyBody]:
    """Oldest first, revoked ones too; secrets are stored nowhere."""
    catalog = _catalog(request)
    used = {usage.key: usage for usage in catalog.usage.totals()}
    return [KeyBody(**_facts(key, used.get(key.id))) for key in catalog.keys.list()]


@router.post("", status_code=201, summary="Make a key")
def make_key(body: NewKey, request: Request, caller: Who) -> MadeKeyBody:
    """The answer has its secret, this once."""
    key, secret = _catalog(request).keys.create(body.name, _grant(body, Grant()), who=caller.who)
    return MadeKeyBody(**_facts(key, None), secret=secret)


@router.get("/{id}", summary="One key")
def show_key(id: str, request: Request) -> KeyBody:  # noqa: A002 - the word of the URL
    """404 if there is none."""
    return _body(request, _catalog(request).keys.find(id))


@router.patch("/{id}", summary="Let a key allow something else")
def change_key(id: str, body: KeyChange, request: Request, caller: Who) -> KeyBody:  # noqa: A002
    """From now on; what is left out stays."""
    keys = _catalog(request).keys
    changed = keys.change(id, _grant(body, keys.find(id).grant), who=caller.who)
    request.app.state.gate.forget()
    return _body(request, changed)


@router.delete("/{id}", summary="Revoke a key")
def revoke_key(id: str, request: Request, caller: Who) -> KeyBody:  # noqa: A002
    """At once and for good; revoking twice is allowed."""
    revoked = _catalog(request).keys.revoke(id, who=caller.who)
    request.app.state.gate.forget()
    return _body(request, revoked)


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.workspace.catalog
    return catalog


def _grant(body: KeyChange, before: Grant) -> Grant:
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set - {"name"}}
    if "plan" in given:
        plan = given["plan"]
        given["plan"] = Plan(**plan.model_dump()) if isinstance(plan, PlanBody) else PLANS[plan or "unlimited"]
    if given.get("scope", "") is None:
        del given["scope"]
    return replace(before, **given)


def _body(request: Request, key: Key) -> KeyBody:
    used = {usage.key: usage for usage in _catalog(request).usage.totals()}
    return KeyBody(**_facts(key, used.get(key.id)))


def _facts(key: Key, usage: Usage | None) -> dict[str, Any]:
    counted = usage or Usage(key.id, "")
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.grant.scope,
        "collections": None if key.grant.collections is None else list(key.grant.collections),
        "plan": PlanBody(**asdict(key.grant.plan)),
        "state": key.state,
        "created": key.created,
        "expires": key.grant.expires,
        "last_used": key.last_used,
        **{name: getattr(counted, name) for name in ("requests", "refused", "records", "bytes")},
    }
