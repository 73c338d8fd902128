"""The report is one file that shows pictures, runs nothing, and takes every word for a word."""

import base64
import io
import re
from dataclasses import replace

import pytest
from PIL import Image

from lookalike.evaluation import evaluate_described
from lookalike.evaluation.drawing import line_chart
from lookalike.evaluation.report import write_report
from lookalike.settings import Settings

_EVIL = '<script>alert("1")</script>&'


@pytest.fixture
def page(tmp_path, made, clouds, draw, save):
    rows, labels = clouds(1, 4, 12)
    labels = [_EVIL if label == "l0" else label for label in labels]
    labels[5] = "l3"
    pictures = made(rows, labels)
    files = {name: save(draw(place), tmp_path / f"{name}.jpg") for place, name in enumerate(pictures.names)}
    files["p7"].write_bytes(b"no picture")
    training = made(rows[20:22], ["l1", "l1"], names=["t20", "t21"], digests=["p20", "other"])
    pictures = replace(pictures, files=files, unreadable={"broken.jpg": "it ends early"}, unlabeled=["loose.jpg"])
    found = evaluate_described(pictures, training=training)
    write_report(found, tmp_path / "new" / "report.html", files=files, settings=Settings())
    return found, (tmp_path / "new" / "report.html").read_text("utf-8")


def test_it_is_whole_and_runs_nothing(page, tmp_path, read_tags):
    _, text = page
    tags = read_tags(text)
    assert tags.open == []
    assert "script" not in tags.names
    assert all(address.startswith("data:image/jpeg;base64,") for address in tags.addresses)
    assert "default-src 'none'" in text
    assert _EVIL not in text
    assert "&lt;script&gt;alert" in text
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"], "nothing left aside"


def test_it_says_what_was_measured(page):
    found, text = page
    words = " ".join(text.split())
    for line in found.lines:
        figure = line.recall_at_1
        assert f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]" in text
    for heading in ("Worst questions", "Best questions", "Labels to look at", "Hard pairs", "In the training set, too"):
        assert f"<h2>{heading}</h2>" in text
    assert "1 of 48 pictures, or edits of them, are among the 2 trained on" in words
    assert "say &lt;script&gt;" in text, "the doubtful label of p5"
    assert "broken.jpg: it ends early" in text
    assert text.count("<polyline") == len(found.lines)


def test_thumbnails_are_pictures_of_its_own(page):
    _, text = page
    made = [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", text)]
    sizes = {Image.open(io.BytesIO(data)).size for data in made}
    assert len(made) > 50
    assert sizes == {(112, 84)}
    assert '<span class="gone">p7</span>' in text, "one that can't be read stands there by name"


def test_a_chart_keeps_to_its_frame():
    text = line_chart({"<a>": [(1.0, 0.0), (50.0, 1.0)]}, x="n", y="share", upto=50.0)
    points = [tuple(map(float, pair.split(","))) for pair in re.search(r'points="([^"]+)"', text)[1].split()]
    assert points[1] == (548.0, 12.0)
    assert points[0][1] == 280.0
    assert "<title>&lt;a&gt;</title>" in text
