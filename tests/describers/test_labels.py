"""Labels and tags from rows alone."""

import numpy as np
import pytest

from lookalike.describers.colors import color_histogram
from lookalike.describers.labels import Label, color_shares, labels_of, tags_of, top_labels

CAT, KITCHEN, NOTHING = (np.array(row, np.float32) for row in ([0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 0]))


def flat(*rgb):
    return color_histogram(np.full((8, 8, 3), rgb, np.uint8))


def test_the_vocabulary_that_applies_comes_first(book):
    cat, kitchen = labels_of(np.stack([CAT, KITCHEN]), book, 2)
    assert (cat.labels[0].name, cat.labels[0].vocabulary) == ("tiger cat", "imagenet")
    assert (kitchen.labels[0].name, kitchen.labels[0].vocabulary) == ("kitchen", "rooms")
    assert len(cat.labels) == 2
    for found in (cat, kitchen):
        assert [one.probability for one in found.labels] == sorted(
            (one.probability for one in found.labels), reverse=True
        )
        assert [answer.vocabulary for answer in found.answers] == ["imagenet", "rooms", "media"]


def test_a_vocabulary_that_does_not_apply_is_quiet(book):
    (found,) = labels_of(NOTHING[None], book)
    assert max(label.probability for label in found.labels) < 0.02
    assert "media" not in {label.vocabulary for label in found.labels}  # how a picture is, not what it shows
    assert all(sum(one.probability for one in answer.labels) == pytest.approx(1, abs=1e-5) for answer in found.answers)


def test_a_labels_probability_is_that_of_its_vocabulary_times_its_own(book):
    (found,) = labels_of(CAT[None], book)
    answer = found.answers[0]
    assert found.labels[0].probability == pytest.approx(answer.confidence * answer.labels[0].probability, abs=1e-5)


def test_tags_are_kinds_then_labels_then_colors(book):
    assert tags_of({"meaning": CAT, "color": flat(255, 0, 0)}, book) == ["cat", "tiger cat", "red"]
    both = np.array([1, 1, 0, 0], np.float32) / np.float32(2**0.5)
    assert tags_of({"meaning": both}, book, least=0.6) == ["cat"]  # which cat is anyone's guess
    assert tags_of({"meaning": NOTHING}, book) == []
    assert tags_of({"meaning": np.array([0, 0, 0, 1], np.float32)}, book) == ["sketch"]


def test_tags_need_no_words(book):
    assert tags_of({"meaning": CAT, "color": flat(0, 128, 0)}, None) == ["green"]
    assert tags_of({}, book) == []


def test_shares_of_colors_add_up():
    picture = np.full((40, 40, 3), (200, 0, 0), np.uint8)
    picture[:10] = (255, 255, 255)
    shares = color_shares(color_histogram(picture))
    assert list(shares)[:2] == ["red", "white"]
    assert shares["white"] == pytest.approx(0.25, abs=0.05)
    assert sum(shares.values()) == pytest.approx(1, abs=0.02)


def test_logits_become_labels_of_imagenet():
    assert top_labels(np.array([[0, 2, 1]], np.float32), ["a", "b", "c"], 2) == [
        [Label("b", 0.665241), Label("c", 0.244728)]
    ]
