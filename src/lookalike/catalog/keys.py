"""Keys: who may call the service, for what, how often and until when."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

from lookalike.catalog.audit import enter
from lookalike.catalog.database import Database, new_id, now
from lookalike.catalog.tables import keys
from lookalike.errors import AccessDenied, EntryNotFound, InvalidArgument, NotPermitted

__all__ = ["PLANS", "Grant", "Key", "Keys", "Plan", "Scope"]

Scope = Literal["read", "write", "admin"]
"""Each includes those before it. admin: also settings, keys, users and the audit log."""

_RANK: Final = {"read": 0, "write": 1, "admin": 2}
_SHORTEST: Final = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """How much a key may ask for; None is without limit.

    requests_per_second: on average. concurrency: requests at once. records: in all its collections together.
    bytes: of request bodies in a day.
    """

    requests_per_second: float | None = None
    concurrency: int | None = None
    records: int | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            number = isinstance(value, int) or (isinstance(value, float) and name == "requests_per_second")
            if value is not None and (not number or isinstance(value, bool) or not 0 < value < float("inf")):
                raise InvalidArgument(name, value, "a number above 0, or nothing for no limit")


PLANS: Final[Mapping[str, Plan]] = {
    "unlimited": Plan(),
    "public": Plan(requests_per_second=1, concurrency=2, records=10_000, bytes=2**30),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key allows. collections: their names, or None for all. expires: with a time zone, or None for never."""

    scope: Scope = "read"
    collections: Sequence[str] | None = None
    expires: datetime | None = None
    plan: Plan = field(default_factory=Plan)

    def __post_init__(self) -> None:
        if self.scope not in get_args(Scope):
            raise InvalidArgument("scope", self.scope, f"one of {', '.join(get_args(Scope))}")
        if self.expires is not None and self.expires.tzinfo is None:
            raise InvalidArgument("expires", self.expires.isoformat(), "a time with its time zone")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without its secret, which is never stored. Times are ISO 8601 in UTC; last_used lags by seconds."""

    id: str
    name: str
    grant: Grant
    who: str
    created: str
    revoked: str | None = None
    last_used: str | None = None

    @property
    def state(self) -> Literal["good", "expired", "revoked"]:
        """Whether it opens anything now."""
        if self.revoked is not None:
            return "revoked"
        expires = self.grant.expires
        return "expired" if expires is not None and expires <= datetime.now(expires.tzinfo) else "good"

    def permits(self, scope: Scope, collection: str | None = None) -> bool:
        """Whether it allows this; collection None means what concerns no single collection.

        A key for some collections permits nothing of the kind beyond reading: lists show it those collections only.
        """
        if _RANK[self.grant.scope] < _RANK[scope]:
            return False
        if self.grant.collections is None:
            return True
        return scope == "read" if collection is None else collection in self.grant.collections

    def require(self, scope: Scope, collection: str | None = None) -> None:
        """Raise NotPermitted unless it allows this."""
        if not self.permits(scope, collection):
            of = f" for collection {collection!r}" if collection else ""
            raise NotPermitted(f"a key of scope {scope}{of}")


class Keys:
    """The keys of a workspace. Secrets have 192 random bits, so that a plain SHA-256 of them can't be guessed back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, grant: Grant = Grant(), *, who: str = "", secret: str | None = None) -> tuple[Key, str]:
        """Make a key; returns it and its secret, which can't be had again.

        secret: one that exists already, from a file or the environment. Raises InvalidArgument if it is short.
        """
        if secret is None:
            secret = "la_" + secrets.token_urlsafe(24)
        elif len(secret) < _SHORTEST or not secret.isascii() or not secret.isprintable():
            raise InvalidArgument("secret", "not usable", f"{_SHORTEST} or more printable ASCII characters")
        key = Key(new_id("key"), name, grant, who, now())
        values = {"id": key.id, "name": name, "digest": _digest(secret), "who": who, "created": key.created}
        with self._database.writing() as connection:
            row = connection.execute(keys.select().where(keys.c.digest == values["digest"])).one_or_none()
            if row is not None:
                raise InvalidArgument("secret", "in use", f"another: key {row.id} has it")
            connection.execute(keys.insert().values(**values, **_columns(grant)))
            enter(connection, "key.create", who=who, target=key.id, details={"name": name, "scope": grant.scope})
        return key, secret

    def check(self, secret: str) -> Key:
        """Return the key whose secret this is. Raises AccessDenied if there is none, or it is expired or revoked."""
        digest = _digest(secret)
        with self._database.reading() as connection:
            row = connection.execute(keys.select().where(keys.c.digest == digest)).one_or_none()
        # The index compares digests, from whose timing nothing about a secret follows; this compares all of it.
        if row is None or not hmac.compare_digest(row.digest, digest):
            raise AccessDenied("The key is wrong")
        key = _key(row._mapping)
        if key.state != "good":
            raise AccessDenied(f"The key is {key.state}")
        return key

    def list(self) -> list[Key]:
        """Return all keys, oldest first, revoked ones too."""
        with self._database.reading() as connection:
            rows = connection.execute(keys.select().order_by(keys.c.created, keys.c.id)).all()
        return [_key(row._mapping) for row in rows]

    def find(self, id: str) -> Key:  # noqa: A002 - the word users know
        """Return a key by its id. Raises EntryNotFound."""
        with self._database.reading() as connection:
            row = connection.execute(keys.select().where(keys.c.id == id)).one_or_none()
        if row is None:
            raise EntryNotFound("key", id)
        return _key(row._mapping)

    def change(self, id: str, grant: Grant, *, who: str = "") -> Key:  # noqa: A002
        """Let a key allow something else from now on. Raises EntryNotFound."""
        with self._database.writing() as connection:
            done = connection.execute(keys.update().where(keys.c.id == id).values(_columns(grant)))
            if not done.rowcount:
                raise EntryNotFound("key", id)
            enter(connection, "key.change", who=who, target=id, details={"scope": grant.scope})
        return self.find(id)

    def revoke(self, id: str, *, who: str = "") -> Key:  # noqa: A002
        """Make a key useless for good; revoking twice is allowed. Raises EntryNotFound."""
        key = self.find(id)
        with self._database.writing() as connection:
            good = (keys.c.id == id) & keys.c.revoked.is_(None)
            if connection.execute(keys.update().where(good).values(revoked=now())).rowcount:
                enter(connection, "key.revoke", who=who, target=id, details={"name": key.name})
        return self.find(id)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _columns(grant: Grant) -> dict[str, Any]:
    return {
        "scope": grant.scope,
        "collections": None if grant.collections is None else sorted(set(grant.collections)),
        "expires": grant.expires.isoformat() if grant.expires else None,
        "plan": asdict(grant.plan),
    }


def _key(row: Mapping[Any, Any]) -> Key:
    expires = datetime.fromisoformat(row["expires"]) if row["expires"] else None
    grant = Grant(row["scope"], row["collections"], expires, Plan(**row["plan"]))
    return Key(row["id"], row["name"], grant, row["who"], row["created"], row["revoked"], row["last_used"])
