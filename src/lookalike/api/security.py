"""Who may call: one key per workspace, given as a header by programs and as a signed cookie by browsers."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lookalike.errors import AccessDenied

__all__ = ["COOKIE", "Gate", "load_or_make_key", "require_key"]

COOKIE = "lookalike_session"
_SESSION_SECONDS = 30 * 24 * 3600
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def load_or_make_key(folder: Path) -> str:
    """Return the workspace's key, making it at the first start. The file is readable by its owner only."""
    path = folder / "service.key"
    if not path.is_file():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("la_" + secrets.token_urlsafe(24))
    return path.read_text("ascii").strip()


class Gate:
    """Checks keys and sessions, in constant time.

    trusting: requests from this machine to a loopback address may use the pages without signing in
    (the sample gallery); programs need the key all the same.
    """

    def __init__(self, key: str, *, trusting: bool = False) -> None:
        self._key, self.trusting = key, trusting

    def admits_key(self, presented: str) -> bool:
        """Whether this is the key."""
        return hmac.compare_digest(presented.encode(), self._key.encode())

    def new_session(self) -> str:
        """Return a cookie value that is good for 30 days."""
        expiry = str(int(time.time()) + _SESSION_SECONDS)
        return f"{expiry}.{self._sign(expiry)}"

    def admits_session(self, cookie: str) -> bool:
        """Whether the cookie was signed with the present key and has not expired."""
        expiry, _, signature = cookie.partition(".")
        signed = hmac.compare_digest(signature.encode(), self._sign(expiry).encode())
        return signed and expiry.isdigit() and int(expiry) > time.time()

    def admits_request(self, request: Request) -> bool:
        """Whether the request carries the key, or a browser's session, or comes from a trusted browser."""
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if presented:
            return scheme.lower() in {"bearer", "token"} and self.admits_key(presented.strip())
        return self._same_site(request) and self.admits_browser(request)

    def admits_browser(self, request: Request) -> bool:
        """Whether the person at the browser has signed in or need not."""
        if self.admits_session(request.cookies.get(COOKIE, "")):
            return True
        local = request.client is not None and request.client.host in _LOOPBACK
        return self.trusting and local and (request.url.hostname or "") in _LOOPBACK

    def _same_site(self, request: Request) -> bool:
        """Refuse other sites' scripts: a session must not be usable from a page that is not ours."""
        return request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}

    def _sign(self, text: str) -> str:
        return hmac.new(self._key.encode(), b"session:" + text.encode(), hashlib.sha256).hexdigest()


_in_documentation = HTTPBearer(auto_error=False, description="The key that the service printed when it started.")


def require_key(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_in_documentation)] = None
) -> None:
    """Let the request pass or raise AccessDenied."""
    gate: Gate = request.app.state.gate
    if not gate.admits_request(request):
        presented = bool(request.headers.get("authorization"))
        raise AccessDenied("The key is wrong" if presented else "This needs a key")
