"""Who may use the routes of programs that never knew keys: they compute and keep nothing.

Callers on this machine need no key, others do unless the settings say `keyless`. A key that is sent counts against its
plan as everywhere. Pages of other sites can't have a browser on this machine work for them.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lookalike.api.security import caller_of, same_site
from lookalike.errors import AccessDenied
from lookalike.settings import Settings

__all__ = ["MarketKeys", "enter"]

_OURS: Final = b"la_"
_MARKET: Final = b"x-rapidapi-key"
_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def enter(request: Request, settings: Settings) -> None:
    """Let a request in, before its body is read. Raises AccessDenied, NotPermitted, TooManyRequests."""
    state = request.state
    if getattr(state, "refusal", None) or getattr(state, "caller", None):
        caller_of(request).require("read")
    elif not same_site(request):
        raise AccessDenied("This was sent by a page of another site")
    elif not settings.keyless and not _is_near(request):
        raise AccessDenied("This needs a key, from another machine than this (LOOKALIKE_KEYLESS lets all in)")


class MarketKeys:
    """ASGI middleware: a key of ours in the header X-RapidAPI-Key counts like one in Authorization; others don't."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            key = headers.get(_MARKET, b"")
            if key.startswith(_OURS) and b"authorization" not in headers:
                scope = {**scope, "headers": [*scope["headers"], (b"authorization", b"Bearer " + key)]}
        await self.app(scope, receive, send)


def _is_near(request: Request) -> bool:
    """Whether the caller is a program on this machine, and none that passes on what others ask."""
    if request.client is None or any(name in request.headers for name in _PASSED_ON):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
