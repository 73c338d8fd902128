"""Real pictures: exchanged labels are suspected, re-ranking finds more, copies of training are seen."""

import csv
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from lookalike.evaluation import Lineup, described, evaluate_described
from lookalike.evaluation.report import write_report
from lookalike.labeled import Labeled
from lookalike.settings import Settings


@pytest.fixture(scope="module")
def groceries(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("groceries")
    with zipfile.ZipFile(shared_data / "train-grocery-even-128.zip") as archive:
        table = csv.DictReader(io.StringIO(archive.read("labels.csv").decode()))
        rows = [row for row in table if row["label"] in {"0", "2", "8", "14", "20", "32", "42", "74"}]
        files = [folder / row["file"].replace("/", "-") for row in rows]
        for file, row in zip(files, rows, strict=True):
            file.write_bytes(archive.read(row["file"]))
    return described(Labeled(files, [row["label"] for row in rows]), Lineup(), settings=Settings(threads=1))


@pytest.mark.slow
def test_what_an_evaluation_points_at_in_real_pictures(groceries, tmp_path):
    random = np.random.default_rng(0)
    wrong = random.choice(len(groceries.labels), len(groceries.labels) // 20, replace=False)
    labels = list(groceries.labels)
    for place in wrong:
        labels[place] = random.choice(sorted(set(groceries.labels) - {labels[place]}))
    found = evaluate_described(replace(groceries, labels=labels), training=groceries)
    exchanged = {groceries.names[place] for place in wrong}
    assert len(found.leaks) == len(groceries.names)
    found = evaluate_described(replace(groceries, labels=labels))
    assert len({one.name for one in found.suspects} & exchanged) >= len(exchanged) // 2
    write_report(found, tmp_path / "report.html", files=groceries.files, settings=Settings())
    assert (tmp_path / "report.html").read_text("utf-8").count("data:image/jpeg") > 150


@pytest.mark.slow
def test_re_ranking_raises_precision_over_whole_labels(groceries):
    lines = {line.name: line for line in evaluate_described(groceries).lines}
    assert lines["meaning re-ranked"].mean_average_precision.low > lines["meaning"].mean_average_precision.value
    assert lines["meaning"].comparative.recall_at_1.low > lines["random"].comparative.recall_at_1.high
