"""What is on disk stays readable: these values may only change together with FORMAT."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument, InvalidRecord
from lookalike.filters import canonical, is_number, paths, reach
from lookalike.stores.encoding import (
    FORMAT,
    cell_token,
    checked_cursor,
    decode,
    encode,
    number_key,
    order_code,
    path_token,
    point_id,
    value_token,
    vector_token,
)


def test_the_format_is_pinned():
    assert FORMAT == 1
    assert point_id("a") == "e1a828a8-fb56-534f-b26b-b9a9195199cf"
    assert point_id("\ud800") == "333f5516-3f52-518a-8d82-f4088d7f184e"
    assert value_token("a.b", canonical(1.0)) == -3091796765521720429
    assert path_token("a.b") == -2159333210672041154
    assert cell_token("a", 5) == 6736046788014374973
    assert vector_token("meaning", b"\x00\x01") == -1889863276536664721
    assert number_key("a.b") == "k4eb68d4d2828008e"
    codes = [0, 2249600790429696, -2249600790429696, 2242124111360819, 4501400604114943]
    assert [order_code(number) for number in (0, 1, -1, 0.1, 10**400)] == codes


def test_a_row_is_written_as_text_tokens_and_numbers():
    written = encode("é", {"n": 1, "ok": True, "list": [1, 2.5]}, [7])
    assert written["j"] == '["\\u00e9",{"n":1,"ok":true,"list":[1,2.5]}]'
    assert decode(written["j"]) == ("é", {"n": 1, "ok": True, "list": [1, 2.5]})
    values = [("_id", "é"), ("n", 1), ("ok", True), ("list", 1), ("list", 2.5), ("list", [1, 2.5])]
    tokens = {value_token(path, canonical(value)) for path, value in values}
    assert set(written["t"]) == tokens | {path_token(path) for path, _ in values} | {7}
    assert written["n"] == {number_key("n"): [order_code(1)], number_key("list"): [order_code(1), order_code(2.5)]}


def test_what_no_filter_reaches_is_not_indexed():
    plain = set(encode("a", {})["t"])
    assert set(encode("a", {"a.b": 1, "0": 2, "x": {"1": 3}})["t"]) - plain == {
        path_token("x"),
        value_token("x", canonical({"1": 3})),
    }


names = st.sampled_from(["a", "b", "0", "a.b", "", "x1"])
scalars = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | st.text()
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=6)


@given(st.dictionaries(names, values, max_size=5))
def test_flat_and_nested_fields_are_indexed_alike(payload):
    fields = {**payload, "_id": "row"}
    wanted = {path for path in paths(fields) if not any(part.isdigit() for part in path.split("."))}
    written = encode("row", payload)
    tokens = {path_token(path) for path in wanted}
    tokens |= {value_token(path, canonical(value)) for path in wanted for value in reach(fields, path)}
    codes = {path: {order_code(v) for v in reach(fields, path) if is_number(v)} for path in wanted}
    assert tokens <= set(written["t"])
    assert len(set(written["t"]) - tokens) <= sum(len(code) for code in codes.values())  # marks of shared codes
    assert written["n"] == {number_key(path): sorted(code) for path, code in codes.items() if code}


def test_numbers_that_share_a_code_in_one_row_are_marked():
    close = [0.1, 0.1 + 1e-16]
    assert order_code(close[0]) == order_code(close[1])
    assert cell_token("n", order_code(0.1)) in encode("a", {"n": close})["t"]
    assert cell_token("n", order_code(0.1)) not in encode("a", {"n": [0.1, 0.1]})["t"]


def nested(depth):
    return [] if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize("payload", [{"a": float("inf")}, {"a": b"x"}, {"a": {1, 2}}, {(1, 2): 3}, {"a": nested(900)}])
def test_what_is_not_json_is_refused_with_the_id(payload):
    with pytest.raises(InvalidRecord) as refused:
        encode("a", payload)
    assert refused.value.record == "a"


def test_a_cursor_is_a_point_id():
    assert checked_cursor(point_id("a")) == point_id("a")
    with pytest.raises(InvalidArgument):
        checked_cursor("a")


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(numbers, numbers)
def test_codes_keep_the_order_of_numbers(a, b):
    if a < b:
        assert order_code(a) <= order_code(b)
    if a == b:
        assert order_code(a) == order_code(b)
    assert -(2**53) < order_code(a) < 2**53


@given(st.integers(-(2**41) + 1, 2**41 - 1), st.integers(-(2**41) + 1, 2**41 - 1))
def test_small_integers_have_codes_of_their_own(a, b):
    assert (order_code(a) == order_code(b)) is (a == b)


@given(st.text(), st.dictionaries(st.text(max_size=3), st.text() | numbers | st.booleans() | st.none(), max_size=4))
def test_what_is_encoded_is_decoded(row_id, payload):
    text = encode(row_id, payload)["j"]
    assert text.isascii()
    assert json.dumps(decode(text)) == json.dumps((row_id, payload))
