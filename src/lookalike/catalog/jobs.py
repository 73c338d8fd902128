"""Long work as the catalog knows it: what is wanted, who is at it, how far it came, what failed."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sql

from lookalike.catalog.database import Database, new_id, now
from lookalike.catalog.tables import job_failures, jobs
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.records import Failure

__all__ = ["INTERRUPTED", "FailurePage", "Job", "JobState", "JobTable", "Progress"]

JobState = Literal["queued", "running", "done", "failed", "canceled"]

INTERRUPTED: Final = ("job_interrupted", "The process that ran it ended, and it can't be gone on with: start it again.")
"""Code and sentence of a job that died with its process."""

_MOST_ATTEMPTS: Final = 3
_LIVE: Final = ("queued", "running")
_LINE: Final = re.compile(r"line \d+ \((.*)\)\Z", re.DOTALL)  # as imports name a record
_ERASED: Final = "(erased)"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work.

    spec: what is wanted, JSON values. done of total items (None: not known yet), of which `failed` have their
    reasons listed. result: what came of it so far. checkpoint: where to go on. error: why the state is "failed".
    canceling: it was told to stop. Times are ISO 8601 in UTC.
    """

    id: str
    kind: str
    collection: str | None
    spec: Mapping[str, Any]
    state: JobState
    done: int
    total: int | None
    failed: int
    result: Mapping[str, Any]
    checkpoint: Any
    error_code: str
    error: str
    who: str
    created: str
    started: str | None
    finished: str | None
    canceling: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in _LIVE


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job came, with the failures since the last time; written together or not at all."""

    done: int
    total: int | None
    failed: int
    result: Mapping[str, Any]
    checkpoint: Any
    failures: Sequence[Failure] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class FailurePage:
    """Some failed items of many, in order. next: give it as `after` to go on; None at the end."""

    failures: Sequence[Failure]
    next: int | None = None


class JobTable:
    """The jobs of a workspace. `jobs.JobRunner` does them; others add, look and cancel."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, spec: Mapping[str, Any], *, collection: str | None = None, who: str = "") -> Job:
        """Queue a job."""
        job_id = new_id("job")
        wanted = {"id": job_id, "kind": kind, "collection": collection, "spec": dict(spec), "who": who}
        with self._database.writing() as connection:
            connection.execute(jobs.insert().values(**wanted, state="queued", result={}, created=now()))
        return self.find(job_id)

    def find(self, id: str) -> Job:  # noqa: A002 - the word users know
        """Return a job. Raises EntryNotFound."""
        with self._database.reading() as connection:
            return _job(_row(connection, id))

    def page(
        self, *, before: str | None = None, limit: int = 100, collection: str | None = None, live: bool = False
    ) -> list[Job]:
        """Return up to `limit` jobs, newest first; go on with the last one's id as `before`.

        collection: only those of one. live: only those not over. Raises EntryNotFound for an unknown `before`.
        """
        _check_limit(limit)
        chosen = jobs.select().order_by(jobs.c.number.desc()).limit(limit)
        if collection is not None:
            chosen = chosen.where(jobs.c.collection == collection)
        if live:
            chosen = chosen.where(jobs.c.state.in_(_LIVE))
        with self._database.reading() as connection:
            if before is not None:
                chosen = chosen.where(jobs.c.number < _row(connection, before).number)
            return [_job(row) for row in connection.execute(chosen)]

    def failures(self, id: str, *, after: int = 0, limit: int = 100) -> FailurePage:  # noqa: A002
        """Return up to `limit` of a job's failed items. Raises EntryNotFound."""
        _check_limit(limit)
        with self._database.reading() as connection:
            mine = (job_failures.c.job == _row(connection, id).number) & (job_failures.c.place > after)
            chosen = job_failures.select().where(mine).order_by(job_failures.c.place).limit(limit + 1)
            rows = connection.execute(chosen).all()
        found = [Failure(row.item, row.code, row.reason) for row in rows[:limit]]
        return FailurePage(found, rows[limit - 1].place if len(rows) > limit else None)

    def cancel(self, id: str) -> Job:  # noqa: A002
        """Tell a job to stop; what it did stays. One that is over is left as it is. Raises EntryNotFound."""
        with self._database.writing() as connection:
            mine = jobs.c.id == _row(connection, id).id
            waiting = jobs.update().where(mine, jobs.c.state == "queued")
            connection.execute(waiting.values(state="canceled", cancel=True, finished=now()))
            connection.execute(jobs.update().where(mine, jobs.c.state == "running").values(cancel=True))
            return _job(_row(connection, id))

    def remove(self, id: str) -> None:  # noqa: A002
        """Forget a job that is over, and its failures. Raises EntryNotFound; InvalidArgument if it is not over."""
        with self._database.writing() as connection:
            row = _row(connection, id)
            if row.state in _LIVE:
                raise InvalidArgument("job", id, f"over before it is removed, and it is {row.state}; cancel it first")
            connection.execute(job_failures.delete().where(job_failures.c.job == row.number))
            connection.execute(jobs.delete().where(jobs.c.number == row.number))

    def over(self, collection: str) -> list[Job]:
        """Return all jobs of a collection that are over, oldest first."""
        chosen = (
            jobs.select().where(jobs.c.collection == collection, jobs.c.state.not_in(_LIVE)).order_by(jobs.c.number)
        )
        with self._database.reading() as connection:
            return [_job(row) for row in connection.execute(chosen)]

    def strike(self, collection: str, ids: Container[str]) -> None:
        """Forget, in what jobs of a collection told of failures, which records they were and why they failed."""
        mine = job_failures.c.job.in_(sql.select(jobs.c.number).where(jobs.c.collection == collection))
        with self._database.writing() as connection:
            for row in connection.execute(job_failures.select().where(mine)).all():
                named = _LINE.match(row.item)
                if row.item in ids or (named and named[1] in ids):
                    this = (job_failures.c.job == row.job) & (job_failures.c.place == row.place)
                    connection.execute(job_failures.update().where(this).values(item=_ERASED, reason=""))

    def claim(self, owner: str, kinds: Collection[str]) -> Job | None:
        """Take the oldest queued job of these kinds, so that nobody else does; None if there is none.

        Without a checkpoint it begins anew: its counts, result and failures are gone.
        """
        waiting = jobs.c.state == "queued"
        oldest = jobs.select().where(waiting, jobs.c.kind.in_(kinds)).order_by(jobs.c.number).limit(1)
        with self._database.writing() as connection:
            row = connection.execute(oldest.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            values: dict[str, Any] = {"started": row.started or now(), "attempts": row.attempts + 1}
            if row.checkpoint is None:
                values |= {"done": 0, "total": None, "failed": 0, "result": {}}
                connection.execute(job_failures.delete().where(job_failures.c.job == row.number))
            values |= {"state": "running", "owner": owner, "heartbeat": time.time()}
            connection.execute(jobs.update().where(jobs.c.number == row.number).values(values))
            return _job(_row(connection, row.id))

    def beat(self, id: str, owner: str, progress: Progress | None) -> Literal["go on", "cancel", "lost"]:  # noqa: A002
        """Write that the owner is alive, and its progress if there is any; returns what it should do.

        "lost": the job was given to another, because this one was taken for dead; nothing was written.
        """
        with self._database.writing() as connection:
            if not self._save(connection, id, owner, progress, {"heartbeat": time.time()}):
                return "lost"
            return "cancel" if _row(connection, id).cancel else "go on"

    def finish(
        self,
        id: str,  # noqa: A002
        owner: str,
        progress: Progress | None,
        state: JobState,
        error: tuple[str, str] = ("", ""),
    ) -> bool:
        """Write how it ended, or, as "queued", that it waits to be gone on with; returns whether it was still ours.

        error: permanent code and sentence.
        """
        values: dict[str, Any] = {"state": state, "owner": "", "error_code": error[0], "error": error[1]}
        values |= {"attempts": 0} if state == "queued" else {"finished": now()}
        with self._database.writing() as connection:
            return self._save(connection, id, owner, progress, values)

    def reclaim(self, kinds: Collection[str], resumable: Collection[str], silent: float | None) -> int:
        """Free the running jobs of these kinds whose owners are dead; returns how many.

        silent: seconds without a heartbeat after which an owner is dead; None: all are. Resumable kinds are queued
        again, unless three processes in a row ended without progress; the others are marked failed.
        """
        dead = (jobs.c.state == "running") & jobs.c.kind.in_(kinds)
        if silent is not None:
            dead &= jobs.c.heartbeat < time.time() - silent
        again = jobs.c.kind.in_(resumable) & (jobs.c.attempts < _MOST_ATTEMPTS)
        failed = {"state": "failed", "error_code": INTERRUPTED[0], "error": INTERRUPTED[1], "finished": now()}
        with self._database.writing() as connection:
            freed = [
                connection.execute(jobs.update().where(dead, *which).values(owner="", **values)).rowcount
                for which, values in (
                    ([jobs.c.cancel], {"state": "canceled", "finished": now()}),
                    ([again], {"state": "queued"}),
                    ([], failed),
                )
            ]
        return sum(freed)

    def _save(
        self,
        connection: sql.Connection,
        id_: str,
        owner: str,
        progress: Progress | None,
        values: Mapping[str, Any],
    ) -> bool:
        saved = dict(values)
        if progress is not None:
            saved |= {name: getattr(progress, name) for name in ("done", "total", "failed", "checkpoint")}
            saved["result"] = dict(progress.result)
            saved |= {"attempts": 0} if progress.checkpoint is not None else {}
        ours = (jobs.c.id == id_) & (jobs.c.owner == owner) & (jobs.c.state == "running")
        if not connection.execute(jobs.update().where(ours).values(saved)).rowcount:
            return False
        if progress is not None and progress.failures:
            number, first = _row(connection, id_).number, progress.failed - len(progress.failures) + 1
            listed = [
                {"job": number, "place": n, "item": f.source, "code": f.code, "reason": f.reason}
                for n, f in enumerate(progress.failures, first)
            ]
            connection.execute(job_failures.insert(), listed)
        return True


def _row(connection: sql.Connection, id_: str) -> Any:
    row = connection.execute(jobs.select().where(jobs.c.id == id_)).one_or_none()
    if row is None:
        raise EntryNotFound("job", id_)
    return row


def _job(row: Any) -> Job:
    names = [name for name in Job.__slots__ if name != "canceling"]
    return Job(**{name: getattr(row, name) for name in names}, canceling=row.cancel)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= 10_000:
        raise InvalidArgument("limit", limit, "between 1 and 10,000")
