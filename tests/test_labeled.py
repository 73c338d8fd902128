"""Folders and tables say what pictures show; a table that says nothing of use is a clear error."""

import json

import pytest

from lookalike.errors import InvalidArgument, LabelsNotFound, NoImagesFound
from lookalike.labeled import Labeled, Pair, labeled_by_file, labeled_folder, read_pairs


@pytest.fixture
def classes(tmp_path, draw, save):
    """Two labels of two pictures each, and a picture without."""
    folder = tmp_path / "classes"
    for seed in range(4):
        save(draw(seed), folder / f"scene {seed % 2}" / f"{seed}.jpg")
    save(draw(10), folder / "loose.jpg")
    return folder


def write(path, text):
    path.write_text(text, "utf-8")
    return path


def test_folders_are_labels(classes):
    found = labeled_folder(classes)
    assert found.labels == ["scene 0", "scene 0", "scene 1", "scene 1"]
    assert [path.name for path in found.files] == ["0.jpg", "2.jpg", "1.jpg", "3.jpg"]
    assert [path.name for path in found.unlabeled] == ["loose.jpg"]


def test_folders_below_a_label_belong_to_it(classes, draw, save):
    save(draw(30), classes / "scene 1" / "more" / "deep.jpg")
    found = labeled_folder(classes)
    assert dict(zip(found.files, found.labels, strict=True))[classes / "scene 1" / "more" / "deep.jpg"] == "scene 1"


def test_a_folder_without_labels_is_refused(tmp_path, draw, save):
    save(draw(0), tmp_path / "flat" / "0.jpg")
    with pytest.raises(InvalidArgument, match="folder of folders"):
        labeled_folder(tmp_path / "flat")
    with pytest.raises(LabelsNotFound, match="nothing is there"):
        labeled_folder(tmp_path / "none")
    with pytest.raises(LabelsNotFound, match="a file, not a folder"):
        labeled_folder(tmp_path / "flat" / "0.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoImagesFound):
        labeled_folder(tmp_path / "empty")


def test_a_table_gives_labels(tmp_path):
    lines = "file,label,source\na.jpg,cat,x\nsub/b.jpg,,y\n"
    table = write(tmp_path / "labels.csv", "\ufeff" + lines)
    assert labeled_by_file(table) == Labeled([tmp_path / "a.jpg"], ["cat"], [tmp_path / "sub" / "b.jpg"])
    rows = [{"file": "a.jpg", "label": "cat"}, {"file": "sub/b.jpg", "label": ""}]
    other = write(tmp_path / "labels.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    assert labeled_by_file(other) == labeled_by_file(table)
    assert labeled_by_file(table, tmp_path / "there").files == [tmp_path / "there" / "a.jpg"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.csv", "file,kind\na.jpg,cat\n", "without label"),
        ("t.csv", "file,label\na.jpg\n", "line 2"),
        ("t.jsonl", '{"file": "a.jpg"}', "without label"),
        ("t.jsonl", "[1, 2]", "line 1"),
        ("t.jsonl", "{oops", "jsonl file"),
        ("t.txt", "file,label\n", ".csv or .jsonl"),
        ("t.csv", "file,label\na.jpg,cat\na.jpg,dog\n", "named once"),
    ],
)
def test_a_bad_table_is_a_clear_error(tmp_path, name, text, words):
    with pytest.raises(InvalidArgument, match=words.replace(".", r"\.")):
        labeled_by_file(write(tmp_path / name, text))


def test_a_table_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(LabelsNotFound, match="columns file, label"):
        labeled_by_file(tmp_path / "none.csv")
    (tmp_path / "t.csv").write_bytes(b"file,label\n\xff\xfe,x\n")
    with pytest.raises(InvalidArgument, match="UTF-8"):
        labeled_by_file(tmp_path / "t.csv")


def test_pairs_are_read_in_every_spelling_of_truth(tmp_path):
    table = write(tmp_path / "p.csv", "a,b,same\n1.jpg,2.jpg,1\n1.jpg,3.jpg,No\n")
    one = tmp_path / "1.jpg"
    assert read_pairs(table) == [Pair(one, tmp_path / "2.jpg", True), Pair(one, tmp_path / "3.jpg", False)]
    rows = write(tmp_path / "p.jsonl", '{"a": "1.jpg", "b": "2.jpg", "same": true}')
    assert read_pairs(rows) == [Pair(one, tmp_path / "2.jpg", True)]
    with pytest.raises(InvalidArgument, match=r"line 2 of bad\.csv"):
        read_pairs(write(tmp_path / "bad.csv", "a,b,same\n1.jpg,2.jpg,maybe\n"))
