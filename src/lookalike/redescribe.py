"""A change of model: every record described anew into a store beside the old one, while the old one answers.

State lives in the collection's entry of the catalog, in `beside`, so that it survives whatever happens to the process:
nothing · next: being described, written to as well · previous: the old one after the change, still written to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from lookalike.describers.ensemble import Ensemble
from lookalike.describers.stream import Job, Outcome, describe_stream
from lookalike.errors import ImageError, InvalidRecord, LookalikeError
from lookalike.records import Failure, Record, Redescribed
from lookalike.settings import Settings
from lookalike.stores.base import Row, Store
from lookalike.stores.watched import walk
from lookalike.twins import Names

__all__ = ["Follower", "ReadPicture", "Redescription", "kept_picture"]

_CHUNK = 256

ReadPicture = Callable[[Record], Any]
"""Gives a record's picture as anything `read_image` takes, or None if there is none; may raise."""


def kept_picture(record: Record) -> Any:
    """Return where a record's picture came from: its `_file`, or its `_url`."""
    return record.fields.get("_file") or record.fields.get("_url")


@dataclass(slots=True)
class Progress:
    """How far it is: records looked at, of how many; those described; those that could not be."""

    total: int = 0
    done: int = 0
    described: int = 0
    failed: dict[str, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """A record out of step. known: its vectors, if there is nothing to describe. failed: why it can't be described.

    facts: what is known of its picture beside the payload that it has now.
    """

    row: Row
    known: Mapping[str, NDArray[Any]] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    failed: Failure | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Follower:
    """Brings the second of two stores in step with the first.

    ensemble: makes the second's vectors. read: None takes the kept pictures, and then only if their bytes are still
    those that were described. writing: the lock under which the collection's records are written.
    """

    first: Store
    second: Store
    names: Names
    ensemble: Ensemble
    settings: Settings
    writing: threading.Lock
    read: ReadPicture | None = None

    def follow(self, progress: Progress, stop: threading.Event) -> None:
        """Describe whatever is out of step; go on from wherever an earlier run came to.

        Meanwhile records are written to both stores. A second pass finds those that came without a picture's
        vectors for the second, an import of vectors for one. Raises StoreFailed.
        """
        self._remove_strays()
        progress.total = self.first.count()
        for _ in range(2):
            progress.done = 0
            self._one_pass(progress, stop)

    def _remove_strays(self) -> None:
        for rows in walk(self.second):
            with self.writing:
                there = self.first.get([row.id for row in rows])
                gone = [row.id for row, mine in zip(rows, there, strict=True) if mine is None]
                if gone:
                    self.second.delete(gone)

    def _one_pass(self, progress: Progress, stop: threading.Event) -> None:
        """Look at every record once."""
        stream = describe_stream(
            self._jobs(progress, stop), self.ensemble, limits=self.settings.limits, workers=self.settings.workers
        )
        while chunk := list(islice(stream, _CHUNK)):
            self._write(chunk, progress)

    def _jobs(self, progress: Progress, stop: threading.Event) -> Iterator[Job]:
        """Yield a job for each record that is out of step and was not tried before."""
        for rows in walk(self.first, with_vectors=True, page=_CHUNK):
            others = self.second.get([row.id for row in rows], with_vectors=True)
            for row, other in zip(rows, others, strict=True):
                if stop.is_set():
                    return
                progress.done += 1
                if self.names.in_step(row, other) or row.id in progress.failed:
                    continue
                if other is not None and self.names.is_described(row, other):
                    yield Job(None, _Item(row, other.vectors, self.names.facts(row, other)))
                else:
                    yield self._job(row)

    def _job(self, row: Row) -> Job:
        record = Record(row.id, {name: value for name, value in row.payload.items() if name != "_id"})
        try:
            source = (self.read or kept_picture)(record)
        except LookalikeError as error:
            return Job(None, _Item(row, failed=Failure(row.id, error.code, str(error))))
        except Exception as error:  # noqa: BLE001 - the user's own function; one bad record never fails the rest
            failed = Failure(row.id, ImageError.code, f"{type(error).__name__}: {error}")
            return Job(None, _Item(row, failed=failed))
        if source is not None:
            return Job(source, _Item(row))
        if self.names.replaced & row.vectors.keys():
            reason = "its picture is not kept, and came as bytes or as a vector; supply it with `read`"
            return Job(None, _Item(row, failed=Failure(row.id, InvalidRecord.code, reason)))
        return Job(None, _Item(row, {}))

    def _write(self, outcomes: Sequence[Outcome], progress: Progress) -> None:
        """Write what the first store has now, unless its picture is another one by now: that was written to both."""
        with self.writing:
            now = self.first.get([outcome.job.item.row.id for outcome in outcomes], with_vectors=True)
            rows: list[Row] = []
            for outcome, row in zip(outcomes, now, strict=True):
                before: Row = outcome.job.item.row
                if row is None or row.payload.get("_sha256") != before.payload.get("_sha256"):
                    continue
                made = self._made(outcome, progress)
                beside = self.names.counterpart(row, made)
                rows.append(replace(beside, payload={**outcome.job.item.facts, **beside.payload}))
            if rows:
                self.second.upsert(rows)

    def _made(self, outcome: Outcome, progress: Progress) -> Mapping[str, NDArray[Any]]:
        """Return what is known of the record's picture by the second's describers; list it if nothing is."""
        item: _Item = outcome.job.item
        if item.known is not None:
            return item.known
        failed = item.failed or self._failure(outcome, item.row)
        if failed is not None:
            progress.failed[item.row.id] = failed
            return {}
        progress.described += 1
        return outcome.rows

    def _failure(self, outcome: Outcome, row: Row) -> Failure | None:
        if outcome.error is not None:
            return Failure(row.id, outcome.error.code, outcome.error.reason)
        then = row.payload.get("_sha256")
        if self.read is None and outcome.image is not None and then not in (None, outcome.image.sha256):
            return Failure(row.id, ImageError.code, "there is another picture now; add the record again")
        return None


class Redescription:
    """A change of model under way in a thread of its own; the collection answers as before meanwhile."""

    def __init__(self, follower: Follower, model: str, cut_over: Callable[[], None], *, anyway: bool) -> None:
        """cut_over: makes the second store the first. anyway: also if some records could not be described."""
        self.model = model
        self.progress = Progress()
        self._follower, self._cut_over, self._anyway = follower, cut_over, anyway
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run, name="redescribe", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet, in whatever way."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Stop at the next record, and wait for it; what was described stays, and the next run goes on from there."""
        self._stop.set()
        self._thread.join()

    def wait(self, timeout: float | None = None) -> Redescribed:
        """Return what became of it when it is over, or how far it is after so many seconds.

        Raises StoreFailed and what else ended it.
        """
        self._thread.join(timeout)
        if self._error is not None:
            raise self._error
        failed = tuple(self.progress.failed.values())
        return Redescribed(self.model, self.progress.described, self._over, failed)

    def _run(self) -> None:
        try:
            self._follower.follow(self.progress, self._stop)
            if self._stop.is_set() or (self.progress.failed and not self._anyway):
                return
            self._follower.second.optimize()
            self._cut_over()
            self._over = True
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            self._error = error
