"""Users: people who sign in to the pages with a name and a password. The only file that knows argon2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.exc import IntegrityError

from lookalike.catalog.audit import enter
from lookalike.catalog.database import Database, now
from lookalike.catalog.tables import users
from lookalike.errors import AccessDenied, EntryNotFound, InvalidArgument, NameTaken

__all__ = ["Role", "User", "Users"]

Role = Literal["read", "write", "admin"]
"""As the scopes of keys: each includes those before it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}\Z")
_SHORTEST: Final = 10
_LONGEST: Final = 1000  # hashing more costs time and adds nothing
_hasher = PasswordHasher()  # argon2id with the library's defaults, RFC 9106's second recommendation


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may sign in. name: lower case. Times are ISO 8601 in UTC.

    mark: another one with each password, from which nothing about it follows; sessions end with it.
    """

    name: str
    role: Role
    created: str
    last_sign_in: str | None = None
    mark: str = field(default="", compare=False, repr=False)


class Users:
    """The users of a workspace. Names are the same in upper and lower case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, password: str, role: Role = "read", *, who: str = "") -> User:
        """Let someone in. Raises NameTaken, InvalidArgument for a strange name, a short password, an unknown role."""
        if not _NAME.match(name.lower()):
            raise InvalidArgument(
                "name", name, "1 to 100 letters, digits and . _ @ + -, beginning with one of the first"
            )
        _check_role(role)
        user = User(name.lower(), role, now())
        values = {"name": user.name, "role": role, "created": user.created, "password": _hash(password)}
        try:
            with self._database.writing() as connection:
                connection.execute(users.insert().values(values))
                enter(connection, "user.add", who=who, target=user.name, details={"role": role})
        except IntegrityError:
            raise NameTaken(user.name) from None
        return user

    def sign_in(self, name: str, password: str) -> User:
        """Return the user if the password is right, else raise AccessDenied.

        Takes some 50 ms and as long for a name that nobody has. Hashes of older parameters are renewed.
        """
        with self._database.reading() as connection:
            row = connection.execute(users.select().where(users.c.name == name.lower())).one_or_none()
        try:
            _hasher.verify(row.password if row else _nobodys_hash(), password[: _LONGEST + 1])
        except VerificationError:
            row = None
        if row is None:
            raise AccessDenied("The name or the password is wrong")
        changes = {"last_sign_in": now()}
        if _hasher.check_needs_rehash(row.password):
            changes["password"] = _hasher.hash(password)
        with self._database.writing() as connection:
            connection.execute(users.update().where(users.c.name == row.name).values(changes))
        return _user({**row._mapping, **changes})

    def find(self, name: str) -> User:
        """Return a user. Raises EntryNotFound."""
        with self._database.reading() as connection:
            row = connection.execute(users.select().where(users.c.name == name.lower())).one_or_none()
        if row is None:
            raise EntryNotFound("user", name)
        return _user(row._mapping)

    def list(self) -> list[User]:
        """Return all users, ascending by name."""
        with self._database.reading() as connection:
            return sorted((_user(row._mapping) for row in connection.execute(users.select())), key=lambda u: u.name)

    def set_password(self, name: str, password: str, *, who: str = "") -> None:
        """Give someone another password. Raises EntryNotFound, InvalidArgument if it is short."""
        self._change(name, "user.password", who, {"password": _hash(password)})

    def set_role(self, name: str, role: Role, *, who: str = "") -> None:
        """Let someone do more or less. Raises EntryNotFound, InvalidArgument."""
        _check_role(role)
        self._change(name, "user.role", who, {"role": role})

    def remove(self, name: str, *, who: str = "") -> None:
        """Let someone in no more. Raises EntryNotFound."""
        with self._database.writing() as connection:
            if not connection.execute(users.delete().where(users.c.name == name.lower())).rowcount:
                raise EntryNotFound("user", name)
            enter(connection, "user.remove", who=who, target=name.lower())

    def _change(self, name: str, action: str, who: str, values: Mapping[str, Any]) -> None:
        with self._database.writing() as connection:
            done = connection.execute(users.update().where(users.c.name == name.lower()).values(values))
            if not done.rowcount:
                raise EntryNotFound("user", name)
            enter(connection, action, who=who, target=name.lower())


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise InvalidArgument("role", role, f"one of {', '.join(get_args(Role))}")


def _hash(password: str) -> str:
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InvalidArgument("the length of the password", len(password), f"{_SHORTEST} to {_LONGEST:,} characters")
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("a password that nobody has")


def _user(row: Mapping[Any, Any]) -> User:
    mark = hashlib.sha256(row["password"].encode()).hexdigest()[:16]
    return User(row["name"], row["role"], row["created"], row["last_sign_in"], mark)
