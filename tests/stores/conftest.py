"""Every store the contract is tested on. A new store is a row in STORES."""

import tempfile
from pathlib import Path

import pytest

from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.memory import MemoryStore

DIMS = {"meaning": 3, "copy": 2}

STORES = {
    "memory": lambda path: MemoryStore(DIMS),
    "edge": lambda path: EdgeStore.open(path, DIMS),
    # Never scans of its own accord, so that the graph's proposals and their verification are under test as well.
    "edge by graph": lambda path: EdgeStore.open(path, DIMS, Tuning(scan_floats=0)),
}

MEMORY = Path("/dev/shm")


@pytest.fixture
def folder():
    """A path where nothing is yet, in memory where the system has such a place: making a store waits for disks."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        yield Path(parent) / "rows"


@pytest.fixture(params=STORES)
def store(request, folder):
    opened = STORES[request.param](folder)
    yield opened
    opened.close()
