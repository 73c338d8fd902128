"""`AsyncClient`: `Client`, awaited. A test holds that the two have the same methods."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
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
from lookalike.client.sending import AsyncPieces, Tally, arguments, base_of, parted, result
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

__all__ = ["AsyncClient", "AsyncCollection"]

T = TypeVar("T")


class AsyncClient:
    """Asks a service. Close it, or use it as an asynchronous context manager.

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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """key: default LOOKALIKE_KEY of the environment. timeout: seconds without a word, connecting or answering.

        Raises InvalidArgument for an address that isn't one of http or https, and a key that no header can hold.
        """
        self.address, self._patience = address, patience
        self._http = httpx.AsyncClient(**base_of(address, key), timeout=timeout, transport=transport)

    async def compare(self, a: Any, b: Any, *, method: Method = "auto") -> ComparisonBody:
        """Compare two pictures; the answer has the members of `Comparison`, and `model`."""
        return await self._send(calls.compare(a, b, method))

    async def describe(self, sources: Sequence[Any], **options: Any) -> DescriptionsBody:
        """Describe 1 to 64 pictures. options: labels, top, vectors, normalized. One not readable has `error`."""
        return await self._send(calls.describe(sources, options))

    async def group(self, sources: Sequence[Any], **options: Any) -> GroupsBody:
        """Group 1 to 64 pictures that look alike, by their places. options: method, grade."""
        return await self._send(calls.group(sources, options))

    async def models(self) -> list[ModelBody]:
        """Return the models that the service knows."""
        return await self._send(calls.models())

    async def collections(self) -> list[CollectionBody]:
        """Return those that the key may read, ascending by name."""
        return await self._send(calls.collections())

    def collection(self, name: str) -> AsyncCollection:
        """Return a collection by name; nothing is asked, so it need not exist."""
        return AsyncCollection(self, name)

    async def create(self, name: str, **settings: Any) -> AsyncCollection:
        """Make a collection. settings: as of `Workspace.create`. Raises CollectionExists, InvalidName."""
        return self.collection((await self._send(calls.create(name, settings))).name)

    async def drop(self, name: str) -> None:
        """Drop a collection and its records. Raises CollectionNotFound."""
        await self._send(calls.drop(name))

    async def jobs(
        self, *, before: str | None = None, limit: int = 100, collection: str | None = None, live: bool = False
    ) -> list[JobBody]:
        """Return background jobs, newest first."""
        return await self._send(calls.jobs({"before": before, "limit": limit, "collection": collection, "live": live}))

    async def job(self, id: str) -> JobBody:  # noqa: A002 - the word of the API
        """Return one job. Raises EntryNotFound."""
        return await self._send(calls.job(id))

    async def job_errors(self, id: str, *, after: int = 0, limit: int = 100) -> FailuresBody:  # noqa: A002
        """Return items of a job that failed, in order; go on with the answer's `next`."""
        return await self._send(calls.job_errors(id, after, limit))

    async def end_job(self, id: str) -> JobBody | None:  # noqa: A002
        """Cancel a job; None if it was over, and is forgotten now."""
        return await self._send(calls.end_job(id))

    async def wait(
        self,
        id: str,  # noqa: A002
        *,
        seconds: float = 1.0,
        progress: Callable[[JobBody], None] | None = None,
    ) -> JobBody:
        """Return a job once it is over, however it ended. progress: gets it every so many seconds."""
        while True:
            job = await self.job(id)
            if progress:
                progress(job)
            if job.state not in ("queued", "running"):
                return job
            await asyncio.sleep(seconds)

    async def fetch_file(self, id: str, path: str | os.PathLike[str]) -> int:  # noqa: A002
        """Write the file of an export into `path`, whole or not at all; return its bytes."""
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        try:
            async with self._http.stream("GET", f"{calls.job(id).path}/file") as answer:
                if answer.is_error:
                    await answer.aread()
                    raise error_of(answer)
                with part.open("wb") as file:
                    size = sum([file.write(piece) async for piece in answer.aiter_bytes()])
            part.replace(target)
        except httpx.TransportError as error:
            raise ServiceUnreachable(self.address, str(error)) from error
        finally:
            part.unlink(missing_ok=True)
        return size

    async def backup(self, name: str, *, force: bool = False) -> JobBody:
        """Begin a backup of the whole workspace on the service's machine."""
        return await self._send(calls.backup(name, force=force))

    async def taggers(self) -> list[TaggerBody]:
        """Return the taggers of the workspace, ascending by name."""
        return await self._send(calls.taggers())

    async def delete_tagger(self, name: str) -> None:
        """Delete a tagger; collections that use it refuse new pictures until it is out of their `taggers`."""
        await self._send(calls.delete_tagger(name))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, call: Call[T]) -> T:
        for attempt in count(1):
            try:
                answer = await self._http.request(**arguments(call, AsyncPieces))
            except httpx.TransportError as error:
                repeatable = call.repeatable
                pause = self._patience.after_failure(error, attempt, self.address, repeatable=repeatable)
            else:
                waiting = self._patience.after_answer(answer, attempt)
                if waiting is None:
                    return result(call, answer)
                pause = waiting
            await asyncio.sleep(pause)
        raise AssertionError  # counting has no end


