"""Who calls: a key in a header for programs, a signed cookie for browsers; and what they may."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from lookalike.api.plans import Bucket
from lookalike.api.scopes import rule_of, template_of
from lookalike.api.sessions import COOKIE, Claim, Sessions, load_or_make_secret, write_private
from lookalike.catalog import Catalog, Grant, Key, Scope, User
from lookalike.errors import AccessDenied, EntryNotFound, InvalidArgument, LookalikeError, TooManyRequests
from lookalike.workspace import Workspace

__all__ = ["COOKIE", "Caller", "Gate", "caller_of", "require_key", "service_key"]

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_FRESH: Final = 1.0  # seconds that a checked key is believed; changes made in this process count at once
_REMEMBERED: Final = 4096
_TRIES, _TRIES_PER_SECOND = 10, 0.2
_TRUSTED: Final = "trusted"


def service_key(space: Workspace) -> str | None:
    """Return the service's own key, of scope admin, made at the first start; None if only its owner has it.

    It is what the settings say, or else in the file `service.key`, for its owner's eyes; once the file is deleted,
    keys are made with `lookalike keys create`. A revoked one is not brought back. Raises InvalidArgument for a key in
    the settings that is too short.
    """
    keys, path = space.catalog.keys, space.path / "service.key"
    given = space.settings.key
    if not given and not path.is_file():
        if any(key.grant.scope == "admin" and key.state == "good" for key in keys.list()):
            return None
        write_private(path, "la_" + secrets.token_urlsafe(24))
    secret = given or path.read_text("ascii").strip()
    try:
        keys.check(secret)
    except AccessDenied:
        try:
            keys.create("service", Grant("admin"), secret=secret)
        except InvalidArgument as error:
            if error.value == "in use":
                return None  # it was revoked, and stays so
            raise
    return secret


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who was let in. who: id of a key, or name of a user, as the audit log has it. by: how they came in.

    key: what they may; users, and browsers on this machine that are trusted, have one that is in no catalog.
    session: the cookie's value, what tokens of forms belong to.
    """

    who: str
    key: Key
    by: Literal["key", "session", "trusted"] = "key"
    session: str = ""

    def permits(self, scope: Scope, collection: str | None = None) -> bool:
        """Whether they may do this; see `Key.permits`."""
        return self.key.permits(scope, collection)

    def require(self, scope: Scope, collection: str | None = None) -> None:
        """Raise NotPermitted unless they may do this."""
        self.key.require(scope, collection)


