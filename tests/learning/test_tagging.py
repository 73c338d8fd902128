"""Classifiers and taggers learned from labeled pictures."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lookalike
from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import InvalidArgument, LabelsNotFound, TaggerMismatch, WouldOverwrite
from lookalike.learning.examples import Examples
from lookalike.learning.logistic import class_weights, fit_linear, minimized
from lookalike.learning.tagging import TagPlan, folds_of, learn_tagger
from lookalike.learning.thresholds import best_thresholds, calibrated
from lookalike.settings import Settings
from lookalike.taggers import read_tagger

ONE_THREAD = Settings(threads=1)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def examples(labels, rows, test=(), groups=()):
    names = [f"{place}" for place in range(len(labels))]
    marked = np.isin(np.arange(len(labels)), list(test))
    return Examples("m/1@a", names, rows, labels, groups or names, marked, names)


@pytest.fixture(scope="module")
def clouds():
    """200 unit rows around 4 centers, unevenly, and the number of each one's center."""
    random = np.random.default_rng(3)
    numbers = np.repeat(np.arange(4), (120, 50, 20, 10))
    return unit(random.normal(size=(4, 16))[numbers] + random.normal(0, 1.3, (200, 16))), numbers


@pytest.fixture(scope="module")
def learned(clouds, tmp_path_factory):
    rows, numbers = clouds
    known = examples([(f"c{number}",) for number in numbers], rows)
    return learn_tagger(known, TagPlan(), tmp_path_factory.mktemp("out") / "cloud")


def test_the_minimum_of_a_bowl_is_found():
    center, bends = np.array([3.0, -2.0, 0.5]), np.array([1.0, 50.0, 0.02])
    found = minimized(lambda x: (float((bends * (x - center) ** 2).sum()), 2 * bends * (x - center)), np.zeros(3))
    np.testing.assert_allclose(found, center, atol=1e-3)


def test_the_softmax_has_no_slope_where_it_was_fitted(clouds):
    rows, numbers = clouds
    targets = np.eye(4)[numbers]
    fitted = fit_linear(rows, targets, "classify", 0.1)
    # the offsets are not held: weighted by class, as many are expected of each label as there are
    scores = np.exp(fitted.scores(rows))
    each = (class_weights(targets) * targets).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        (each * scores / scores.sum(1, keepdims=True)).sum(0), (each * targets).sum(0), rtol=1e-3
    )


def test_figures_are_of_pictures_that_were_not_learned_from(learned):
    assert learned.figures.pictures + learned.pictures == 200
    assert learned.figures.accuracy.value > learned.figures.baseline + 0.1
    assert sum(sum(row.values()) for row in learned.figures.confusion.values()) == learned.figures.pictures
    report = json.loads((learned.folder / "report.json").read_text("utf-8"))
    assert report["accuracy"] == round(learned.figures.accuracy.value, 4)
    assert report["labels"].keys() == {"c0", "c1", "c2", "c3"}


def test_the_same_seed_gives_the_same_folder(learned, clouds, tmp_path):
    rows, numbers = clouds
    again = learn_tagger(examples([(f"c{n}",) for n in numbers], rows), TagPlan(), tmp_path / "cloud")
    assert again.tagger.digest == learned.tagger.digest


def test_labels_by_chance_are_told_by_chance(clouds, tmp_path):
    rows, numbers = clouds
    shuffled = np.random.default_rng(0).permutation(numbers)
    found = learn_tagger(examples([(f"c{n}",) for n in shuffled], rows), TagPlan(), tmp_path / "chance")
    assert abs(found.figures.accuracy.value - found.figures.baseline) < 0.15
    assert found.figures.calibration_error < 0.2


def test_colors_are_read_too_only_where_that_is_better_on_what_is_learned(clouds, tmp_path):
    rows, numbers = clouds
    noise = unit(np.random.default_rng(1).normal(size=(200, 6)))
    telling = unit(np.eye(4)[numbers] + 0.3 * np.random.default_rng(1).normal(size=(200, 4)))
    known = replace(examples([(f"c{n}",) for n in numbers], rows), makers={"color": "color/1"})
    plain = learn_tagger(known, TagPlan(), tmp_path / "plain")
    without = learn_tagger(replace(known, more={"color": noise}), TagPlan(), tmp_path / "without")
    found = learn_tagger(replace(known, more={"color": telling}), TagPlan(), tmp_path / "with")
    assert without.tagger.reads == plain.tagger.reads == {"meaning": "m/1@a"}
    np.testing.assert_array_equal(without.tagger.weights, plain.tagger.weights)
    assert found.tagger.reads == {"meaning": "m/1@a", "color": "color/1"}
    assert found.figures.accuracy.value > plain.figures.accuracy.value
    again = read_tagger(tmp_path / "with")
    assert again.beside == {"color": "color/1"}
    assert json.loads((tmp_path / "with" / "tagger.json").read_text("utf-8"))["format"] == 2
    assert json.loads((tmp_path / "plain" / "tagger.json").read_text("utf-8"))["format"] == 1
    said = [again.say(again.row({"meaning": rows[n], "color": telling[n]}))[0].best for n in range(200)]
    assert np.mean([label == f"c{n}" for label, n in zip(said, numbers, strict=True)]) > 0.9
    with pytest.raises(TaggerMismatch, match="no vector of color"):
        again.check({"meaning": "m/1@a"})


