"""What a plan allows just now: so many requests a second, so many at once, so many bytes a day, so many records."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lookalike.catalog import Key
from lookalike.catalog.usage import UsageMeter
from lookalike.errors import PlanExceeded, TooManyRequests
from lookalike.work import room_of
from lookalike.workspace import Workspace

__all__ = ["Bucket", "Meter", "check_room"]

_COUNTED: Final = 10.0  # seconds for which a day's bytes are added up here; other replicas may take as much meanwhile


class Bucket:
    """A token bucket: `rate` requests a second on average, `burst` of them at once."""

    def __init__(self, rate: float, burst: float | None = None) -> None:
        self.rate = rate
        self._burst = max(1.0, rate) if burst is None else burst
        self._left, self._since = self._burst, time.monotonic()

    def take(self) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        moment = time.monotonic()
        self._left = min(self._burst, self._left + (moment - self._since) * self.rate)
        self._since = moment
        if self._left < 1:
            return (1 - self._left) / self.rate
        self._left -= 1
        return 0.0


@dataclass(slots=True)
class _Day:
    day: str
    bytes: int
    read: float


class Meter:
    """Counts what each key asks for. For one thread, that of the event loop; limits hold per process."""

    def __init__(self, usage: UsageMeter) -> None:
        self._usage = usage
        self._buckets: dict[str, Bucket] = {}
        self._open: dict[str, int] = {}
        self._days: dict[str, _Day] = {}

    def enter(self, key: Key) -> None:
        """Count a request that begins; `leave` must follow. Raises TooManyRequests, which counts as refused."""
        plan, rate = key.grant.plan, key.grant.plan.requests_per_second
        if plan.concurrency is not None and self._open.get(key.id, 0) >= plan.concurrency:
            raise TooManyRequests(f"{plan.concurrency} requests at once", 1)
        if rate is not None:
            bucket = self._buckets.get(key.id)
            if bucket is None or bucket.rate != rate:
                bucket = self._buckets[key.id] = Bucket(rate)
            if wait := bucket.take():
                raise TooManyRequests(f"{rate:g} requests a second", wait)
        self._open[key.id] = self._open.get(key.id, 0) + 1

    def leave(self, key: Key, taken: int) -> None:
        """Count a request that is over. taken: bytes of its body."""
        self._open[key.id] -= 1
        if not self._open[key.id]:
            del self._open[key.id]
        if key.id in self._days:
            self._days[key.id].bytes += taken

    def is_counted(self, key: Key) -> bool:
        """Whether `check_bytes` needs no look at the catalog."""
        known = self._days.get(key.id)
        return key.grant.plan.bytes is None or (known is not None and known.read + _COUNTED > time.monotonic())

    def read_bytes(self, key: Key) -> None:
        """Read what the key has sent today from the catalog."""
        today = datetime.now(UTC).date().isoformat()
        sent = sum(usage.bytes for usage in self._usage.of(key.id, since=today))
        self._days[key.id] = _Day(today, sent, time.monotonic())

    def check_bytes(self, key: Key, coming: int) -> None:
        """Raise TooManyRequests if so many bytes more are over what a day allows; call `read_bytes` before."""
        limit, moment = key.grant.plan.bytes, datetime.now(UTC)
        if limit is None:
            return
        day = self._days[key.id]
        if day.day == moment.date().isoformat() and day.bytes + coming > limit:
            midnight = (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            raise TooManyRequests(f"{limit:,} bytes of requests a day", (midnight - moment).total_seconds())


def check_count(space: Workspace, key: Key, count: int) -> None:
    """Raise PlanExceeded if so many new records are more than the key's plan allows."""
    room, limit = room_of(space, key), key.grant.plan.records
    if room is not None and limit is not None and count > max(room, 0):
        raise PlanExceeded(limit - room + count, limit)


def check_room(space: Workspace, key: Key, collection: str, ids: Sequence[str]) -> None:
    """Raise PlanExceeded if records of these ids, where they are new, are more than the key's plan allows."""
    room = room_of(space, key)
    if room is None or len(ids) <= room:
        return
    known = sum(record is not None for record in space.get(collection).get(list(dict.fromkeys(ids))))
    check_count(space, key, len(set(ids)) - known)
