"""Records into files: JSON lines (also .gz), a JSON array, CSV, Parquet.

What is written with vectors an import takes back as it was, vectors to the last bit. The same records make the same
file, byte for byte.
"""

from __future__ import annotations

import csv
import errno
import gzip
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from lookalike.filters import Filter
from lookalike.stores.base import Row, Store
from lookalike.transfer.aside import written_aside
from lookalike.transfer.formats import JSON_COLUMN, TEXT_COLUMNS, VECTOR_COLUMN, FileFormat, format_of, pyarrow_parquet
from lookalike.transfer.reading import cell_value

__all__ = ["exported", "write_records"]

_PAGE: Final = 500


def exported(store: Store, where: Filter | None = None, *, vectors: bool = False) -> Iterator[dict[str, Any]]:
    """Yield every record that matches as JSON values: `_id`, all fields, and with `vectors` the `_vectors`."""
    after: str | None = None
    while True:
        part = store.scroll(where=where, after=after, limit=_PAGE, with_vectors=vectors)
        yield from (_plain(row) for row in part.rows)
        if part.next is None:
            return
        after = part.next


def write_records(
    records: Iterable[Mapping[str, Any]], path: Path, progress: Callable[[int], None], form: FileFormat | None = None
) -> int:
    """Write records into a file, whole or not at all; return how many.

    progress: called with the number of records written since the last call.
    Raises InvalidArgument for a name that tells no format, MissingExtra, OSError.
    """
    form = form or format_of(path)
    written = 0

    def counted() -> Iterator[Mapping[str, Any]]:
        nonlocal written
        for record in records:
            yield record
            written += 1
            progress(1)

    try:
        with written_aside(path) as aside:
            if form == "parquet":
                _parquet(counted(), aside)
            else:
                with _created(aside, zipped=path.suffix == ".gz") as file:
                    _WRITERS[form](counted(), file, aside)
    except OSError as error:
        reason = error.strerror or str(error)  # of a file that nobody asked for
        raise OSError(error.errno or errno.EIO, reason, str(path)) from error
    return written


def _plain(row: Row) -> dict[str, Any]:
    record = {"_id": row.id, **{name: value for name, value in row.payload.items() if name != "_id"}}
    if row.vectors:
        record["_vectors"] = {name: row.vectors[name].tolist() for name in sorted(row.vectors)}  # stores have no order
    return record


@contextmanager
def _created(path: Path, *, zipped: bool) -> Iterator[IO[str]]:
    if zipped:
        with (
            path.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as zip_,  # no name of the file aside, no time of day
            TextIOWrapper(zip_, encoding="utf-8", newline="") as file,
        ):
            yield file
    else:
        with path.open("wt", encoding="utf-8", newline="") as file:
            yield file


def _json_lines(records: Iterable[Mapping[str, Any]], file: IO[str], _: Path) -> None:
    for record in records:
        file.write(json.dumps(record) + "\n")


def _json_array(records: Iterable[Mapping[str, Any]], file: IO[str], _: Path) -> None:
    before = "["
    for record in records:
        file.write(f"{before}\n{json.dumps(record)}")
        before = ","
    file.write("\n]\n" if before == "," else "[]\n")


def _csv(records: Iterable[Mapping[str, Any]], file: IO[str], aside: Path) -> None:
    with _Spool(aside.parent) as spool:
        spool.fill(records)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(spool.kinds)
        for record in spool:
            writer.writerow([_cell(name, record[name]) if name in record else "" for name in spool.kinds])


def _cell(name: str, value: Any) -> str:
    """Write a value so that `cell_value` reads it again."""
    if isinstance(value, str) and _encodes(value) and (name in TEXT_COLUMNS or _reads_as_itself(name, value)):
        return value
    return json.dumps(value)


def _reads_as_itself(name: str, text: str) -> bool:
    return text != "" and cell_value(name, text) == text


def _encodes(text: str) -> bool:
    """Whether UTF-8 can hold it; JSON may bring half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parquet(records: Iterable[Mapping[str, Any]], aside: Path) -> None:
    import pyarrow

    parquet, _ = pyarrow_parquet()
    types = {
        "bool": pyarrow.bool_(),
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "vector": pyarrow.list_(pyarrow.float32()),
    }
    with _Spool(aside.parent) as spool:
        spool.fill(map(_columns_of, records))
        names = {name: f"{JSON_COLUMN}{name}" if kind == "json" else name for name, kind in spool.kinds.items()}
        schema = pyarrow.schema([(names[n], types.get(kind, pyarrow.string())) for n, kind in spool.kinds.items()])
        with parquet.ParquetWriter(aside, schema) as writer:
            rows = iter(spool)
            while page := list(islice(rows, _PAGE)):
                plain = [{names[n]: json.dumps(v) if names[n] != n else v for n, v in row.items()} for row in page]
                writer.write_table(pyarrow.Table.from_pylist(plain, schema))


def _columns_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Lay vectors side by side with fields; fields named as if they were such columns become JSON ones."""
    columns: dict[str, Any] = {}
    for name, value in record.items():
        if name == "_vectors":
            columns |= {f"{VECTOR_COLUMN}{vector}": row for vector, row in value.items()}
        elif name.startswith((JSON_COLUMN, VECTOR_COLUMN)):
            columns[f"{JSON_COLUMN}{name}"] = json.dumps(value)
        else:
            columns[name] = value
    return columns


def _kind(name: str, value: Any) -> str:
    """Return the type a Parquet column needs for a value: "json" where no plain one would give it back as it is."""
    if name.startswith(VECTOR_COLUMN):
        return "vector"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**63 else "json"
    if isinstance(value, str):
        return "str" if _encodes(value) else "json"
    return "float" if isinstance(value, float) else "json"


class _Spool:
    """Records put by as JSON lines until all have been seen, since columns and their types are those of all.

    kinds: column, by first appearance after `_id`, -> what `_kind` says of all its values.
    """

    def __init__(self, folder: Path) -> None:
        """folder: where there is room; the file has no name and goes with the process at the latest."""
        self.kinds: dict[str, str] = {"_id": "str"}
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)  # noqa: SIM115 - closed by __exit__

    def fill(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Put records by."""
        for record in records:
            for name, value in record.items():
                kind = _kind(name, value)
                self.kinds[name] = kind if self.kinds.get(name, kind) == kind else "json"
            self._file.write(json.dumps(record) + "\n")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


_WRITERS: Final[Mapping[FileFormat, Callable[[Iterable[Mapping[str, Any]], IO[str], Path], None]]] = {
    "jsonl": _json_lines,
    "json": _json_array,
    "csv": _csv,
}
