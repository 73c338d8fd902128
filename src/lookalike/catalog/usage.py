"""Usage: what each key asked for, by day; counted in memory and written every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sql

from lookalike.catalog.database import Database, now
from lookalike.catalog.tables import keys, usage
from lookalike.errors import CatalogFailed

__all__ = ["Usage", "UsageMeter"]

_COUNTS: Final = ("requests", "refused", "records", "bytes")
_EVERY: Final = 5.0
"""Seconds between writes, and so what a crash can lose of the counts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a key asked for on a day (YYYY-MM-DD, UTC).

    refused: requests over its plan, not among `requests`. records: written. bytes: of request bodies.
    """

    key: str
    day: str
    requests: int = 0
    refused: int = 0
    records: int = 0
    bytes: int = 0


class UsageMeter:
    """Counts. Safe to call from several threads; `count` touches no disk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._pending: dict[tuple[str, str], Usage] = {}
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None

    def count(self, key: str, *, requests: int = 1, refused: int = 0, records: int = 0, bytes: int = 0) -> None:  # noqa: A002
        """Add to a key's counts of today, and note that it was used."""
        more = Usage(key, datetime.now(UTC).date().isoformat(), requests, refused, records, bytes)
        with self._lock:
            self._add([more])
            if self._writer is None and not self._stop.is_set():
                self._writer = threading.Thread(target=self._write_regularly, name="usage", daemon=True)
                self._writer.start()

    def of(self, key: str, *, since: str = "") -> list[Usage]:
        """Return a key's counts by day, oldest first, today's pending ones included. since: a day, YYYY-MM-DD."""
        self.flush()
        chosen = usage.select().where(usage.c.key == key, usage.c.day >= since).order_by(usage.c.day)
        with self._database.reading() as connection:
            return [Usage(**row._mapping) for row in connection.execute(chosen)]

    def totals(self, *, since: str = "") -> list[Usage]:
        """Return every key's sums since a day, ascending by key; `day` is the first one counted."""
        self.flush()
        sums = [sql.cast(sql.func.sum(usage.c[name]), sql.BigInteger).label(name) for name in _COUNTS]
        chosen = sql.select(usage.c.key, sql.func.min(usage.c.day).label("day"), *sums)
        with self._database.reading() as connection:
            rows = connection.execute(chosen.where(usage.c.day >= since).group_by(usage.c.key)).all()
        return sorted((Usage(**row._mapping) for row in rows), key=lambda entry: entry.key)

    def flush(self) -> None:
        """Write what is pending; if that fails it stays pending. Raises CatalogFailed."""
        with self._flushing:
            with self._lock:
                taken, self._pending = self._pending, {}
            if not taken:
                return
            try:
                self._write(taken)
            except BaseException:
                with self._lock:
                    self._add(taken.values())
                raise

    def close(self) -> None:
        """Stop the regular writing and write the rest. Closing twice is allowed."""
        self._stop.set()
        if self._writer is not None:
            self._writer.join()
        self.flush()

    def _add(self, counts: Any) -> None:
        for more in counts:
            old = self._pending.get((more.key, more.day), Usage(more.key, more.day))
            sums = {name: getattr(old, name) + getattr(more, name) for name in _COUNTS}
            self._pending[more.key, more.day] = Usage(more.key, more.day, **sums)

    def _write(self, taken: Mapping[tuple[str, str], Usage]) -> None:
        entry = self._database.insert(usage)
        sums = {name: usage.c[name] + entry.excluded[name] for name in _COUNTS}
        entry = entry.on_conflict_do_update(index_elements=["key", "day"], set_=sums)
        rows = [{"key": c.key, "day": c.day, **{n: getattr(c, n) for n in _COUNTS}} for _, c in sorted(taken.items())]
        with self._database.writing() as connection:
            connection.execute(entry, rows)
            used = sorted({key for key, _ in taken})
            connection.execute(keys.update().where(keys.c.id.in_(used)).values(last_used=now()))

    def _write_regularly(self) -> None:
        while not self._stop.wait(_EVERY):
            try:
                self.flush()
            except CatalogFailed:
                continue  # what was counted is kept; the next turn, or `close`, tries again
