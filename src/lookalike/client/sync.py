"""`Client`: a service's workspace, as if it were here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx

from lookalike.administration import FailuresBody, JobBody
from lookalike.client import calls
from lookalike.client.calls import Call
from lookalike.client.patience import Patience
from lookalike.client.problems import error_of
from lookalike.client.records import Chunks
from lookalike.client.sending import Pieces, Tally, arguments, base_of, parted, result
from lookalike.comparison import Method
from lookalike.errors import ServiceUnreachable
from lookalike.intake import RawRecord
from lookalike.records import Added, DuplicateGroup, Erased, Existing, Matches, Page, Record, Resemblance
from lookalike.wire.collections import CollectionBody
from lookalike.wire.duplicates import GroupsBody
from lookalike.wire.marks import MarkBody
from lookalike.wire.pictures import ComparisonBody, DescriptionsBody, ModelBody
from lookalike.wire.records import FacetBody
from lookalike.wire.removed import DeletedBody, RemovalBody
from lookalike.wire.taggers import TaggerBody
from lookalike.wire.trials import ReportBody, TrialBody

__all__ = ["Client", "RemoteCollection"]

T = TypeVar("T")


class Client:
    """Asks a service. Safe to call from several threads; close it, or use it as a context manager.

    Every method raises what the library raises for the same mistake, told by the problem's `code`; and
    ServiceUnreachable when there is no answer, TooManyRequests or Overloaded when patience is at its end, ServiceError
    for anything else. Pictures are whatever `read_image` takes; files are sent as bytes, URLs fetched by the service.
    """

    def __init__(
        self,
        address: str = "http://localhost:8080",
        key: str | None = None,
        *,
        timeout: float = 60.0,
        patience: Patience = Patience(),
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """key: default LOOKALIKE_KEY of the environment. timeout: seconds without a word, connecting or answering.

        Raises InvalidArgument for an address that isn't one of http or https, and a key that no header can hold.
        """
        self.address, self._patience = address, patience
        self._http = httpx.Client(**base_of(address, key), timeout=timeout, transport=transport)

    def compare(self, a: Any, b: Any, *, method: Method = "auto") -> ComparisonBody:
        """Compare two pictures; the answer has the members of `Comparison`, and `model`."""
        return self._send(calls.compare(a, b, method))

    def describe(self, sources: Sequence[Any], **options: Any) -> DescriptionsBody:
        """Describe 1 to 64 pictures. options: labels, top, vectors, normalized. One not readable has `error`."""
        return self._send(calls.describe(sources, options))

    def group(self, sources: Sequence[Any], **options: Any) -> GroupsBody:
        """Group 1 to 64 pictures that look alike, by their places. options: method, grade."""
        return self._send(calls.group(sources, options))

    def models(self) -> list[ModelBody]:
        """Return the models that the service knows."""
        return self._send(calls.models())

    def collections(self) -> list[CollectionBody]:
        """Return those that the key may read, ascending by name."""
        return self._send(calls.collections())

    def collection(self, name: str) -> RemoteCollection:
        """Return a collection by name; nothing is asked, so it need not exist."""
        return RemoteCollection(self, name)

    def create(self, name: str, **settings: Any) -> RemoteCollection:
        """Make a collection. settings: as of `Workspace.create`. Raises CollectionExists, InvalidName."""
        return self.collection(self._send(calls.create(name, settings)).name)

    def drop(self, name: str) -> None:
        """Drop a collection and its records. Raises CollectionNotFound."""
        self._send(calls.drop(name))

    def jobs(
        self, *, before: str | None = None, limit: int = 100, collection: str | None = None, live: bool = False
    ) -> list[JobBody]:
        """Return background jobs, newest first."""
        return self._send(calls.jobs({"before": before, "limit": limit, "collection": collection, "live": live}))

    def job(self, id: str) -> JobBody:  # noqa: A002 - the word of the API
        """Return one job. Raises EntryNotFound."""
        return self._send(calls.job(id))

    def job_errors(self, id: str, *, after: int = 0, limit: int = 100) -> FailuresBody:  # noqa: A002
        """Return items of a job that failed, in order; go on with the answer's `next`."""
        return self._send(calls.job_errors(id, after, limit))

    def end_job(self, id: str) -> JobBody | None:  # noqa: A002
        """Cancel a job; None if it was over, and is forgotten now."""
        return self._send(calls.end_job(id))

    def wait(
        self,
        id: str,  # noqa: A002
        *,
        seconds: float = 1.0,
        progress: Callable[[JobBody], None] | None = None,
    ) -> JobBody:
        """Return a job once it is over, however it ended. progress: gets it every so many seconds."""
        while True:
            job = self.job(id)
            if progress:
                progress(job)
            if job.state not in ("queued", "running"):
                return job
            time.sleep(seconds)

    def fetch_file(self, id: str, path: str | os.PathLike[str]) -> int:  # noqa: A002
        """Write the file of an export into `path`, whole or not at all; return its bytes."""
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            with self._http.stream("GET", f"{calls.job(id).path}/file") as answer, part.open("wb") as file:
                if answer.is_error:
                    answer.read()
                    raise error_of(answer)
                size = sum(file.write(piece) for piece in answer.iter_bytes())
            part.replace(target)
        except httpx.TransportError as error:
            raise ServiceUnreachable(self.address, str(error)) from error
        finally:
            part.unlink(missing_ok=True)
        return size

    def backup(self, name: str, *, force: bool = False) -> JobBody:
        """Begin a backup of the whole workspace on the service's machine."""
        return self._send(calls.backup(name, force=force))

    def taggers(self) -> list[TaggerBody]:
        """Return the taggers of the workspace, ascending by name."""
        return self._send(calls.taggers())

    def delete_tagger(self, name: str) -> None:
        """Delete a tagger; collections that use it refuse new pictures until it is out of their `taggers`."""
        self._send(calls.delete_tagger(name))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        for attempt in count(1):
            try:
                answer = self._http.request(**arguments(call, Pieces))
            except httpx.TransportError as error:
                repeatable = call.repeatable
                pause = self._patience.after_failure(error, attempt, self.address, repeatable=repeatable)
            else:
                waiting = self._patience.after_answer(answer, attempt)
                if waiting is None:
                    return result(call, answer)
                pause = waiting
            time.sleep(pause)
        raise AssertionError  # counting has no end


