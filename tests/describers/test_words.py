"""Text to rows by known words."""

import numpy as np
import pytest

from lookalike.describers.words import read_words
from lookalike.errors import UnknownWords

ABLE = ["clip"]


def read(text, book):
    return read_words(text, book, "mini", ABLE)


def test_words_add_up(book):
    found = read("Tabbies in the kitchen, with zorblax", book)
    assert found.rows["meaning"] == pytest.approx(np.array([1, 0, 1, 0]) / 2**0.5)
    assert (list(found.known), list(found.unknown)) == (["tabby", "kitchen"], ["zorblax"])
    assert (set(found.rows), dict(found.shares)) == ({"meaning"}, {"meaning": 1.0})


def test_a_color_beside_a_thing_is_a_shade_of_it_and_a_histogram(book):
    found = read("red tabby", book)
    assert found.rows["meaning"] == pytest.approx(np.array([1, 0, 0, 0.5]) / np.linalg.norm([1, 0.5]))
    assert np.linalg.norm(found.rows["color"]) == pytest.approx(1)
    assert found.rows["color"].dtype == found.rows["meaning"].dtype == np.float32
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.shares["meaning"] > found.shares["color"]


def test_a_color_alone_is_looked_for_by_both(book):
    found = read("red", book)
    assert found.rows["meaning"] == pytest.approx([0, 0, 0, 1])
    assert dict(found.shares) == {"meaning": 0.5, "color": 0.5}


def test_a_color_without_a_direction_is_only_seen(book):
    assert read("cyan cat", book).rows["meaning"] == pytest.approx(np.array([1, 1, 0, 0]) / 2**0.5)


def test_order_and_repetition_do_not_matter(book):
    one, other = read("kitchen tiger cat", book), read("tiger cats! tiger cat; a Kitchen", book)
    assert np.array_equal(one.rows["meaning"], other.rows["meaning"])


@pytest.mark.parametrize("text", ["zorblax", "the of", "", "狗", "!?"])
def test_a_text_without_a_known_word_names_who_could_read_it(text, book):
    with pytest.raises(UnknownWords, match=r"mini knows no word of this.*clip") as raised:
        read(text, book)
    assert (raised.value.code, raised.value.able) == ("unknown_words", ("clip",))
