"""The embedded store as it grows to a million rows, and three other engines on the same vectors.

    python benchmarks/scale.py [--rows 1000000] [--queries 300] [--folder DIR] [--plot FILE.svg] [--rivals ...]

Vectors and queries are those of `store.py`: clustered, 256 floats; the rows have eight fields of metadata. The store
is optimized every 250,000 rows, in its own process, and measured at each of SIZES; then it is opened afresh in a new
process, which tells memory and the time to open. Each rival runs in a process of its own as well, on the vectors
alone. Recall is against an exact scan by NumPy; one thread asks, times are of the calls in Python. What else keeps
the processors busy is printed beside (load average), since it moves every time below.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.filters import parse
from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore, Tuning
from rivals import RIVALS
from store import clustered, matches_row, moved, payload, timed

SIZES = (10_000, 100_000, 250_000, 500_000, 1_000_000)
DIM = 256
LIMIT = 10
TUNING = Tuning(background=False)
OPTIMIZE_EVERY = 250_000
FILTERS: dict[str, dict[str, Any] | None] = {"no filter": None, "10 %": {"tenth": 3}, "1 %": {"hundredth": 3}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=SIZES[-1])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--folder", type=Path, help="where to work and keep the store (default: a temporary folder)")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--rivals", nargs="*", default=list(RIVALS), choices=RIVALS)
    parser.add_argument("--part", choices=["opened", *RIVALS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(opened(options.folder) if options.part == "opened" else rival(options.folder, options.part)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run(folder, options)


def run(folder: Path, options: argparse.Namespace) -> None:
    """Measure everything; print as it goes."""
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d %H:%M')}", flush=True)
    sizes = [size for size in SIZES if size <= options.rows]
    parts = [clustered(size - before, DIM, size) for before, size in zip([0, *sizes], sizes, strict=False)]
    np.save(folder / "vectors.npy", np.concatenate(parts))  # clusters of 100 at every size
    del parts
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    np.save(folder / "queries.npy", moved(vectors, options.queries))
    grown = grow(folder, vectors, sizes, options.queries)
    print("\nopened afresh, in a process of its own:")
    print(json.dumps(part(folder, "opened", options), indent=1), flush=True)
    for name in options.rivals:
        print(f"\n{name}: {json.dumps(part(folder, name, options))}", flush=True)
    if options.plot:
        options.plot.write_text(plotted(grown), encoding="utf-8")


def grow(folder: Path, vectors: np.ndarray, sizes: list[int], queries: int) -> list[dict[str, Any]]:
    """Fill a store, stopping to measure."""
    store = EdgeStore.open(folder / "rows", {"meaning": DIM}, TUNING)
    grown, done, since = [], 0, 0
    for size in sizes:
        inserting = optimizing = 0.0
        peak = 0
        while done < size:
            end = min(size, done + OPTIMIZE_EVERY - since)
            inserting += timed(lambda start=done, end=end: insert(store, vectors, start, end))
            since, done = since + end - done, end
            if since == OPTIMIZE_EVERY or done == size:
                seconds, high = watched(store.optimize)
                optimizing, peak, since = optimizing + seconds, max(peak, high), 0
        figures = {"rows": size, "insert s": inserting, "optimize s": optimizing, "peak MB": peak}
        grown.append({**figures, **asked(store, vectors[:size], moved(vectors[:size], queries), ["no filter"])})
        print(json.dumps({**grown[-1], "load": os.getloadavg()[0]}), flush=True)
    print(f"close {timed(store.close):.1f} s, disk {disk(folder / 'rows'):,.0f} MB")
    return grown


def insert(store: EdgeStore, vectors: np.ndarray, start: int, end: int) -> None:
    for first in range(start, end, 2000):
        numbers = range(first, min(first + 2000, end))
        store.upsert([Row(str(n), {"meaning": vectors[n]}, payload(n)) for n in numbers])


def asked(store: EdgeStore, vectors: np.ndarray, queries: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Return p50 and p99 in milliseconds and recall@10, for each filter."""
    found: dict[str, Any] = {}
    for name in names:
        where = FILTERS[name]
        kept = np.array([n for n in range(len(vectors)) if where is None or matches_row(where, n)])
        truth = exact(vectors, queries, kept)
        asked = [Nearest("meaning", query, LIMIT, parse(where)) for query in queries]
        found[name] = clocked(lambda query: [int(hit.id) for hit in store.nearest(query)], asked, truth)
    return found