class RemoteCollection:
    """A collection of a service; the methods are those of `Collection`."""

    def __init__(self, client: Client, name: str) -> None:
        self.client, self.name = client, name
        self._send = client._send

    def info(self) -> CollectionBody:
        """Return how it is set up and how many records it has. Raises CollectionNotFound."""
        return self._send(calls.info(self.name))

    def configure(self, **settings: Any) -> CollectionBody:
        """Change settings; those not given stay."""
        return self._send(calls.configure(self.name, settings))

    def add(
        self,
        records: Iterable[RawRecord],
        *,
        existing: Existing = "merge",
        progress: Callable[[int], None] | None = None,
    ) -> Added:
        """Insert records, or update those whose `_id` exists; sent in chunks while they are still being produced.

        records: as `Collection.add` takes them; what `_file` and `_image` name is sent as bytes. progress: gets the
        number of records done since the last call. What can't be sent or taken is listed in `failed`, and the others go
        on; what was written stays, whatever happens later.
        """
        tally = Tally(progress)
        chunks = Chunks(tally.failed)
        for raw in records:
            for body, size in chunks.add(raw):
                tally.take(self._send(calls.add(self.name, body, existing)), size)
        for body, size in chunks.rest():
            tally.take(self._send(calls.add(self.name, body, existing)), size)
        return tally.total()

    def update(self, records: Sequence[Mapping[str, Any]], *, replace: bool = False) -> Added:
        """Change metadata of existing records; their pictures stay."""
        tally = Tally(None)
        for part in parted(records, 1000):
            tally.take(self._send(calls.update(self.name, part, replace=replace)), len(part))
        return tally.total()

    def get(self, ids: Sequence[str]) -> list[Record | None]:
        """Return the records in the order asked, None where there is none."""
        return [record for part in parted(ids, 1000) for record in self._send(calls.get(self.name, part))]

    def delete(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> int:
        """Delete by ids or by filter (exactly one of them); return how many went."""
        return self._send(calls.delete(self.name, ids, where))

    def remove(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> DeletedBody:
        """Delete by ids or by filter (exactly one of them), to be brought back for 30 days by the name returned."""
        return self._send(calls.remove(self.name, ids, where))

    def removals(self) -> list[RemovalBody]:
        """Return what can be brought back, the newest first."""
        return self._send(calls.removals(self.name))

    def bring_back(self, removal: str) -> Added:
        """Insert again what was removed; records whose id is taken by now are skipped."""
        return self._send(calls.bring_back(self.name, removal))

    def forget(self, removal: str) -> None:
        """Delete for good what was removed."""
        self._send(calls.forget(self.name, removal))

    def erase(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> Erased:
        """Erase records for good, and return the receipt."""
        return self._send(calls.erase(self.name, ids, where))

    def count(self, where: Mapping[str, Any] | None = None) -> int:
        """Count the records that match."""
        return self._send(calls.count(self.name, where))

    def facets(
        self, fields: Sequence[str], *, where: Mapping[str, Any] | None = None, limit: int = 10
    ) -> dict[str, list[FacetBody]]:
        """Count records by the values of each field."""
        return self._send(calls.facets(self.name, fields, where, limit))

    def sample(
        self, size: int = 10, *, where: Mapping[str, Any] | None = None, seed: int | None = None
    ) -> list[Record]:
        """Return random records, each equally likely."""
        return self._send(calls.sample(self.name, size, where, seed))

    def scroll(self, *, where: Mapping[str, Any] | None = None, after: str | None = None, limit: int = 100) -> Page:
        """Return up to `limit` records, in a stable order; go on with the page's `next`."""
        return self._send(calls.scroll(self.name, where, after, limit))

    def records(self, *, where: Mapping[str, Any] | None = None) -> Iterator[Record]:
        """Walk every record that matches, each once."""
        after: str | None = None
        while True:
            page = self.scroll(where=where, after=after, limit=1000)
            yield from page.records
            if page.next is None:
                return
            after = page.next

    def search(self, **question: Any) -> Matches:
        """Return the records most like what is asked for, best first. question: the fields of `search.Query`.

        In a trial also `trial` and `visitor`; the answer then has `impression` and `variant`.
        """
        return self._send(calls.search(self.name, question))

    def trials(self) -> list[TrialBody]:
        """Return the collection's trials, newest first."""
        return self._send(calls.trials(self.name))

    def start_trial(self, name: str, **options: Any) -> TrialBody:
        """Begin a trial. options: a, b, method, share, effect, goal. Raises TrialExists."""
        return self._send(calls.start_trial(self.name, name, options))

    def trial_report(self, name: str) -> ReportBody:
        """Return what a trial shows so far. Raises EntryNotFound."""
        return self._send(calls.trial_report(self.name, name))

    def promote_trial(self, name: str, variant: str) -> TrialBody | JobBody:
        """End a trial; the settings of "a" or "b" become the collection's. Raises TrialOver.

        Of another collection, records are copied by the job that is returned: `wait` for it.
        """
        return self._send(calls.promote_trial(self.name, name, variant))

    def drop_trial(self, name: str) -> TrialBody:
        """End a trial and change nothing. Raises TrialOver."""
        return self._send(calls.drop_trial(self.name, name))

    def forget_trial(self, name: str) -> None:
        """Delete a trial with all that was logged."""
        self._send(calls.forget_trial(self.name, name))

    def log_event(self, impression: str, record: str, event: str = "click") -> bool:
        """Say what a visitor did with a record that was found: "click", "mark" or "conversion"; whether it counts."""
        return self._send(calls.log_event(self.name, impression, record, event))

    def rank(self, records: Sequence[str | Mapping[str, Any]], **question: Any) -> Matches:
        """Put 1 to 1,000 given records in order, best first."""
        return self._send(calls.rank(self.name, records, question))

    def check(
        self, image: Any, *, k: int = 10, where: Mapping[str, Any] | None = None, verify: bool = True
    ) -> list[Resemblance]:
        """Return the records that show this picture as it is, edited, or in another shot; likeliest first."""
        return self._send(calls.check(self.name, image, k, where, verify=verify))

    def duplicates(self, **rules: Any) -> list[DuplicateGroup]:
        """Return records that show one picture, as groups. rules: where, probability, linkage, apart."""
        return self._send(calls.duplicates(self.name, rules))

    def marks(self) -> list[MarkBody]:
        """Return what people said of records that look alike, the oldest first."""
        return self._send(calls.marks(self.name))

    def mark(self, verdict: str, members: Sequence[str], *, note: str = "") -> MarkBody:
        """Say that records are the "same" picture, or "different" ones; said again of just these, it is replaced."""
        return self._send(calls.mark(self.name, verdict, members, note))

    def unmark(self, mark: int) -> None:
        """Withdraw what was said."""
        self._send(calls.unmark(self.name, mark))

    def begin_import(self, path: str | os.PathLike[str], **options: Any) -> JobBody:
        """Send a file of records, which the service then reads in the background. options: format, existing, batch."""
        return self._send(calls.begin_import(self.name, Path(path), options))

    def begin_export(self, **options: Any) -> JobBody:
        """Begin to write a file (`Client.fetch_file`). options: where, vectors, format."""
        return self._send(calls.begin(self.name, "export", options))

    def begin_redescribe(self, model: str, *, anyway: bool = False) -> JobBody:
        """Begin to describe every record by another model."""
        return self._send(calls.begin(self.name, "redescribe", {"model": model, "anyway": anyway}))

    def begin_tagger(self, name: str, field: str, **options: Any) -> JobBody:
        """Begin to learn a tagger from records that say their label in a field.

        options: task ("classify" or "tag"), where, group, precision, held_out, seed, force. Raises WouldOverwrite.
        """
        return self._send(calls.begin(self.name, "taggers", {"name": name, "field": field, **options}))

    def begin_retag(self, where: Mapping[str, Any] | None = None) -> JobBody:
        """Begin to ask the collection's taggers about records that are there. Raises TaggerUnusable, TaggerMismatch."""
        return self._send(calls.begin(self.name, "retag", {"where": where}))
