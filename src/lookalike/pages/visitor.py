"""Who is at the browser: what the pages ask of the application's gate."""

from __future__ import annotations

from typing import Protocol

from fastapi import Request

__all__ = ["COOKIE", "Gate", "gate_of", "has_session"]

COOKIE = "lookalike_session"
"""The cookie that the gate reads; the pages know the gate by its verbs alone, so that they need not import `api`."""


class Gate(Protocol):
    """The verbs of `api.security.Gate` that the pages use."""

    def admits_key(self, presented: str) -> bool:
        """Whether this is the key."""

    def new_session(self) -> str:
        """Return a cookie value for a visitor who has shown the key."""

    def admits_session(self, cookie: str) -> bool:
        """Whether this is the cookie value of a session that goes on."""

    def admits_request(self, request: Request) -> bool:
        """Whether the request may change something: it is let in, and no other site made it."""

    def admits_browser(self, request: Request) -> bool:
        """Whether the visitor may look at pages."""


def gate_of(request: Request) -> Gate:
    """Return the gate of the application that answers the request."""
    gate: Gate = request.app.state.gate
    return gate


def has_session(request: Request) -> bool:
    """Whether the visitor has signed in, rather than being let in without."""
    return gate_of(request).admits_session(request.cookies.get(COOKIE, ""))
