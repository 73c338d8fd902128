"""Long work in the background: a few workers that take jobs from the catalog, and go on where a dead one stopped."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from lookalike.catalog.database import new_id
from lookalike.catalog.jobs import INTERRUPTED, Job, JobState, JobTable, Progress
from lookalike.errors import CatalogFailed, InvalidArgument, LookalikeError
from lookalike.records import Failure

__all__ = ["JobKind", "JobRunner", "JobStopped", "Task"]

Context = TypeVar("Context")
Saved = TypeVar("Saved")

_PULSE: Final = 0.5
"""Seconds between writes of progress, and at most until a cancel from another process is seen."""

_SILENT: Final = 30.0
"""Seconds without a sign of life after which a replica's jobs are given to another. Clocks may differ by less."""


class JobStopped(BaseException):
    """Raised in a job's function when it must end now: canceled, or the process ends. Let it pass."""


class Task:
    """What a job's function holds on to. Its methods are for one thread at a time.

    spec: what is wanted. checkpoint: where an earlier run came to, None at the beginning. result: fill it with
    what comes of the job; it is kept with the progress.
    """

    def __init__(self, job: Job) -> None:
        self.id, self.collection, self.spec, self.who = job.id, job.collection, job.spec, job.who
        self.checkpoint = job.checkpoint
        self.result: dict[str, Any] = dict(job.result)
        self._kept: dict[str, Any] = dict(job.result)
        self._done, self._failed, self._total = job.done, job.failed, job.total
        self._lock, self._saving = threading.Lock(), threading.Lock()
        self._since: list[Failure] = []  # failures that belong to the next advance
        self._ready: list[Failure] = []  # failures of items that were advanced over, to be written
        self._unsaved: Progress | None = None
        self._stop = threading.Event()
        self.why = ""

    def expect(self, total: int | None) -> None:
        """Say how many items there are in all, as soon as that is known."""
        with self._lock:
            self._total = total

    def fail(self, item: str, code: str, reason: str) -> None:
        """List an item that could not be done; it counts with the next `advance`."""
        self._since.append(Failure(item, code, reason))

    def advance(self, count: int, checkpoint: Any = None) -> None:
        """Say that so many more items are done, failed ones among them. Raises JobStopped if the job must end.

        checkpoint: JSON value from which another process can go on after these items; always given or never.
        Never given, the job begins anew after a crash. What lies after the last one is done again.
        """
        self.keep(checkpoint)
        with self._lock:
            self._move(count)
        self.check()

    def keep(self, checkpoint: Any = None) -> None:
        """Take the checkpoint and the result as they are now. Raises TypeError if they are not JSON."""
        kept = json.loads(json.dumps((checkpoint, self.result)))
        with self._lock:
            self.checkpoint, self._kept = kept

    def check(self) -> None:
        """Raise JobStopped if the job must end; call it in long stretches without an `advance`."""
        if self._stop.is_set():
            raise JobStopped(self.why)

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the job must end. Raises JobStopped then."""
        self._stop.wait(seconds)
        self.check()

    def stop(self, why: str) -> None:
        """Make the function end at its next word. why: "cancel", "lost" or "closing"; the first one stays."""
        if not self._stop.is_set():
            self.why = why
        self._stop.set()

    def save(self, write: Callable[[Progress | None], Saved], *, last: bool = False) -> Saved:
        """Hand what is new of the progress (None: nothing) to `write`; if that raises, it stays new.

        last: with what came since the last `advance`. One at a time, so that progress is written in order.
        """
        with self._saving:
            progress = self._take(last)
            try:
                return write(progress)
            except BaseException:
                self._give_back(progress)
                raise

    def _move(self, count: int) -> None:
        self._done += count
        self._failed += len(self._since)
        self._ready += self._since
        self._since = []
        self._unsaved = Progress(self._done, self._total, self._failed, self._kept, self.checkpoint)

    def _take(self, last: bool) -> Progress | None:
        with self._lock:
            if last:
                self._move(0)
            if self._unsaved is None:
                return None
            progress = replace(self._unsaved, failures=tuple(self._ready))
            self._unsaved, self._ready = None, []
            return progress

    def _give_back(self, progress: Progress | None) -> None:
        if progress is not None:
            with self._lock:
                self._ready = [*progress.failures, *self._ready]
                self._unsaved = self._unsaved or progress


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Context]):
    """What a kind of job does.

    run: gets the runner's context and the task; what it returns is laid over the task's result. An error it raises
    is the job's. resumable: whether another process may run it again, from its checkpoint or from the beginning.
    tidy: clears away what the job needs no more, once it is known to be done; raises nothing.
    """

    run: Callable[[Context, Task], Mapping[str, Any] | None]
    resumable: bool = True
    tidy: Callable[[Context, Task], None] = lambda context, task: None


class JobRunner(Generic[Context]):
    """Does the jobs of a catalog, a bounded number at once. Use as a context manager, or close it.

    Jobs of kinds it doesn't know are left to others. Safe to call from several threads.
    """

    def __init__(
        self,
        table: JobTable,
        context: Context,
        kinds: Mapping[str, JobKind[Context]],
        *,
        workers: int = 2,
        alone: bool = True,
        silent: float = _SILENT,
    ) -> None:
        """Go on with what a dead process left, then take what is queued.

        context: handed to the functions, a workspace for one. alone: no other runner uses the catalog, so that
        whatever is marked as running is left over; otherwise it is when its owner was silent for so many seconds.
        """
        if workers < 1:
            raise InvalidArgument("workers", workers, "at least 1")
        self._table, self._context, self._kinds = table, context, dict(kinds)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{new_id('run')}"
        self._silent = None if alone else silent
        self._running: dict[str, Task] = {}
        self._changed = threading.Condition()
        self._closing, self._over = threading.Event(), threading.Event()
        self._reclaim()
        self._threads = [threading.Thread(target=self._work, name=f"job-{n}", daemon=True) for n in range(workers)]
        self._pulse = threading.Thread(target=self._beat_regularly, name="job-pulse", daemon=True)
        for thread in (*self._threads, self._pulse):
            thread.start()

    def start(self, kind: str, spec: Mapping[str, Any], *, collection: str | None = None, who: str = "") -> Job:
        """Queue a job; a worker begins it as soon as one is free. Raises InvalidArgument for an unknown kind."""
        if kind not in self._kinds:
            raise InvalidArgument("job", kind, f"one of {', '.join(sorted(self._kinds))}")
        job = self._table.add(kind, spec, collection=collection, who=who)
        with self._changed:
            self._changed.notify_all()
        return job

    def cancel(self, id: str) -> Job:  # noqa: A002 - the word users know
        """Make a job end at its next word; what it did stays. Raises EntryNotFound."""
        job = self._table.cancel(id)
        task = self._running.get(id)
        if task is not None:
            task.stop("cancel")
        return job

    def wait(self, id: str, timeout: float | None = None, watch: Callable[[Job], object] | None = None) -> Job:  # noqa: A002
        """Return the job when it is over and tidied up, or as it is after so many seconds. watch: called now and then.

        Raises EntryNotFound.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            job = self._table.find(id)
            if watch is not None:
                watch(job)
            if (job.is_over and id not in self._running) or (deadline is not None and time.monotonic() >= deadline):
                return job
            with self._changed:
                self._changed.wait(_PULSE / 5)

    def close(self) -> None:
        """Stop at the next word of each job; those that are resumable go on when a runner starts again.

        Closing twice is allowed.
        """
        self._closing.set()
        for task in list(self._running.values()):
            task.stop("closing")
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._over.set()
        self._pulse.join()

    def __enter__(self) -> JobRunner[Context]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reclaim(self) -> None:
        resumable = [name for name, kind in self._kinds.items() if kind.resumable]
        self._table.reclaim(list(self._kinds), resumable, self._silent)

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                job = self._table.claim(self._owner, list(self._kinds))
            except CatalogFailed:
                job = None  # the database is away for a while: ask again at the next turn
            if job is None:
                with self._changed:
                    if not self._closing.is_set():
                        self._changed.wait(2 * _PULSE)
                continue
            self._do(job)
            with self._changed:
                self._changed.notify_all()

    def _do(self, job: Job) -> None:
        task = self._running[job.id] = Task(job)
        if self._closing.is_set():
            task.stop("closing")
        kind = self._kinds[job.kind]
        state, error = self._outcome(kind, task)
        while not self._finished(kind, task, state, error) and not self._closing.wait(_PULSE):
            pass  # the database is away; ask again, or nobody would learn how the job ended
        del self._running[job.id]

    def _outcome(self, kind: JobKind[Context], task: Task) -> tuple[JobState, tuple[str, str]]:
        try:
            task.check()  # claimed in the moment of closing, it is left as it was
            task.result.update(kind.run(self._context, task) or {})
            task.keep(task.checkpoint)
        except JobStopped:
            if task.why == "cancel":
                return "canceled", ("", "")
            return ("queued", ("", "")) if kind.resumable else ("failed", INTERRUPTED)
        except LookalikeError as error:
            return "failed", (error.code, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a job's function raises is the job's outcome
            return "failed", ("job_failed", f"{type(error).__name__}: {error}")
        return "done", ("", "")

    def _finished(self, kind: JobKind[Context], task: Task, state: JobState, error: tuple[str, str]) -> bool:
        try:
            ours = task.save(
                lambda progress: self._table.finish(task.id, self._owner, progress, state, error),
                last=state != "queued",  # what lies after the last checkpoint is done again, and fails again
            )
        except CatalogFailed:
            return False
        if ours and state == "done":
            kind.tidy(self._context, task)
        return True

    def _beat_regularly(self) -> None:
        turns = 0
        while not self._over.wait(_PULSE):
            for task in list(self._running.values()):
                self._beat(task)
            turns += 1
            if self._silent is not None and turns % 10 == 0:
                with suppress(CatalogFailed):
                    self._reclaim()

    def _beat(self, task: Task) -> None:
        try:
            answer = task.save(lambda progress: self._table.beat(task.id, self._owner, progress))
        except CatalogFailed:
            return  # the next beat tries again; silent for too long, the job is another's, and the beat says so
        if answer != "go on":
            task.stop(answer)
