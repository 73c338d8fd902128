"""Out into a file and in again: nothing is lost, vectors to the last bit; what can't be read is told by its line."""

import gzip
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import ImportUnreadable, InvalidArgument
from lookalike.records import Added
from lookalike.stores.base import Row
from lookalike.stores.memory import MemoryStore
from lookalike.transfer import ImportRules, exported, import_steps, prepared, read_lines, write_records
from lookalike.transfer.reading import cell_value
from lookalike.transfer.writing import _cell

FILES = ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz", "a.csv", "a.csv.gz", "a.parquet"]

AWKWARD = {
    "text": 'with, commas; "quotes"\nand lines',
    "number like": "007",
    "looks like a number": "12",
    "looks like null": "null",
    "empty": "",
    "nan": "NaN",
    "yes": True,
    "none": None,
    "float": 0.1 + 0.2,
    "whole float": 3.0,
    "big": 2**70,
    "list": ["a;b", 1, None, {"x": [1.5]}],
    "tags": ["red", "blue"],
    "object": {"a": {"b": "ü"}},
    "half a pair": "\ud800",
    "json:field": {"kept": 1},
    "vector:field": [1, 2],
}


@pytest.fixture
def filled(space, pictures):
    collection = space.create("pictures")
    records = [{"_id": f"{n}", "_file": str(pictures / f"{n}.jpg"), "n": n, "_batch": "first"} for n in range(5)]
    own = np.random.default_rng(1).normal(size=(3, 256))
    bare = [{"_id": f"own {n}", "_vector": own[n].tolist(), **AWKWARD} for n in range(3)]
    assert not collection.add([*records, *bare]).failed
    return collection


def rows_of(collection):
    return {row.id: row for row in collection._store.scroll(limit=1000, with_vectors=True).rows}


@pytest.mark.parametrize("name", FILES)
def test_an_export_with_vectors_comes_back_equal_to_the_last_bit(space, filled, tmp_path, pictures, name):
    path = tmp_path / "out" / name
    path.parent.mkdir()
    counted = []
    assert filled.export_file(path, vectors=True, progress=counted.append) == sum(counted) == 8
    assert [entry.name for entry in path.parent.iterdir()] == [name]
    for picture in pictures.glob("*.jpg"):
        picture.unlink()
    other = space.create("other")
    done = other.import_file(path)
    assert (done.inserted, done.failed, list(done.failures)) == (8, 0, [])
    before, after = rows_of(filled), rows_of(other)
    assert before.keys() == after.keys()
    for id_, row in before.items():
        assert after[id_].payload == row.payload
        assert json.dumps(after[id_].payload, sort_keys=True) == json.dumps(row.payload, sort_keys=True), "types too"
        assert {n: v.tobytes() for n, v in after[id_].vectors.items()} == {
            n: v.tobytes() for n, v in row.vectors.items()
        }
    again = other.import_file(path)
    assert (again.skipped, again.updated) == (8, 0)


def test_an_export_without_vectors_is_described_again_from_its_files(space, filled, tmp_path):
    path = tmp_path / "out.jsonl"
    filled.export_file(path, where={"n": {"$exists": True}})
    assert '"_vectors"' not in path.read_text("utf-8")
    other = space.create("other")
    assert other.import_file(path).inserted == 5
    assert rows_of(other)["3"].payload == rows_of(filled)["3"].payload


def test_lines_that_are_no_records_are_told_by_number_and_the_others_go_on(space, pictures):
    path = pictures / "in.jsonl"
    lines = [
        '{"_id": "a", "_file": "0.jpg", "n": 1}',
        "not json",
        "",
        "[1, 2]",
        '{"_id": 5, "_file": "1.jpg"}',
        '{"_file": "1.jpg"}',
        '{"_id": "a", "_file": "2.jpg"}',
        '{"_id": "gone", "_file": "gone.jpg"}',
        '{"_id": "text", "_file": "notes.txt"}',
        '{"_id": "short", "_vector": [1, 2]}',
        '{"_id": "b", "_file": "more/5.png"}',
    ]
    path.write_text("\n".join(lines), "utf-8")
    done = space.create("c").import_file(path)
    assert (done.inserted, done.failed, done.line) == (2, 8, 11)
    sources = {failure.source: failure.code for failure in done.failures}
    assert sources == {
        "line 2": "invalid_record",
        "line 4": "invalid_record",
        "line 5": "invalid_record",
        "line 6": "invalid_record",
        "line 7 (a)": "invalid_record",
        "line 8 (gone)": "invalid_record",
        "line 9 (text)": "image_unreadable",
        "line 10 (short)": "invalid_record",
    }
    assert "on line 1" in next(one.reason for one in done.failures if one.source == "line 7 (a)")


