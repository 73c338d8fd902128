"""Taggers: what they say of vectors, their folders, and chains of them."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import FolderUnwritable, TaggerMismatch, TaggerUnusable
from lookalike.taggers import Flow, Tagger, flow_of, read_tagger, tagger_folder, write_tagger
from lookalike.taggers.flow import TaggerStep, stale, told

ROWS = np.eye(3, dtype=np.float32)


def made(name="room", task="classify", field="room", thresholds=(0, 0, 0)):
    """A tagger whose labels are the axes."""
    labels, weights = ["bath", "hall", "attic"], 4 * np.eye(3, dtype=np.float32)
    offsets = np.full(3, -2, np.float32)
    return Tagger(name, task, field, labels, weights, offsets, np.array(thresholds, float), "m/1@a")


def test_a_classifier_gives_the_most_probable_label_if_it_is_sure_enough():
    tagger = made(thresholds=(0.5, 0.5, 0.99))
    assert [list(said.labels) for said in tagger.say(ROWS)] == [["bath"], ["hall"], []]
    assert tagger.say(ROWS)[2].best == "attic"
    np.testing.assert_allclose(tagger.probabilities(ROWS).sum(axis=1), 1)


def test_a_tagger_gives_all_labels_over_their_thresholds_most_probable_first():
    tagger = made(task="tag", thresholds=(0.5, 0.2, 0.5))
    row = np.array([[0.6, 0.8, 0.0]], np.float32)
    assert list(tagger.say(row)[0].labels) == ["hall", "bath"]
    assert tagger.probabilities(row)[0] == pytest.approx(1 / (1 + np.exp([-0.4, -1.2, 2])), abs=1e-6)


def test_a_folder_holds_the_same_tagger_and_the_same_bytes(tmp_path):
    written = write_tagger(tmp_path / "room", made(), {"accuracy": 1})
    again = write_tagger(tmp_path / "other" / "room", made(), {"accuracy": 1})
    assert read_tagger(tmp_path / "room") is written
    assert written.digest == again.digest
    np.testing.assert_array_equal(written.weights, made().weights)
    for name in ("tagger.json", "numbers.npz", "report.json"):
        assert (tmp_path / "room" / name).read_bytes() == (tmp_path / "other" / "room" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "room"]


def altered_card(folder):
    path = folder / "tagger.json"
    path.write_text(path.read_text("utf-8").replace("bath", "bach"), "utf-8")


def altered_numbers(folder):
    path = folder / "numbers.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def newer(folder):
    path = folder / "tagger.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"format": 3}), "utf-8")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (altered_card, "altered after"),
        (altered_numbers, "numbers.npz was altered"),
        (newer, "format 3"),
        (lambda folder: (folder / "numbers.npz").unlink(), "not there"),
        (lambda folder: (folder / "tagger.json").write_text("[]", "utf-8"), "can't be used"),
    ],
)
def test_what_was_altered_is_refused(tmp_path, harm, reason):
    write_tagger(tmp_path / "room", made(), {})
    harm(tmp_path / "room")
    with pytest.raises(TaggerUnusable, match=reason):
        read_tagger(tmp_path / "room")


def test_names_are_below_the_workspace_and_paths_are_anywhere(tmp_path):
    assert tagger_folder("room", tmp_path) == tmp_path / "taggers" / "room"
    assert tagger_folder(str(tmp_path / "x"), tmp_path) == tmp_path / "x"


def test_another_models_vectors_are_refused():
    flow = Flow([TaggerStep("room", made(), "room")])
    flow.check({"meaning": "m/1@a"})
    with pytest.raises(TaggerMismatch, match="reads vectors of m/1@a, these are of m/2@b"):
        flow.check({"meaning": "m/2@b"})
    with pytest.raises(TaggerMismatch, match="no vector of meaning"):
        flow.check({"copy": "m/1@a"})


def test_a_chain_asks_each_tagger_in_order_of_the_records_it_is_meant_for(tmp_path):
    for tagger in (made("place", field="place"), made("room"), made("more", "tag", "tags", (0.5, 0.5, 0.5))):
        write_tagger(tmp_path / "taggers" / tagger.name, tagger, {})
    steps = ["place", {"tagger": "room", "when": {"place": "bath"}}, "more", {"tagger": "place", "field": "tags"}]
    flow = flow_of(steps, tmp_path)
    assert flow.given({"meaning": ROWS[0]}, {}) == {"place": "bath", "room": "bath", "tags": ["bath"]}
    assert flow.given({"meaning": ROWS[1]}, {}) == {"place": "hall", "tags": ["hall"]}
    assert flow.given({"meaning": ROWS[1]}, {"place": "bath", "tags": []}) == {"room": "hall"}


def test_what_is_not_likely_enough_is_left_out(tmp_path):
    write_tagger(tmp_path / "taggers" / "room", made(), {})
    flow = flow_of([{"tagger": "room", "least": 0.999}], tmp_path)
    assert flow.given({"meaning": ROWS[0]}, {}) == {}


def test_only_what_was_filled_by_itself_and_not_changed_since_is_stale():
    fact = told({"room": "bath", "tags": ["a"]})
    assert stale({"room": "bath", "tags": ["a", "own"], "_auto": fact}) == {"room"}
    assert stale({"room": "bath"}) == set()


def test_a_missing_tagger_is_said(tmp_path):
    with pytest.raises(TaggerUnusable, match="not there"):
        flow_of(["room"], tmp_path)


def test_a_full_disk_leaves_the_tagger_that_was_there(tmp_path, monkeypatch):
    out = tmp_path / "room"
    written = write_tagger(out, made(), {})
    opened = Path.open

    def full(path, mode="r", *arguments, **more):
        if path.name == "tagger.json" and "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return opened(path, mode, *arguments, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(FolderUnwritable, match=r"room could not be written: No space left on device"):
        write_tagger(out, made(task="tag"), {})
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["room"]
    assert read_tagger(out).digest == written.digest
