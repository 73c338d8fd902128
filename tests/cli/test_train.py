"""`lookalike train`."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from lookalike.cli import app


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


def test_csv_has_one_row_a_line(classes, tmp_path):
    done = ran(classes, "-o", tmp_path / "out", "--format", "csv")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("by,recall@1,recall@1 low")
    assert [line.split(",")[0] for line in lines[1:3]] == ["before", "after"]
