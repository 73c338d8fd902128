"""A collection kept in step with a feed: what is new is added, what differs changed, what is gone removed if wanted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast
from urllib.parse import urlsplit

from lookalike.catalog import Feed
from lookalike.collection import Collection
from lookalike.errors import InvalidArgument
from lookalike.folders.scan import scan
from lookalike.images.fetch import fetch
from lookalike.jobs import Task
from lookalike.records import Added
from lookalike.settings import Settings
from lookalike.transfer import FileFormat, ImportRules, format_of, import_steps, prepared, read_lines
from lookalike.transfer.reading import Line
from lookalike.workspace import Workspace

__all__ = ["check_feed", "is_url", "sync"]

_MOST_BYTES: Final = 256 * 2**20  # of a feed; its pictures come by themselves
_SECONDS: Final = 600
_REMOVED_AT_ONCE: Final = 1000


def is_url(source: str) -> bool:
    """Whether a feed is fetched, rather than read from this machine."""
    return source[:8].lower().startswith(("http://", "https://"))


def check_feed(feed: Feed) -> None:
    """Raise InvalidArgument if neither the source's name nor `form` tells the format."""
    if not feed.form and not Path(feed.source).is_dir():
        format_of(_named(feed.source))


def sync(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Do one run of a feed, the job's `feed`; the report is the result: added, changed, unchanged, removed, failed.

    Records that the feed brings bear its id as `_batch`, and only those are removed. None is where the feed has no
    records, or lines that can't be read: it may be broken, and `kept` says so. A record whose `_url` is known
    already keeps its picture. Runs again from the beginning if it is interrupted.
    """
    feed = space.catalog.feeds.find(task.spec["feed"])
    collection = space.get(feed.collection)
    report = dict.fromkeys(("added", "changed", "unchanged", "removed", "failed"), 0)
    seen: set[str] = set()
    unreadable = 0
    with _lines(feed, space.settings) as lines:
        for step in import_steps(_noted(lines, seen), partial(_add, collection, feed, task)):
            for failure in step.failures:
                task.fail(failure.source, failure.code, failure.reason)
                unreadable += "(" not in failure.source  # a line without an id
            for name, count in zip(report, (step.inserted, step.updated, step.skipped, 0, step.failed), strict=True):
                report[name] += count
            task.result.update(report)
            task.advance(step.inserted + step.updated + step.skipped + step.failed)
    if feed.remove:
        kept = "the feed is empty" if not seen else "the feed has lines that can't be read" if unreadable else ""
        report["removed"] = 0 if kept else _remove(collection, feed, seen, task)
        task.result.update(report, **({"kept": f"nothing was removed: {kept}"} if kept else {}))
    written = report["added"] + report["changed"] + report["removed"]
    if written:
        space.catalog.audit.append(
            "feed.sync", who=task.who, target=feed.collection, count=written, details={"feed": feed.id, **report}
        )
    return report


def _add(collection: Collection, feed: Feed, task: Task, records: list[Mapping[str, Any]]) -> Added:
    task.check()
    there = collection.get([record["_id"] for record in records])
    known = [record.fields.get("_url") if record else None for record in there]
    told = [
        {name: value for name, value in record.items() if name != "_url"}
        if url is not None and record.get("_url") == url
        else record
        for record, url in zip(records, known, strict=True)
    ]
    return collection.add(told, existing=feed.existing, progress=lambda _: task.check())


def _remove(collection: Collection, feed: Feed, seen: set[str], task: Task) -> int:
    brought = [record.id for record in collection.records(where={"_batch": feed.id})]
    gone = [id_ for id_ in brought if id_ not in seen]
    removed = 0
    for start in range(0, len(gone), _REMOVED_AT_ONCE):
        task.check()
        removed += collection.delete(gone[start : start + _REMOVED_AT_ONCE])
    return removed


def _noted(lines: Iterable[Line], seen: set[str]) -> Iterator[Line]:
    for number, record in lines:
        if isinstance(record, Mapping) and isinstance(record.get("_id"), str):
            seen.add(record["_id"])
        yield number, record


@contextmanager
def _lines(feed: Feed, settings: Settings) -> Iterator[Iterator[Line]]:
    """Open a feed. Only one of this machine may name files of this machine."""
    form = cast(FileFormat | None, feed.form or None)
    rules = ImportRules(form, feed.columns, feed.id, feed.existing, files=not is_url(feed.source))
    if not is_url(feed.source):
        path = Path(feed.source)
        lines = _pictures(path) if path.is_dir() else read_lines(path, form)
        yield prepared(lines, path.parent, rules)
        return
    fetching = replace(settings.limits.fetching, bytes=_MOST_BYTES, seconds=_SECONDS)
    data = fetch(feed.source, fetching)
    with tempfile.TemporaryDirectory(prefix="lookalike-feed-") as folder:
        file = Path(folder) / (_named(feed.source).name or "feed")
        file.write_bytes(data)
        yield prepared(read_lines(file, form), file.parent, rules)


def _pictures(folder: Path) -> Iterator[Line]:
    found = scan(folder)
    if found.unreadable:
        first, reason = next(iter(found.unreadable.items()))
        raise InvalidArgument("the folder", str(folder), f"readable throughout; {first} is not: {reason}")
    for number, path in enumerate(found.pictures, 1):
        yield number, {"_id": found.name(path), "_file": str(path)}


def _named(source: str) -> Path:
    return Path(PurePosixPath(urlsplit(source).path).name) if is_url(source) else Path(source)
