"""What commands print: tables for people, JSON, JSON lines, CSV and Parquet for programs; progress on stderr."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lookalike.errors import InvalidArgument, MissingExtra

__all__ = [
    "Format",
    "FormatOption",
    "counted",
    "note",
    "print_json",
    "print_json_with",
    "print_lines",
    "print_rows",
    "progress_bar",
    "ready_streams",
    "stage_bars",
    "truncated",
]

import typer


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _bytes_or_escape(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    error.end = error.start + 1  # one by one, for bytes of a name and other characters may stand side by side
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        return _escape(error)


_ESCAPED: Final = "lookalike.escaped"  # error handler: what an encoding can't hold becomes an escape of JSON
_BYTES: Final = "lookalike.bytes"  # the same, but bytes of a name that is not text are given as they are
codecs.register_error(_ESCAPED, _escape)
codecs.register_error(_BYTES, _bytes_or_escape)

FormatOption = typer.Option(Format.table, "--format", "-f", help="Table for people; the others for programs.")


def ready_streams() -> None:
    """Make stdout hold every name: what its encoding can't is escaped, except that bytes which are no text stay bytes
    where the locale asks for it (C.UTF-8). A stream that the caller has closed takes everything and keeps nothing.
    """
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        handlers = {"strict": _ESCAPED, "surrogateescape": _BYTES}
        sys.stdout.reconfigure(errors=handlers.get(sys.stdout.errors or "strict"))  # None leaves it as it is


def print_json(value: Any) -> None:
    """Print one JSON document; names that are not UTF-8 survive it: os.fsencode gives their bytes back."""
    print(_json(value, indent=2 if sys.stdout.isatty() else None))


def print_rows(rows: Sequence[Mapping[str, Any]], form: Format, *, columns: Sequence[str] | None = None) -> None:
    """Print rows: JSON as one list, JSON lines, CSV, Parquet (binary, to a pipe or file), or a table.

    columns: those that a table shows; the other formats show all that any row has, and these where there is no row.
    """
    match form:
        case Format.json:
            print_json(list(rows))
        case Format.jsonl:
            print_lines(rows)
        case Format.csv:
            _print_csv(rows, _all_columns(rows) or columns or ())
        case Format.parquet:
            _print_parquet(rows, _all_columns(rows) or columns or ())
        case Format.table:
            _print_table(rows, columns or _all_columns(rows))


def print_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as JSON lines."""
    for row in rows:
        print(_json(row))


def print_json_with(facts: Mapping[str, Any], name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object: facts, of which there is at least one, and under a name a list of rows.

    To a program a row at a time, for there may be thousands.
    """
    if sys.stdout.isatty():
        print_json({**facts, name: list(rows)})
        return
    sys.stdout.write(f"{_json(facts)[:-1]}, {_json(name)}: [")
    for number, row in enumerate(rows):
        sys.stdout.write(f"{', ' if number else ''}{_json(row)}")
    sys.stdout.write("]}\n")


def truncated(value: float) -> str:
    """Return four decimals, cut and not rounded, so that only what is exactly 1 is shown as 1."""
    return f"{math.trunc(value * 10_000) / 10_000:.4f}"


def counted(number: int, noun: str) -> str:
    """Return "1 picture", "2,000 pictures"; noun: in the singular, of those that take an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def note(text: str) -> None:
    """Say something to the person on stderr, out of the way of results."""
    print(text, file=sys.stderr)


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Any]:
    """Yield a function that advances a bar on stderr by a number of items; silent when that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def stage_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function (stage, done, of how many; 0 if that isn't known): a bar for each stage on stderr, with rate and
    time left. Silent when that is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, rate="")
            speed = bars.tasks[tasks[stage]].speed
            said = f"{speed:,.0f}/s" if speed else ""
            bars.update(tasks[stage], completed=done, total=total or None, rate=said)

        yield show


def _json(value: Any, *, indent: int | None = None) -> str:
    return _held(json.dumps(value, ensure_ascii=False, indent=indent), sys.stdout.encoding or "utf-8")


def _held(text: str, encoding: str) -> str:
    """Return text with what the encoding can't hold escaped."""
    return text.encode(encoding, _ESCAPED).decode(encoding)


def _all_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.lstrip("_") if column != "_id" else "id", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):  # scores lie between 0 and 1; anything larger is an ordinary figure
        return truncated(value) if abs(value) <= 1 else str(round(value, 4))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Lines:
    """What a csv.writer writes to: ends lines with a line feed alone. Were the writer told to, it would leave a
    carriage return within a value unquoted (Python before 3.13), and readers would break the row there.
    """

    def write(self, line: str) -> None:
        sys.stdout.write(line.removesuffix("\r\n") + "\n")


def _print_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    if not columns:
        return
    writer = csv.writer(_Lines(), lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        cells = [row.get(column) for column in columns]
        writer.writerow([json.dumps(cell) if isinstance(cell, list | dict) else cell for cell in cells])


def _print_parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    if sys.stdout.isatty():
        raise InvalidArgument("--format", "parquet", "sent to a file: add > results.parquet")
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("Parquet output", "parquet") from None
    cells = {column: [_utf8(row.get(column)) for row in rows] for column in columns}
    pyarrow.parquet.write_table(pyarrow.table(cells), sys.stdout.buffer)


def _utf8(cell: Any) -> Any:
    return _held(cell, "utf-8") if isinstance(cell, str) else cell
