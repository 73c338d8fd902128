"""A Qdrant server or cluster: reaching it, and laying out a collection on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from lookalike.errors import LookalikeError, StoreFailed, StoreUnreadable
from lookalike.stores.copies import COPIES, plain_name
from lookalike.stores.encoding import FORMAT, TOKENS

__all__ = ["Connection", "Layout", "check_collection", "create_collection", "engine_errors", "integer_index"]

_PAUSES: Final = (0.2, 0.8, 3.2)
"""Seconds between the tries of a call."""

_LATER: Final = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a new collection is spread over a cluster; a single server takes the same settings.

    shards: parts it is cut into, for good: a self-hosted cluster can't cut again, so it is the most nodes that will
    ever share the work. replicas: nodes that keep each part. consistency: how many of them must have taken a write
    before it is acknowledged; 1 goes on writing while a node is down. scan_floats: a search over no more floats
    than this is a scan, exact and without graph.
    """

    shards: int = 12
    replicas: int = 2
    consistency: int = 1
    scan_floats: int = 5_000_000


class Connection:
    """A server or cluster, shared by the stores of a workspace. Safe to call from several threads.

    Calls that get no answer, or one that says "later", are tried four times within some seconds: every call here
    has the same effect twice as once.
    """

    def __init__(self, client: QdrantClient, name: str) -> None:
        """name: what messages call it, its address. `in_memory`: whether it has neither graphs nor indexes."""
        self.name = name
        self.in_memory = client.init_options.get("location") == ":memory:"
        self._client = client
        self._turn, self._guard = threading.Lock(), threading.Lock()

    @classmethod
    def to(cls, url: str, *, api_key: str | None = None, timeout: int = 60) -> Connection:
        """Connect to a URL, `http://host:6333`; ":memory:" is an empty engine of this process. timeout: seconds."""
        if url == ":memory:":
            return cls(QdrantClient(":memory:"), "memory")
        with engine_errors("reach the cluster"):
            return cls(QdrantClient(url=url, api_key=api_key, timeout=timeout, check_compatibility=False), url)

    def call(self, verb: str, *arguments: Any, **options: Any) -> Any:
        """Call a verb of the client; what it raises comes as it is."""
        for pause in _PAUSES:
            try:
                return self._once(verb, *arguments, **options)
            except (ResponseHandlingException, UnexpectedResponse) as problem:
                if isinstance(problem, UnexpectedResponse) and problem.status_code not in _LATER:
                    raise
                time.sleep(pause)
        return self._once(verb, *arguments, **options)

    def _once(self, verb: str, *arguments: Any, **options: Any) -> Any:
        with self._one_at_a_time() if self.in_memory else nullcontext():
            return getattr(self._client, verb)(*arguments, **options)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """The engine in this process's memory takes no threads. Whoever has been waiting goes first."""
        with self._turn:
            self._guard.acquire()
        try:
            yield
        finally:
            self._guard.release()

    def collections(self) -> list[str]:
        """Return the names of the engine's collections, ascending. Raises StoreFailed."""
        with engine_errors("list the collections"):
            return sorted(one.name for one in self.call("get_collections").collections)

    def drop(self, name: str) -> None:
        """Delete a collection, if there is one of the name. Raises StoreFailed."""
        with engine_errors("drop the collection"):
            self.call("delete_collection", name)

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()


def create_collection(connection: Connection, name: str, dims: Mapping[str, int], layout: Layout) -> None:
    quantization = models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
    )
    none = models.HnswConfigDiff(m=0)
    vectors = {}
    for vector, dim in dims.items():
        vectors[vector] = models.VectorParams(
            size=dim, distance=models.Distance.DOT, on_disk=True, quantization_config=quantization
        )
        vectors[vector + COPIES] = models.VectorParams(
            size=dim, distance=models.Distance.DOT, on_disk=True, hnsw_config=none
        )
    connection.call(
        "create_collection",
        name,
        vectors_config=vectors,
        shard_number=layout.shards,
        replication_factor=layout.replicas,
        write_consistency_factor=layout.consistency,
        on_disk_payload=True,
        metadata={"lookalike": FORMAT},
    )
    if not connection.in_memory:
        connection.call("create_payload_index", name, TOKENS, integer_index(lookup=True), wait=True)


def check_collection(connection: Connection, name: str, dims: Mapping[str, int]) -> None:
    """Raise StoreUnreadable unless the collection is one of ours, of this format and these dims."""
    config = connection.call("get_collection", name).config
    where = f"{connection.name}/{name}"
    version = (config.metadata or {}).get("lookalike")
    if version != FORMAT:
        told = f"it has format {version}, this version reads format {FORMAT}"
        raise StoreUnreadable(where, told, "Upgrade Lookalike; nothing was changed")
    found = config.params.vectors or {}
    kept = {vector: params.size for vector, params in found.items() if vector == plain_name(vector)}
    if kept != dict(dims):
        raise StoreUnreadable(where, f"it keeps vectors of {kept} floats, asked for were {dict(dims)}")


def integer_index(*, lookup: bool) -> models.IntegerIndexParams:
    """An integer index on disk. No graph links of its own: they make building endless."""
    kind = models.IntegerIndexType.INTEGER
    return models.IntegerIndexParams(type=kind, lookup=lookup, range=not lookup, on_disk=True, enable_hnsw=False)


@contextmanager
def engine_errors(operation: str) -> Iterator[None]:
    """Turn what the client raises into StoreFailed."""
    try:
        yield
    except LookalikeError:
        raise
    except UnexpectedResponse as problem:
        said = problem.content.decode("utf-8", "replace")[:500]
        raise StoreFailed(operation, f"the cluster answered {problem.status_code}: {said}") from problem
    except ResponseHandlingException as problem:
        raise StoreFailed(operation, f"the cluster can't be reached ({problem.source})") from problem
    except Exception as problem:
        raise StoreFailed(operation, str(problem)) from problem
