"""`lookalike map`: drawn, brought up to date, and written to files."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import lookalike

HOSTILE = '<b>&"'


@pytest.fixture
def shop(tmp_path):
    """A collection of two groups and a record without a kind, in the workspace of the commands."""
    rng = np.random.default_rng(3)
    with lookalike.open(tmp_path / "space") as space:
        space.create("shop").add(
            {
                "_id": f"{kind}{n}",
                "_vector": [float(kind == "cat"), float(kind == "dog"), *rng.normal(size=254) / 40],
                "kind": HOSTILE if kind == "cat" else "dog",
                "price": n + 0.5,
            }
            for kind in ("cat", "dog")
            for n in range(9)
        )
        space.get("shop").add([{"_id": "=bare", "_vector": [1.0] * 256}])


def test_a_map_is_drawn_once_and_then_brought_up_to_date(run, shop):
    [first] = run("map", "shop", "--method", "pca", "--format", "json").json
    assert first == {
        "collection": "shop",
        "by": "meaning",
        "method": "pca",
        "records": 19,
        "fitted": 19,
        "without": 0,
    }
    [second] = run("map", "shop", "--method", "pca", "--format", "json").json
    assert second["placed"] == 0
    assert "fitted" in run("map", "shop", "--method", "pca", "--anew", "--format", "json").json[0]


def test_it_is_written_as_the_name_says(run, shop, tmp_path):
    for kind in ("html", "PNG", "json", "csv"):
        done = run("map", "shop", "--method", "pca", "--output", tmp_path / f"map.{kind}")
        assert done.code == 0, done.err
    page = (tmp_path / "map.html").read_text()
    assert "&lt;b&gt;&amp;" in page
    assert HOSTILE not in page
    assert page.count("data:image/png;base64,") == 2
    assert "http" not in page
    with Image.open(tmp_path / "map.PNG") as picture:
        assert picture.size == (1000, 1000)
    told = json.loads((tmp_path / "map.json").read_text())
    assert (told["collection"], told["by"], told["color"]) == ("shop", "meaning", "kind")
    rows = {row["_id"]: row for row in told["records"]}
    assert (rows["cat3"]["color"], rows["dog3"]["color"], rows["=bare"]["color"]) == (HOSTILE, "dog", None)
    apart = abs(rows["cat1"]["x"] - rows["dog1"]["x"]) + abs(rows["cat1"]["y"] - rows["dog1"]["y"])
    near = abs(rows["cat1"]["x"] - rows["cat2"]["x"]) + abs(rows["cat1"]["y"] - rows["cat2"]["y"])
    assert near < apart
    with (tmp_path / "map.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert {row["_id"]: int(row["x"]) for row in table} == {id_: row["x"] for id_, row in rows.items()}
    assert table[0].keys() == {"_id", "x", "y", "kind"}


def test_a_color_that_no_record_has_is_said(run, shop, tmp_path):
    done = run("map", "shop", "--method", "pca", "--color", "knd", "--output", tmp_path / "map.html")
    assert done.code == 0, done.err
    assert "No record on the map has a value in the field knd" in done.err
    done = run("map", "shop", "--method", "pca", "--color", "kind", "--output", tmp_path / "map.html")
    assert "No record" not in done.err


def test_colors_are_numbers_or_none(run, shop, tmp_path):
    assert run("map", "shop", "--method", "pca", "--color", "price", "-o", tmp_path / "a.json").code == 0
    colors = [row["color"] for row in json.loads((tmp_path / "a.json").read_text())["records"]]
    known = [color for color in colors if color is not None]
    assert len(known) == 18
    assert (min(known), max(known)) == (0, 1)
    assert run("map", "shop", "--method", "pca", "--color", "-", "-o", tmp_path / "b.json").code == 0
    assert json.loads((tmp_path / "b.json").read_text())["records"][0].keys() == {"_id", "x", "y"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop", "--output", "map.pdf"], ".html, .png, .json, .csv"),
        (["shop", "--method", "umap"], "pca or tsne"),
        (["shop", "--by", "smell"], "smell"),
        (["shop", "--method", "pca", "--output", "no/such/folder/map.png"], "No such file"),
    ],
)
def test_what_cant_be_done_is_said_in_a_line(run, shop, arguments, said):
    done = run("map", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_file_that_can_not_be_written_is_named(run, shop, tmp_path):
    told = run("map", "shop", "--method", "pca", "--output", str(tmp_path / "none" / "map.html"))
    assert told.code == 2
    assert f"{tmp_path / 'none' / 'map.html'} could not be written: No such file or directory" in told.err
    assert run("map", "shop", "--output", str(tmp_path / "map.html")).code == 0
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []
