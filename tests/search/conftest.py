"""One body of rows in every store, and the truth about it, computed here by looking at each row."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.describers.ensemble import standard_ensemble
from lookalike.filters import canonical, matches, parse, reach
from lookalike.kinds import settings_of
from lookalike.search import Query, Searcher, TargetReader
from lookalike.settings import Settings
from lookalike.stores.base import Row
from lookalike.stores.edge import EdgeStore, Tuning
from lookalike.stores.memory import MemoryStore

DIMS = {"meaning": 12, "copy": 6, "color": 104}
TAGS = ["red", "blue", "oak", "steel", "new", "sale"]
COUNT = 240
MEMORY = Path("/dev/shm")

STORES = {
    "memory": lambda path: MemoryStore(DIMS),
    "edge": lambda path: EdgeStore.open(path, DIMS),
    "edge by graph": lambda path: EdgeStore.open(path, DIMS, Tuning(scan_floats=0)),
}


def unit(random, *shape):
    rows = random.normal(size=shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def make_rows(seed=7, count=COUNT):
    """Rows in 40 products of uneven size; some lack a vector, a product, keywords."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        vectors = {name: unit(random, width) for name, width in DIMS.items() if random.random() > 0.1 or i == 0}
        payload: dict[str, Any] = {"n": i, "even": i % 2 == 0}
        if i % 11:
            payload["product"] = int(random.integers(0, 40) ** 1.5) % 40
        if i % 4:
            payload["tags"] = sorted(random.choice(TAGS, size=int(random.integers(0, 4)), replace=False).tolist())
        rows.append(Row(f"{i:03}", vectors, payload))
    return rows


@dataclass
class Truth:
    """What the answers must be, from the rows alone."""

    rows: list[Row]

    def ranked(self, vectors: Mapping[str, Any], tags=(), shares=None, where=None, leave_out=()):
        """(id, score) of every record that can be found, in order."""
        shares = shares or {next(iter(vectors)): 1.0}
        condition = parse(where)
        found = []
        for row in self.rows:
            if row.id in leave_out or not (condition is None or matches(condition, {**row.payload, "_id": row.id})):
                continue
            shared = len(set(tags) & set(row.payload.get("tags", ())))
            if not (any(name in row.vectors for name in vectors) if vectors else shared):
                continue
            parts = {
                name: float(row.vectors[name].astype(float) @ vectors[name]) for name in vectors if name in row.vectors
            }
            if tags:
                parts["tags"] = shared / len(set(tags))
            found.append((row.id, sum(shares[name] * parts.get(name, 0.0) for name in shares)))
        return sorted(found, key=lambda one: (-round(one[1], 6), one[0]))

    def grouped(self, ranked, field):
        """The best of each group, (id, score, size)."""
        payloads = {row.id: {**row.payload, "_id": row.id} for row in self.rows}
        seen, found = set(), []
        for id_, score in ranked:
            values = {canonical(value) for value in reach(payloads[id_], field)} - {"null"}
            if not values & seen:
                seen |= values
                found.append((id_, score))
        return found


def same(matches, expected, tolerance=3e-6):
    """Whether an answer is the expected one; records whose scores differ by rounding may change places."""
    assert len(matches) == len(expected)
    assert len({match.id for match in matches}) == len(matches)
    scores = dict(expected)
    for match, (_, score) in zip(matches, expected, strict=True):
        assert match.score == pytest.approx(max(0.0, score), abs=tolerance)
        assert scores.get(match.id, score) == pytest.approx(score, abs=tolerance)
    return True


def searcher_of(store, **chosen):
    """A searcher of a collection of photos, with these settings."""
    kept = settings_of("photos", {"product_id": "product", **chosen})
    return Searcher(TargetReader("things", store, standard_ensemble(), Settings(), kept, lambda: None))


@pytest.fixture(scope="session")
def rows():
    return make_rows()


@pytest.fixture(scope="session")
def truth(rows):
    return Truth(rows)


@pytest.fixture(scope="session", params=STORES)
def store(request, rows):
    """The rows in each store in turn; tests leave them as they are."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as parent:
        opened = STORES[request.param](Path(parent) / "rows")
        opened.upsert(rows)
        if "graph" in request.param:
            opened.optimize()
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def ask(store):
    """Return ask(**question) -> Matches, of the rows in each store."""
    searcher = searcher_of(store)
    return lambda **question: searcher.search(Query(**question))


@pytest.fixture(scope="session")
def directions():
    """Three unit vectors for each description."""
    random = np.random.default_rng(99)
    return {name: unit(random, 3, width) for name, width in DIMS.items()}
