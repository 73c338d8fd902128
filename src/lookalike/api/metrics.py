"""GET /metrics: what a Prometheus server collects. The only file that imports prometheus_client."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from lookalike.api.security import caller_of
from lookalike.counting import fetches, model_batches, model_queue
from lookalike.errors import LookalikeError, NotPermitted
from lookalike.version import __version__
from lookalike.workspace import Workspace

__all__ = ["Metrics", "router"]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)
_SIZED: Final = 30.0  # seconds that sizes on disk are good for
_BLOCK: Final = 512  # bytes, the unit of st_blocks whatever the file system (POSIX)

router = APIRouter(tags=["health"])


class Metrics:
    """What one application counts. Safe to call from several threads."""

    def __init__(self, space: Workspace) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "lookalike_request_seconds",
            "Time to answer a request",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._open = Gauge("lookalike_requests_open", "Requests being answered", registry=self._registry)
        self._registry.register(_Sizes(space))
        self.threads = CapacityLimiter(1)
        """Whoever watches is answered while all other threads are at work."""

    def begin(self) -> None:
        """Count a request that begins."""
        self._open.inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that is over. route: its template, so that there are as many series as routes."""
        self._open.dec()
        known = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
        self._seconds.labels(known, route or "none", str(status)).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)


class _Sizes(Collector):
    """What is looked up when somebody asks."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._bytes, self._sized = 0, -_SIZED

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """Yield the families."""
        version = GaugeMetricFamily("lookalike_info", "The version that runs", labels=["version"])
        version.add_metric([__version__], 1)
        yield version
        yield self._records()
        yield GaugeMetricFamily("lookalike_workspace_bytes", "Size of the workspace's folder", self._folder())
        waiting = [job.state for job in self._space.catalog.jobs.page(live=True, limit=10_000)]
        jobs = GaugeMetricFamily("lookalike_jobs", "Background jobs not over", labels=["state"])
        for state in ("queued", "running"):
            jobs.add_metric([state], waiting.count(state))
        yield jobs
        fetched = CounterMetricFamily("lookalike_fetches", "URLs asked for pictures", labels=["outcome"])
        for outcome, count in sorted(fetches.now().items(), key=str):
            fetched.add_metric([str(outcome)], count)
        yield fetched
        yield _batches()
        yield GaugeMetricFamily("lookalike_model_queue", "Pictures that wait until a model is free", model_queue.now())

    def _records(self) -> GaugeMetricFamily:
        records = GaugeMetricFamily("lookalike_records", "Records of a collection", labels=["collection"])
        for info in self._space.list():
            try:
                records.add_metric([info.name], len(self._space.get(info.name)))
            except LookalikeError:
                continue  # dropped meanwhile, or unreadable: no number is better than a wrong one
        return records

    def _folder(self) -> int:
        if time.monotonic() - self._sized >= _SIZED:
            self._bytes, self._sized = _size(self._space.path), time.monotonic()
        return self._bytes


def _batches() -> HistogramMetricFamily:
    counts = {int(size): count for size, count in model_batches.now().items()}
    below = [(str(edge), sum(n for size, n in counts.items() if size <= edge)) for edge in _BATCHES]
    family = HistogramMetricFamily("lookalike_model_batch_size", "Pictures a model describes at once")
    family.add_metric([], [*below, ("+Inf", sum(counts.values()))], sum(size * n for size, n in counts.items()))
    return family


def _size(folder: Path) -> int:
    """Return the bytes that the disk gives, as stores' files are mostly holes; outside POSIX the files' lengths."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                facts = os.lstat(os.path.join(place, name))  # noqa: PTH118 - called for every file
            except OSError:
                continue  # gone meanwhile
            total += facts.st_blocks * _BLOCK if hasattr(facts, "st_blocks") else facts.st_size
    return total


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Needs a key that reads every collection: names and sizes are nobody else's business."""
    if caller_of(request).key.grant.collections is not None:
        raise NotPermitted("a key that reads every collection")
    counted: Metrics = request.app.state.metrics
    text = await to_thread.run_sync(counted.text, limiter=counted.threads)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
