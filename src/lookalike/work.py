"""Background jobs: what each kind does with a workspace, and who does them while a service runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from lookalike.catalog import Job, Key
from lookalike.charting import draw_map
from lookalike.collection import Collection
from lookalike.errors import CatalogFailed, ImportUnreadable, PlanExceeded
from lookalike.fetching import fetch_model
from lookalike.gallery import SIZE, make_gallery
from lookalike.jobfiles import job_folder
from lookalike.jobs import JobKind, JobRunner, JobStopped, Task
from lookalike.lessons import learn_labels, learn_likeness, retag
from lookalike.promoting import promote
from lookalike.records import Added, Imported
from lookalike.snapshots import backup
from lookalike.syncing import sync
from lookalike.transfer import ImportRules, import_steps, prepared, read_lines
from lookalike.workspace import Workspace

__all__ = ["KINDS", "Background", "backups_of", "export_of", "room_of"]

_COUNTS: Final = ("inserted", "updated", "skipped", "failed")
_LOOK: Final = 0.2  # seconds between looks at a change of model


def backups_of(space: Workspace) -> Path:
    """Return where backups go that are made over HTTP."""
    folder = Path(space.settings.backups).expanduser() if space.settings.backups else space.path / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def export_of(space: Workspace, job: Job) -> Path:
    """Return the file that an export job writes."""
    return job_folder(space.path) / f"{job.id}.{job.spec['format']}"


def room_of(space: Workspace, key: Key) -> int | None:
    """Return how many records more the key's collections may hold together; None for any number."""
    limit = key.grant.plan.records
    if limit is None:
        return None
    allowed = key.grant.collections
    names = [info.name for info in space.list() if allowed is None or info.name in allowed]
    return limit - sum(len(space.get(name)) for name in names)


def _import(space: Workspace, task: Task) -> None:
    """Import a file of the folder of jobs; go on after the last step that was kept.

    spec: file, format, columns, batch, existing; room: records that the key's plan still had room for, or None.
    """
    spec, collection = task.spec, space.get(str(task.collection))
    path = job_folder(space.path) / spec["file"]
    task.expect(_length(path, spec["format"]))
    rules = ImportRules(spec["format"], spec["columns"], spec["batch"], spec["existing"], files=False)
    lines = prepared(read_lines(path, rules.form), path.parent, rules)
    after = task.checkpoint or 0
    for step in import_steps(lines, partial(_add, collection, rules, task), after=after):
        if task.why == "closing":
            task.check()  # this step was cut short: whoever goes on with the job does it again
        after = step.line
        if task.who:
            space.catalog.usage.count(task.who, requests=0, records=step.inserted + step.updated)
        _count(step, task, after)


def _drop_import(space: Workspace, task: Task) -> None:
    """Delete the file of an import; one that stays goes when the job is forgotten."""
    with suppress(OSError):
        (job_folder(space.path) / task.spec["file"]).unlink()


def _add(collection: Collection, rules: ImportRules, task: Task, records: Sequence[Mapping[str, Any]]) -> Added:
    """Add the records of one step, as many as there are until the job must end or its key's plan is full."""
    room = task.spec["room"]
    if room is not None:
        new = sum(record is None for record in collection.get([record["_id"] for record in records]))
        if task.result.get("inserted", 0) + new > room:
            raise PlanExceeded(task.spec["limit"] - room + task.result.get("inserted", 0) + new, task.spec["limit"])
    return collection.add(_until_stopped(records, task), existing=rules.existing)


def _until_stopped(records: Sequence[Mapping[str, Any]], task: Task) -> Iterator[Mapping[str, Any]]:
    for record in records:
        if task.why:
            return
        yield record


def _count(step: Imported, task: Task, line: int) -> None:
    for failure in step.failures:
        task.fail(failure.source, failure.code, failure.reason)
    for name in _COUNTS:
        task.result[name] = task.result.get(name, 0) + getattr(step, name)
    task.advance(sum(getattr(step, name) for name in _COUNTS), line)


