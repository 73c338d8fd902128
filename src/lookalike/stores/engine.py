"""The embedded engine, Qdrant Edge: how its shards are made, opened and written. Its traps are dealt with here.

Whatever changes or opens a shard keeps Python's lock until it is done, so no thread of the process runs meanwhile.
`optimize` takes minutes: it belongs into a process of its own (`building`). Searching and reading let go of the lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import qdrant_edge as qe

from lookalike.errors import LookalikeError, StoreFailed, WorkspaceLocked
from lookalike.stores.base import Vector
from lookalike.stores.copies import COPIES
from lookalike.stores.encoding import NUMBERS, TOKENS
from lookalike.stores.folder import unreadable

__all__ = ["Tuning", "create_shard", "engine_errors", "integer_index", "load_shard", "make_point"]

_HELD: Final = {
    "id_tracker.mappings",
    "links_compressed.bin",
    "point_to_values.bin",
    "quantized.data",
    "values_to_points.bin",
}


_ERRNO: Final = re.compile(r"(?:os error |\bcode: )(\d+)")
"""How the engine tells what the system said."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is traded for speed and memory; the defaults suit 256 floats. Those of the graph tell from `optimize` on.

    m, ef_construct, ef: the HNSW graph's links a node, candidates when building, candidates when searching; several
    graphs give fewer candidates each, together more.
    scan_floats: a search over no more floats than this is a scan (5 million: about 2 ms), exact and without graph.
    segment_floats: how many floats one graph is made over at most, where rows come slowly enough: building takes
    memory in proportion (64 million, 250,000 rows of 256: about 3 GB), and several graphs are searched more slowly.
    oversampling: the graph ranks by int8 vectors; that many times the wanted rows are ranked again by float32.
    background: whether the store optimizes itself when it is worth it (see `upkeep`).
    """

    m: int = 16
    ef_construct: int = 100
    ef: int = 128
    scan_floats: int = 5_000_000
    segment_floats: int = 64_000_000
    oversampling: float = 2.0
    background: bool = True


def create_shard(path: Path, dims: Mapping[str, int], tuning: Tuning) -> None:
    """Make an empty shard in a folder that is not there yet. Raises StoreFailed."""
    with engine_errors("make a store"):
        path.mkdir()
        shard = qe.EdgeShard.create(str(path), _config(dims, tuning))
        shard.update(integer_index(TOKENS, lookup=True))
        shard.close()


def load_shard(path: Path, config: tuple[Mapping[str, int], Tuning] | None = None) -> qe.EdgeShard:
    """Open a shard and lock its folder. config: dims and tuning to keep from now on; its own without.

    Raises WorkspaceLocked, StoreUnreadable.
    """
    _read_ahead(path)
    try:
        with engine_errors("open"):
            return qe.EdgeShard.load(str(path), _config(*config) if config else None)
    except StoreFailed as problem:
        if "WouldBlock" in problem.reason:
            raise WorkspaceLocked(str(path.parent), "another process") from problem
        told = _ERRNO.search(problem.reason)
        raise unreadable(path.parent, problem.reason, int(told[1]) if told else None) from problem


def integer_index(field: str, *, lookup: bool) -> qe.UpdateOperation:
    """An integer index in memory-mapped files. No graph links of its own: they make building endless."""
    params = qe.IntegerIndexParams(lookup=lookup, range=not lookup, enable_hnsw=False, memory=qe.Memory.Cached)
    return qe.UpdateOperation.create_field_index(field, params)


def make_point(point: str, slots: Mapping[str, Vector], payload: Mapping[str, Any]) -> qe.Point:
    """Return what the engine keeps. slots: vector by its name there; payload: as `encoding` makes it.

    The engine reads vectors faster from memory than from lists. It takes 1 microsecond for an integer and 3 more for
    the list around it, so single numbers go without; conditions treat both alike.
    """
    numbers = {key: codes[0] if len(codes) == 1 else codes for key, codes in payload[NUMBERS].items()}
    views: Any = {slot: vector.data for slot, vector in slots.items()}
    return qe.Point(point, views, {**payload, NUMBERS: numbers})


@contextmanager
def engine_errors(operation: str) -> Iterator[None]:
    """Turn what the engine raises, its panics included, into StoreFailed."""
    try:
        yield
    except LookalikeError:
        raise
    except Exception as problem:
        raise StoreFailed(operation, str(problem)) from problem
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # not an Exception, and its class can't be imported
            raise
        raise StoreFailed(operation, str(problem)) from problem


def _read_ahead(path: Path) -> None:
    """Read what is going to be held in memory from front to back, while other threads run.

    The engine would fetch it from the disk page by page, keeping Python's lock.
    """
    buffer = bytearray(1 << 20)
    for file in path.rglob("*"):
        if file.name in _HELD:
            with suppress(OSError), file.open("rb", buffering=0) as opened:
                while opened.readinto(buffer):
                    pass


def _config(dims: Mapping[str, int], tuning: Tuning) -> qe.EdgeConfig:
    graph = qe.HnswIndexConfig(tuning.m, tuning.ef_construct, full_scan_threshold=10_000)
    none = qe.HnswIndexConfig(0, tuning.ef_construct, full_scan_threshold=10_000)
    small = qe.ScalarQuantizationConfig(qe.ScalarType.Int8, quantile=0.99, memory=qe.Memory.Cached)
    vectors = {}
    for name, dim in dims.items():
        vectors[name] = qe.EdgeVectorParams(
            dim, qe.Distance.Dot, memory=qe.Memory.Cold, hnsw_config=graph, quantization_config=small
        )
        vectors[name + COPIES] = qe.EdgeVectorParams(dim, qe.Distance.Dot, memory=qe.Memory.Cold, hnsw_config=none)
    optimizers = qe.EdgeOptimizersConfig(
        indexing_threshold=max(1, tuning.scan_floats * 4 // 1024),
        max_segment_size=max(1, tuning.segment_floats * 4 // 1024),
    )
    return qe.EdgeConfig(vectors=vectors, hnsw_config=graph, optimizers=optimizers)
