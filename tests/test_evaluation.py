"""Labeled folders and tables become figures; what is left out is said, and nothing bad in them stops the rest."""

import csv
import shutil

import numpy as np
import pytest

from lookalike.describers.cards import card
from lookalike.describers.hashes import hamming, hash_pictures
from lookalike.edits import EDITS, LEVELS
from lookalike.errors import InvalidArgument
from lookalike.evaluation import Lineup, evaluate_copies, evaluate_pairs, evaluate_retrieval
from lookalike.evaluation import copies as copies_room
from lookalike.evaluation import pairs as pairs_room
from lookalike.images.resize import fit_square
from lookalike.labeled import Labeled, Pair, labeled_folder
from lookalike.records import Comparison
from lookalike.settings import Settings

SETTINGS = Settings(threads=2)
BASELINES = ["color", "phash", "dhash", "pdq"]


@pytest.fixture(scope="module")
def lineup():
    return Lineup()


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


def test_copies_are_found_by_the_model_and_not_at_random(classes, lineup):
    found = evaluate_retrieval(labeled_folder(classes), lineup, settings=SETTINGS)
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["meaning", "meaning re-ranked", "copy", *BASELINES, "random"]
    for name in ("meaning", "meaning re-ranked", "copy", *BASELINES):
        assert lines[name].recall_at_1.value == 1.0
        assert lines[name].median_rank.value == 1.0
    assert lines["copy"].mean_average_precision.value > 0.9 > lines["random"].mean_average_precision.value
    assert lines["random"].recall_at_10.low <= lines["random"].recall_at_10.value <= lines["random"].recall_at_10.high


def test_what_is_left_out_is_counted_and_named(classes, lineup):
    counted = []
    found = evaluate_retrieval(labeled_folder(classes), lineup, settings=SETTINGS, progress=counted.append)
    assert (found.pictures, found.labels, found.asked, sum(counted)) == (13, 5, 12, 14)
    assert found.alone == ["alone"]
    assert found.unlabeled == [str(classes / "loose.jpg")]
    assert list(found.unreadable) == [str(classes / "scene 0" / "broken.jpg")]
    assert found.model.startswith("lookalike-mini/")


def test_the_same_bytes_twice_are_told(classes, lineup):
    shutil.copy(classes / "scene 1" / "0.jpg", classes / "scene 1" / "again.jpg")
    assert evaluate_retrieval(labeled_folder(classes), lineup, settings=SETTINGS).repeated == 1


def test_figures_are_the_same_every_time(classes, lineup):
    once, again = (evaluate_retrieval(labeled_folder(classes), lineup, settings=SETTINGS) for _ in range(2))
    assert once == again


def test_nothing_to_find_is_refused(classes, tmp_path, lineup):
    with pytest.raises(InvalidArgument, match="two pictures of one label"):
        evaluate_retrieval(Labeled([classes / "loose.jpg"], ["one"]), lineup, settings=SETTINGS)
    with pytest.raises(InvalidArgument, match="2 unreadable"):
        evaluate_retrieval(Labeled([tmp_path / "a.jpg", tmp_path / "b.jpg"], ["x", "x"]), lineup, settings=SETTINGS)


@pytest.fixture
def pairs(classes):
    """Copies are the same, scenes are not; one pair can't be read."""
    names = [(f"scene {one}", f"scene {other}") for one in range(4) for other in range(4) if one <= other]
    made = [Pair(classes / a / "0.jpg", classes / b / "2.jpg", a == b) for a, b in names]
    return [*made, Pair(classes / "scene 0" / "0.jpg", classes / "gone.jpg", True)]


def test_pairs_are_told_apart(pairs, classes, lineup):
    counted = []
    found = evaluate_pairs(pairs, lineup, settings=SETTINGS, progress=counted.append)
    assert (found.pairs, found.same, sum(counted)) == (10, 4, 11)
    assert found.unreadable == {str(classes / "gone.jpg"): "no such file"}
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["compare", "meaning", "copy", *BASELINES, "ssim", "random"]
    assert lines["compare"].auc.value == 1.0
    assert (lines["compare"].recall, found.recall) == (1.0, 1.0)
    assert lines["compare"].threshold > 0.5
    assert -1 <= lines["phash"].threshold <= 1, "bits count as cosines"
    assert lines["compare"].calibration_error == found.calibration_error
    assert lines["copy"].calibration_error is not None
    assert lines["meaning"].calibration_error is None, "it answers another question"
    assert [point.recall for point in lines["compare"].curve][-1] == 1.0
    assert 0 <= found.calibration_error <= 1
    assert sum(one.count for one in found.reliability) == 10


