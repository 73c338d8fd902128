"""/v1/users: people who sign in to the pages. For keys of scope admin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from lookalike.administration import NewUser, UserBody, UserChange
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import Catalog, User

router = APIRouter(prefix="/users", tags=["operations"])

Who = Annotated[Caller, Depends(caller_of)]


@router.get("", summary="Who may sign in")
def list_users(request: Request) -> list[UserBody]:
    """Ascending by name."""
    return [_body(user) for user in _catalog(request).users.list()]


@router.post("", status_code=201, summary="Let someone in")
def add_user(body: NewUser, request: Request, caller: Who) -> UserBody:
    """409 if the name is taken."""
    return _body(_catalog(request).users.add(body.name, body.password, body.role, who=caller.who))


@router.patch("/{user}", summary="Change someone's password or role")
def change_user(user: str, body: UserChange, request: Request, caller: Who) -> UserBody:
    """Another password ends their sessions."""
    users = _catalog(request).users
    if body.password is not None:
        users.set_password(user, body.password, who=caller.who)
    if body.role is not None:
        users.set_role(user, body.role, who=caller.who)
    request.app.state.gate.forget()
    return _body(users.find(user))


@router.delete("/{user}", status_code=204, summary="Let someone in no more")
def remove_user(user: str, request: Request, caller: Who) -> Response:
    """Their sessions end."""
    _catalog(request).users.remove(user, who=caller.who)
    request.app.state.gate.forget()
    return Response(status_code=204)


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.workspace.catalog
    return catalog


def _body(user: User) -> UserBody:
    return UserBody(name=user.name, role=user.role, created=user.created, last_sign_in=user.last_sign_in)
