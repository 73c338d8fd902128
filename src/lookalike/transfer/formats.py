"""The formats of files that records travel in, and how they are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from lookalike.errors import InvalidArgument, MissingExtra

__all__ = ["JSON_COLUMN", "TEXT_COLUMNS", "VECTOR_COLUMN", "FileFormat", "format_of", "pyarrow_parquet"]

FileFormat = Literal["jsonl", "json", "csv", "parquet"]

TEXT_COLUMNS: Final = ("_id", "_file", "_url", "_base64", "_sha256", "_taken", "_phash", "_batch", "_format")
"""Columns of CSV that are always text."""

JSON_COLUMN: Final = "json:"
"""What a Parquet column of values of several types begins with; they are JSON texts."""

VECTOR_COLUMN: Final = "vector:"
"""What a Parquet column of vectors begins with."""

_ENDINGS: Final[Mapping[str, FileFormat]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
}


def format_of(path: Path) -> FileFormat:
    """Return the format a file's name tells. Raises InvalidArgument."""
    name = path.with_suffix("") if path.suffix == ".gz" else path
    if name.suffix.lower() not in _ENDINGS:
        raise InvalidArgument("the file", str(path), f"named {', '.join(_ENDINGS)}, each but .parquet also with .gz")
    return _ENDINGS[name.suffix.lower()]


def pyarrow_parquet() -> tuple[Any, type[Exception]]:
    """Return `pyarrow.parquet`, and the root of what it raises. Raises MissingExtra."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("Parquet files", "parquet") from None
    return pyarrow.parquet, pyarrow.ArrowException
