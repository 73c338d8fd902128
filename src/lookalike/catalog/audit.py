"""The audit log: who changed what and when. Entries are added, never altered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sql

from lookalike.catalog.database import Database, now
from lookalike.catalog.tables import audit
from lookalike.errors import InvalidArgument

__all__ = ["Audit", "AuditEntry", "AuditPage", "enter"]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. who: id of a key or name of a user, "" for the command line. action: `thing.verb`.

    target: what was changed, a collection's name for one. count: how many records, where that says something.
    details: JSON values; never a secret, a picture or a query string.
    """

    id: int
    at: str
    who: str
    action: str
    target: str
    count: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries of many, newest first. next: give it as `before` to go on; None at the end."""

    entries: Sequence[AuditEntry]
    next: int | None = None


class Audit:
    """The log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        action: str,
        *,
        who: str,
        target: str = "",
        count: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry, as in `AuditEntry`."""
        with self._database.writing() as connection:
            enter(connection, action, who=who, target=target, count=count, details=details)

    def page(
        self, *, before: int | None = None, limit: int = 100, who: str | None = None, target: str | None = None
    ) -> AuditPage:
        """Return up to `limit` entries, newest first, of one author or about one target if wanted."""
        if not 1 <= limit <= 10_000:
            raise InvalidArgument("limit", limit, "between 1 and 10,000")
        chosen = audit.select().order_by(audit.c.id.desc()).limit(limit + 1)
        for column, value in ((audit.c.who, who), (audit.c.target, target)):
            if value is not None:
                chosen = chosen.where(column == value)
        if before is not None:
            chosen = chosen.where(audit.c.id < before)
        with self._database.reading() as connection:
            found = [AuditEntry(**row._mapping) for row in connection.execute(chosen)]
        return AuditPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


def enter(
    connection: sql.Connection,
    action: str,
    *,
    who: str,
    target: str = "",
    count: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry within a transaction, so that a change and its entry stand or fall together."""
    connection.execute(
        audit.insert().values(at=now(), who=who, action=action, target=target, count=count, details=dict(details or {}))
    )
