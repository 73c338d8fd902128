"""After a purge the rows are what they were, and nothing of a deleted or replaced one is in the store's files."""

import numpy as np

from lookalike.stores.base import Nearest, Row
from lookalike.stores.edge import EdgeStore


def unit(seed, width=3):
    row = np.random.default_rng(seed).normal(size=width).astype(np.float32)
    return row / np.linalg.norm(row)


def test_rows_stay_what_they_were(store):
    rows = [Row(f"r{n}", {"meaning": unit(n)}, {"n": n, "even": n % 2 == 0}) for n in range(50)]
    store.upsert(rows)
    store.delete(["r7"])
    store.purge()
    left = [row for row in rows if row.id != "r7"]
    found = store.get([row.id for row in rows], with_vectors=True)
    assert found[7] is None
    for row in left:
        (same,) = store.get([row.id], with_vectors=True)
        assert same.payload == row.payload
        assert same.vectors["meaning"].tobytes() == row.vectors["meaning"].tobytes()
    assert store.nearest(Nearest("meaning", unit(3), 1))[0].id == "r3"
    store.upsert([Row("new", {"meaning": unit(99)}, {})])
    assert store.count() == 50


def bytes_in(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_of_a_deleted_row_is_in_the_files(folder):
    store = EdgeStore.open(folder, {"meaning": 64})
    secret, replaced = unit(1000, 64), unit(1001, 64)
    store.upsert([Row(f"r{n}", {"meaning": unit(n, 64)}, {"n": n}) for n in range(300)])
    store.upsert([Row("gone", {"meaning": secret}, {"note": "a unique secret text"})])
    store.upsert([Row("r1", {"meaning": replaced}, {"note": "an older version"})])
    store.upsert([Row("r1", {"meaning": unit(1, 64)}, {"note": "the newer version"})])
    store.flush()
    traces = [b"a unique secret text", secret.tobytes(), b"an older version", replaced.tobytes()]
    assert all(trace in bytes_in(folder) for trace in traces[:2]), "or this test would prove nothing"
    store.delete(["gone"])
    store.flush()
    assert any(trace in bytes_in(folder) for trace in traces), "deleting alone leaves it"
    assert store.purge()
    assert not [trace for trace in traces if trace in bytes_in(folder)]
    assert b"the newer version" in bytes_in(folder)
    store.close()
    with_it = EdgeStore.open(folder, {"meaning": 64})
    assert with_it.count() == 300
    assert with_it.get(["r1"])[0].payload == {"note": "the newer version"}
    with_it.close()
    assert not [trace for trace in traces if trace in bytes_in(folder)]
