"""Labels of every form become identities; what is odd is said."""

import json

import pytest

from lookalike.errors import InvalidArgument, LabelsNotFound
from lookalike.learning import read_dataset


@pytest.fixture
def files(tmp_path):
    for name in "abcdef":
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    return tmp_path


def identities(data):
    return {file.name: name for file, name in zip(data.files, data.identities, strict=True)}


def test_folders_are_classes(classes):
    data = read_dataset(classes)
    assert len(data.files) == 48
    assert set(data.identities) == {f"class-{number}" for number in range(8)}
    assert data.warnings == []


def test_a_table_of_labels(files):
    (files / "labels.csv").write_text("file,label\na.jpg,cat\nb.jpg,cat\nc.jpg,dog\nd.jpg,dog\ne.jpg,\n")
    data = read_dataset(files / "labels.csv")
    assert identities(data) == {"a.jpg": "cat", "b.jpg": "cat", "c.jpg": "dog", "d.jpg": "dog"}
    assert data.warnings == ["1 rows have no label: left out."]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_table_of_groups(files, ending):
    rows = [("a.jpg", "1"), ("b.jpg", "1"), ("c.jpg", "2")]
    path = files / f"groups.{ending}"
    if ending == "csv":
        path.write_text("file,group\n" + "".join(f"{file},{group}\n" for file, group in rows))
    else:
        path.write_text("".join(json.dumps({"file": file, "group": group}) + "\n" for file, group in rows))
    assert identities(read_dataset(path)) == dict(rows)


def test_lines_of_files_that_show_the_same(files):
    (files / "groups.jsonl").write_text('{"files": ["a.jpg", "b.jpg"]}\n\n{"files": ["c.jpg"], "label": "c"}\n')
    found = identities(read_dataset(files / "groups.jsonl"))
    assert found == {"a.jpg": "group 1", "b.jpg": "group 1", "c.jpg": "c"}


def test_pairs_connect_directly_and_through_others(files):
    table = "a,b,same\na.jpg,b.jpg,1\nb.jpg,c.jpg,yes\nd.jpg,e.jpg,1\na.jpg,d.jpg,0\na.jpg,c.jpg,0\n"
    (files / "pairs.csv").write_text(table)
    data = read_dataset(files / "pairs.csv")
    found = identities(data)
    assert found["a.jpg"] == found["b.jpg"] == found["c.jpg"]
    assert found["d.jpg"] == found["e.jpg"] != found["a.jpg"]
    assert "1 pairs are called different that others call the same" in data.warnings[0]


def test_pairs_may_name_pictures_elsewhere_by_their_whole_paths(files, tmp_path_factory):
    table = tmp_path_factory.mktemp("tables") / "pairs.csv"
    table.write_text(f"a,b,same\n{files}/a.jpg,{files}/b.jpg,1\n{files}/a.jpg,{files}/c.jpg,0\n")
    found = identities(read_dataset(table))
    assert found == {"a.jpg": f"{files}/a.jpg", "b.jpg": f"{files}/a.jpg", "c.jpg": f"{files}/c.jpg"}


def test_files_that_are_not_there_are_said_and_left_out(files):
    (files / "labels.csv").write_text("file,label\na.jpg,cat\nb.jpg,cat\nz.jpg,cat\n")
    data = read_dataset(files / "labels.csv")
    assert len(data.files) == 2
    assert "1 of 3 files named are not there" in data.warnings[0]
    assert "z.jpg" in data.warnings[0]


def test_a_table_none_of_whose_files_is_there_is_refused(files):
    (files / "labels.csv").write_text("file,label\nx.jpg,cat\ny.jpg,cat\n")
    with pytest.raises(InvalidArgument, match=r"x\.jpg"):
        read_dataset(files / "labels.csv")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "picture,kind\na.jpg,cat\n"),
        ("labels.txt", "a.jpg cat\n"),
        ("groups.jsonl", '{"files": "a.jpg", "label": 1}\n{"files": 3}\n'),
        ("groups.csv", "file,group\na.jpg,1\na.jpg,2\n"),
        ("broken.jsonl", "{\n"),
        ("short.csv", "file,group\na.jpg\n"),
    ],
)
def test_other_tables_are_refused(files, name, text):
    (files / name).write_text(text)
    with pytest.raises(InvalidArgument):
        read_dataset(files / name)


@pytest.mark.parametrize(("name", "head"), [("labels.csv", "file,label\n"), ("groups.jsonl", '{"files": ["a.jpg"]}\n')])
def test_a_table_that_is_no_utf_8_further_down_is_refused(files, name, head):
    (files / name).write_bytes((head + "\n" * 20_000).encode() + b"\xff\n")
    with pytest.raises(InvalidArgument, match="UTF-8"):
        read_dataset(files / name)


def test_rows_without_a_group_are_said_and_left_out(files):
    (files / "groups.csv").write_text("file,group\na.jpg,1\nb.jpg,1\nc.jpg,\n")
    data = read_dataset(files / "groups.csv")
    assert identities(data) == {"a.jpg": "1", "b.jpg": "1"}
    assert data.warnings == ["1 rows have no group: left out."]


def test_nothing_there(tmp_path):
    with pytest.raises(LabelsNotFound, match="one folder per class"):
        read_dataset(tmp_path / "no.csv")


def test_single_pictures_and_unbalanced_classes_are_said(tmp_path):
    names = ["big"] * 90 + ["small"] * 2 + ["other"] * 2 + ["alone"]
    for number, name in enumerate(names):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{number}.jpg").write_bytes(b"x")
    alone, unbalanced = read_dataset(tmp_path).warnings
    assert "1 of 4 classes have one picture" in alone
    assert "big up to 90" in unbalanced
