"""`lookalike sync` as its users run it."""

import json

import lookalike


def test_a_feed_is_added_run_listed_and_removed(run, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        space.create("c", kind="custom", entities={"shape": 3})
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps({"_id": "a", "_vector": [1, 2, 3]}) + "\n{}\n")
    assert "There is no collection 'x'" in run("sync", "add", "x", feed).err
    made = run("sync", "add", "c", "feed.jsonl", "--every", "1h", "--remove")
    assert made.code == 0, made.err
    [row] = run("sync", "list", "--format", "json").json
    assert (row["source"], row["every"], row["remove"]) == (str(feed), 3600, True)
    ran = run("sync", "run", row["id"])
    assert ran.code == 0, ran.err
    assert ran.json["added"] == ran.json["failed"] == 1
    assert "line 2" in ran.err
    feed.unlink()
    gone = run("sync", "run", row["id"])
    assert gone.code == 1
    assert gone.json["state"] == "failed"
    assert run("sync", "remove", row["id"]).code == 0
    assert run("sync", "remove", row["id"]).code == 2


def test_bad_values_are_one_line(run, tmp_path):
    for arguments, word in (
        (("--every", "soon"), "15m"),
        (("--existing", "burn"), "replace"),
        (("--file-format", ""), "jsonl"),
    ):
        refused = run("sync", "add", "c", "feed.unknown", *arguments)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert word in refused.err
