"""Who is at the browser: what the pages ask of the application's gate."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import Request
from starlette.requests import HTTPConnection

from lookalike.catalog import Key
from lookalike.errors import AccessDenied

__all__ = [
    "COOKIE",
    "TOKEN_FIELD",
    "Caller",
    "Gate",
    "caller_of",
    "form_token",
    "gate_of",
    "has_session",
    "may",
    "may_read",
]

COOKIE = "lookalike_session"
"""The cookie that the gate reads; the pages know the gate by its verbs alone, so that they need not import `api`."""

TOKEN_FIELD = "csrf"
"""The field of every form, and with X-CSRF-Token the header of every script's request, that changes something."""


class Caller(Protocol):
    """The verbs of `api.security.Caller` that the pages use."""

    who: str
    key: Key

    def permits(self, scope: Any, collection: str | None = None) -> bool:
        """Whether they may do this: "read", "write" or "admin", to a collection or in general."""

    def require(self, scope: Any, collection: str | None = None) -> None:
        """Raise NotPermitted unless they may."""


class Gate(Protocol):
    """The verbs of `api.security.Gate` that the pages use."""

    signup: bool

    def identify(self, connection: HTTPConnection) -> Caller | None:
        """Return who is at the browser; None if nobody has signed in."""

    def sign_in(self, secret: str, address: str = "") -> str:
        """Return a cookie value for whoever has this key."""

    def sign_in_user(self, name: str, password: str, address: str = "") -> str:
        """Return a cookie value for a user."""

    def sign_up(self, name: str, password: str, address: str = "") -> str:
        """Make a user and return a cookie value."""

    def token(self, caller: Any) -> str:
        """Return what forms of this session carry."""

    def check_token(self, connection: HTTPConnection, caller: Any, presented: str) -> None:
        """Raise AccessDenied unless a page of this service sent the request."""

    def forget(self) -> None:
        """Look everyone up anew, since keys have changed."""


def gate_of(request: Request) -> Gate:
    """Return the gate of the application that answers the request."""
    gate: Gate = request.app.state.gate
    return gate


def caller_of(request: Request) -> Caller | None:
    """Return who is at the browser, looked up once a request."""
    if not hasattr(request.state, "visitor"):
        try:
            request.state.visitor = gate_of(request).identify(request)
        except AccessDenied:
            request.state.visitor = None
    visitor: Caller | None = request.state.visitor
    return visitor


def may(request: Request, scope: str, collection: str | None = None) -> bool:
    """Whether the visitor may do this: "read", "write" or "admin", to a collection or in general."""
    caller = caller_of(request)
    return caller is not None and caller.permits(scope, collection)


def may_read(request: Request, collection: str) -> bool:
    """Whether the visitor may see a collection."""
    return may(request, "read", collection)


def form_token(request: Request) -> str:
    """Return the token for forms and scripts of this page; "" for strangers, whose forms change nothing."""
    caller = caller_of(request)
    return "" if caller is None else gate_of(request).token(caller)


def has_session(request: Request) -> bool:
    """Whether the visitor has signed in, rather than being let in without."""
    caller = caller_of(request)
    return caller is not None and COOKIE in request.cookies
