"""Cursors: what they hold comes back; anything else is refused."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument
from lookalike.search.cursor import Cursor, fingerprint


@given(st.floats(-1, 1), st.text(max_size=600), st.integers(0, 10**6))
def test_a_cursor_comes_back(similarity, id_, given_):
    cursor = Cursor("q", similarity, id_, given_, given_ + 5)
    text = cursor.encode()
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert Cursor.decode(text, "q") == cursor


def test_the_text_of_a_cursor_is_pinned():
    """Clients keep cursors over an update of the service."""
    assert Cursor("0123456789abcdef", 0.5, "a/ü", 10, 11).encode() == (
        "WzEsIjAxMjM0NTY3ODlhYmNkZWYiLDAuNSwiYS9cdTAwZmMiLDEwLDExXQ"
    )
    assert fingerprint({"b": 1, "a": None}, ["x"]) == fingerprint({"a": None, "b": 1}, ["x"])


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text):
    with pytest.raises(InvalidArgument, match="after"):
        Cursor.decode(text, "q")


@pytest.mark.parametrize(
    "fields",
    [[], 5, None, [2, "q", 0.5, "a", 1, 1], [1, "q", "x", "a", 1, 1], [1, "q", 7, "a", 1, 1], [1, "q", 0.5, "a", 1, -1],
     [1, "q", 0.5, "a", -1, 1], [1, "q", 0.5, "a", 1, 10**30], [1, "q", float("nan"), "a", 1, 1],
     [1, "other", 0.5, "a", 1, 1]],
)  # fmt: skip
def test_a_forged_cursor_is_refused(fields):
    text = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
    with pytest.raises(InvalidArgument, match="after"):
        Cursor.decode(text, "q")
