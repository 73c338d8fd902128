"""Words to tokens: cut, filled up and written small as the card says."""

import json

import pytest

from lookalike.describers.cards import card
from lookalike.describers.hub import fetch
from lookalike.describers.modelcard import TextTower
from lookalike.describers.text import Tokens
from lookalike.describers.weights import models_folder
from lookalike.errors import ModelUnusable

START, END, UNKNOWN, A, RED, CAR = range(6)


@pytest.fixture
def reading(known):
    """A fetched model with a tokenizer of a few words."""
    known("clip-vit-b32")
    return fetch("clip-vit-b32")


def encode(card, text, **tower):
    ids, mask = Tokens(card, TextTower("text_embeds", **tower)).encode(text)
    return ids.tolist()[0], mask.tolist()[0]


def test_short_texts_are_filled_up(reading):
    assert encode(reading, "a red car", length=8, pad=7) == ([START, A, RED, CAR, END, 7, 7, 7], [1] * 5 + [0] * 3)


def test_long_texts_are_cut_and_keep_their_end(reading):
    assert encode(reading, "a red car " * 50, length=5) == ([START, A, RED, CAR, END], [1] * 5)


def test_no_words_are_only_the_marks(reading):
    assert encode(reading, "", length=4, pad=9) == ([START, END, 9, 9], [1, 1, 0, 0])


def test_lower_case_is_the_card_s_choice(reading):
    assert encode(reading, "A RED car", length=5, lowercase=True)[0] == [START, A, RED, CAR, END]
    assert encode(reading, "A RED car", length=5)[0] == [START, UNKNOWN, UNKNOWN, CAR, END]


def test_the_tokenizer_s_own_padding_has_no_say(reading):
    path = reading.folder / "tokenizer.json"
    settings = json.loads(path.read_text("utf-8"))
    settings["padding"] = {"strategy": {"Fixed": 20}, "direction": "Left", "pad_to_multiple_of": None}
    settings["padding"] |= {"pad_id": 8, "pad_type_id": 0, "pad_token": "grass"}
    path.write_text(json.dumps(settings), "utf-8")
    (models_folder() / "clip-vit-b32" / "digests.json").unlink()
    assert encode(fetch("clip-vit-b32"), "car", length=6, pad=0)[0] == [START, CAR, END, 0, 0, 0]


def test_a_tokenizer_that_is_none_is_a_clear_error(reading):
    (reading.folder / "tokenizer.json").write_text("{}", "utf-8")
    (reading.folder / "digests.json").unlink()
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json"):
        encode(fetch("clip-vit-b32"), "car", length=6)


def test_each_card_with_words_says_all_that_is_needed():
    for name in ("siglip2-base", "clip-vit-b32", "mobileclip2-s2"):
        found = card(name)
        assert found.text is not None
        assert {"image", "text", "tokenizer"} == set(found.files)
        assert found.text.length in (64, 77)
