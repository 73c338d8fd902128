"""Descriptions of many pictures as lines of JSON, NumPy arrays or a Parquet table, each saying who made them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.describers.descriptions import Description
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import InvalidArgument, MissingExtra

__all__ = ["Makers", "Named", "line", "makers_of", "row_of", "write_npz", "write_parquet"]

Named = tuple[str, Description]
"""What a picture is called, and its description."""

_NUMBERS = 7  # digits after the point: what float32 holds of a number below 1


@dataclass(frozen=True, slots=True)
class Makers:
    """Who made what is shown.

    model: signature of the neural describer. vectors: name -> width, of those shown. signatures: of them and of hashes.
    """

    model: str
    vectors: dict[str, int]
    signatures: dict[str, str]


def makers_of(model: str, wanted: Sequence[str] | None, place: str = "vectors") -> Makers:
    """Return the makers of these descriptions, of all without `wanted`. Raises InvalidArgument, naming the place."""
    ensemble = standard_ensemble(model)
    known = ensemble.dims
    names = list(known) if wanted is None else list(dict.fromkeys(wanted))
    if not set(names) <= set(known):
        raise InvalidArgument(place, ",".join(names), f"one or more of {', '.join(known)}, divided by commas")
    signatures = {name: ensemble.signatures[name] for name in (*names, *ensemble.hashes)}
    return Makers(ensemble.neural.signature, {name: known[name] for name in names}, signatures)


def row_of(name: str, entry: Description, makers: Makers) -> dict[str, Any]:
    """Return a description as JSON values."""
    return {
        "file": name,
        "size": f"{entry.image.width}x{entry.image.height}",
        "sha256": entry.image.sha256,
        "model": makers.model,
        "signatures": makers.signatures,
        **entry.hashes,
        "labels": [
            {"name": label.name, "probability": label.probability, "vocabulary": label.vocabulary}
            for label in entry.labels
        ],
        "vocabularies": {
            answer.vocabulary: {
                "confidence": answer.confidence,
                "labels": [{"name": label.name, "probability": label.probability} for label in answer.labels],
            }
            for answer in entry.answers
        },
        "tags": list(entry.tags),
        **({"taggers": entry.taggers} if entry.taggers else {}),
        "colors": [{"hex": color.hex, "name": color.name, "share": color.share} for color in entry.colors],
        "vectors": {name: [round(float(x), _NUMBERS) for x in entry.vectors[name]] for name in makers.vectors},
    }


def line(row: dict[str, Any]) -> str:
    """Return JSON values as one line, its end included; one with a name that is no UTF-8 has all letters escaped."""
    text = json.dumps(row, ensure_ascii=False)
    return (text if _is_utf8(text) else json.dumps(row)) + "\n"


def write_npz(found: Sequence[Named], makers: Makers, sink: Any, failed: Iterable[dict[str, Any]] = ()) -> None:
    """Write arrays with a row per picture to a path or a binary file.

    files, sha256; vectors (float32) and hashes (hex) by name; model, signatures (JSON), failed (JSON).
    """
    arrays: dict[str, Any] = {
        "files": np.array([name for name, _ in found], np.str_),
        "sha256": np.array([entry.image.sha256 for _, entry in found], np.str_),
        "model": np.array(makers.model),
        "signatures": np.array(json.dumps(makers.signatures)),
        "failed": np.array(json.dumps(list(failed))),
    }
    for name in found[0][1].hashes if found else ():
        arrays[name] = np.array([entry.hashes[name] for _, entry in found])
    for name, width in makers.vectors.items():
        rows = [entry.vectors[name] for _, entry in found]
        arrays[name] = np.stack(rows) if rows else np.empty((0, width), np.float32)
    np.savez(sink, **arrays)


def write_parquet(found: Sequence[Named], makers: Makers, sink: Any, failed: Iterable[dict[str, Any]] = ()) -> None:
    """Write the columns of the JSON rows, each vector a column of fixed-size lists of float32, bit for bit.

    failed: kept as JSON in the table's metadata. sink: a path or a binary file. Raises MissingExtra.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("Parquet output", "parquet") from None
    rows = [row_of(name, entry, makers) for name, entry in found]
    for row in rows:
        del row["vectors"]
        row["file"] = row["file"].encode("utf-8", "backslashreplace").decode()  # a column of text holds UTF-8 alone
        for name in {"vocabularies", "taggers"} & row.keys():  # no column type fits all pictures
            row[name] = json.dumps(row[name], ensure_ascii=False)
    table = pyarrow.Table.from_pylist(rows)
    for name in makers.vectors if found else ():
        stacked = np.stack([entry.vectors[name] for _, entry in found])
        column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(stacked.ravel()), stacked.shape[1])
        table = table.append_column(name, column)
    table = table.replace_schema_metadata({"failed": json.dumps(list(failed))})
    pyarrow.parquet.write_table(table, sink)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # escaped bytes of a file's name
        return False
    return True
