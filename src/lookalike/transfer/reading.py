"""Records from files: JSON lines (also .gz), a JSON array, CSV, Parquet; one after another, however long."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import IO, Any, Final

from lookalike.errors import ImportUnreadable
from lookalike.intake import FACTS
from lookalike.records import Existing, Failure
from lookalike.transfer.formats import JSON_COLUMN, TEXT_COLUMNS, VECTOR_COLUMN, FileFormat, format_of, pyarrow_parquet

__all__ = ["ImportRules", "Line", "cell_value", "prepared", "read_lines"]

Line = tuple[int, Mapping[str, Any] | Failure]
"""Number of a line (in CSV a record's last; in arrays and Parquet the record's own), from 1, and the record."""


@dataclass(frozen=True, slots=True)
class ImportRules:
    """How a file's records are taken.

    form: its format, if its name doesn't tell. columns: column or JSON member -> the name it goes by in records, ""
    leaving it out. batch: kept with each record as `_batch`. existing: as in `Collection.add`. files: whether
    records may name files of this machine, which only its own user should.
    """

    form: FileFormat | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    batch: str | None = None
    existing: Existing = "merge"
    files: bool = True


_PIECE: Final = 1 << 16
_LONGEST: Final = 1 << 28  # characters of one record: a picture of 100 MB in base64, and some
_PAGE: Final = 500
_FROM_PICTURES: Final = tuple(name for name in FACTS if name not in ("_file", "_url", "_batch"))


def read_lines(path: Path, form: FileFormat | None = None) -> Iterator[Line]:
    """Yield the records of a file one after another, and in their places failures for lines that are none.

    Cells of CSV are text until `prepared`. Raises ImportUnreadable for a file that can't be opened or goes on in no
    readable way, InvalidArgument, MissingExtra.
    """
    form = form or format_of(path)
    try:
        if form == "parquet":
            yield from _parquet(path)
            return
        with _opened(path) as file:
            yield from _READERS[form](file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ImportUnreadable(str(path), str(getattr(error, "strerror", None) or error)) from None


def prepared(lines: Iterable[Line], folder: Path, rules: ImportRules) -> Iterator[Line]:
    """Yield the records as `add` takes them.

    folder: where relative `_file` paths begin. Facts of pictures that come without vectors are left out: they are
    found out again.
    """
    for number, raw in lines:
        yield number, raw if isinstance(raw, Failure) else _prepared(number, raw, folder, rules)


def _prepared(number: int, raw: Mapping[str, Any], folder: Path, rules: ImportRules) -> Mapping[str, Any] | Failure:
    named = {rules.columns.get(name, name): value for name, value in raw.items()}
    record = {name: value for name, value in named.items() if name}
    if isinstance(raw, _Cells):
        record = {name: cell_value(name, cell) for name, cell in record.items()}
    if not rules.files and ("_file" in record or "_image" in record):
        return Failure(f"line {number}", "invalid_record", "this import takes no _file; give _url or _base64")
    if record.get("_vectors") is None:
        record = {name: value for name, value in record.items() if name not in _FROM_PICTURES}
        if isinstance(record.get("_file"), str):
            record["_file"] = str(folder / Path(record["_file"]).expanduser())
    return record if rules.batch is None else {**record, "_batch": rules.batch}


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    else:
        with path.open("rt", encoding="utf-8-sig", newline="") as file:
            yield file


def _json_lines(file: IO[str]) -> Iterator[Line]:
    for number in count(1):
        text = file.readline(_LONGEST)
        if not text:
            return
        if text.strip():
            yield number, _object(number, text)


def _object(number: int, text: str) -> Mapping[str, Any] | Failure:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Failure(f"line {number}", "invalid_record", f"it is not JSON ({error})")
    if not isinstance(value, dict):
        return Failure(f"line {number}", "invalid_record", f"a record is an object, not {type(value).__name__}")
    return value


def _json_array(file: IO[str]) -> Iterator[Line]:
    """Read an array of objects element by element, however long it is."""
    decoder = json.JSONDecoder()
    text, number, begun = "", 0, False
    while True:
        text = text.lstrip(" \t\r\n,") if begun else text.lstrip()
        if not begun and text:
            if text[0] != "[":
                raise ImportUnreadable(file.name, "it is no JSON array; JSON lines are named .jsonl")
            text, begun = text[1:], True
            continue
        if text.startswith("]"):
            return
        try:
            value, end = decoder.raw_decode(text) if text else (None, 0)
        except (ValueError, RecursionError):
            end = 0
        complete = end and (end < len(text) or text[end - 1] in '}]"')
        if complete:
            number, text = number + 1, text[end:]
            kind = type(value).__name__
            wrong = Failure(f"record {number}", "invalid_record", f"a record is an object, not {kind}")
            yield number, value if isinstance(value, dict) else wrong
            continue
        piece = file.read(max(_PIECE, len(text)))
        if not piece or len(text) > _LONGEST:
            raise ImportUnreadable(file.name, f"after record {number} it goes on in no readable way")
        text += piece


def _csv(file: IO[str]) -> Iterator[Line]:
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(file)
    names = next(reader, [])
    if not names or len(set(names)) != len(names):
        raise ImportUnreadable(file.name, "its first line must name the columns, each once")
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(names):
            reason = f"it has {len(cells)} cells, the first line has {len(names)}"
            yield reader.line_num, Failure(f"line {reader.line_num}", "invalid_record", reason)
            continue
        yield reader.line_num, _Cells((name, cell) for name, cell in zip(names, cells, strict=True) if cell != "")


class _Cells(dict[str, Any]):
    """A line of CSV, all text: what a cell means depends on the name that its column goes by in the end."""


def cell_value(name: str, cell: str) -> Any:
    """Return what a cell of CSV means: JSON where it is JSON, a list where `;` parts it, else its text.

    So true, null, 3 and 0.5 keep their types, and "3" in quotes is text. What has a leading zero or plus (007) is no
    JSON and stays text, as do ids and where pictures are.
    """
    if name in TEXT_COLUMNS:
        return cell
    try:
        return json.loads(cell, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        pass
    parts = [part.strip() for part in cell.split(";")] if ";" in cell else []
    return [cell_value("", part) for part in parts if part] if parts else cell


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")  # NaN and Infinity are words


def _parquet(path: Path) -> Iterator[Line]:
    parquet, failed = pyarrow_parquet()
    try:
        with parquet.ParquetFile(path) as file:
            numbers = count(1)
            for batch in file.iter_batches(batch_size=_PAGE):
                for row in batch.to_pylist():
                    yield next(numbers), _from_parquet(row)
    except failed as error:
        raise ImportUnreadable(str(path), str(error)) from None


def _from_parquet(row: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    vectors: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if name.startswith(JSON_COLUMN):
            record[name.removeprefix(JSON_COLUMN)] = json.loads(value)
        elif name.startswith(VECTOR_COLUMN):
            vectors[name.removeprefix(VECTOR_COLUMN)] = value
        else:
            record[name] = value.isoformat() if isinstance(value, date) else value
    return {**record, "_vectors": vectors} if vectors else record


_READERS: Final[Mapping[FileFormat, Callable[[IO[str]], Iterator[Line]]]] = {
    "jsonl": _json_lines,
    "json": _json_array,
    "csv": _csv,
}