class Gate:
    """Knows callers by what they send. Safe to call from several threads.

    master: a secret that opens everything, besides the keys of the catalog; "" for none. trusting: browsers on this
    machine that speak to a loopback address need not sign in (the sample gallery); programs need a key all the same.
    """

    def __init__(self, space: Workspace, *, master: str = "", trusting: bool = False) -> None:
        self._catalog: Catalog = space.catalog
        self._master, self.trusting = master, trusting
        self._sessions = Sessions(space.settings.session_secret or load_or_make_secret(space.path))
        self._memory = _Memory()
        self._hashing = threading.BoundedSemaphore(2)  # argon2 takes 64 MB and a core at a time
        self._tries: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self.signup = space.settings.signup

    def identify(self, connection: HTTPConnection, *, remembered: bool = False) -> Caller | None:
        """Return who calls; None if they don't say. Raises AccessDenied for a wrong, expired or revoked key.

        remembered: also None, without a look into the catalog, if they were not seen within the last second.
        """
        scheme, _, presented = connection.headers.get("authorization", "").partition(" ")
        if presented:
            if scheme.lower() not in {"bearer", "token"}:
                raise AccessDenied("The key is wrong")
            key = self._by_secret(presented.strip(), remembered)
            return None if key is None else Caller(key.id, key)
        cookie = connection.cookies.get(COOKIE, "")
        caller = self._by_session(cookie, remembered) if cookie else None
        if caller is None and self.trusting and _is_local(connection):
            return Caller(_TRUSTED, Key(_TRUSTED, _TRUSTED, Grant("admin"), "", ""), "trusted", _TRUSTED)
        return caller

    def sign_in(self, secret: str, address: str = "") -> str:
        """Return a session's cookie value for a key. Raises AccessDenied, TooManyRequests."""
        with self._guarded(address, ""):
            key = self._by_secret(secret.strip(), remembered=False)
        assert key is not None
        return self._sessions.issue(Claim("key", key.id))

    def sign_in_user(self, name: str, password: str, address: str = "") -> str:
        """Return a session's cookie value for a user. Raises AccessDenied, TooManyRequests."""
        with self._guarded(address, name.lower()), self._hashing:
            user = self._catalog.users.sign_in(name, password)
        return self._sessions.issue(Claim("user", user.name, user.mark))

    def sign_up(self, name: str, password: str, address: str = "") -> str:
        """Make a user who may read, and return a session's cookie value. Raises NameTaken, InvalidArgument.

        Raises AccessDenied unless strangers may sign up, TooManyRequests for many accounts from one address.
        """
        if not self.signup:
            raise AccessDenied("Accounts are made by whoever runs this service")
        self._try(address, "+")
        with self._hashing:
            added = self._catalog.users.add(name, password, "read", who=name.lower())
        user = self._catalog.users.find(added.name)
        return self._sessions.issue(Claim("user", user.name, user.mark))

    def token(self, caller: Caller) -> str:
        """Return what forms and scripts of this session send back as `csrf` or X-CSRF-Token."""
        return self._sessions.token(caller.session)

    def check_token(self, connection: HTTPConnection, caller: Caller, presented: str) -> None:
        """Let a browser's request that changes something pass, or raise AccessDenied: another site may have made it."""
        if not same_site(connection) or not self._sessions.is_token(caller.session, presented):
            raise AccessDenied("This was not sent by a page of this service (load the page again)")

    def forget(self) -> None:
        """Look everyone up anew; call it when keys or users have changed."""
        self._memory.clear()

    @contextmanager
    def _guarded(self, address: str, name: str) -> Iterator[None]:
        """Count a try, and forgive those before it if it goes well."""
        self._try(address, name)
        yield
        self._tries.pop((address, name), None)

    def _try(self, address: str, name: str) -> None:
        bucket = self._tries.setdefault((address, name), Bucket(_TRIES_PER_SECOND, _TRIES))
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)
        wait = bucket.take()
        if wait:
            raise TooManyRequests("a few tries at signing in", wait)

    def _by_secret(self, secret: str, remembered: bool) -> Key | None:
        if self._master and hmac.compare_digest(secret.encode(), self._master.encode()):
            return _master_key()
        name = ("secret", hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest())
        key = self._memory.get(name, lambda: self._catalog.keys.check(secret), remembered)
        return _good(key) if isinstance(key, Key) else None

    def _by_session(self, cookie: str, remembered: bool) -> Caller | None:
        claim = self._sessions.read(cookie)
        if claim is None:
            return None
        try:
            if claim.kind == "user":
                user = self._memory.get(("user", claim.name), lambda: self._catalog.users.find(claim.name), remembered)
                if not isinstance(user, User) or user.mark != claim.mark:
                    return None
                return Caller(user.name, Key(user.name, user.name, Grant(user.role), "", ""), "session", cookie)
            if claim.name == _master_key().id:
                return Caller(claim.name, _master_key(), "session", cookie) if self._master else None
            key = self._memory.get(("key", claim.name), lambda: self._catalog.keys.find(claim.name), remembered)
            return Caller(claim.name, _good(key), "session", cookie) if isinstance(key, Key) else None
        except (EntryNotFound, AccessDenied):
            return None


class _Memory:
    """What was looked up within the last second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[float, Key | User]] = OrderedDict()
        self._turn = 0

    def get(self, name: tuple[str, str], look_up: Callable[[], Key | User], remembered: bool) -> Key | User | None:
        with self._lock:
            turn, (since, found) = self._turn, self._known.get(name, (0.0, None))
        if found is not None and time.monotonic() - since < _FRESH:
            return found
        if remembered:
            return None
        since, found = time.monotonic(), look_up()
        with self._lock:
            if turn == self._turn:  # else it was looked up before a change, and may be wrong by now
                self._known[name] = (since, found)
                self._known.move_to_end(name)
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
            self._turn += 1


def same_site(connection: HTTPConnection) -> bool:
    """Whether the browser says that a page of this service, or the person, made the request."""
    if connection.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return False
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


def caller_of(request: Request) -> Caller:
    """Return who makes the request. Raises AccessDenied if nobody was let in, TooManyRequests over their plan.

    For routes outside /v1, which then ask it themselves: `caller_of(request).require("write", collection)`.
    """
    refusal: LookalikeError | None = getattr(request.state, "refusal", None)
    if refusal is not None:
        raise refusal
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise AccessDenied("This needs a key")
    return caller


_in_documentation = HTTPBearer(auto_error=False, description="The key that the service printed when it started.")


async def require_key(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_in_documentation)] = None
) -> Caller:
    """Return who makes the request if they may do what the route is for. Raises as `caller_of`, and NotPermitted.

    It waits for nothing; it is `async` so that no thread is fetched for it.
    """
    caller = caller_of(request)
    rule = rule_of(request.method, template_of(request.scope))
    caller.require(rule.scope, request.path_params.get("name"))
    return caller


def _good(key: Key) -> Key:
    if key.state != "good":
        raise AccessDenied(f"The key is {key.state}")
    return key


def _master_key() -> Key:
    return Key("service", "service", Grant("admin"), "", "")


def _is_local(connection: HTTPConnection) -> bool:
    local = connection.client is not None and connection.client.host in _LOOPBACK
    return local and (connection.url.hostname or "") in _LOOPBACK
