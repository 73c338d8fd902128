"""Rows as bytes, the same on every machine: NumPy's npz, uncompressed.

rows: JSON lines [id, payload] as UTF-8; for each vector NAME has:NAME (n,) bool, vector:NAME (m, d) float32 of the m
rows that have it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any
from zipfile import BadZipFile

import numpy as np

from lookalike.stores.base import Row

__all__ = ["pack_rows", "unpack_rows"]


def pack_rows(rows: Sequence[Row]) -> bytes:
    """Write rows, with their vectors."""
    arrays: dict[str, Any] = {}
    text = "\n".join(json.dumps([row.id, dict(row.payload)]) for row in rows).encode("ascii")
    arrays["rows"] = np.frombuffer(text, np.uint8)
    for vector in sorted({vector for row in rows for vector in row.vectors}):
        arrays[f"has:{vector}"] = np.array([vector in row.vectors for row in rows])
        arrays[f"vector:{vector}"] = np.stack([row.vectors[vector] for row in rows if vector in row.vectors])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def unpack_rows(data: bytes) -> Iterator[Row]:
    """Read rows, in their order. Raises ValueError where the bytes are damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        names = [name.removeprefix("has:") for name in found if name.startswith("has:")]
        vectors = {name: iter(found[f"vector:{name}"]) for name in names}
        lines = found["rows"].tobytes()
        for at, line in enumerate(lines.split(b"\n") if lines else ()):
            row_id, payload = json.loads(line)
            yield Row(row_id, {name: next(vectors[name]) for name in names if found[f"has:{name}"][at]}, payload)
    except (KeyError, IndexError, TypeError, StopIteration, BadZipFile, EOFError) as error:
        raise ValueError(str(error)) from error
