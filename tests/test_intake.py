"""Records as users give them."""

import math
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


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ({"_base64": "AAAA"}, "needs an _id"),
        ({"_id": 7, "_base64": "AAAA"}, "must be a string"),
        ({"_id": "", "_base64": "AAAA"}, "1 to 512"),
        ({"_id": "x" * (MAX_ID + 1)}, "513"),
        ({"_id": "a", "_base64": "AAAA", "_vector": [1]}, "one of them"),
        ({"_id": "a", "_url": "http://x/y.jpg"}, "_url"),
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
