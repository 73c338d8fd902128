"""How long searches and writes wait at most while the store renews its index beside them.

    python benchmarks/upkeep.py [--rows 100000]

One thread searches, one writes a batch of 100 rows every half second, first with nothing else going on, then while
`optimize` builds the index over all rows. The longest waits are what matters: the engine keeps Python's lock while
it loads the new index, and writers wait while the store is copied. Busy processors lengthen all of it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore, Tuning
from store import clustered, insert, payload, timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    vectors = clustered(rows, 256)
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore.open(Path(folder) / "rows", {"meaning": 256}, Tuning(background=False))
        insert(store, vectors)
        print(f"{rows:,} rows, load {os.getloadavg()[0]:.1f}")
        measure("nothing else", store, vectors, lambda: time.sleep(10))
        measure("optimizing", store, vectors, store.optimize)
        measure("afterwards", store, vectors, lambda: time.sleep(10))
        store.close()


def measure(title: str, store: EdgeStore, vectors: np.ndarray, work: Callable[[], object]) -> None:
    """Print the median and the longest wait of searches and of writes while something works."""
    done, waits = threading.Event(), {"search": [0.0], "write": [0.0]}

    def search() -> None:
        while not done.wait(0.005):
            query = Nearest("meaning", vectors[len(waits["search"])], 10)
            waits["search"].append(timed(partial(store.nearest, query)))

    def write() -> None:
        while not done.wait(0.5):
            rows = [Row(str(n), {"meaning": vectors[n]}, payload(n)) for n in range(100)]
            waits["write"].append(timed(partial(store.upsert, rows)))

    threads = [threading.Thread(target=each) for each in (search, write)]
    for thread in threads:
        thread.start()
    seconds = timed(work)
    done.set()
    for thread in threads:
        thread.join()
    for name, each in waits.items():
        median, longest = np.median(each) * 1000, max(each) * 1000
        print(
            f"{title:14} {seconds:6.1f} s  {name:8} {len(each):6,}  p50 {median:7.2f} ms  longest {longest:8.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
