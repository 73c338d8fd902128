"""The bundled model's first numbers for five drawn pictures are pinned: other numbers are another version.

`python tests/training/test_bundled.py` prints new ones, for golden.json, when a new version is shipped.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import lookalike

BUNDLED = Path(lookalike.__file__).parent / "describers" / "bundled"
WEIGHTS = BUNDLED / "lookalike-mini.onnx"
GOLDEN = Path(__file__).with_name("golden.json")
NUMBERS = 8
# 8-bit arithmetic rounds differently on other processors; another model is 0.05 and more away
TOLERANCE = 0.015


def pictures(side):
    """Five pictures that arithmetic alone draws: no library's drawing or resizing has a say."""
    down, across = np.mgrid[0:side, 0:side] / (side - 1)
    disc = (down - 0.5) ** 2 + (across - 0.5) ** 2 < 0.1
    checks = (down * 8).astype(int) + (across * 8).astype(int)
    planes = {
        "gradient": (across, down, 1 - across),
        "disc": (0.9 * disc, 0.2 + 0.5 * disc, 0.7 - 0.5 * disc),
        "checks": (checks % 2, checks % 2, 0.3 + 0 * down),
        "stripes": (np.sin(40 * across) / 2 + 0.5, 0.5 + 0 * down, np.cos(25 * down) / 2 + 0.5),
        "noise": np.random.default_rng(5).random((3, side, side)),
    }
    return {name: np.round(255 * np.stack(colors, axis=-1)).astype(np.uint8) for name, colors in planes.items()}


def card():
    return json.loads((BUNDLED / "lookalike-mini.json").read_text("utf-8"))


def run(outputs):
    """The whole rows of the drawn pictures for each of the outputs, from the file itself."""
    session = onnxruntime.InferenceSession(WEIGHTS.read_bytes(), providers=["CPUExecutionProvider"])
    pixels = np.stack(list(pictures(card()["input_size"]).values()))
    return dict(zip(outputs, session.run(list(outputs), {card()["input"]: pixels}), strict=True))


def described():
    names = pictures(card()["input_size"])
    return {
        vector: {name: row[:NUMBERS] for name, row in zip(names, rows, strict=True)}
        for vector, rows in run(("copy", "meaning")).items()
    }


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text("utf-8"))


def test_a_new_model_is_a_new_version(golden):
    assert (card()["version"], card()["sha256"]) == (golden["version"], golden["sha256"])


@pytest.mark.parametrize("vector", ["meaning", "copy"])
def test_the_first_numbers_are_those_of_this_version(vector, golden):
    for name, row in described()[vector].items():
        assert row == pytest.approx(golden[vector][name], abs=TOLERANCE), name


def test_pictures_differ_by_more_than_the_tolerance(golden):
    for vector in ("meaning", "copy"):
        rows = np.array(list(golden[vector].values()))
        apart = np.abs(rows[:, None] - rows[None, :]).max(2)
        assert apart[~np.eye(len(rows), dtype=bool)].min() > 2 * TOLERANCE


def test_the_card_is_about_the_file_beside_it():
    facts, content = card(), WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == facts["sha256"]
    assert len(content) < 12_000_000
    assert len(facts["labels"]) == 1000
    assert facts["vectors"] == {"meaning": 256, "copy": 128}
    assert all(curve["scale"] > 0 for curve in facts["calibration"].values())
    assert len(facts["trained_on"]) == 14


def test_vectors_are_unit_rows_and_logits_have_a_label_each():
    rows = run(("meaning", "copy", "logits"))
    for vector in ("meaning", "copy"):
        assert np.linalg.norm(rows[vector], axis=1) == pytest.approx(1, abs=1e-3)
    assert rows["logits"].shape == (5, 1000)


if __name__ == "__main__":
    rounded = {
        vector: {name: [round(float(value), 4) for value in row] for name, row in rows.items()}
        for vector, rows in described().items()
    }
    print(json.dumps({"version": card()["version"], "sha256": card()["sha256"]} | rounded, indent=1))
