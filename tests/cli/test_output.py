"""What is printed can be read back, whatever names files have and whatever the terminal's encoding is."""

import csv
import io
import json
import os
import sys

import pyarrow.parquet
import pytest

from lookalike.cli.output import Format, print_json, print_json_with, print_rows

NAMES = (b"\xff.jpg", "é中.jpg".encode(), b"plain.jpg")


@pytest.fixture
def printed(monkeypatch):
    """Return printed(encoding, errors, function, *arguments) -> the bytes that reach stdout."""

    def call(encoding, errors, function, *arguments, **named):
        raw = io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, errors, newline=""))
            function(*arguments, **named)
            sys.stdout.flush()
            return raw.getvalue()

    return call


@pytest.mark.parametrize(
    ("encoding", "errors"), [("utf-8", "strict"), ("utf-8", "surrogateescape"), ("ascii", "surrogateescape")]
)
@pytest.mark.parametrize("form", [Format.json, Format.jsonl, None])
def test_json_is_valid_and_brings_back_names_that_are_not_utf8(printed, encoding, errors, form):
    rows = [{"path": os.fsdecode(name)} for name in NAMES]
    out = printed(encoding, errors, *((print_json, rows) if form is None else (print_rows, rows, form))).decode("utf-8")
    found = [json.loads(line) for line in out.splitlines()] if form is Format.jsonl else json.loads(out)
    assert [os.fsencode(row["path"]) for row in found] == list(NAMES)
    assert ("é中" in out) is (encoding == "utf-8"), "what can be written is not escaped"


def test_csv_quotes_what_would_break_a_row(printed):
    values = ["a\rb", "a\nb", "a\r\nb", "a\r\n", 'a"b', "a,b", "", "plain"]
    out = printed("utf-8", "strict", print_rows, [{"value": value, "n": 1} for value in values], Format.csv).decode()
    assert out.endswith("\nplain,1\n")
    assert list(csv.reader(io.StringIO(out, newline=""))) == [["value", "n"], *([value, "1"] for value in values)]


def test_no_rows_have_the_columns_that_are_known(printed):
    assert printed("utf-8", "strict", print_rows, [], Format.csv, columns=("a", "b")) == b"a,b\n"
    assert printed("utf-8", "strict", print_rows, [], Format.csv) == b""
    table = printed("utf-8", "strict", print_rows, [], Format.parquet, columns=("a", "b"))
    assert pyarrow.parquet.read_table(io.BytesIO(table)).column_names == ["a", "b"]


def test_parquet_has_columns_of_later_rows_and_names_that_are_not_utf8(printed):
    rows = [{"path": os.fsdecode(NAMES[0])}, {"path": "b", "n": 2}]
    table = pyarrow.parquet.read_table(io.BytesIO(printed("utf-8", "strict", print_rows, rows, Format.parquet)))
    assert table.to_pylist() == [{"path": "\\udcff.jpg", "n": None}, {"path": "b", "n": 2}]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_object_with_rows_is_the_same_a_row_at_a_time(count, printed):
    rows = [{"file": f"{number} ä\udcff", "at": [number, None]} for number in range(count)]
    out = printed("utf-8", "strict", print_json_with, {"b": 1, "a": "x"}, "rows", iter(rows))
    assert json.loads(out) == {"b": 1, "a": "x", "rows": rows}
