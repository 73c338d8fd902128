"""Records into a store: read, describe what is new, merge with what is there, write; one continuous pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import Ensemble
from lookalike.describers.stream import Job, Outcome, describe_stream
from lookalike.errors import InvalidRecord
from lookalike.intake import Incoming, RawRecord, read_record
from lookalike.records import Failure
from lookalike.settings import Settings
from lookalike.stores.base import Row, Store

__all__ = ["Progress", "Tally", "Writer", "failure"]

_CHUNK = 256  # records written at once: large enough for the store, small enough to lose little on Ctrl-C

Progress = Callable[[int], None]
"""Called with the number of records done since the last call."""


@dataclass(slots=True)
class Tally:
    """Ids by what became of them; grows chunk by chunk."""

    inserted: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes records into one store. default: the vector that a bare `_vector` stands for.

    writing: held while a chunk is merged with what is there and written, so that two writers of one record take
    turns; not while pictures are described.
    """

    store: Store
    ensemble: Ensemble
    settings: Settings
    default: str
    writing: Lock

    def write(self, records: Iterable[RawRecord], tally: Tally, progress: Progress) -> None:
        """Write records and count them; what is counted as inserted or updated survives a crash.

        While one chunk is written the next pictures are described already. Raises StoreFailed.
        """
        stream = describe_stream(
            self._jobs(records), self.ensemble, limits=self.settings.limits, workers=self.settings.workers
        )
        while chunk := list(islice(stream, _CHUNK)):
            described = [outcome for outcome in chunk if not self._failed(outcome, tally)]
            with self.writing:
                self._merge(described, tally)
            progress(len(chunk))

    def _jobs(self, records: Iterable[RawRecord]) -> Iterator[Job]:
        """Yield a job per record, without a source where there is nothing to describe."""
        source = iter(records)
        while chunk := list(islice(source, _CHUNK)):
            read = [self._read(raw) for raw in chunk]
            there = self.store.get([record.id for record in read if isinstance(record, Incoming)])
            known = {row.id: row.payload for row in there if row}
            for record in read:
                if isinstance(record, InvalidRecord):
                    yield Job(None, record)
                    continue
                before = known.get(record.id, {})
                unchanged = bool(record.stamp) and record.stamp.items() <= before.items()
                yield Job(None if unchanged else record.source, record, before.get("_sha256"))

    def _read(self, raw: RawRecord) -> Incoming | InvalidRecord:
        try:
            record = read_record(raw)
            for name, row in record.vectors.items():
                self._check_vector(record.id, name or self.default, row)
        except InvalidRecord as error:
            return error
        return record

    def _check_vector(self, id_: str, name: str, row: NDArray[np.float32]) -> None:
        width = self.store.dims.get(name)
        if width is None:
            raise InvalidRecord(id_, f"there is no vector {name!r}; known: {', '.join(self.store.dims)}")
        if row.shape != (width,):
            raise InvalidRecord(id_, f"_vector has {row.size} numbers; {name!r} has {width}")

    def _failed(self, outcome: Outcome, tally: Tally) -> bool:
        record = outcome.job.item
        if isinstance(record, InvalidRecord):
            tally.failed.append(failure(record))
        elif outcome.error:
            tally.failed.append(Failure(record.id, outcome.error.code, outcome.error.reason))
        else:
            return False
        return True

    def _merge(self, outcomes: Sequence[Outcome], tally: Tally) -> None:
        """Lay the new over what is there now, write what differs, and count."""
        there = self.store.get(list(dict.fromkeys(outcome.job.item.id for outcome in outcomes)))
        now: dict[str, Mapping[str, Any]] = {row.id: row.payload for row in there if row}
        rows: dict[str, Row] = {}
        payloads: dict[str, Mapping[str, Any]] = {}
        counted = Tally()
        for outcome in outcomes:
            record: Incoming = outcome.job.item
            before, vectors = now.get(record.id), self._vectors(outcome)
            if before is None and not vectors:
                error = InvalidRecord(record.id, "it is new and has no picture; give _file, _base64 or _vector")
                counted.failed.append(failure(error))
                continue
            kept = _own_fields(before) if vectors else before  # a new picture leaves nothing of the old one's facts
            payload = {**(kept or {}), **record.fields, **record.stamp, **self._facts(outcome), "_id": record.id}
            if not vectors and payload == before:
                counted.skipped.append(record.id)
                continue
            (counted.inserted if before is None else counted.updated).append(record.id)
            now[record.id] = payload
            if vectors or record.id in rows:
                rows[record.id] = Row(record.id, vectors or rows[record.id].vectors, payload)
            else:
                payloads[record.id] = payload
        self._write(rows, payloads)
        for name in ("inserted", "updated", "skipped", "failed"):
            getattr(tally, name).extend(getattr(counted, name))

    def _write(self, rows: Mapping[str, Row], payloads: Mapping[str, Mapping[str, Any]]) -> None:
        if rows:
            self.store.upsert(list(rows.values()))
        late = {id_: payload for id_, payload in payloads.items() if id_ not in rows}
        if late:
            self.store.set_payload(late)

    def _vectors(self, outcome: Outcome) -> dict[str, NDArray[np.float32]]:
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
            **{f"_{name}": outcome.rows[name].tobytes().hex() for name in self.ensemble.hashes},
        }


def failure(error: InvalidRecord) -> Failure:
    """Return the failure to list for a record that could not be taken."""
    return Failure(error.record, error.code, error.reason)


def _own_fields(payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the user's metadata, without what Lookalike keeps of a picture."""
    return {name: value for name, value in (payload or {}).items() if not name.startswith("_")}
