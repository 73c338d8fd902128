"""The pages of a training and of a tagger: whole, without scripts, with what was measured and what to look at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookalike.evaluation.described import Described
from lookalike.evaluation.figures import mean_figure
from lookalike.learning.examples import Examples
from lookalike.learning.measure import asked
from lookalike.learning.mistakes import mistakes
from lookalike.learning.questions import Question, Questions, chosen_questions
from lookalike.learning.report import write_tagger_report, write_training_report
from lookalike.learning.tagging import TagPlan, learn_tagger
from lookalike.settings import Settings
from lookalike.taggers import Tagger

_EVIL = '<script>alert("1")</script>&'


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def written(tmp_path, read_tags):
    """Return written(write, found) -> its text with single spaces; the page is whole, and asks nobody for anything."""

    def write(by, found):
        path = tmp_path / "new" / "page.html"
        by(found, path, settings=Settings())
        text = path.read_text("utf-8")
        tags = read_tags(text)
        assert tags.open == []
        assert "script" not in tags.names
        assert all(address.startswith("data:image/jpeg;base64,") for address in tags.addresses)
        assert [one.name for one in path.parent.iterdir()] == ["page.html"], "nothing left aside"
        return " ".join(text.split())

    return write


@pytest.fixture
def noisy(draw, save, tmp_path):
    """40 drawn pictures around 4 centers that overlap, with labels of which one is no good for a page."""
    random = np.random.default_rng(3)
    numbers = np.repeat(np.arange(4), 40)
    rows = unit(random.normal(size=(4, 16))[numbers] + random.normal(0, 2, (160, 16)))
    names = [f"{place}.jpg" for place in range(160)]
    files = {name: save(draw(place, 64, 48), tmp_path / "in" / name) for place, name in enumerate(names)}
    labels = [(_EVIL if number == 0 else f"c{number}",) for number in numbers]
    return Examples("m/1@a", names, rows, labels, names, np.zeros(160, bool), names, files=files)


def test_a_training_says_what_it_gained_and_shows_it(trained, written):
    text = written(write_training_report, trained)
    assert trained.verdict.removesuffix(".") in text
    for line in (trained.before, trained.after, *trained.baselines.values()):
        one = line.recall_at_1
        assert f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" in text
    for heading in ("Figures", "How strongly it speaks", "Worst questions", "Best questions", "Hard pairs"):
        assert f"<h2>{heading}</h2>" in text
    for one in (*trained.questions.worst, *trained.questions.best):
        assert one.before.label in trained.held_out
        assert f"Before: first at rank {one.before.first_rank}, AP {one.before.average_precision:.2f}" in text
        assert f"After: first at rank {one.after.first_rank}, AP {one.after.average_precision:.2f}" in text
    assert '<span class="gone">' not in text, "every picture that is named is there"
    assert "Learning curve" not in text, "a head in closed form has none"


def test_a_model_that_was_kept_is_said_and_shown_once(trained, written):
    kept = replace(trained, kept=True, strength=0.0, after=trained.before, candidate=trained.before)
    text = written(write_training_report, kept)
    assert "The old model is kept as it was." in text
    assert "The folder holds the old model as it was." in text
    assert "Before: first at rank" in text
    assert "After: first at rank" not in text
    worse = replace(trained, kept=True, strength=0.5, gain=mean_figure(np.array([-1.0, 0.0])))
    text = written(write_training_report, worse)
    assert "--anyway writes the trained one" in text
    assert "Trained, not kept: first at rank" in text


def test_the_learning_curve_is_drawn_epoch_by_epoch(trained, written):
    text = written(write_training_report, replace(trained, gear="full", curve=[0.5, 0.75, 0.625], epochs=1))
    assert "Best after 1 epoch." in text
    points = text.split("<h2>Learning curve</h2>")[1].split('points="')[1].split('"')[0].split()
    assert len(points) == 3
    heights = [float(point.split(",")[1]) for point in points]
    assert heights[1] < heights[2] < heights[0], "the higher the score, the higher up"


def test_names_of_users_are_words(trained, written):
    found = trained.questions.worst[0]
    evil = Question(*(replace(one, name=_EVIL, label=_EVIL) for one in (found.before, found.after)))
    named = replace(trained, questions=Questions(worst=[evil]), warnings=[_EVIL], model=Path(f"/models/{_EVIL[:8]}"))
    text = written(write_training_report, named)
    assert _EVIL not in text
    assert text.count("&lt;script&gt;alert") >= 3


def test_questions_are_those_that_changed_most_from_all_classes():
    random = np.random.default_rng(0)
    numbers = np.repeat(np.arange(3), 10)
    old = unit(random.normal(size=(3, 8))[numbers] + random.normal(0, 1.2, (30, 8)))
    new = unit(random.normal(size=(3, 8))[numbers] + random.normal(0, 0.8, (30, 8)))
    names, labels = [f"p{place}" for place in range(30)], [f"l{number}" for number in numbers]
    test = Described("m", names, labels, names, {}, {"meaning": old, "copy": old}, {}, {})
    before, after = asked(old, labels), asked(new, labels)
    found = chosen_questions(test, new, (before, after))
    rise = after.precisions - before.precisions
    assert found.risen[0].before.name == f"p{rise.argmax()}"
    assert found.fallen[0].before.name == f"p{rise.argmin()}"
    assert found.worst[0].after.average_precision == after.precisions.min()
    assert found.best[0].after.average_precision == after.precisions.max()
    for these in (found.risen, found.fallen, found.worst, found.best):
        assert len(these) <= 6
        assert all([one.before.label for one in these].count(label) <= 2 for label in labels)
    for one in found.risen:
        assert one.before.name == one.after.name
        place = names.index(one.after.name)
        near = np.argsort(-(new @ new[place]), kind="stable")
        assert [one.name for one in one.after.neighbors] == [names[other] for other in near if other != place][:10]


def test_questions_that_did_not_change_are_not_said_to():
    rows, labels = unit(np.random.default_rng(1).normal(size=(8, 4))), ["a", "b"] * 4
    test = Described("m", list("abcdefgh"), labels, list("abcdefgh"), {}, {"meaning": rows}, {}, {})
    same = asked(rows, labels)
    found = chosen_questions(test, rows, (same, same))
    assert (found.risen, found.fallen) == ([], [])
    assert len(found.worst) == 6


def test_a_tagger_shows_its_figures_and_its_mistakes(noisy, written, tmp_path):
    found = learn_tagger(noisy, TagPlan(), tmp_path / "cloud")
    text = written(write_tagger_report, found)
    figures = found.figures
    assert _EVIL not in text
    assert f"{figures.accuracy.value:.3f} [{figures.accuracy.low:.3f}, {figures.accuracy.high:.3f}]" in text
    for one in figures.labels[1:]:
        assert f"<td>{one.label}</td><td>{one.precision:.3f}</td><td>{one.recall:.3f}</td><td>{one.f1:.3f}</td>" in text
    assert "<h2>What is taken for what</h2>" in text
    assert text.count('class="yes"') + text.count('class="no"') == sum(map(len, figures.confusion.values()))
    assert found.mistaken == round(figures.pictures * (1 - figures.accuracy.value))
    assert text.count("<img ") == found.mistaken == len(found.mistakes) > 1
    first = found.mistakes[0]
    ((said, probability),) = first.said.items()
    if "script" not in said:
        assert f"said <b>{said} ({probability:.2f})</b>" in text
    assert sum(one.count for one in figures.reliability) == figures.pictures


def test_many_labels_are_listed_and_no_table(noisy, written, tmp_path):
    found = learn_tagger(noisy, TagPlan(), tmp_path / "cloud")
    confusion = {f"l{place}": {f"l{place + 1}": place} for place in range(1, 40)}
    labels = [replace(found.figures.labels[0], label=f"l{place}") for place in range(1, 41)]
    many = replace(found, figures=replace(found.figures, confusion=confusion, labels=labels))
    text = written(write_tagger_report, many)
    assert "<li>l39 for l40: 39</li><li>l38 for l39: 38</li>" in text
    assert "And 19 more in report.json." in text
    assert 'class="matrix"' not in text


def test_tags_have_no_table_of_what_is_taken_for_what(noisy, written, tmp_path):
    tags = [("low",) if place < 80 else () for place in range(160)]
    found = learn_tagger(replace(noisy, labels=tags, files={}), TagPlan(task="tag"), tmp_path / "tags")
    text = written(write_tagger_report, found)
    assert "What is taken for what" not in text
    assert text.count('<span class="gone">') == len(found.mistakes) > 0, "named, where no file is known"
    assert "<b>nothing</b>" in text


def test_mistakes_are_told_surest_first():
    rows = np.array([[3, 0], [0, 1], [0, 3], [2, 0]], np.float32)
    none = np.zeros(2, np.float32)
    tagger = Tagger("t", "classify", "t", ["a", "b"], np.eye(2, dtype=np.float32), none, np.zeros(2), "m/1")
    truth = np.array([[True, False], [True, False], [True, False], [False, True]])
    found, count = mistakes(tagger, ["right", "unsure", "sure", "half"], rows, truth)
    assert [one.name for one in found] == ["sure", "half", "unsure"]
    assert count == 3
    assert found[0].said.keys() == {"b"}
    assert found[0].right == pytest.approx({"a": 1 / (1 + np.exp(3))})
    assert found[0].off == pytest.approx(1 / (1 + np.exp(-3)))
