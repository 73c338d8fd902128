"""Sessions of browsers: signed cookie values, and the tokens that forms and scripts send back against forgery."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["COOKIE", "SECONDS", "Claim", "Sessions", "load_or_make_secret", "write_private"]

COOKIE: Final = "lookalike_session"
SECONDS: Final = 30 * 24 * 3600
"""How long a session is good for."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a session was given to. kind: "key" or "user". mark: what must still be the same of it (`User.mark`)."""

    kind: str
    name: str
    mark: str = ""


class Sessions:
    """Makes and reads cookie values. Nothing is kept here: who knows the secret can read them all."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def issue(self, claim: Claim) -> str:
        """Return a cookie value that is good for 30 days."""
        name = urlsafe_b64encode(claim.name.encode()).decode().rstrip("=")
        body = f"{claim.kind}.{name}.{claim.mark}.{int(time.time()) + SECONDS}"
        return f"{body}.{self._sign('session', body)}"

    def read(self, cookie: str) -> Claim | None:
        """Return whom the cookie was given to, or None if it was not made here or has expired."""
        body, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return None
        kind, name, mark, expiry = body.split(".")
        if int(expiry) <= time.time():
            return None
        return Claim(kind, urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode(), mark)

    def token(self, cookie: str) -> str:
        """Return what a form of this session carries: other sites can neither read nor guess it."""
        return self._sign("form", cookie)

    def is_token(self, cookie: str, presented: str) -> bool:
        """Whether it is the token of this session."""
        return hmac.compare_digest(presented.encode(), self.token(cookie).encode())

    def _sign(self, use: str, text: str) -> str:
        return hmac.new(self._secret, f"{use}:{text}".encode(), hashlib.sha256).hexdigest()


def load_or_make_secret(folder: Path) -> str:
    """Return the secret that signs the sessions of a workspace, making it at the first start, for its owner's eyes."""
    path = folder / "session.secret"
    if not path.is_file():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text("ascii").strip()


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
