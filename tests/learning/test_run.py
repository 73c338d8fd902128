"""A whole training on drawn classes."""

import json
import shutil

import numpy as np
import pytest

import lookalike
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import InvalidArgument
from lookalike.evaluate import recall_at_k
from lookalike.images import read_image
from lookalike.learning import gears, run
from lookalike.settings import Settings

ONE_THREAD = Settings(threads=1)


def test_nothing_is_learned_from_held_out_classes(trained, classes):
    assert len(trained.held_out) == 2
    assert trained.identities == 6
    assert trained.pictures == 36
    assert trained.asked == 12


def test_the_figures_are_those_of_the_model_that_was_written(trained, classes):
    ensemble = standard_ensemble(str(trained.model))
    files = [file for name in trained.held_out for file in sorted((classes / name).iterdir())]
    rows = ensemble.describe([read_image(file, wants=ensemble.wants).pixels for file in files])["meaning"]
    found = recall_at_k(rows, [file.parent.name for file in files])
    assert found == pytest.approx(trained.after.recall_at_1.value, abs=1e-9)


def test_the_report_says_what_was_done(trained):
    report = json.loads((trained.model / "report.json").read_text("utf-8"))
    assert report["before"] == trained.before.as_json()
    assert report["held_out"] == trained.held_out
    assert report["plan"]["seed"] == 0
    assert {"copy", "color", "phash"} <= report["baselines"].keys()
    assert all(pair["a_label"] != pair["b_label"] for pair in report["hard"])


def test_the_same_seed_gives_the_same_model(trained, classes, tmp_path):
    again = lookalike.train(classes, tmp_path / "again", settings=ONE_THREAD, anyway=True)
    assert (again.model / "model.onnx").read_bytes() == (trained.model / "model.onnx").read_bytes()


def test_a_worse_model_is_not_written_unless_told(classes, tmp_path, monkeypatch):
    def wrong(head, features):
        return np.random.default_rng(0).standard_normal((len(features), 2)).astype(np.float32)

    monkeypatch.setattr(gears, "learned_rows", wrong)
    found = run.train(classes, tmp_path / "worse", settings=ONE_THREAD)
    assert found.candidate.recall_at_1.value < found.before.recall_at_1.value
    assert found.kept
    assert found.after == found.before
    assert not found.better
    assert standard_ensemble(str(found.model)).dims["meaning"] == 256


def test_bad_pictures_are_said_and_left_out(classes, tmp_path):
    folder = shutil.copytree(classes, tmp_path / "classes")
    (folder / "class-0" / "broken.jpg").write_bytes(b"no picture")
    shutil.copyfile(folder / "class-1" / "0.jpg", folder / "class-2" / "stray.jpg")
    shutil.copyfile(folder / "class-3" / "0.jpg", folder / "class-3" / "again.jpg")
    found = run.train(folder, tmp_path / "model", settings=ONE_THREAD)
    text = "\n".join(found.warnings)
    assert "1 pictures can't be read: class-0/broken.jpg" in text
    assert "2 files are in two classes, byte for byte; left out: class-1/0.jpg, class-2/stray.jpg" in text
    assert "1 files are there before, byte for byte; left out: class-3/again.jpg" in text


def test_near_duplicates_of_held_out_pictures_are_said_and_left_out_on_request(trained, classes, tmp_path, save):
    folder = shutil.copytree(classes, tmp_path / "classes")
    source = folder / trained.held_out[0] / "0.jpg"
    learned = next(path for path in sorted(folder.iterdir()) if path.name not in trained.held_out)
    save(read_image(source).pixels, learned / "copy.jpg", quality=60)
    found = run.train(folder, tmp_path / "one", settings=ONE_THREAD)
    assert (f"{trained.held_out[0]}/0.jpg", f"{learned.name}/copy.jpg") in {
        (leak.name, leak.other) for leak in found.duplicates
    }
    assert any("figures may flatter" in warning for warning in found.warnings)
    without = run.train(folder, tmp_path / "two", settings=ONE_THREAD, drop_duplicates=True)
    assert without.pictures < found.pictures
    assert any("left out of training" in warning for warning in without.warnings)


def test_too_few_classes_write_nothing(classes, tmp_path):
    folder = tmp_path / "few"
    for name in ("class-0", "class-1", "class-2"):
        shutil.copytree(classes / name, folder / name)
    with pytest.raises(InvalidArgument, match="4 such classes"):
        run.train(folder, tmp_path / "model", settings=ONE_THREAD)
    assert not (tmp_path / "model").exists()


def test_what_was_left_out_is_said_where_too_little_is_there(tmp_path):
    for name in "abcd":
        for number in range(2):
            (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name / f"{number}.jpg").write_bytes(b"no picture")
    for learn in (run.train, lookalike.train_tagger):
        with pytest.raises(InvalidArgument, match=r"Noticed before: 8 pictures can't be read: a/0\.jpg"):
            learn(tmp_path / "in", tmp_path / "model", settings=ONE_THREAD)
    assert [one.name for one in tmp_path.iterdir() if one.name != "cache"] == ["in"]


def test_a_class_that_shrinks_to_one_picture_is_said(classes, tmp_path):
    folder = shutil.copytree(classes, tmp_path / "classes")
    for number in range(1, 6):
        (folder / "class-0" / f"{number}.jpg").write_bytes(b"no picture")
    found = run.train(folder, tmp_path / "model", settings=ONE_THREAD)
    assert "1 classes have one usable picture left, or none: class-0." in found.warnings


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_learned(classes, tmp_path):
    (tmp_path / "file").write_text("x")
    for learn in (run.train, lookalike.train_tagger):
        with pytest.raises(InvalidArgument, match="below a folder that can be written"):
            learn(classes, tmp_path / "file" / "model", settings=ONE_THREAD)


@pytest.mark.parametrize("choice", [{"gear": "third"}, {"held_out": 1.0}, {"epochs": 0}, {"loss": "x"}, {"no": 1}])
def test_a_wrong_choice_is_refused(classes, choice):
    with pytest.raises(InvalidArgument, match=next(iter(choice))):
        run.train(classes, **choice)