def test_marked_pictures_are_those_asked_about(clouds, tmp_path):
    rows, numbers = clouds
    test = range(0, 200, 7)
    found = learn_tagger(examples([(f"c{n}",) for n in numbers], rows, test), TagPlan(), tmp_path / "x")
    assert (found.figures.pictures, found.pictures) == (29, 171)


def test_a_wanted_precision_leaves_doubtful_pictures_without_a_label(clouds, tmp_path):
    rows, numbers = clouds
    known = examples([(f"c{n}",) for n in numbers], rows)
    found = learn_tagger(known, TagPlan(precision=0.97), tmp_path / "sure")
    assert 0 < found.figures.answered < 1
    assert found.figures.precision >= 0.9
    assert len(set(found.tagger.thresholds.tolist())) == 1


def test_tags_are_told_apart_one_by_one(clouds, tmp_path):
    rows, numbers = clouds
    labels = [tuple(name for name, on in (("even", n % 2 == 0), ("low", n < 2)) if on) for n in numbers]
    found = learn_tagger(examples(labels, rows), TagPlan(task="tag"), tmp_path / "tags")
    assert found.tagger.field == "tags"
    assert [one.label for one in found.figures.labels] == ["even", "low"]
    assert all(one.f1 > 0.8 for one in found.figures.labels)
    assert found.figures.confusion == {}


def test_rare_labels_are_left_out_and_said(clouds, tmp_path):
    rows, numbers = clouds
    labels = [("once",) if place == 0 else (f"c{n}",) for place, n in enumerate(numbers)]
    found = learn_tagger(examples(labels, rows), TagPlan(), tmp_path / "rare")
    assert "once" not in found.tagger.labels
    assert "1 labels have too few pictures (fewer than 4): left out: once." in found.warnings


def test_wildly_unbalanced_labels_are_said(tmp_path):
    random = np.random.default_rng(4)
    numbers = np.repeat(np.arange(4), (400, 6, 6, 6))
    rows = unit(random.normal(size=(4, 8))[numbers] + random.normal(0, 1, (418, 8)))
    found = learn_tagger(examples([(f"c{n}",) for n in numbers], rows), TagPlan(), tmp_path / "uneven")
    assert found.warnings[0].startswith(
        "The labels are unbalanced: half of them have 6 pictures or fewer, c0 up to 400."
    )


def test_a_label_in_one_group_alone_is_refused(clouds, tmp_path):
    rows, numbers = clouds
    known = examples([(f"c{n}",) for n in numbers], rows, groups=["one house"] * 200)
    with pytest.raises(InvalidArgument, match="of one group"):
        learn_tagger(known, TagPlan(), tmp_path / "groups")
    assert list(tmp_path.iterdir()) == []


def test_two_groups_are_too_few_to_validate_with(clouds, tmp_path):
    rows, numbers = clouds
    groups = [f"house {place % 2}" for place in range(200)]
    with pytest.raises(InvalidArgument, match="of two groups at least"):
        learn_tagger(examples([(f"c{n}",) for n in numbers], rows, groups=groups), TagPlan(), tmp_path / "groups")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", ["classify", "tag"])
def test_too_few_labels_write_nothing(clouds, tmp_path, task):
    rows, _ = clouds
    with pytest.raises(InvalidArgument, match="such label"):
        learn_tagger(examples([("a",)] * 200, rows), TagPlan(task=task), tmp_path / "few")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=8, max_size=60), st.integers(0, 9))
def test_folds_keep_groups_together_and_spread_labels(pairs, seed):
    groups = [f"g{group}" for group, _ in pairs]
    truth = np.eye(4, dtype=bool)[[label for _, label in pairs]]
    fold = folds_of(truth, groups, 3, seed)
    assert all(len({f for f, g in zip(fold, groups, strict=True) if g == group}) == 1 for group in groups)
    assert len(set(fold)) == min(3, len(set(groups)))
    alone = folds_of(truth, [str(place) for place in range(len(pairs))], 3, seed)
    for label in range(4):
        counts = np.bincount(alone[truth[:, label]], minlength=3)
        assert counts.max() - counts.min() <= 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(np.linspace(0, 1, 33).tolist()), st.booleans()), min_size=2, max_size=40))
