"""Other engines that `scale.py` measures, each with settings that its documentation suggests for a million vectors.

A rival is a function: (n, d) float32 unit vectors, a path of its own -> a search, which takes a query of (d,) and
returns the numbers of the ten nearest. They keep vectors only: no metadata, and only LanceDB survives a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["RIVALS"]

Search = Callable[[np.ndarray], list[int]]


def usearch(vectors: np.ndarray, path: Path) -> Search:
    """HNSW over int8 vectors in memory."""
    from usearch.index import Index

    index = Index(
        ndim=vectors.shape[1], metric="ip", dtype="i8", connectivity=16, expansion_add=100, expansion_search=128
    )
    index.add(np.arange(len(vectors)), vectors, threads=2)
    return lambda query: index.search(query, 10).keys.tolist()


def faiss(vectors: np.ndarray, path: Path) -> Search:
    """Inverted lists over int8 vectors in memory; four times as many as wanted ranked again by float32."""
    import faiss

    faiss.omp_set_num_threads(2)
    lists = max(64, int(4 * len(vectors) ** 0.5))
    index = faiss.index_factory(vectors.shape[1], f"IVF{lists},SQ8,RFlat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, len(vectors) // (40 * lists))])
    index.add(vectors)
    index.k_factor = 4
    faiss.extract_index_ivf(index.base_index).nprobe = 32
    faiss.omp_set_num_threads(1)
    return lambda query: index.search(query[None], 10)[1][0].tolist()


def lancedb(vectors: np.ndarray, path: Path) -> Search:
    """IVF_HNSW_SQ on disk, twice as many as wanted ranked again by float32."""
    import lancedb
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    rows = pa.table(
        {"number": np.arange(len(vectors)), "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])}
    )
    table = lancedb.connect(path).create_table("rows", rows, mode="overwrite")
    table.create_index(metric="dot", index_type="IVF_HNSW_SQ", num_partitions=4, m=16, ef_construction=100)

    def search(query: np.ndarray) -> list[int]:
        asked = table.search(query).distance_type("dot").nprobes(4).ef(128).refine_factor(2).limit(10)
        return [row["number"] for row in asked.select(["number"]).to_list()]

    return search


RIVALS: dict[str, Callable[[np.ndarray, Path], Search]] = {"usearch": usearch, "faiss": faiss, "lancedb": lancedb}
