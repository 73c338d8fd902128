"""Records as users give them."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import InvalidRecord
from lookalike.intake import MAX_ID, read_record


def test_a_path_is_a_record(pictures):
    record = read_record(pictures / "0.jpg")
    assert record.id == str(pictures / "0.jpg")
    assert record.stamp["_file"] == record.id
    assert record.stamp["_size"] == (pictures / "0.jpg").stat().st_size


def test_metadata_is_kept_as_json():
    record = read_record({"_id": "a", "_base64": "AAAA", "tags": ["x"], "price": 1.5, "sizes": (1, 2)})
    assert record.fields == {"tags": ["x"], "price": 1.5, "sizes": [1, 2]}
    assert record.source == "AAAA"


def test_vectors_become_unit_rows():
    record = read_record({"_id": "a", "_vector": {"copy": [3, 4]}})
    np.testing.assert_allclose(record.vectors["copy"], [0.6, 0.8], rtol=1e-6)
    assert read_record({"_id": "a", "_vector": [0, 2]}).vectors[""].tolist() == [0, 1]


def test_a_url_is_a_source_and_remembered():
    record = read_record({"_id": "a", "_url": "https://shop.example/1.jpg", "_batch": "monday"})
    assert record.source == "https://shop.example/1.jpg"
    assert record.stamp == {"_url": "https://shop.example/1.jpg", "_batch": "monday"}
    assert record.fields == {}


def test_own_vectors_may_come_beside_a_picture(pictures):
    record = read_record({"_id": "a", "_file": str(pictures / "0.jpg"), "_vectors": {"shape": [0, 2]}})
    assert record.vectors["shape"].tolist() == [0, 1]
    assert record.source == str(pictures / "0.jpg")


def test_an_exported_record_is_taken_as_it_was():
    row = np.random.default_rng(1).normal(size=64)
    row = (row / np.linalg.norm(row)).astype(np.float32) * np.float32(1.0000004)
    facts = {"_sha256": "ab", "_file": "/gone.jpg", "_mtime": 5, "_phash": "00", "_batch": "b"}
    record = read_record({"_id": "a", "n": 1, "_vectors": {"copy": row.tolist()}, **facts})
    assert record.source is None
    assert record.stamp == facts
    assert record.fields == {"n": 1}
    assert record.vectors["copy"].tobytes() == row.tobytes()


def test_metadata_too_deep_for_json_is_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidRecord, match="not JSON"):
        read_record({"_id": "a", "deep": deep})


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ({"_base64": "AAAA"}, "needs an _id"),
        ({"_id": 7, "_base64": "AAAA"}, "must be a string"),
        ({"_id": "", "_base64": "AAAA"}, "1 to 512"),
        ({"_id": "x" * (MAX_ID + 1)}, "513"),
        ({"_id": "a", "_base64": "AAAA", "_vector": [1]}, "one of them"),
        ({"_id": "a", "_url": "/etc/passwd"}, "begins with http"),
        ({"_id": "a", "_url": "file:///etc/passwd"}, "begins with http"),
        ({"_id": "a", "_url": 7}, "begins with http"),
        ({"_id": "a", "_url": "http://x/y.jpg", "_file": "y.jpg"}, "one of them"),
        ({"_id": "a", "_vector": [1], "_vectors": {"copy": [1]}}, "one of them"),
        ({"_id": "a", "_vectors": [1]}, "mapping of names"),
        ({"_id": "a", "_vectors": {}}, "mapping of names"),
        ({"_id": "a", "_vectors": {"copy": [1]}, "_width": 3}, "_width"),
        ({"_id": "a", "_vectors": {"copy": [1]}, "_sha256": "00", "_width": [3]}, "text and whole numbers"),
        ({"_id": "a", "$unset": "price"}, "list of field names"),
        ({"_id": "a", "$unset": ["_file"]}, "names of metadata"),
        ({"_id": "a", "$unset": ["price"], "price": 3}, "doesn't give as well"),
        ({"_id": "a", "_batch": 3}, "_batch must be text"),
        ({"_id": "a", "_file": "/no/such/file.jpg"}, "No such file"),
        ({"_id": "a", "_file": 3}, "must be a path"),
        ({"_id": "a", "_secret": 1}, "_secret"),
        ({"_id": "a", "$set": 1}, "set"),
        ({"_id": "a", "when": Path()}, "not JSON"),
        ({"_id": "a", "price": math.nan}, "not JSON"),
        ({"_id": "a", "tags": "red"}, "list of strings"),
        ({"_id": "a", "_vector": [0, 0]}, "not all zero"),
        ({"_id": "a", "_vector": "no"}, "list of numbers"),
        ({"_id": "a", "_vector": [math.inf]}, "finite"),
        (42, "mapping or a path"),
    ],
)
def test_bad_records_say_why(raw, word):
    with pytest.raises(InvalidRecord, match=word):
        read_record(raw)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "~nobody-of-this-name/1.jpg", "/nowhere/1.jpg"])
def test_what_names_no_file_is_the_error_of_its_record(name):
    with pytest.raises(InvalidRecord, match=r"nobody-of-this-name|x00|ud800|nowhere"):
        read_record({"_id": "a", "_file": name})


def test_a_file_whose_name_is_no_utf8_is_a_record(pictures, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    path.write_bytes((pictures / "0.jpg").read_bytes())
    record = read_record(path)
    assert record.id == record.stamp["_file"] == str(path)
    exported = {"_id": record.id, "_vectors": {"copy": [1, 2]}, "_sha256": "ab", "_file": str(path)}
    assert read_record(exported).stamp["_file"] == str(path)