def test_pair_figures_by_hand(monkeypatch, tmp_path, draw, save, lineup):
    said = {"a.png": 0.95, "b.png": 0.65, "c.png": 0.65, "d.png": 0.25}

    def compare(a, b, *, settings):
        return Comparison(said[a.name], "similar", said[a.name], "auto", "fitted", evidence={"ssim": {"value": 0.5}})

    monkeypatch.setattr(pairs_room, "compare", compare)
    other = save(draw(0), tmp_path / "other.png")
    listed = [Pair(save(draw(1), tmp_path / name), other, name[0] in "ab") for name in said]
    found = evaluate_pairs(listed, lineup, settings=SETTINGS, precision=0.9)
    lines = {line.name: line for line in found.lines}
    assert (found.precision, found.recall) == pytest.approx((2 / 3, 1.0))
    assert lines["compare"].auc.value == 3.5 / 4
    assert (lines["compare"].recall, lines["compare"].threshold) == (0.5, 0.95)
    assert (lines["ssim"].auc.value, lines["ssim"].threshold) == (0.5, None)
    assert found.calibration_error == pytest.approx((0.05 + 2 * 0.15 + 0.25) / 4)
    assert [(one.count, one.share) for one in found.reliability] == [(1, 0.0), (2, 0.5), (1, 1.0)]


def test_pairs_of_one_kind_are_refused(pairs, lineup):
    with pytest.raises(InvalidArgument, match="one pair of each kind"):
        evaluate_pairs([pair for pair in pairs if pair.same], lineup, settings=SETTINGS)
    with pytest.raises(InvalidArgument, match="precision"):
        evaluate_pairs(pairs, lineup, settings=SETTINGS, precision=1.5)


def test_real_logos_are_found_by_their_other_rendition(shared_data, tmp_path, lineup):
    import tarfile

    with tarfile.open(shared_data / "eval-logos.tar") as tar:
        tar.extractall(tmp_path, filter="data")
    with (tmp_path / "labels.csv").open(encoding="utf-8") as file:
        named = [(tmp_path / row["file"], row["identity"]) for row in csv.DictReader(file)][:60]
    found = evaluate_retrieval(Labeled(*zip(*named, strict=True)), lineup, settings=SETTINGS)
    lines = {line.name: line for line in found.lines}
    assert found.asked == 60
    assert lines["copy"].recall_at_1.low > 0.9 > lines["random"].recall_at_1.high


def test_a_further_model_and_the_order_of_lines(classes, tmp_path):
    shutil.copy(card().weights, tmp_path / "mine.onnx")
    name = f"onnx:{tmp_path / 'mine.onnx'}"
    both = Lineup("lookalike-mini", [name])
    assert list(both.signatures) == ["meaning", "copy", f"{name} meaning", *BASELINES]
    lines = {line.name: line for line in evaluate_retrieval(labeled_folder(classes), both, settings=SETTINGS).lines}
    assert lines[f"{name} meaning"].recall_at_1.value == 1.0
    assert lines[f"{name} meaning"].signature != lines["meaning"].signature


def test_hash_cosines_count_bits(draw, lineup):
    rows = lineup.describe([draw(1), draw(2)])["phash"]
    bits = hash_pictures("phash", [fit_square(draw(seed), card().input_size) for seed in (1, 2)]).bits
    assert rows[0] @ rows[1] == pytest.approx(1 - 2 * int(hamming(bits[0], bits[1:])[0]) / 64, abs=1e-6)


def test_the_reference_stands_beside(shared_data, classes):
    pytest.importorskip("ai_edge_litert", reason="the reference needs ai-edge-litert")
    with_it = Lineup(reference=next((shared_data / "reference-model").glob("*.tflite")))
    found = evaluate_retrieval(labeled_folder(classes), with_it, settings=SETTINGS)
    assert {line.name: line for line in found.lines}["reference"].recall_at_1.value == 1.0


