"""Feeds: files, folders and URLs that collections are kept in step with, and when each is due."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lookalike.catalog.audit import enter
from lookalike.catalog.database import Database, new_id, now
from lookalike.catalog.tables import feeds, jobs
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.records import Existing

__all__ = ["SHORTEST", "Feed", "Feeds"]

SHORTEST: Final = 10
"""Fewest seconds between two runs."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One source of a collection's records.

    source: a path or an http(s) URL. form: its format, "" where the name tells it. every: seconds between runs, None
    for by hand only. remove: whether records that the feed brought go when it has them no more. existing: as in
    `Collection.add`. columns: as in `ImportRules`. due: when it runs next, seconds since 1970. last_job: its last run.
    """

    collection: str
    source: str
    form: str = ""
    every: int | None = None
    remove: bool = False
    existing: Existing = "merge"
    columns: Mapping[str, str] = field(default_factory=dict)
    who: str = ""
    id: str = ""
    created: str = ""
    due: float | None = None
    last_job: str = ""

    @property
    def next_run(self) -> str | None:
        """When it runs next: ISO 8601, UTC."""
        return None if self.due is None else datetime.fromtimestamp(self.due, UTC).isoformat(timespec="seconds")


class Feeds:
    """The feeds of a workspace. `syncing` does what they ask for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, feed: Feed) -> Feed:
        """Keep a feed, whose first run is due at once if it has any; returns it with its id.

        Raises InvalidArgument for runs more often than every 10 seconds.
        """
        if feed.every is not None and feed.every < SHORTEST:
            raise InvalidArgument("every", feed.every, f"at least {SHORTEST} seconds")
        feed_id = new_id("feed")
        given = {name: getattr(feed, name) for name in ("collection", "source", "form", "every", "remove", "existing")}
        values = {**given, "id": feed_id, "columns": dict(feed.columns), "who": feed.who, "created": now()}
        with self._database.writing() as connection:
            connection.execute(feeds.insert().values(**values, due=None if feed.every is None else time.time()))
            details = {"feed": feed_id, "every": feed.every, "remove": feed.remove}
            enter(connection, "feed.add", who=feed.who, target=feed.collection, details=details)
        return self.find(feed_id)

    def find(self, id: str) -> Feed:  # noqa: A002 - the word users know
        """Return a feed. Raises EntryNotFound."""
        with self._database.reading() as connection:
            row = connection.execute(feeds.select().where(feeds.c.id == id)).one_or_none()
        if row is None:
            raise EntryNotFound("feed", id)
        return _feed(row)

    def remove(self, id: str, *, who: str = "") -> Feed:  # noqa: A002
        """Forget a feed; the records that it brought stay. Raises EntryNotFound."""
        feed = self.find(id)
        with self._database.writing() as connection:
            connection.execute(feeds.delete().where(feeds.c.id == id))
            enter(connection, "feed.remove", who=who, target=feed.collection, details={"feed": id})
        return feed

    def start(self, id: str, kind: str, *, who: str = "") -> str:  # noqa: A002
        """Queue a run as a job of this kind and return the job's id; a run that is under way is that. EntryNotFound."""
        with self._database.writing() as connection:
            row = connection.execute(feeds.select().where(feeds.c.id == id)).one_or_none()
            if row is None:
                raise EntryNotFound("feed", id)
            return _started(connection, row, kind, who)

    def start_due(self, kind: str) -> list[str]:
        """Queue a run of each feed that is due, once however many processes ask; returns the jobs' ids."""
        moment = time.time()
        with self._database.reading() as connection:  # asked every second: writing would lock others out
            if connection.execute(feeds.select().where(feeds.c.due <= moment).limit(1)).one_or_none() is None:
                return []
        with self._database.writing() as connection:
            rows = connection.execute(feeds.select().where(feeds.c.due <= moment).with_for_update(skip_locked=True))
            due = rows.all()
            for row in due:
                later = feeds.update().where(feeds.c.id == row.id).values(due=moment + row.every)
                connection.execute(later)
            return [_started(connection, row, kind, row.who) for row in due]

    def list(self) -> list[Feed]:
        """Return all feeds, oldest first."""
        with self._database.reading() as connection:
            return [_feed(row) for row in connection.execute(feeds.select().order_by(feeds.c.created, feeds.c.id))]


def _started(connection: Any, row: Any, kind: str, who: str) -> str:
    live = jobs.select().where(jobs.c.id == row.last_job, jobs.c.state.in_(("queued", "running")))
    if connection.execute(live).one_or_none() is not None:
        return str(row.last_job)
    job_id = new_id("job")
    wanted = {"id": job_id, "kind": kind, "collection": row.collection, "spec": {"feed": row.id}, "who": who}
    connection.execute(jobs.insert().values(**wanted, state="queued", result={}, created=now()))
    connection.execute(feeds.update().where(feeds.c.id == row.id).values(last_job=job_id))
    return job_id


def _feed(row: Any) -> Feed:
    return Feed(**{name: getattr(row, name) for name in Feed.__slots__})