def test_columns_of_a_csv_go_by_the_names_wanted(space, pictures):
    path = pictures / "in.csv"
    path.write_text(
        "\ufeffsku,picture,price,sold,label,colors,note,secret\n"
        '007,0.jpg,12.50,true,"red, large",red;green;3,null,x\n'
        "8,1.jpg,,false,,,,x\n"
        "9,2.jpg,1\n",
        "utf-8",
    )
    rules = ImportRules(columns={"sku": "_id", "picture": "_file", "secret": ""}, batch="monday")
    collection = space.create("c")
    done = collection.import_file(path, rules=rules)
    assert (done.inserted, done.failed) == (2, 1)
    assert done.failures[0].source == "line 4"
    fields = collection.get(["007"])[0].fields
    assert {name: fields[name] for name in fields if not name.startswith("_")} == {
        "price": 12.5,
        "sold": True,
        "label": "red, large",
        "colors": ["red", "green", 3],
        "note": None,
    }
    assert fields["_file"] == str(pictures / "0.jpg")
    assert collection.count({"_batch": "monday"}) == 2
    assert "price" not in collection.get(["8"])[0].fields


def test_a_parquet_file_of_others(space, tmp_path, pictures):
    import datetime

    table = pyarrow.table(
        {
            "_id": ["a", "b"],
            "_file": [str(pictures / "0.jpg"), str(pictures / "1.jpg")],
            "when": [datetime.datetime(2026, 1, 2, 3, 4), None],
            "sizes": [[1, 2], None],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    collection = space.create("c")
    assert collection.import_file(tmp_path / "in.parquet").inserted == 2
    assert collection.get(["a"])[0].fields["when"] == "2026-01-02T03:04:00"
    assert collection.get(["a"])[0].fields["sizes"] == [1, 2]
    assert "when" not in collection.get(["b"])[0].fields


def test_an_import_for_others_reads_no_files_of_this_machine(space, pictures):
    path = pictures / "in.jsonl"
    path.write_text('{"_id": "a", "_file": "0.jpg"}\n{"_id": "b", "_vector": ' + json.dumps([1.0] * 256) + "}", "utf-8")
    done = space.create("c").import_file(path, rules=ImportRules(files=False))
    assert (done.inserted, [failure.source for failure in done.failures]) == (1, ["line 1"])


def many(count, width=256):
    return "".join(
        json.dumps({"_id": f"{n}", "_vector": np.eye(width)[n % width].tolist()}) + "\n" for n in range(count)
    )


def test_an_import_stops_when_told_and_goes_on_where_it_was(space, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(many(2500), "utf-8")
    collection = space.create("c")
    counted = []
    done = collection.import_file(path, progress=counted.append, cancel=lambda: True)
    assert (done.line, done.inserted, counted) == (1000, 1000, [1000])
    steps = list(collection.import_steps(path, after=done.line))
    assert [step.line for step in steps] == [2000, 2500]
    assert sum(step.inserted for step in steps) == 1500
    assert len(collection) == 2500
    assert collection.import_file(path).skipped == 2500


def test_a_second_line_of_an_id_fails_however_far_away_and_after_going_on():
    lines = [(n, {"_id": f"{n % 1500}"}) for n in range(1, 2001)]

    def add(records):
        return Added(inserted=[record["_id"] for record in records])

    assert sum(step.failed for step in import_steps(lines, add)) == 500
    assert sum(step.failed for step in import_steps(lines, add, after=1200)) == 500


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"_id": "a"}'),
        ("a.json", b'[{"_id": "a"}, {"_id": '),
        ("a.json", b'[{"_id": "a"} nonsense]'),
        ("a.json", b""),
        ("a.csv", b""),
        ("a.csv", b"_id,_id\n1,2\n"),
        ("a.csv", b"_id,x\n1,\xff\n"),
        ("a.jsonl.gz", b"not gzip"),
        ("a.jsonl.gz", gzip.compress(b'{"_id": "a"}\n' * 1000, mtime=0)[:-20]),
        ("a.parquet", b"PAR1 no PAR1"),
    ],
)
def test_files_that_break_off_or_are_none(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportUnreadable) as caught:
        list(read_lines(path))
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_name_that_tells_nothing(tmp_path):
    with pytest.raises(ImportUnreadable):
        list(read_lines(tmp_path / "gone.jsonl"))
    with pytest.raises(InvalidArgument, match="jsonl"):
        list(read_lines(tmp_path / "a.xlsx"))
    (tmp_path / "records").write_text('{"_id": "a"}', "utf-8")
    assert list(read_lines(tmp_path / "records", "jsonl")) == [(1, {"_id": "a"})]