@pytest.fixture
def few_edits(monkeypatch):
    """Three entries of the list, which every picture survives or hardly one does."""
    chosen = {name: EDITS[name] for name in ("jpeg", "brighter", "quarter-turn")}
    monkeypatch.setattr(copies_room, "EDITS", chosen)
    return chosen


def test_copies_are_known_by_edit_and_level(classes, lineup, few_edits):
    files = [*sorted(classes.glob("scene */0.jpg")), classes / "scene 0" / "broken.jpg", classes / "alone" / "0.jpg"]
    shutil.copy(files[0], classes / "again.jpg")
    counted = []
    found = evaluate_copies([*files, classes / "again.jpg"], lineup, settings=SETTINGS, progress=counted.append)
    assert (found.found, found.pictures, found.repeated, sum(counted)) == (7, 5, 1, 3)
    assert (found.copies, found.strangers) == (5 * 9, 5 * 9 * 3), "neither oneself nor the picture pasted from"
    assert list(found.unreadable) == [str(classes / "scene 0" / "broken.jpg")]
    lines = {line.name: line for line in found.lines}
    assert list(lines) == ["meaning", "copy", *BASELINES]
    for name, line in lines.items():
        assert list(line.edits) == list(few_edits)
        for level in LEVELS:
            mean = sum(by_level[level] for by_level in line.edits.values()) / 3
            assert line.rank_1[level].value == pytest.approx(mean)
        assert line.edits["jpeg"]["mild"] == 1.0
        assert 0.5 < line.auc.value <= 1.0
        assert (line.calibration_error is None) == (name != "copy")
    assert lines["phash"].edits["quarter-turn"]["medium"] < 1.0 == lines["color"].edits["quarter-turn"]["medium"]
    assert sum(one.count for one in lines["copy"].reliability) == 2 * found.copies


def test_copy_figures_by_hand(monkeypatch, few_edits):
    """Seven of nine copies of every picture score 0.9 with their original, two 0.1; half the strangers 0.5, half 0."""

    class Said:
        model, signatures, curves = "said/1", {"said": "said/1"}, {}

        def describe(self, pictures):
            return {"said": np.zeros((len(pictures), 4), np.float32)}

    own, tally = np.array([0.9] * 7 + [0.1] * 2), copies_room._Tally(4)
    for score in own:
        tally.own.append(np.full(4, score))
        tally.first.append(np.full(4, score > 0.5))
        tally.one_stranger.append(np.zeros(4))
    tally.strangers[[10_000, 15_000]] = 36
    line = copies_room._line("said", tally, Said(), 0.99)
    assert line.auc.value == pytest.approx((7 * 1.0 + 2 * 0.5) / 9)
    assert (line.recall.value, line.threshold) == (pytest.approx(7 / 9), pytest.approx(0.9))
    assert line.rank_1["mild"].value == 1.0
    assert line.rank_1["hard"].value == pytest.approx(2 / 3)
    last = line.curve[-1]
    assert (last.recall, last.precision) == (1.0, pytest.approx(36 / (36 + 36)))


def test_too_few_pictures_to_copy_are_refused(classes, lineup):
    with pytest.raises(InvalidArgument, match="at least three"):
        evaluate_copies(sorted(classes.glob("alone/*")), lineup, settings=SETTINGS)


def test_drawings_of_figures_are_pictures(tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    from lookalike import compare
    from lookalike.evaluate import Bin
    from lookalike.evaluation.figures import CurvePoint, Figure
    from lookalike.evaluation.plots import plot_curves, plot_recalls, plot_reliability

    plot_curves({"one": [CurvePoint(0.5, 1.0, 0.9), CurvePoint(1.0, 0.6, 0.1)]}, tmp_path / "new" / "a.png")
    plot_reliability({"one": [Bin(0.0, 0.1, 3, 0.05, 0.0)]}, tmp_path / "b.png")
    plot_recalls({"one": {1: Figure(0.5, 0.4, 0.6), 5: Figure(0.7, 0.6, 0.8)}}, tmp_path / "c.png")
    assert compare(tmp_path / "new" / "a.png", tmp_path / "b.png").verdict != "identical"
    assert (tmp_path / "c.png").stat().st_size > 5000
