"""`lookalike train`."""

import json
import shlex

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import lookalike
from lookalike.cli import app
from lookalike.errors import CollectionNotFound, InvalidArgument


@pytest.fixture
def classes(tmp_path, draw, save):
    for number in range(5):
        for place in range(4):
            light = draw(number) * (0.6 + 0.15 * place)
            moved = cv2.warpAffine(light, np.float32([[1, 0, 9 * place], [0, 1, 5 * place]]), (320, 240))
            save(np.clip(moved, 0, 255).astype(np.uint8), tmp_path / "in" / f"class-{number}" / f"{place}.jpg")
    return tmp_path / "in"


def ran(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_json_is_one_object(classes, tmp_path):
    done = ran(classes, "--out", tmp_path / "out", "--format", "json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert 0 <= found["before"]["recall@1"] <= 1
    assert found["after"]["recall@1"] >= found["before"]["recall@1"]
    assert found["model"] == str(tmp_path / "out")


def test_the_table_says_plainly_what_came_of_it_and_how_to_go_on(classes, tmp_path):
    (classes / "class-0" / "broken.jpg").write_bytes(b"x")
    done = ran(classes, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "warning: 1 pictures can't be read: class-0/broken.jpg" in done.stderr
    assert f"collection redescribe NAME --model {tmp_path / 'out'}" in done.stdout
    assert any(word in done.stdout for word in ("Better:", "Not clearly better:", "Not better:", "Worse:"))
    assert "before" in done.stdout
    assert "phash" in done.stdout


def test_what_is_said_to_use_it_can_be_pasted(classes, tmp_path):
    for more, flag in (((), "--model"), (("--task", "classify"), "--tagger")):
        out = tmp_path / f"my {flag} it's"
        done = ran(classes, "-o", out, *more)
        words = shlex.split(
            next(line for line in reversed(done.stdout.splitlines()) if flag in line).partition(": ")[2]
        )
        assert words[-1] == str(out)
    using = next(line for line in done.stdout.splitlines() if line.startswith("Use it: "))
    assert json.loads(shlex.split(using)[-1].removeprefix("taggers=")) == [str(out)]


def test_a_report_is_written_beside_either(classes, tmp_path):
    page = tmp_path / "pages" / "alike.html"
    done = ran(classes, "-o", tmp_path / "out", "--report", page)
    assert done.exit_code == 0, done.output
    assert f"the report is in {page}" in done.stderr
    assert "<h2>Worst questions</h2>" in page.read_text("utf-8")
    page = tmp_path / "labels.html"
    done = ran(classes, "--task", "classify", "-o", tmp_path / "scene", "--report", page, "--format", "json")
    assert json.loads(done.stdout)["model"] == str(tmp_path / "scene")
    assert "<h2>Wrongly labeled</h2>" in page.read_text("utf-8")


def test_a_report_that_cannot_be_written_is_said(classes, tmp_path):
    done = ran(classes, "-o", tmp_path / "out", "--report", tmp_path)
    assert done.exit_code == 1
    assert "--report" in str(done.exception)
    assert not (tmp_path / "out").exists(), "said before anything is learned"
    done = ran(classes, "-o", tmp_path / "out", "--report", classes / "class-0" / "0.jpg" / "page.html")
    assert done.exit_code == 1
    assert "what was learned is in its folder" in str(done.exception)
    assert (tmp_path / "out" / "card.json").is_file()


def test_a_head_is_learned_from_what_people_marked_in_a_collection(classes, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        shop = space.create("shop")
        shop.add([{"_id": f"{file.parent.name} {file.name}", "_file": file} for file in classes.glob("*/*.jpg")])
        shop.add([{"_id": "no file", "_image": np.full((40, 60, 3), 99, np.uint8)}])
        for number in range(5):
            first, *others = sorted(record.id for record in shop.records() if record.id.startswith(f"class-{number}"))
            for other in others:
                space.catalog.decisions.add("same", [first, other], collection="shop")
        space.catalog.decisions.add("different", ["class-0 0.jpg", "class-1 0.jpg"], collection="shop")
        space.catalog.decisions.add("different", ["class-0 0.jpg", "no file"], collection="shop")
    done = ran("-C", "shop", "-w", tmp_path / "space", "-o", tmp_path / "out", "--format", "json")
    assert done.exit_code == 0, done.output
    assert "1 marked records have no picture in a file: left out: no file." in done.stderr
    found = json.loads(done.stdout)
    assert found["classes"] + found["held out classes"] == 5
    assert (tmp_path / "out" / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "given SOURCE or --collection"),
        (("pairs.csv", "-C", "shop"), "given SOURCE or --collection"),
        (("-C", "shop", "--task", "tag"), "left out with --task tag: give SOURCE"),
        (("-C", "shop"), "pairs of pictures that people called the same"),
        (("-C", "none"), "no collection 'none'"),
    ],
)
def test_what_marks_can_not_be_learned_from_is_said(tmp_path, arguments, says):
    with lookalike.open(tmp_path / "space") as space:
        space.create("shop")
    done = ran(*arguments, "-w", tmp_path / "space")
    assert isinstance(done.exception, InvalidArgument | CollectionNotFound)
    assert says in str(done.exception)


def test_csv_has_one_row_a_line(classes, tmp_path):
    done = ran(classes, "-o", tmp_path / "out", "--format", "csv")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("by,recall@1,recall@1 low")
    assert [line.split(",")[0] for line in lines[1:3]] == ["before", "after"]


def test_a_classifier_is_one_object_and_says_its_labels_of_other_pictures(classes, tmp_path):
    done = ran(classes, "--task", "classify", "-o", tmp_path / "scene", "--format", "json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["model"] == str(tmp_path / "scene")
    assert 0 <= found["accuracy"] <= 1
    assert found["labels"].keys() == {f"class-{number}" for number in range(5)}
    shown = CliRunner().invoke(
        app, ["describe", str(classes / "class-2" / "0.jpg"), "--tagger", str(tmp_path / "scene"), "--format", "json"]
    )
    assert shown.exit_code == 0, shown.output
    said = json.loads(shown.stdout)[0]["taggers"]["scene"]
    assert sum(said["probabilities"].values()) == pytest.approx(1)
    assert said["labels"] == [max(said["probabilities"], key=said["probabilities"].get)]


def test_the_table_of_a_tagger_has_a_line_for_each_label(classes, tmp_path):
    done = ran(classes, "--task", "tag", "-o", tmp_path / "tags", "--precision", "0.8")
    assert done.exit_code == 0, done.output
    for word in ("class-3", "precision", "recall", "threshold", "held out", "the field tags", "--tagger"):
        assert word in done.stdout
    assert ran(classes, "--task", "tag", "-o", tmp_path / "tags").exit_code == 1
    assert ran(classes, "--precision", "0.8").exit_code == 1