def _length(path: Path, form: Any) -> int | None:
    """Count the records, which costs little beside describing them; None for a file that breaks off."""
    try:
        return sum(1 for _ in read_lines(path, form))
    except ImportUnreadable:
        return None


def _export(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Write a file that is fetched from the job. spec: format, where, vectors."""
    collection, spec = space.get(str(task.collection)), task.spec
    task.expect(collection.count(spec["where"]))
    path = export_of(space, space.catalog.jobs.find(task.id))
    records = collection.export_file(path, where=spec["where"], vectors=spec["vectors"], progress=task.advance)
    return {"records": records, "bytes": path.stat().st_size}


def _redescribe(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Describe a collection by another model, and go on from wherever an earlier run came to. spec: model, anyway."""
    change = space.get(str(task.collection)).redescribe(task.spec["model"], anyway=task.spec["anyway"])
    done, listed = 0, 0
    try:
        while True:
            running = change.running
            task.expect(change.progress.total)
            failed = list(change.progress.failed.values())
            for failure in failed[listed:]:
                task.fail(failure.source, failure.code, failure.reason)
            task.advance(max(0, change.progress.done - done))
            done, listed = max(done, change.progress.done), len(failed)
            if not running:
                break
            task.sleep(_LOOK)
    except JobStopped:
        change.cancel()
        raise
    ended = change.wait()
    return {"model": ended.model, "described": ended.described, "cut_over": ended.cut_over}


def _backup(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Back everything up into the folder of backups. spec: name, force."""
    task.expect(sum(len(space.get(info.name)) for info in space.list()))
    target = backups_of(space) / task.spec["name"]
    saved = backup(space, target, force=task.spec["force"], progress=lambda _, count: task.advance(count))
    return {"created": saved.created, "records": dict(saved.records)}


def _samples(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Make the pictures of the sample gallery and add them to the collection. spec: nothing."""
    task.expect(SIZE)
    records = make_gallery(space.path / "samples", lambda _: task.check())
    added = space.get(str(task.collection)).add(_until_stopped(records, task), progress=task.advance)
    for failure in added.failed:
        task.fail(failure.source, failure.code, failure.reason)
    return {"inserted": len(added.inserted)}


KINDS: Final[Mapping[str, JobKind[Workspace]]] = {
    "import": JobKind(_import, tidy=_drop_import),
    "export": JobKind(_export),
    "redescribe": JobKind(_redescribe),
    "backup": JobKind(_backup),
    "sync": JobKind(sync),
    "samples": JobKind(_samples),
    "fetch": JobKind(fetch_model),
    "map": JobKind(draw_map),
    "tagger": JobKind(learn_labels),
    "likeness": JobKind(learn_likeness),
    "retag": JobKind(retag),
    "promote": JobKind(promote),
}
"""Each runs again after a crash: an import from its last thousand lines, a change of model from the last records."""


class Background:
    """Does the jobs of a workspace and starts the feeds that are due. Use as a context manager, or close it.

    kinds: only these. scheduled: whether feeds are started.
    """

    def __init__(self, space: Workspace, kinds: Sequence[str] = tuple(KINDS), *, scheduled: bool = True) -> None:
        known = {name: KINDS[name] for name in kinds}
        alone = not space.catalog.is_shared
        self._catalog = space.catalog
        self.runner = JobRunner(space.catalog.jobs, space, known, workers=space.settings.job_workers, alone=alone)
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._start_regularly, name="feeds", daemon=True)
        if scheduled:
            self._clock.start()

    def close(self) -> None:
        """Stop each job at its next word; they go on when a service starts again. Closing twice is allowed."""
        self._over.set()
        if self._clock.is_alive():
            self._clock.join()
        self.runner.close()

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_regularly(self) -> None:
        while not self._over.wait(1.0):
            with suppress(CatalogFailed):  # away for a while: the next turn starts them
                self._catalog.feeds.start_due("sync")