def clocked(search: Callable[[Any], list[int]], queries: Any, truth: np.ndarray) -> dict[str, float]:
    """Ask after 50 questions to warm up; p50, p99 and processor time of all threads in milliseconds, and recall."""
    for query in queries[:50]:
        search(query)
    seconds, right = [], 0
    busy = time.process_time()
    for query, want in zip(queries, truth, strict=True):
        start = time.perf_counter()
        got = search(query)
        seconds.append(time.perf_counter() - start)
        right += len(set(got) & set(want.tolist()))
    busy = (time.process_time() - busy) * 1000 / len(truth)
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {"p50 ms": round(p50, 3), "p99 ms": round(p99, 3), "cpu ms": round(busy, 3), "recall": right / truth.size}


def exact(vectors: np.ndarray, queries: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(queries, 10): the numbers of the most similar rows among `kept`, by blocks of rows."""
    best = np.empty((len(queries), 0), np.float32)
    numbers = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(kept), 50_000):
        block = kept[start : start + 50_000]
        best = np.hstack([best, queries @ np.asarray(vectors[block]).T])
        numbers = np.hstack([numbers, np.broadcast_to(block, (len(queries), len(block)))])
        places = np.argpartition(-best, LIMIT, axis=1)[:, :LIMIT]
        best, numbers = np.take_along_axis(best, places, 1), np.take_along_axis(numbers, places, 1)
    return numbers


def opened(folder: Path) -> dict[str, Any]:
    """What a process sees that does nothing but open the store and ask."""
    before = memory()
    stores: list[EdgeStore] = []
    seconds = timed(lambda: stores.append(EdgeStore.open(folder / "rows", {"meaning": DIM}, TUNING)))
    fresh = {name: round(value - before[name]) for name, value in memory().items()}
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    answers = asked(stores[0], vectors, np.load(folder / "queries.npy"), list(FILTERS))
    return {"open s": round(seconds, 2), "resident MB": fresh, **answers, "load": os.getloadavg()[0]}


def rival(folder: Path, name: str) -> dict[str, Any]:
    """Build a rival's index over the same vectors and ask it the same."""
    vectors, queries = np.load(folder / "vectors.npy"), np.load(folder / "queries.npy")
    truth = exact(vectors, queries, np.arange(len(vectors)))
    before = memory()["all"]
    start = time.perf_counter()
    search = RIVALS[name](vectors, folder / name)
    seconds = time.perf_counter() - start
    grew = memory()["all"] - before
    return {"build s": round(seconds, 1), "grew MB": round(grew), **clocked(search, queries, truth)}


def part(folder: Path, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a part of this script in a process of its own; what fails says so in the table."""
    command = [sys.executable, __file__, "--part", name, "--folder", str(folder), "--rows", str(options.rows)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        return {"failed": told.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return result


def watched(work: Callable[[], object]) -> tuple[float, int]:
    """Return the seconds it took, and the most megabytes resident in this process and its children together."""
    done, peak = threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.1):
            children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
            ids = [os.getpid(), *(int(child) for path in children for child in path.read_text().split())]
            peak[0] = max(peak[0], round(sum(memory(number)["all"] for number in ids)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = timed(work)
    done.set()
    watcher.join()
    return seconds, peak[0]


def memory(process: int | None = None) -> dict[str, float]:
    """Resident megabytes of a process: all, and without the pages of files; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{process or os.getpid()}/status").read_text().splitlines()
    except OSError:
        lines = []
    values = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith("kB")}
    return {"all": values.get("VmRSS", 0.0), "anonymous": values.get("RssAnon", 0.0)}


def disk(path: Path) -> float:
    return sum(file.stat().st_blocks * 512 for file in path.rglob("*")) / 2**20


def plotted(grown: list[dict[str, Any]]) -> str:
    """Return an SVG: p50 and p99 of searches without a filter, over the number of rows, both by powers of ten."""
    places = {size: 70 + 500 * (np.log10(size) - 4) / 2 for size in (row["rows"] for row in grown)}
    lines = []
    for name, color in {"p50 ms": "#1f6feb", "p99 ms": "#d1242f"}.items():
        heights = [250 - 70 * (np.log10(row["no filter"][name]) + 1) for row in grown]
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(places.values(), heights, strict=True))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        end = f'<text x="575" y="{heights[-1] + 4:.0f}" fill="{color}">{name}</text>'
        lines.append(end)
    for size, x in places.items():
        lines.append(f'<text x="{x:.0f}" y="275" text-anchor="middle">{size:,}</text>')
    for value in (0.1, 1, 10, 100):
        y = 250 - 70 * (np.log10(value) + 1)
        lines.append(
            f'<path d="M70 {y:.0f}H570" stroke="#8884"/><text x="62" y="{y + 4:.0f}" text-anchor="end">{value}</text>'
        )
    body = "\n".join(lines)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 295" font-family="sans-serif" font-size="11"'
    return f'{head} fill="#777">\n{body}\n<text x="320" y="292" text-anchor="middle">rows</text>\n</svg>\n'


if __name__ == "__main__":
    main()