def test_the_threshold_of_the_best_f1_is_the_best(pairs):
    values = np.array([[value] for value, _ in pairs])
    truth = np.array([[right] for _, right in pairs])
    threshold = best_thresholds(values, truth, "tag", None)[0]

    def f1(least):
        given_ = values >= least
        return 2 * (given_ & truth).sum() / max(1, given_.sum() + truth.sum())

    assert f1(threshold) >= max(f1(value) for value in values[:, 0]) - 1e-12


def test_a_precision_that_none_has_is_never_given():
    values, truth = np.array([[0.9], [0.8]]), np.array([[False], [True]])
    assert best_thresholds(values, truth, "tag", 0.9)[0] > 1


def test_calibration_takes_back_what_the_weights_of_classes_did():
    random = np.random.default_rng(5)
    truth = np.eye(3, dtype=bool)[random.choice(3, 4000, p=(0.8, 0.15, 0.05))]
    turn = calibrated(np.zeros((4000, 3)), truth, "classify")
    np.testing.assert_allclose(turn.probabilities(np.zeros((1, 3)), "classify")[0], truth.mean(axis=0), atol=0.005)


def test_a_folder_of_folders_becomes_a_tagger(classes, tmp_path):
    folder = shutil.copytree(classes, tmp_path / "in")
    (folder / "class-0" / "broken.jpg").write_bytes(b"no picture")
    shutil.copyfile(folder / "class-1" / "0.jpg", folder / "class-2" / "stray.jpg")
    found = lookalike.train_tagger(folder, tmp_path / "scene", settings=ONE_THREAD)
    assert found.tagger.labels == [f"class-{number}" for number in range(8)]
    assert found.figures.accuracy.value > 0.25  # of eight
    text = "\n".join(found.warnings)
    assert "1 pictures can't be read: class-0/broken.jpg" in text
    assert "2 files have two labels, byte for byte; left out: class-1/0.jpg, class-2/stray.jpg" in text
    rows = standard_ensemble().describe([lookalike.read_image(folder / "class-3" / "1.jpg").pixels])
    tagger = read_tagger(tmp_path / "scene")
    assert tagger.say(tagger.row({name: values[0] for name, values in rows.items()}))[0].best == "class-3"
    with pytest.raises(WouldOverwrite):
        lookalike.train_tagger(folder, tmp_path / "scene", settings=ONE_THREAD)


def test_to_tag_a_picture_in_two_folders_has_both_labels(classes, tmp_path):
    folder = tmp_path / "in"
    for number in range(4):
        shutil.copytree(classes / f"class-{number}", folder / f"class-{number}")
        shutil.copytree(
            classes / f"class-{number}", folder / ("even" if number % 2 == 0 else "odd"), dirs_exist_ok=True
        )
    table = folder / "tags.jsonl"
    rows = [
        {"file": f"class-{n}/{place}.jpg", "tags": [f"class-{n}", "even"] if n % 2 == 0 else [f"class-{n}"]}
        for n in range(4)
        for place in range(6)
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = lookalike.train_tagger(table, tmp_path / "t", settings=ONE_THREAD, task="tag")
    assert found.tagger.labels == [*(f"class-{n}" for n in range(4)), "even"]
    csv = folder / "tags.csv"
    csv.write_text("file,tags\n" + "".join(f"{row['file']},{';'.join(row['tags'])}\n" for row in rows), "utf-8")
    assert lookalike.train_tagger(csv, tmp_path / "t2", settings=ONE_THREAD, task="tag").report() == found.report()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,x\na.jpg,1\n", "file and label"),
        ("file,label\na.jpg,1\na.jpg,2\n", "named once"),
        ("", "two such labels"),
    ],
)
def test_tables_that_are_none_are_refused(classes, tmp_path, text, match):
    shutil.copyfile(classes / "class-0" / "0.jpg", tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text(text, "utf-8")
    with pytest.raises(InvalidArgument, match=match):
        lookalike.train_tagger(tmp_path / "t.csv", settings=ONE_THREAD)
    with pytest.raises(LabelsNotFound, match="one folder per label"):
        lookalike.train_tagger(tmp_path / "none.csv", settings=ONE_THREAD)


@pytest.mark.parametrize(
    "choice",
    [{"task": "x"}, {"precision": 1.0}, {"held_out": 0.6}, {"field": "_x"}, {"gear": "full"}],
    ids=lambda choice: next(iter(choice)),
)
def test_a_wrong_choice_is_refused(classes, choice):
    with pytest.raises(InvalidArgument, match=next(iter(choice))):
        lookalike.train_tagger(classes, **choice)
