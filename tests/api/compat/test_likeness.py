"""The vector of system 0: copies are near, strangers and flat colors are not."""

import csv
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from lookalike.api.compat.likeness import likeness
from lookalike.describers.ensemble import standard_ensemble
from lookalike.edits import edit

MODEL = "lookalike-mini"
FLAT = ("black", "white", "red", "green", "blue", "gray", "orange", "navy")


def rows_of(pictures):
    seen = standard_ensemble(MODEL).describe(pictures)
    each = ({name: seen[name][at] for name in ("meaning", "copy", "color")} for at in range(len(pictures)))
    return np.array([likeness(vectors, MODEL) for vectors in each])


@pytest.fixture(scope="module")
def photographs(shared_data):
    """One picture of each of 50 classes."""
    with zipfile.ZipFile(shared_data / "train-caltech101-half-96.zip") as archive:
        labels = csv.DictReader(io.TextIOWrapper(archive.open("labels.csv"), "utf-8"))
        first = {row["label"]: row["file"] for row in labels}
        return [np.asarray(Image.open(archive.open(name)).convert("RGB")) for name in first.values()]


def test_flat_colors_that_differ_are_not_alike(draw):
    flat = rows_of([np.asarray(Image.new("RGB", (96, 64), color)) for color in FLAT])
    alike = flat @ flat.T - np.eye(len(FLAT))
    assert np.median(alike) < 0.1
    assert alike[0, 1] < 0.05, "black and white"
    assert np.abs(flat @ rows_of([draw(1)]).T).max() < 0.5


def test_flat_colors_that_hardly_differ_are_alike():
    a, b = rows_of([np.full((64, 96, 3), color, np.uint8) for color in ((200, 30, 30), (204, 33, 28))])
    assert a @ b > 0.95


@pytest.mark.parametrize("name", ["gray", "crop", "jpeg", "scale-down", "noise", "mirror"])
def test_copies_are_nearer_than_strangers(photographs, name):
    rows = rows_of(photographs)
    strangers = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    copies = (rows * rows_of([edit(picture, name, "medium", seed=at) for at, picture in enumerate(photographs)])).sum(1)
    assert np.median(copies) > np.percentile(strangers, 99) + 0.3
    assert (copies > np.percentile(strangers, 99)).mean() > 0.97


def test_it_has_length_1_whatever_the_lengths_of_its_parts(draw):
    seen = {name: rows[0] for name, rows in standard_ensemble(MODEL).describe([draw(3)]).items()}
    row = likeness(seen, MODEL)
    assert row.shape == (512,)
    assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-5)
    assert likeness({**seen, "copy": seen["copy"] * 7}, MODEL) == pytest.approx(row, abs=1e-6)
