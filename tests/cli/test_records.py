"""Checking, listing duplicates, importing, exporting and erasing on the command line."""

import json
import shutil


def test_import_check_duplicates_export_and_erase(run, pictures, draw, save, tmp_path):
    save(draw(3)[::2, ::2], pictures / "3 small.jpg", quality=60)
    feed = pictures / "feed.csv"
    rows = ["sku,picture,price", *[f"p{n},{n}.jpg,{n}.5" for n in range(5)], "small,3 small.jpg,1", "gone,gone.jpg,1"]
    feed.write_text("\n".join(rows), "utf-8")
    done = run(
        "collection", "import", "shop", feed, "--column", "sku=_id", "--column", "picture=_file", "--batch", "one"
    )
    assert done.code == 1, "a line failed"
    assert "6 new, 0 updated, 0 unchanged, 1 failed" in done.out
    assert "line 8 (gone)" in done.err

    there = run("collection", "check", "shop", pictures / "2.jpg", "--format", "json")
    assert there.code == 1
    assert [(row["_id"], row["verdict"]) for row in there.json][:1] == [("p2", "identical")]
    assert run("collection", "check", "shop", save(draw(90), tmp_path / "new.png")).code == 0
    assert run("collection", "check", "shop", pictures / "notes.txt").code == 2

    found = run("collection", "duplicates", "shop", "--format", "json").json["groups"]
    assert [group["members"] for group in found] == [["p3", "small"]]
    assert found[0]["pairs"][0]["verdict"] == "edited-copy"
    assert "1 groups, 1 records more" in run("collection", "duplicates", "shop").out

    out = tmp_path / "out.jsonl"
    assert "6 records written to" in run("collection", "export", "shop", out, "--vectors").out
    assert run("collection", "import", "copy", out).code == 0
    shutil.rmtree(pictures)
    again = tmp_path / "again.jsonl"
    run("collection", "export", "copy", again, "--vectors")
    before, after = ([json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in (out, again))
    assert after == before

    receipt = run("collection", "erase", "shop", "p1", "nobody", "--yes")
    assert receipt.code == 0
    assert list(receipt.json["erased"]) == ["p1"]
    assert receipt.json["missing"] == ["nobody"]
    assert receipt.json["found"] == []
    assert run("collection", "show", "shop", "--format", "json").json[0]["price"] in (0.5, 1, 2.5, 3.5, 4.5)


def test_bad_use_is_a_clear_error(run, tmp_path):
    run("collection", "create", "shop")
    assert "--column" in run("collection", "import", "shop", "a.csv", "--column", "sku").err
    assert "can't be read as records" in run("collection", "import", "shop", tmp_path / "gone.csv").err
    assert "named .jsonl" in run("collection", "export", "shop", tmp_path / "out.xlsx").err
    assert "either ids or --filter" in run("collection", "erase", "shop", "--yes").err
    assert run("collection", "duplicates", "shop", "--linkage", "best").code == 2
    assert json.loads(run("collection", "duplicates", "shop", "--format", "json").out) == {"groups": []}
