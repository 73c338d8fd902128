"""Collections: vectors that a store keeps are evaluated as they are, and its index against an exact search."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.catalog import CollectionInfo
from lookalike.errors import InvalidArgument
from lookalike.evaluation.described import Described
from lookalike.evaluation.figures import SEED, Figure, mean_figure
from lookalike.evaluation.lineup import Rows, unit
from lookalike.evaluation.reading import Progress
from lookalike.filters import Filter, ends
from lookalike.likeness import code_of
from lookalike.stores.base import Hit, Nearest, Row, Store
from lookalike.stores.watched import walk

__all__ = ["IndexRecall", "described_records", "index_recall"]

_PHASH = "phash"


@dataclass(frozen=True, slots=True)
class IndexRecall:
    """How many of the k records that an exact search finds the index finds too, and how long both take.

    by: the vector. records: those of the collection. asked: records asked with. milliseconds: median of one search.
    """

    by: str
    k: int
    records: int
    asked: int
    recall: Figure
    milliseconds: float
    exact_milliseconds: float


def described_records(store: Store, info: CollectionInfo, field: str, *, where: Filter | None = None) -> Described:
    """Return the records of a collection as labeled pictures, with the vectors they have.

    field: whose value is the label: text, a number, true or false, also further down ("size.name"). Records without
    one, or with several, are `unlabeled`; those without any vector are `unreadable`. The vector that the collection
    compares comes first. A record that lacks one of the vectors has a row of zeros there, and is not found by it.
    Raises StoreFailed.
    """
    labels: dict[str, str] = {}
    kept: list[Row] = []
    unlabeled: list[str] = []
    bare: dict[str, str] = {}
    for row in (row for page in walk(store, where, with_vectors=True) for row in page):
        label = _label(row.payload, field)
        if label is None:
            unlabeled.append(row.id)
        elif not row.vectors:
            bare[row.id] = "it has no vector"
        else:
            labels[row.id] = label
            kept.append(row)
    by = info.settings.by
    rows = {name: _rows(kept, name, store.dims[name]) for name in sorted(store.dims, key=lambda name: name != by)}
    return Described(
        model=info.signatures.get(by, info.model),
        names=list(labels),
        labels=list(labels.values()),
        digests=[str(row.payload.get("_sha256") or "") for row in kept],
        files={row.id: Path(file) for row in kept if isinstance(file := row.payload.get("_file"), str)},
        rows=rows | _hashes([row.payload for row in kept]),
        signatures=info.signatures,
        curves={},
        unlabeled=unlabeled,
        unreadable=bare,
    )


def index_recall(
    store: Store, *, k: int = 10, sample: int = 200, progress: Progress = lambda _: None
) -> list[IndexRecall]:
    """Ask with a sample of records, once as searches do and once exactly, by each vector; one line for each.

    A record found counts if it is as near as the k-th of the exact answer, so that ties don't. The record asked with
    is left out of both. progress: called with the number of records asked with since the last call.
    Raises InvalidArgument for a collection of fewer than two records; StoreFailed.
    """
    if store.count() < 2:
        raise InvalidArgument("the collection", f"{store.count()} records", "at least two")
    ids = [row.id for row in store.sample(sample, seed=SEED)]
    rows = [row for row in store.get(ids, with_vectors=True) if row]
    lines = []
    for name in store.dims:
        asked = [row for row in rows if name in row.vectors]
        if asked:
            lines.append(_asked(store, name, asked, k))
            progress(len(asked))
    return lines


def _asked(store: Store, name: str, asked: Sequence[Row], k: int) -> IndexRecall:
    shares, times = [], []
    for row in asked:
        exact, slow = _timed(store, Nearest(name, row.vectors[name], k + 1, exact=True))
        found, fast = _timed(store, Nearest(name, row.vectors[name], k + 1))
        others = [hit for hit in exact if hit.id != row.id][:k]
        if others:
            near = [hit for hit in found if hit.id != row.id and hit.similarity >= others[-1].similarity]
            shares.append(min(1.0, len(near) / len(others)))
            times.append((fast, slow))
    fast, slow = np.median(np.array(times or [(0.0, 0.0)]), axis=0)
    recall = mean_figure(np.array(shares or [1.0]))
    return IndexRecall(name, k, store.count(), len(shares), recall, round(float(fast), 3), round(float(slow), 3))


def _timed(store: Store, query: Nearest) -> tuple[list[Hit], float]:
    start = time.perf_counter()
    return store.nearest(query), 1000 * (time.perf_counter() - start)


def _label(payload: Mapping[str, Any], field: str) -> str | None:
    found = [value for value in ends(payload, field) if isinstance(value, str | int | float) and value != ""]
    return str(found[0]) if len(found) == 1 else None


def _rows(kept: Sequence[Row], name: str, width: int) -> Rows:
    made = np.zeros((len(kept), width), np.float32)
    for place, row in enumerate(kept):
        if name in row.vectors:
            made[place] = row.vectors[name]
    return made


def _hashes(payloads: Sequence[Mapping[str, Any]]) -> dict[str, Rows]:
    codes = [code_of(payload) for payload in payloads]
    if not any(code is not None for code in codes):
        return {}
    packed: NDArray[np.uint8] = np.array([code or 0 for code in codes], ">u8").view(np.uint8).reshape(-1, 8)
    signs = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    signs[[code is None for code in codes]] = 0
    return {_PHASH: unit(signs)}
