"""The scripts under their old names, each in a process of its own."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4] / "compat" / "ximilar"
KEY = "la_test_key"


@pytest.fixture
def run(host, estates):
    """Return run(script, *flags, code=0) -> what it printed; on the collection `estates`."""

    def start(script, *flags, code=0):
        usual = ["--api_prefix", host + "similarity/photos/v2/", "--auth_token", KEY, "--collection_id", estates]
        command = [sys.executable, str(ROOT / script), *usual, *map(str, flags)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return start


def test_the_announcements_command_fills_a_collection_that_is_listed_and_emptied(run, pictures, tmp_path, photos):
    lines = [
        {"_id": f"{n}", "_file": str(pictures / f"{n}.jpg"), "estate_id": "1", "x": n, "tags": []} for n in range(5)
    ]
    path = tmp_path / "records.json"
    path.write_text("".join(json.dumps(line) + ",\n" for line in lines) + "\nno record\n", "utf-8")
    printed = run(
        "insert_json_records.py", "--type", "generic", "--path", path, "--clean_fields", "x", "--batch_size", 2
    )
    assert "no record" in printed
    told = "Result of parallel:  {'answer_records': 5, 'records': 0, 'error': 0, 'skipped_records': 0}"
    assert told in printed

    packed, rest = tmp_path / "records.json.gz", {"answer_records": 0, "records": 0, "error": 0, "skipped_records": 2}
    packed.write_bytes(gzip.compress(json.dumps(lines).encode()))
    assert f"{rest}" in run("insert_json_records.py", "--file_path", packed, "--is_array", "yes", "--skip", 3)

    listed = tmp_path / "listed.json"
    fields = ["--fields_to_return", "_id,estate_id,x", "--batch_size", 2]
    assert "4 records" in run("get_all_records.py", *fields, "--limit", 4, "--file_path", listed)
    found = [json.loads(line) for line in listed.read_text("utf-8").splitlines()]
    assert len({record["_id"] for record in found}) == 4
    assert all(record == {"_id": record["_id"], "estate_id": "1"} for record in found)

    assert "5 records deleted" in run("clean_collection.py")
    assert photos.get_all_ids()["answer_count"] == 0


def test_what_can_not_be_is_said(run, tmp_path):
    path = tmp_path / "records.json"
    path.write_text("{}\n", "utf-8")
    run("insert_json_records.py", "--type", "strange", "--path", path, code=1)
    run("insert_json_records.py", "--auth_token", "wrong", "--path", path, code=1)
    run("insert_json_records.py", "--api_prefix", "http://localhost:1/x/v2/", "--path", path, code=1)
    run("clean_collection.py", "--collection_id", "unknown", code=1)
