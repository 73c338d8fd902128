"""Words as the bundled model reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.describers.language import STOP_WORDS, phrases, plain, singular


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café-Racer's", "cafe racer"),
        ("  T-Shirt,  RED! ", "t shirt red"),
        ("men’s shoes", "men shoes"),
        ("Straße", "strasse"),
        ("ÅNGSTRÖM", "angstrom"),
        ("...", ""),
        ("狗", ""),
    ],
)
def test_only_lower_case_words_remain(text, expected):
    assert plain(text) == expected


@given(st.text())
def test_plain_text_is_plain(text):
    once = plain(text)
    assert plain(once) == once
    assert set(once) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")


PLURALS = """
dogs-dog cats-cat buses-bus foxes-fox churches-church berries-berry tomatoes-tomato people-person men-man mice-mouse
leaves-leaf grass-grass glasses-glass bus-bus iris-iris knives-knife horses-horse shoes-shoe houses-house bees-bee
ties-tie butterflies-butterfly dishes-dish boxes-box gas-gas
"""


@pytest.mark.parametrize("pair", PLURALS.split())
def test_plurals_become_singulars(pair):
    plural, one = pair.split("-")
    assert singular(plural) == one
    assert singular(one) == one


def test_the_longest_phrase_is_taken_and_the_rest_named():
    known = {"hot dog", "dog", "red", "car", "golden retriever"}
    assert phrases("A red car and two hot dogs with zorblax", known) == (["red", "car", "hot dog"], ["zorblax"])
    assert phrases("golden retrievers", known) == (["golden retriever"], [])
    assert phrases("DOGS, dogs; dog", known) == (["dog"], [])


def test_stop_words_are_neither_known_nor_unknown_unless_they_are_all_there_is():
    known = {"photo", "dog", "lady of the lake"}
    assert phrases("a photo of a dog", known) == (["dog"], [])
    assert phrases("photos", known) == ([], [])
    assert phrases("the photo", known) == (["photo"], [])
    assert phrases("the lady of the lake", known) == (["lady of the lake"], [])
    assert phrases("", known) == ([], [])


@given(st.lists(st.sampled_from(["dog", "hot", "red", "blip", "the", "of"]), max_size=8))
def test_nothing_is_lost(words):
    known = {"dog", "hot dog", "red"}
    found, unknown = phrases(" ".join(words), known)
    said = set(words) - STOP_WORDS
    assert set(unknown) | {word for phrase in found for word in phrase.split()} == said
    assert set(found) <= known
    assert set(unknown) <= {"hot", "blip"}