class AsyncCollection:
    """A collection of a service; the methods are those of `Collection`."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.client, self.name = client, name
        self._send = client._send

    async def info(self) -> CollectionBody:
        """Return how it is set up and how many records it has. Raises CollectionNotFound."""
        return await self._send(calls.info(self.name))

    async def configure(self, **settings: Any) -> CollectionBody:
        """Change settings; those not given stay."""
        return await self._send(calls.configure(self.name, settings))

    async def add(
        self,
        records: Iterable[RawRecord] | AsyncIterable[RawRecord],
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
        async for raw in _each(records):
            for body, size in chunks.add(raw):
                tally.take(await self._send(calls.add(self.name, body, existing)), size)
        for body, size in chunks.rest():
            tally.take(await self._send(calls.add(self.name, body, existing)), size)
        return tally.total()

    async def update(self, records: Sequence[Mapping[str, Any]], *, replace: bool = False) -> Added:
        """Change metadata of existing records; their pictures stay."""
        tally = Tally(None)
        for part in parted(records, 1000):
            tally.take(await self._send(calls.update(self.name, part, replace=replace)), len(part))
        return tally.total()

    async def get(self, ids: Sequence[str]) -> list[Record | None]:
        """Return the records in the order asked, None where there is none."""
        return [record for part in parted(ids, 1000) for record in await self._send(calls.get(self.name, part))]

    async def delete(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> int:
        """Delete by ids or by filter (exactly one of them); return how many went."""
        return await self._send(calls.delete(self.name, ids, where))

    async def remove(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> DeletedBody:
        """Delete by ids or by filter (exactly one of them), to be brought back for 30 days by the name returned."""
        return await self._send(calls.remove(self.name, ids, where))

    async def removals(self) -> list[RemovalBody]:
        """Return what can be brought back, the newest first."""
        return await self._send(calls.removals(self.name))

    async def bring_back(self, removal: str) -> Added:
        """Insert again what was removed; records whose id is taken by now are skipped."""
        return await self._send(calls.bring_back(self.name, removal))

    async def forget(self, removal: str) -> None:
        """Delete for good what was removed."""
        await self._send(calls.forget(self.name, removal))

    async def erase(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> Erased:
        """Erase records for good, and return the receipt."""
        return await self._send(calls.erase(self.name, ids, where))

    async def count(self, where: Mapping[str, Any] | None = None) -> int:
        """Count the records that match."""
        return await self._send(calls.count(self.name, where))

    async def facets(
        self, fields: Sequence[str], *, where: Mapping[str, Any] | None = None, limit: int = 10
    ) -> dict[str, list[FacetBody]]:
        """Count records by the values of each field."""
        return await self._send(calls.facets(self.name, fields, where, limit))

    async def sample(
        self, size: int = 10, *, where: Mapping[str, Any] | None = None, seed: int | None = None
    ) -> list[Record]:
        """Return random records, each equally likely."""
        return await self._send(calls.sample(self.name, size, where, seed))

    async def scroll(
        self, *, where: Mapping[str, Any] | None = None, after: str | None = None, limit: int = 100
    ) -> Page:
        """Return up to `limit` records, in a stable order; go on with the page's `next`."""
        return await self._send(calls.scroll(self.name, where, after, limit))

    async def records(self, *, where: Mapping[str, Any] | None = None) -> AsyncIterator[Record]:
        """Walk every record that matches, each once."""
        after: str | None = None
        while True:
            page = await self.scroll(where=where, after=after, limit=1000)
            for record in page.records:
                yield record
            if page.next is None:
                return
            after = page.next

    async def search(self, **question: Any) -> Matches:
        """Return the records most like what is asked for, best first. question: the fields of `search.Query`.

        In a trial also `trial` and `visitor`; the answer then has `impression` and `variant`.
        """
        return await self._send(calls.search(self.name, question))

    async def trials(self) -> list[TrialBody]:
        """Return the collection's trials, newest first."""
        return await self._send(calls.trials(self.name))

    async def start_trial(self, name: str, **options: Any) -> TrialBody:
        """Begin a trial. options: a, b, method, share, effect, goal. Raises TrialExists."""
        return await self._send(calls.start_trial(self.name, name, options))

    async def trial_report(self, name: str) -> ReportBody:
        """Return what a trial shows so far. Raises EntryNotFound."""
        return await self._send(calls.trial_report(self.name, name))

    async def promote_trial(self, name: str, variant: str) -> TrialBody | JobBody:
        """End a trial; the settings of "a" or "b" become the collection's. Raises TrialOver.

        Of another collection, records are copied by the job that is returned: `wait` for it.
        """
        return await self._send(calls.promote_trial(self.name, name, variant))

    async def drop_trial(self, name: str) -> TrialBody:
        """End a trial and change nothing. Raises TrialOver."""
        return await self._send(calls.drop_trial(self.name, name))

    async def forget_trial(self, name: str) -> None:
        """Delete a trial with all that was logged."""
        await self._send(calls.forget_trial(self.name, name))

    async def log_event(self, impression: str, record: str, event: str = "click") -> bool:
        """Say what a visitor did with a record that was found: "click", "mark" or "conversion"; whether it counts."""
        return await self._send(calls.log_event(self.name, impression, record, event))

    async def rank(self, records: Sequence[str | Mapping[str, Any]], **question: Any) -> Matches:
        """Put 1 to 1,000 given records in order, best first."""
        return await self._send(calls.rank(self.name, records, question))

    async def check(
        self, image: Any, *, k: int = 10, where: Mapping[str, Any] | None = None, verify: bool = True
    ) -> list[Resemblance]:
        """Return the records that show this picture as it is, edited, or in another shot; likeliest first."""
        return await self._send(calls.check(self.name, image, k, where, verify=verify))

    async def duplicates(self, **rules: Any) -> list[DuplicateGroup]:
        """Return records that show one picture, as groups. rules: where, probability, linkage, apart."""
        return await self._send(calls.duplicates(self.name, rules))

    async def marks(self) -> list[MarkBody]:
        """Return what people said of records that look alike, the oldest first."""
        return await self._send(calls.marks(self.name))

    async def mark(self, verdict: str, members: Sequence[str], *, note: str = "") -> MarkBody:
        """Say that records are the "same" picture, or "different" ones; said again of just these, it is replaced."""
        return await self._send(calls.mark(self.name, verdict, members, note))

    async def unmark(self, mark: int) -> None:
        """Withdraw what was said."""
        await self._send(calls.unmark(self.name, mark))

    async def begin_import(self, path: str | os.PathLike[str], **options: Any) -> JobBody:
        """Send a file of records, which the service then reads in the background. options: format, existing, batch."""
        return await self._send(calls.begin_import(self.name, Path(path), options))

    async def begin_export(self, **options: Any) -> JobBody:
        """Begin to write a file (`Client.fetch_file`). options: where, vectors, format."""
        return await self._send(calls.begin(self.name, "export", options))

    async def begin_redescribe(self, model: str, *, anyway: bool = False) -> JobBody:
        """Begin to describe every record by another model."""
        return await self._send(calls.begin(self.name, "redescribe", {"model": model, "anyway": anyway}))

    async def begin_tagger(self, name: str, field: str, **options: Any) -> JobBody:
        """Begin to learn a tagger from records that say their label in a field.

        options: task ("classify" or "tag"), where, group, precision, held_out, seed, force. Raises WouldOverwrite.
        """
        return await self._send(calls.begin(self.name, "taggers", {"name": name, "field": field, **options}))

    async def begin_retag(self, where: Mapping[str, Any] | None = None) -> JobBody:
        """Begin to ask the collection's taggers about records that are there. Raises TaggerUnusable, TaggerMismatch."""
        return await self._send(calls.begin(self.name, "retag", {"where": where}))


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
