"""Labeled folders and tables become figures; what is left out is said, and nothing bad in them stops the rest."""

import csv
import shutil

import pytest

from lookalike import evaluation
from lookalike.errors import InvalidArgument
from lookalike.evaluation import evaluate_pairs, evaluate_retrieval
from lookalike.labeled import Labeled, Pair, labeled_folder
from lookalike.records import Comparison
from lookalike.settings import Settings

SETTINGS = Settings(threads=2)


@pytest.fixture
def classes(tmp_path, draw, save):
    """Four labels of three recompressed copies each, one label alone, one picture without, one broken file."""
    folder = tmp_path / "classes"
    for seed in range(4):
        for copy, quality in enumerate((90, 70, 50)):
            save(draw(seed), folder / f"scene {seed}" / f"{copy}.jpg", quality)
    save(draw(9), folder / "alone" / "0.jpg")
    save(draw(10), folder / "loose.jpg")
    (folder / "scene 0" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    return folder


def test_copies_are_found_by_the_model_and_not_at_random(classes):
    found = evaluate_retrieval(labeled_folder(classes), settings=SETTINGS)
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["meaning", "copy", "color", "phash", "random"]
    for name in ("meaning", "copy", "color", "phash"):
        assert lines[name].recall_at_1.value == 1.0
        assert lines[name].median_rank.value == 1.0
    assert lines["copy"].mean_average_precision.value > 0.9 > lines["random"].mean_average_precision.value
    assert lines["random"].recall_at_10.low <= lines["random"].recall_at_10.value <= lines["random"].recall_at_10.high


def test_what_is_left_out_is_counted_and_named(classes):
    counted = []
    found = evaluate_retrieval(labeled_folder(classes), settings=SETTINGS, progress=counted.append)
    assert (found.pictures, found.labels, found.asked, sum(counted)) == (13, 5, 12, 14)
    assert found.alone == ["alone"]
    assert found.unlabeled == [str(classes / "loose.jpg")]
    assert list(found.unreadable) == [str(classes / "scene 0" / "broken.jpg")]
    assert found.model.startswith("lookalike-mini/")


def test_the_same_bytes_twice_are_told(classes):
    shutil.copy(classes / "scene 1" / "0.jpg", classes / "scene 1" / "again.jpg")
    assert evaluate_retrieval(labeled_folder(classes), settings=SETTINGS).repeated == 1


def test_figures_are_the_same_every_time(classes):
    once, again = (evaluate_retrieval(labeled_folder(classes), settings=SETTINGS) for _ in range(2))
    assert once == again


def test_nothing_to_find_is_refused(classes, tmp_path):
    with pytest.raises(InvalidArgument, match="two pictures of one label"):
        evaluate_retrieval(Labeled([classes / "loose.jpg"], ["one"]), settings=SETTINGS)
    with pytest.raises(InvalidArgument, match="2 unreadable"):
        evaluate_retrieval(Labeled([tmp_path / "a.jpg", tmp_path / "b.jpg"], ["x", "x"]), settings=SETTINGS)


@pytest.fixture
def pairs(classes):
    """Copies are the same, scenes are not; one pair can't be read."""
    names = [(f"scene {one}", f"scene {other}") for one in range(4) for other in range(4) if one <= other]
    made = [Pair(classes / a / "0.jpg", classes / b / "2.jpg", a == b) for a, b in names]
    return [*made, Pair(classes / "scene 0" / "0.jpg", classes / "gone.jpg", True)]


def test_pairs_are_told_apart(pairs, classes):
    counted = []
    found = evaluate_pairs(pairs, settings=SETTINGS, progress=counted.append)
    assert (found.pairs, found.same, sum(counted)) == (10, 4, 11)
    assert found.unreadable == {str(classes / "gone.jpg"): "no such file"}
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["compare", "copy", "meaning", "phash", "pdq", "color", "ssim", "random"]
    assert lines["compare"].auc.value == 1.0
    assert (lines["compare"].recall, found.recall) == (1.0, 1.0)
    assert lines["compare"].threshold > 0.5
    assert lines["phash"].threshold <= 0, "distances count negatively"
    assert 0 <= found.calibration_error <= 1
    assert sum(one.count for one in found.reliability) == 10


def test_pair_figures_by_hand(monkeypatch, tmp_path):
    said = {"a": 0.95, "b": 0.65, "c": 0.65, "d": 0.25}

    def compare(a, b, *, settings):
        value = said[a.name]
        bits = {"phash_bits_of_64": 10, "pdq_bits_of_256": 40}
        evidence = {"copy": {"cosine": value}, "meaning": {"cosine": 0.5}, "hash": bits}
        evidence |= {"colors": {"similarity": 0.5}, "ssim": {"value": 0.5}}
        return Comparison(value, "similar", value, "auto", "provisional", evidence=evidence)

    monkeypatch.setattr(evaluation, "compare", compare)
    listed = [Pair(tmp_path / name, tmp_path / "x", name in "ab") for name in said]
    found = evaluate_pairs(listed, settings=SETTINGS, precision=0.9)
    lines = {line.name: line for line in found.lines}
    assert (found.precision, found.recall) == pytest.approx((2 / 3, 1.0))
    assert lines["compare"].auc.value == 3.5 / 4
    assert (lines["compare"].recall, lines["compare"].threshold) == (0.5, 0.95)
    assert (lines["phash"].auc.value, lines["phash"].threshold) == (0.5, None)
    assert found.calibration_error == pytest.approx((0.05 + 2 * 0.15 + 0.25) / 4)
    assert [(one.count, one.share) for one in found.reliability] == [(1, 0.0), (2, 0.5), (1, 1.0)]


def test_pairs_of_one_kind_are_refused(pairs):
    with pytest.raises(InvalidArgument, match="one pair of each kind"):
        evaluate_pairs([pair for pair in pairs if pair.same], settings=SETTINGS)
    with pytest.raises(InvalidArgument, match="precision"):
        evaluate_pairs(pairs, settings=SETTINGS, precision=1.5)


def test_real_logos_are_found_by_their_other_rendition(shared_data, tmp_path):
    import tarfile

    with tarfile.open(shared_data / "eval-logos.tar") as tar:
        tar.extractall(tmp_path, filter="data")
    with (tmp_path / "labels.csv").open(encoding="utf-8") as file:
        named = [(tmp_path / row["file"], row["identity"]) for row in csv.DictReader(file)][:60]
    found = evaluate_retrieval(Labeled(*zip(*named, strict=True)), settings=SETTINGS)
    lines = {line.name: line for line in found.lines}
    assert found.asked == 60
    assert lines["copy"].recall_at_1.low > 0.9 > lines["random"].recall_at_1.high
