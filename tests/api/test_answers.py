"""Answers as JSON: as the framework would write them, and of records that it could not write."""

import math
import os
from pathlib import Path

import pytest

from lookalike.api.answers import written
from lookalike.wire.base import FailureBody

ODD = "caf\udce9"


def test_names_of_members_are_those_of_the_wire_and_json_has_no_infinity():
    answer = written(lambda: {"failed": [FailureBody(id="ö", code="c", reason="r")], "n": [math.inf, 1.5]})()
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == '{"failed":[{"_id":"ö","code":"c","reason":"r"}],"n":[null,1.5]}'


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "records", None),
        ("GET", "records/plain", None),
        ("POST", "search", {"id": "1"}),
        ("POST", "scroll", {}),
        ("POST", "sample", {}),
        ("POST", "facets", {"fields": ["_file"]}),
    ],
)
def test_a_record_of_a_file_whose_name_is_no_utf8_is_told_like_others(service, shapes, tmp_path, method, path, body):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    facts = {"_sha256": "ab", "_file": str(file)}
    collection = shapes()
    collection.add({"_id": id_, "_vectors": {"shape": [1, 2, 3]}, **facts} for id_ in ("plain", ODD, "1"))
    answer = service().request(method, f"/v1/collections/c/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert "caf\\udce9" in answer.text
