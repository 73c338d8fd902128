"""The file of words: what is written is read back, and nothing else is."""

import json

import numpy as np
import pytest

from lookalike.describers.vocabulary import Vocabulary, pack, unpack


def test_a_wordbook_survives(book):
    again = unpack(pack(book))
    assert pack(again) == pack(book)
    assert (again.terms, again.shades) == (book.terms, book.shades)
    for field in ("kinds", "colors"):
        assert {name: tuple(values) for name, values in getattr(again, field).items()} == getattr(book, field)
    for one, other in zip(again.vocabularies, book.vocabularies, strict=True):
        for field in ("name", "names", "aside", "gate_offset"):
            assert getattr(one, field) == getattr(other, field)
        for field in ("weights", "offsets", "gate"):
            assert np.array_equal(getattr(one, field), getattr(other, field))
    assert np.abs(again.concepts - book.concepts).max() < 1e-3  # float16


def test_it_is_a_safetensors_file(book):
    data = pack(book)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    assert max(ends) == len(data) - 8 - size
    assert all(isinstance(value, str) for value in header["__metadata__"].values())
    assert data[0] == 0  # never like a pickle or a zip


@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"PK\x03\x04" + b"x" * 99])
def test_anything_else_is_refused(data):
    with pytest.raises((ValueError, KeyError, TypeError)):
        unpack(data)


def test_what_is_cut_short_or_of_another_format_is_refused(book):
    for data in (pack(book)[:200], pack(book)[:-40]):
        with pytest.raises((ValueError, KeyError, TypeError)):
            unpack(data)
    with pytest.raises(ValueError, match="format 9"):
        unpack(pack(book).replace(b'"format":"1"', b'"format":"9"'))


def test_probabilities_are_a_softmax_and_confidence_a_logistic_curve():
    one = Vocabulary(
        "v", ("a", "b"), np.eye(2, dtype=np.float32), np.zeros(2, np.float32), np.array([0, 2], np.float32), -1.0
    )
    rows = np.array([[1, 0], [0, 1]], np.float32)
    e = np.e / (1 + np.e)
    assert one.probabilities(rows) == pytest.approx(np.array([[e, 1 - e], [1 - e, e]]))
    assert one.confidence(rows) == pytest.approx([1 / (1 + np.exp(1)), 1 / (1 + np.exp(-1))])
