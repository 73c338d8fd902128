"""One chunk of records into a store: read, compare with what is there, describe what is new, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import Ensemble
from lookalike.describers.stream import Job, Outcome, describe_stream
from lookalike.errors import InvalidRecord, LookalikeError
from lookalike.intake import Incoming, RawRecord, read_record
from lookalike.records import Failure
from lookalike.settings import Settings
from lookalike.stores.base import Row, Store

__all__ = ["Tally", "Writer", "failure"]


@dataclass(slots=True)
class Tally:
    """Ids by what became of them; grows chunk by chunk."""

    inserted: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes records into one store. default: the vector that a bare `_vector` stands for."""

    store: Store
    ensemble: Ensemble
    settings: Settings
    default: str

    def write(self, chunk: Sequence[RawRecord], tally: Tally) -> None:
        """Write a chunk and count it; everything counted as inserted or updated survives a crash.

        Raises StoreFailed; then nothing of this chunk is counted.
        """
        incoming = self._read(chunk, tally.failed)
        old = {row.id: row for row in self.store.get([record.id for record in incoming]) if row}
        rows: list[Row] = []
        payloads: dict[str, Mapping[str, Any]] = {}
        skipped: list[str] = []
        for row, before in self._rows(incoming, old, tally.failed):
            if row.vectors:
                rows.append(row)
            elif row.payload != before:
                payloads[row.id] = row.payload
            else:
                skipped.append(row.id)
        if rows:
            self.store.upsert(rows)
        if payloads:
            self.store.set_payload(payloads)
        tally.skipped += skipped
        tally.updated += [*(row.id for row in rows if row.id in old), *payloads]
        tally.inserted += [row.id for row in rows if row.id not in old]

    def _read(self, chunk: Sequence[RawRecord], failed: list[Failure]) -> list[Incoming]:
        incoming: dict[str, Incoming] = {}
        for raw in chunk:
            try:
                record = read_record(raw)
                self._check_vectors(record)
            except InvalidRecord as error:
                failed.append(failure(error))
            else:
                incoming[record.id] = record  # of several with one id the last wins
        return list(incoming.values())

    def _check_vectors(self, record: Incoming) -> None:
        for name, row in record.vectors.items():
            width = self.store.dims.get(name or self.default)
            if width is None:
                raise InvalidRecord(record.id, f"there is no vector {name!r}; known: {', '.join(self.store.dims)}")
            if row.shape != (width,):
                raise InvalidRecord(record.id, f"_vector has {row.size} numbers; {name or self.default!r} has {width}")

    def _rows(
        self, incoming: Sequence[Incoming], old: Mapping[str, Row], failed: list[Failure]
    ) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Yield each record's new row, without vectors where only its payload may differ, and its old payload."""
        jobs: list[Job] = []
        for record in incoming:
            before = old[record.id].payload if record.id in old else {}
            if record.source is None or (record.stamp and record.stamp.items() <= before.items()):
                if not before and not record.vectors:
                    error = InvalidRecord(record.id, "it is new and has no picture; give _file, _base64 or _vector")
                    failed.append(failure(error))
                    continue
                vectors = {name or self.default: row for name, row in record.vectors.items()}
                yield Row(record.id, vectors, _payload(before, record, {})), before
            else:
                jobs.append(Job(record.source, (record, before), before.get("_sha256")))
        stream = describe_stream(jobs, self.ensemble, limits=self.settings.limits, workers=self.settings.workers)
        for outcome in stream:
            record, before = outcome.job.item
            if outcome.error:
                failed.append(Failure(record.id, outcome.error.code, outcome.error.reason))
            else:
                vectors = {name: outcome.rows[name] for name in self.store.dims if name in outcome.rows}
                yield Row(record.id, vectors, _payload(before, record, self._facts(outcome))), before

    def _facts(self, outcome: Outcome) -> dict[str, Any]:
        """Return what Lookalike itself keeps of a described picture; nothing if it was not described again."""
        image = outcome.image
        if image is None:
            return {}
        hashes: dict[str, NDArray[np.uint8]] = {name: outcome.rows[name] for name in self.ensemble.hashes}
        return {
            "_sha256": image.sha256,
            "_format": image.format,
            "_width": image.width,
            "_height": image.height,
            **{f"_{name}": bits.tobytes().hex() for name, bits in hashes.items()},
        }


def failure(error: LookalikeError) -> Failure:
    """Return the failure to list for a record that raised an error."""
    if isinstance(error, InvalidRecord):
        return Failure(error.record, error.code, error.reason)
    return Failure("", error.code, str(error))


def _payload(before: Mapping[str, Any], record: Incoming, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**before, **record.fields, **record.stamp, **facts, "_id": record.id}
