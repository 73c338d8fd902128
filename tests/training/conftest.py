"""A training set drawn by code, small enough to train on in seconds, and a teacher that needs no file."""

import csv
import io
import zipfile
import zlib

import cv2
import numpy as np
import pytest

from lookalike.training.recipe import Recipe

RECIPE = """
name = "tiny"
seed = 7

[data]
side = 48

[teacher]
model = "none.tflite"
views = 2

[network]
width = 32
detail = 8
meaning = 16
copy = 8

[student]
side = 32
batch = 12
copies = 6
drawn = 2

[loss]
memory = 20

[schedule]
steps = 8

[report]
checkpoint_minutes = 60.0
pictures_per_set = 20

[[sets]]
file = "train-shapes-48.zip"
identity = "label"
space = "shapes"
labels = { shapes = "label", tints = "x0" }
measured = "label"

[[sets]]
file = "train-more-48.zip"
identity = "label"
space = "shapes"
labels = { shapes = "label" }
measured = "label"
terms = "CC0"
"""


def drawn(seed, number, side=60):
    """A picture of `number` discs in colors of their own."""
    rng = np.random.default_rng([seed, number])
    canvas = np.full((side, side + 20, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(number + 1):
        center = tuple(int(value) for value in rng.integers(0, side, 2))
        color = tuple(int(value) for value in rng.integers(0, 256, 3))
        cv2.circle(canvas, center, int(rng.integers(4, 14)), color, -1)
    return canvas


def write_set(path, classes, each):
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["file", "label", "x0", "source"])
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(classes * each):
            label = number % classes
            picture = drawn(zlib.crc32(path.name.encode()) + number, label)
            archive.writestr(f"{number:06d}.webp", cv2.imencode(".webp", picture)[1].tobytes())
            writer.writerow([f"{number:06d}.webp", f"class {label}", "light" if number % 3 else "", "drawn"])
        archive.writestr("labels.csv", table.getvalue())


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory):
    """A folder with the two zips and the recipe."""
    folder = tmp_path_factory.mktemp("drawn")
    write_set(folder / "train-shapes-48.zip", classes=10, each=5)
    write_set(folder / "train-more-48.zip", classes=12, each=3)
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def recipe(drawn_data):
    return Recipe.read(drawn_data / "tiny.toml")


@pytest.fixture(scope="session")
def pictures(drawn_data, recipe, tmp_path_factory):
    from lookalike.training.data import load

    return load(recipe, drawn_data, tmp_path_factory.mktemp("decoded"))


class DrawnTeacher:
    """Stands in for the reference model: 1,280 numbers that depend on a picture's coarse colors."""

    scale = 0.02

    def __init__(self, path=None):
        from lookalike.training.teacher import FEATURES, Answers

        rng = np.random.default_rng(0)
        self._mix = rng.uniform(0, 1, (48, FEATURES)).astype(np.float32)
        self.answers = Answers(rng.normal(0, 0.1, (FEATURES, 1000)).astype(np.float32), np.zeros(1000, np.float32))

    def describe(self, pictures):
        small = [cv2.resize(picture, (4, 4), interpolation=cv2.INTER_AREA).ravel() for picture in pictures]
        mixed = (np.stack(small).astype(np.float32) / 255) @ self._mix
        return np.clip(mixed * 4, 0, 255).astype(np.uint8)


@pytest.fixture
def drawn_teacher(monkeypatch):
    """Training asks the drawn teacher instead of the reference model."""
    loop = pytest.importorskip("lookalike.training.loop", reason="needs torch")
    monkeypatch.setattr(loop, "Teacher", DrawnTeacher)
    return DrawnTeacher()