def test_an_export_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("before", "utf-8")

    def broken():
        yield {"_id": "a"}
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        write_records(broken(), path, lambda count: None)
    assert path.read_text("utf-8") == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_every_value_comes_back_from_a_cell(value):
    again = cell_value("field", _cell("field", value))
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25)
@given(
    records=st.lists(
        st.dictionaries(st.text(min_size=1).filter(lambda n: n[0] not in "_$"), JSON, max_size=4), max_size=5
    )
)
def test_every_record_comes_back_from_a_file(tmp_path_factory, name, records):
    path = Path(tmp_path_factory.mktemp("out")) / name
    named = [{"_id": f"{n}", **record} for n, record in enumerate(records)]
    if name.startswith(("a.csv", "a.parquet")):
        named = [{key: value for key, value in one.items() if key.isprintable() and key.isascii()} for one in named]
    write_records(named, path, lambda count: None)
    lines = prepared(read_lines(path), path.parent, ImportRules())
    assert [record for _, record in lines] == named


@pytest.mark.parametrize("name", FILES)
def test_the_same_records_make_the_same_file(tmp_path, monkeypatch, name):
    rows = {"a": np.float32([1, 0]), "b": np.float32([0, 1, 0]), "c": np.float32([0, 1])}
    files = []
    for turn, order in enumerate(["abc", "cba", "bac"]):
        store = MemoryStore({vector: len(row) for vector, row in rows.items()})
        store.upsert([Row(f"{n}", {vector: rows[vector] for vector in order}, {"n": n}) for n in range(3)])
        path = tmp_path / f"{turn}" / name
        path.parent.mkdir()
        monkeypatch.setattr("time.time", lambda turn=turn: 1e9 + 1000 * turn)  # which gzip would keep
        write_records(exported(store, vectors=True), path, lambda count: None)
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]


EXPORT = """
import sys
from pathlib import Path
from lookalike.transfer import write_records

def records():
    for n in range(10):
        yield {"_id": f"{n}"}
    print("under way", flush=True)
    sys.stdin.readline()

write_records(records(), Path(sys.argv[1]), lambda count: None)
"""


@contextmanager
def exporting(path):
    """Run an export in a process of its own that waits half way for a line."""
    command = [sys.executable, "-c", EXPORT, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "under way\n"
        yield process


def test_what_a_killed_export_left_goes_with_the_next_of_the_same_file(tmp_path):
    path, other = tmp_path / "out.jsonl", tmp_path / "other.jsonl"
    for target in (path, other):
        with exporting(target) as process:
            process.kill()
    (tmp_path / ".out.jsonl.4711.part").write_text("of an earlier version", "utf-8")
    kept = tmp_path / ".out.jsonl.of.mine.part"
    kept.write_text("no export's", "utf-8")
    assert len(list(tmp_path.iterdir())) == 4
    assert write_records([{"_id": "a"}], path, lambda count: None) == 1
    assert path.read_text("utf-8") == '{"_id": "a"}\n'
    left = {entry.name for entry in tmp_path.iterdir()} - {"out.jsonl", kept.name}
    assert len(left) == 1
    assert left.pop().startswith(".other.jsonl.")


def test_two_exports_of_one_file_at_once_leave_each_other_alone(tmp_path):
    path = tmp_path / "out.jsonl"
    with exporting(path) as process:
        assert write_records([{"_id": "a"}], path, lambda count: None) == 1
        assert path.read_text("utf-8") == '{"_id": "a"}\n'
        process.communicate("\n")
        assert process.returncode == 0
    assert len(path.read_text("utf-8").splitlines()) == 10
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_two_exports_of_one_file_in_one_process_do_not_mix(tmp_path):
    path = tmp_path / "out.jsonl"

    def outer():
        yield {"_id": "first"}
        write_records([{"_id": "within"}], path, lambda count: None)
        yield {"_id": "last"}

    assert write_records(outer(), path, lambda count: None) == 2
    assert path.read_text("utf-8") == '{"_id": "first"}\n{"_id": "last"}\n'
