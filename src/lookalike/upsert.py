"""Records into a store: read, describe what is new, merge with what is there, write; one continuous pipeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, get_args

import numpy as np

from lookalike.describers.ensemble import Ensemble
from lookalike.describers.stream import Job, Outcome, describe_stream
from lookalike.errors import ImageError, InvalidArgument, InvalidRecord
from lookalike.images.sources import Encoded, load
from lookalike.intake import FACTS, STAMPS, Incoming, RawRecord, read_record
from lookalike.kinds import CollectionSettings
from lookalike.records import Existing, Failure
from lookalike.settings import Settings
from lookalike.stores.base import Row, Store, Vector
from lookalike.taggers import Flow, flow_of
from lookalike.taggers.flow import AUTOMATIC, stale, told

__all__ = ["Automatic", "Progress", "Tally", "Writer", "automatic"]

_CHUNK = 256  # records written at once: large enough for the store, small enough to lose little on Ctrl-C
_FETCHES = 16  # URLs asked at once; their answers may wait to be described
_TAGS = 5
_READ = {"meaning", "color"}  # what labels are read from
_PICTURED = set(FACTS) - {"_batch"}

Progress = Callable[[int], None]
"""Called with the number of records done since the last call."""


@dataclass(frozen=True, slots=True)
class Automatic:
    """What fills metadata of new pictures by itself, where their records have none and bring none.

    labels: how many labels become tags. flow: taggers, in order.
    """

    labels: int = 0
    flow: Flow | None = None

    @property
    def fields(self) -> set[str]:
        """The metadata fields that may be filled."""
        return (self.flow.fields if self.flow else set()) | ({"tags"} if self.labels else set())

    @property
    def reads(self) -> set[str]:
        """The vectors that a record must have for anything to be filled."""
        return (self.flow.reads if self.flow else set()) | (_READ if self.labels else set())

    def check(self, ensemble: Ensemble) -> None:
        """Raise TaggerMismatch unless the taggers read what these describers make."""
        if self.flow is not None:
            self.flow.check(ensemble.signatures)

    def given(self, rows: Mapping[str, Any], payload: Mapping[str, Any], ensemble: Ensemble) -> dict[str, Any]:
        """Return metadata field -> value; nothing that the payload has."""
        found = self.flow.given(rows, payload) if self.flow is not None else {}
        if self.labels and "tags" not in payload:
            found["tags"] = list(dict.fromkeys([*found.get("tags", ()), *ensemble.tags(rows)[: self.labels]]))
        return found


def automatic(settings: CollectionSettings, wanted: bool | None, workspace: Path) -> Automatic:
    """Return what fills metadata of new pictures in a collection. wanted: labels and taggers at all, or tags at least.

    None leaves it at what the settings say. Raises TaggerUnusable.
    """
    if wanted is False:
        return Automatic()
    flow = flow_of(settings.taggers, workspace) if settings.taggers else None
    return Automatic((settings.auto_tags or _TAGS) if wanted else settings.auto_tags, flow)


@dataclass(slots=True)
class Tally:
    """Ids by what became of them; grows chunk by chunk."""

    inserted: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    def fail(self, error: InvalidRecord) -> None:
        """List a record that could not be taken."""
        self.failed.append(_failure(error))

    def extend(self, other: Tally) -> None:
        """Add what another one counted."""
        for name in ("inserted", "updated", "skipped", "failed"):
            getattr(self, name).extend(getattr(other, name))


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes records into one store. default: the vector that a bare `_vector` stands for.

    writing: held while a chunk is merged with what is there and written, so that two writers of one record take
    turns; not while pictures are described. existing: what becomes of records that are there already. automatic: what
    a picture's record gets when it is described, if it neither has nor brings that. latest: returns the collection's
    writer by now: after a change of model it has another store and other describers.
    """

    store: Store
    ensemble: Ensemble
    settings: Settings
    default: str
    writing: Lock
    existing: Existing = "merge"
    automatic: Automatic = Automatic()
    latest: Callable[[], Writer] | None = None

    def rule(self, existing: Existing, automatic: Automatic = Automatic()) -> Writer:
        """Return a writer that treats records that exist like this, and fills metadata so. Raises InvalidArgument."""
        if existing not in get_args(Existing):
            raise InvalidArgument("existing", existing, f"one of {', '.join(get_args(Existing))}")
        return replace(self, existing=existing, automatic=automatic)

    def write(self, records: Iterable[RawRecord], tally: Tally, progress: Progress) -> None:
        """Write records and count them; what is counted as inserted or updated survives a crash.

        While one chunk is written the next pictures are described already. Raises StoreFailed, TaggerMismatch.
        """
        self.automatic.check(self.ensemble)
        stream = self._described(_fetched(self._jobs(records), self.settings))
        while chunk := list(islice(stream, _CHUNK)):
            self._land([outcome for outcome in chunk if not _failed(outcome, tally)], tally)
            progress(len(chunk))

    def update(self, records: Iterable[RawRecord], tally: Tally) -> None:
        """Change metadata of records that exist, a chunk at a time; pictures and vectors stay. Raises StoreFailed."""
        source = iter(records)
        while chunk := list(islice(source, _CHUNK)):
            with self.writing:
                self._now()._update(chunk, tally)

    def _now(self) -> Writer:
        return self if self.latest is None else self.latest().rule(self.existing, self.automatic)

    def _described(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        return describe_stream(jobs, self.ensemble, limits=self.settings.limits, workers=self.settings.workers)

    def _land(self, outcomes: Sequence[Outcome], tally: Tally) -> None:
        """Write what was described; if the model changed since, describe it once more by the new one."""
        with self.writing:
            now = self._now()
            if now.store is self.store:
                self._merge(outcomes, tally)
                return
        now.automatic.check(now.ensemble)
        again = now._described(Job(outcome.job.source, outcome.job.item) for outcome in outcomes)
        now._land([outcome for outcome in again if not _failed(outcome, tally)], tally)

    def _jobs(self, records: Iterable[RawRecord]) -> Iterator[Job]:
        """Yield a job per record, without a source where there is nothing to describe."""
        source = iter(records)
        seen: set[str] = set()
        while chunk := list(islice(source, _CHUNK)):
            read = [self._read(raw, seen) for raw in chunk]
            with self.writing:  # no store is closed meanwhile
                there = self._now().store.get([record.id for record in read if isinstance(record, Incoming)])
            known = {row.id: row.payload for row in there if row}
            for record in read:
                before = known.get(record.id, {}) if isinstance(record, Incoming) else {}
                if isinstance(record, Failure) or (before and self.existing in ("skip", "refuse")):
                    yield Job(None, record)
                    continue
                unchanged = "_mtime" in record.stamp and record.stamp.items() <= before.items()
                yield Job(None if unchanged else record.source, record, before.get("_sha256"))

    def _read(self, raw: RawRecord, seen: set[str]) -> Incoming | Failure:
        try:
            record = read_record(raw)
            for name, row in record.vectors.items():
                self._check_vector(record.id, name or self.default, row)
            if record.source is not None and not self.ensemble.dims.keys() & self.store.dims.keys():
                raise InvalidRecord(record.id, "this collection keeps vectors of your own; give _vector, no picture")
            if record.id in seen:
                raise InvalidRecord(record.id, "its _id came before in this batch; the first one was taken")
        except InvalidRecord as error:
            return _failure(error)
        seen.add(record.id)
        return record

    def _check_vector(self, id_: str, name: str, row: Vector) -> None:
        width = self.store.dims.get(name)
        if width is None:
            raise InvalidRecord(id_, f"there is no vector {name!r}; known: {', '.join(self.store.dims)}")
        if row.shape != (width,):
            raise InvalidRecord(id_, f"_vector has {row.size} numbers; {name!r} has {width}")

    def _merge(self, outcomes: Sequence[Outcome], tally: Tally) -> None:
        """Lay the new over what is there now, write what differs, and count."""
        there = {row.id: row for row in self._there(outcomes) if row}
        rows: list[Row] = []
        payloads: dict[str, Mapping[str, Any]] = {}
        counted = Tally()
        for outcome in outcomes:
            record: Incoming = outcome.job.item
            before, given = there.get(record.id), self._vectors(outcome)
            if before is not None and self.existing in ("skip", "refuse"):
                self._leave(record, counted)
                continue
            if before is None and not given:
                reason = "it is new and has no picture; give _file, _url, _base64 or _vector"
                counted.fail(InvalidRecord(record.id, reason))
                continue
            vectors, payload = self._laid_over(before, outcome, given)
            if before is not None and payload == before.payload and _same(vectors, before.vectors, given):
                counted.skipped.append(record.id)
                continue
            (counted.inserted if before is None else counted.updated).append(record.id)
            if given:
                rows.append(Row(record.id, vectors, payload))
            else:
                payloads[record.id] = payload
        if rows:
            self.store.upsert(rows)
        if payloads:
            self.store.set_payload(payloads)
        tally.extend(counted)

    def _there(self, outcomes: Sequence[Outcome]) -> list[Row | None]:
        """Read what is there now; with vectors only where some of them could stay."""
        ids = [outcome.job.item.id for outcome in outcomes]
        return self.store.get(
            ids, with_vectors=bool(self._own) or any(outcome.job.item.vectors for outcome in outcomes)
        )

    @property
    def _own(self) -> set[str]:
        """Names of the vectors that no describer of ours makes."""
        return set(self.store.dims) - set(self.ensemble.dims)

    def _leave(self, record: Incoming, counted: Tally) -> None:
        if self.existing == "skip":
            counted.skipped.append(record.id)
        else:
            counted.fail(InvalidRecord(record.id, "there is a record of this _id already; upsert or update it"))

    def _laid_over(
        self, before: Row | None, outcome: Outcome, given: Mapping[str, Vector]
    ) -> tuple[dict[str, Vector], dict[str, Any]]:
        """Return the vectors and the payload of a record: what is given over what stays of what was there.

        A new picture, or vectors in the place of one, leave nothing of the old one's facts and vectors; vectors of
        the user's own stay until they are given again.
        """
        record: Incoming = outcome.job.item
        pictured = bool(given.keys() - self._own)
        moved = pictured or any(name in record.stamp for name in STAMPS)
        gone = {*record.unset, *(STAMPS if moved else ()), *(_PICTURED if pictured else ())}
        if pictured and before:
            gone |= stale(before.payload)
        kept = self._kept(before.payload, gone) if before else {}
        stays = (
            {name: row for name, row in before.vectors.items() if not pictured or name in self._own} if before else {}
        )
        payload = {**kept, **record.fields, **record.stamp, **self._facts(outcome), "_id": record.id}
        if outcome.image is not None and (filled := self.automatic.given(outcome.rows, payload, self.ensemble)):
            payload |= {**filled, AUTOMATIC: told(filled)}
        return {**stays, **given}, payload

    def _kept(self, payload: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
        """Return what stays of a record's payload: what is not gone; of metadata that is replaced, nothing."""
        own = self.existing != "replace"
        return {name: value for name, value in payload.items() if name not in gone and (own or name.startswith("_"))}

    def _update(self, raws: Sequence[RawRecord], tally: Tally) -> None:
        read = [_read_metadata(raw) for raw in raws]
        ids = [record.id for record in read if isinstance(record, Incoming)]
        now = {row.id: row.payload for row in self.store.get(ids) if row}
        changed: dict[str, Mapping[str, Any]] = {}
        for record in read:
            if isinstance(record, Failure):
                tally.failed.append(record)
            elif record.id not in now:
                tally.fail(InvalidRecord(record.id, "there is no such record; use add for a new one"))
            else:
                kept = self._kept(now[record.id], record.unset)
                changed[record.id] = now[record.id] = {**kept, **record.fields, **record.stamp}
                tally.updated.append(record.id)
        if changed:
            self.store.set_payload(changed)

    def _vectors(self, outcome: Outcome) -> dict[str, Vector]:
        given: Incoming = outcome.job.item
        described = {name: outcome.rows[name] for name in self.store.dims if name in outcome.rows}
        return {**described, **{name or self.default: row for name, row in given.vectors.items()}}

    def _facts(self, outcome: Outcome) -> dict[str, Any]:
        """Return what Lookalike itself keeps of a described picture; nothing if it was not described now."""
        image = outcome.image
        if image is None:
            return {}
        return {
            "_sha256": image.sha256,
            "_format": image.format,
            "_width": image.width,
            "_height": image.height,
            **({"_taken": image.taken} if image.taken else {}),
            **({"_exif": image.exif} if image.exif else {}),
            **{f"_{name}": outcome.rows[name].tobytes().hex() for name in self.ensemble.hashes},
        }


def _fetched(jobs: Iterable[Job], settings: Settings) -> Iterator[Job]:
    """Put the bytes of pictures given by URL into their jobs, in order; several are under way at once."""
    ahead: deque[Job | Future[Job]] = deque()
    with ThreadPoolExecutor(_FETCHES, thread_name_prefix="fetch") as pool:
        try:
            for job in jobs:
                by_url = job.source is not None and "_url" in job.item.stamp
                ahead.append(pool.submit(_fetch, job, settings) if by_url else job)
                if len(ahead) > _FETCHES or not by_url:
                    yield from _finished(ahead, len(ahead) if not by_url else 1)
            yield from _finished(ahead, len(ahead))
        finally:
            for waiting in ahead:
                if isinstance(waiting, Future):
                    waiting.cancel()


def _finished(ahead: deque[Job | Future[Job]], count: int) -> Iterator[Job]:
    for _ in range(count):
        job = ahead.popleft()
        yield job.result() if isinstance(job, Future) else job


def _fetch(job: Job, settings: Settings) -> Job:
    try:
        found = load(job.source, settings.limits)
    except ImageError as error:
        return Job(None, Failure(job.item.id, error.code, error.reason))
    return replace(job, source=found.data if isinstance(found, Encoded) else found.pixels)


def _failed(outcome: Outcome, tally: Tally) -> bool:
    item = outcome.job.item
    if isinstance(item, Failure):
        tally.failed.append(item)
    elif outcome.error:
        tally.failed.append(Failure(item.id, outcome.error.code, outcome.error.reason))
    else:
        return False
    return True


def _read_metadata(raw: RawRecord) -> Incoming | Failure:
    try:
        record = read_record(raw)
        if record.source is not None or record.vectors:
            raise InvalidRecord(record.id, "update changes metadata only; use add for a new picture")
    except InvalidRecord as error:
        return _failure(error)
    return record


def _failure(error: InvalidRecord) -> Failure:
    return Failure(error.record, error.code, error.reason)


def _same(vectors: Mapping[str, Vector], there: Mapping[str, Vector], given: Mapping[str, Vector]) -> bool:
    """Whether the vectors given leave those there as they are, to the last bit."""
    return not given or (
        vectors.keys() == there.keys() and all(np.array_equal(row, there[name]) for name, row in vectors.items())
    )
