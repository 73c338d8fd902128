"""Every store the contract is tested on. A new store is a row in STORES."""

import os
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

from lookalike.stores.cluster import Connection, Layout
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.memory import MemoryStore
from lookalike.stores.qdrant import QdrantStore
from lookalike.stores.watched import Watched
from lookalike.twins import Names, Side, Twin

DIMS = {"meaning": 3, "copy": 2}

STORES = {
    "memory": lambda path: MemoryStore(DIMS),
    "edge": lambda path: EdgeStore.open(path, DIMS),
    # Never scans of its own accord, so that the graph's proposals and their verification are under test as well.
    "edge by graph": lambda path: EdgeStore.open(path, DIMS, Tuning(scan_floats=0)),
    "twins": lambda path: twins(),
    "qdrant in memory": lambda path: on_cluster(":memory:", Layout(scan_floats=0)),
}

MEMORY = Path("/dev/shm")


def twins():
    """A store beside another one, as during a change of model: of other "meaning", and of the same "copy"."""
    names = Names(carried=frozenset({"copy"}), made=frozenset({"meaning"}), replaced=frozenset({"meaning"}))
    first, second = MemoryStore(DIMS), MemoryStore({"meaning": 4, "copy": 2})
    return Twin(Side(Watched(first)), Side(Watched(second)), names)


def on_cluster(url, layout):
    """A store that takes its collection along when it is closed."""
    connection = Connection.to(url)

    class Passing(QdrantStore):
        def close(self):
            if not self._closed:
                connection.drop(self._name)
            super().close()

    return Passing.open(connection, f"test-{uuid4().hex}", DIMS, layout)


if os.environ.get("QDRANT_URL"):
    STORES["qdrant server"] = lambda path: on_cluster(os.environ["QDRANT_URL"], Layout())
    STORES["qdrant server by graph"] = lambda path: on_cluster(os.environ["QDRANT_URL"], Layout(scan_floats=0))


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
