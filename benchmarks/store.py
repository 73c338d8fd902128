"""The embedded store against a NumPy scan: speed, recall, memory, at one size.

    python benchmarks/store.py [--rows 100000] [--dim 256] [--queries 200]

Vectors are clustered, as those of pictures are; queries are kept vectors, slightly moved. Both searches run in
this process on the same questions; NumPy scans all rows and is told for nothing which of them a filter keeps.
Times are of the calls in Python, payloads decoded, one thread asking.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.filters import parse
from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore

FILTERS: dict[str, dict[str, Any] | None] = {
    "no filter": None,
    "10 %": {"tenth": 3},
    "10 %, by number": {"hundredth": {"$gte": 90}},
    "1 %": {"hundredth": 3},
    "0.1 %": {"thousandth": 3},
    "exact, no filter": None,
}
LIMIT = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"rows": 100_000, "dim": 256, "queries": 200}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    vectors = clustered(options.rows, options.dim)
    queries = moved(vectors, options.queries)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "rows", vectors, queries)


def measure(path: Path, vectors: np.ndarray, queries: np.ndarray) -> None:
    """Fill, optimize, ask, reopen; print as it goes."""
    dims = {"meaning": vectors.shape[1]}
    before = resident()
    store = EdgeStore.open(path, dims)
    seconds = timed(lambda: insert(store, vectors))
    print(f"{len(vectors):,} x {dims['meaning']} floats\n\ninsert    {len(vectors) / seconds:10,.0f} rows/s")
    ask("before optimize", store, vectors, queries[:20])
    print(f"optimize  {timed(store.optimize):10.1f} s")
    ask("after optimize", store, vectors, queries)
    print(f"\nclose     {timed(store.close):10.2f} s")
    print(f"disk      {sum(f.stat().st_blocks * 512 for f in path.rglob('*')) / 2**20:10,.0f} MB")
    print(f"resident  {resident() - before:10,.0f} MB more than before")
    opened = []
    print(f"reopen    {timed(lambda: opened.append(EdgeStore.open(path, dims))):10.2f} s")
    opened[0].close()


def ask(title: str, store: EdgeStore, vectors: np.ndarray, queries: np.ndarray) -> None:
    """Print one row a filter: p50, p99, recall, and the scan's p50."""
    heading = f"\n{title:18} {'p50 ms':>8} {'p99 ms':>8} {'recall@10':>10} {'NumPy ms':>9} {'ratio':>6}"
    print(heading + "\n" + "-" * len(heading.strip()))
    for name, where in FILTERS.items():
        kept = np.array([where is None or matches_row(where, n) for n in range(len(vectors))])
        exact = name.startswith("exact")
        asked = [Nearest("meaning", vector, LIMIT, parse(where), exact=exact) for vector in queries]
        mine, answers = clocked([partial(store.nearest, query) for query in asked])
        theirs, best = clocked([partial(scan, vectors, kept, vector) for vector in queries])
        right = sum(
            len({int(hit.id) for hit in hits} & set(places.tolist()))
            for hits, places in zip(answers, best, strict=True)
        )
        p50, p99 = np.percentile(mine, [50, 99]) * 1000
        other = float(np.median(theirs)) * 1000
        print(
            f"{name:18} {p50:8.2f} {p99:8.2f} {right / (LIMIT * len(queries)):10.4f} {other:9.2f} {other / p50:5.1f}x",
            flush=True,
        )


def clocked(calls: list[Callable[[], Any]]) -> tuple[list[float], list[Any]]:
    """Return the seconds each call took, and what it gave. One kind at a time, lest they disturb each other."""
    seconds, given = [], []
    for call in calls:
        start = time.perf_counter()
        given.append(call())
        seconds.append(time.perf_counter() - start)
    return seconds, given


def payload(n: int) -> dict[str, Any]:
    return {
        "_file": f"pictures/{n // 500:04}/{n:07}.jpg",
        "_width": 640 + n % 7,
        "_height": 480,
        "_format": "JPEG",
        "tenth": n % 10,
        "hundredth": n % 100,
        "thousandth": n % 1000,
        "sold": n % 2 == 0,
    }


def matches_row(where: dict[str, Any], n: int) -> bool:
    """The filters above, without the code under test."""
    ((field, wanted),) = where.items()
    value = payload(n)[field]
    return bool(value >= wanted["$gte"] if isinstance(wanted, dict) else value == wanted)


def insert(store: EdgeStore, vectors: np.ndarray, batch: int = 2000) -> None:
    for start in range(0, len(vectors), batch):
        numbers: Iterable[int] = range(start, min(start + batch, len(vectors)))
        store.upsert([Row(str(n), {"meaning": vectors[n]}, payload(n)) for n in numbers])


def scan(vectors: np.ndarray, kept: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """NumPy's exact answer: the places of the ten most similar rows."""
    scores = np.where(kept, vectors @ vector, -2)
    return np.argpartition(-scores, LIMIT)[:LIMIT]


def clustered(count: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(max(1, count // 100), dim)).astype(np.float32)
    vectors = middles[rng.integers(0, len(middles), count)]
    vectors += 0.5 * rng.standard_normal(size=vectors.shape, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def moved(vectors: np.ndarray, count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    queries = vectors[rng.choice(len(vectors), count, replace=False)]
    queries = queries + 0.02 * rng.standard_normal(size=queries.shape, dtype=np.float32)
    return queries / np.linalg.norm(queries, axis=1, keepdims=True)


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def resident() -> float:
    """Megabytes of this process in memory; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    main()
