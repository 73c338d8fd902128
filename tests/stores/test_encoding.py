"""What is on disk stays readable: these values may only change together with FORMAT."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import InvalidArgument, InvalidRecord
from lookalike.filters import canonical, ends, folded, is_number, paths, reach
from lookalike.stores.encoding import (
    FORMAT,
    array_token,
    cell_token,
    checked_cursor,
    date_key,
    date_token,
    decode,
    encode,
    fold_token,
    number_key,
    order_code,
    path_token,
    path_tokens,
    point_id,
    size_token,
    text_code,
    value_token,
    vector_token,
    whole_token,
)


def test_the_format_is_pinned():
    assert FORMAT == 2
    assert fold_token("a.b", canonical("x")) == -5432006789841920014
    assert size_token("a.b", 2) == -9043324119382348376
    assert array_token("a.b") == -4322848759703536029
    assert whole_token("a.b", canonical([1])) == 1440829069973088968
    assert date_token("a.b") == -5616985953948180130
    assert date_key("a.b") == "d4eb68d4d2828008e"
    assert [text_code(text) for text in ("", "2024-01-15", "2024-01-15T10:30", "oslo")] == [
        0,
        2876971962951840,
        2876971963436937,
        8258275095722496,
    ]
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
    tokens |= {array_token("list"), size_token("list", 2), whole_token("list", canonical([1, 2.5]))}
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
    """What is written for each value alone is what is written for it among others, at every path."""
    fields = {**payload, "_id": "row"}
    wanted = {path for path in paths(fields) if not any(part.isdigit() for part in path.split("."))}
    tokens, keys = set(), {}
    for path in wanted:
        tokens.add(path_token(path))  # no dates here
        for end in ends(fields, path):
            if isinstance(end, list):
                tokens |= {array_token(path), size_token(path, len(end)), whole_token(path, canonical(end))}
        for value in reach(fields, path):
            tokens.add(value_token(path, canonical(value)))
            if folded(value) != value:
                tokens.add(fold_token(path, canonical(folded(value))))
            if is_number(value):
                keys.setdefault(number_key(path), set()).add(order_code(value))
    written = encode("row", payload)
    marks = {cell_token(path, code) for path in wanted for code in keys.get(number_key(path), ())}
    assert tokens <= set(written["t"]) <= tokens | marks
    assert {key: set(codes) for key, codes in written["n"].items()} == keys


@pytest.mark.parametrize("word", ["ISTANBUL", "Straße", "ΣΊΣΥΦΟΣ", "Ä"])
def test_a_string_with_capitals_is_written_without_them_too(word):
    written = set(encode("a", {"word": word})["t"])
    assert fold_token("word", canonical(word.casefold())) in written
    assert fold_token("word", canonical(word.casefold())) not in encode("a", {"word": word.casefold()})["t"]


def test_dates_are_written_as_numbers_and_other_strings_are_not():
    written = encode("a", {"day": "2024-01-15", "name": "Oslo", "both": ["2024-02", "soon"], "year": "2024"})
    assert written["n"] == {date_key("day"): [text_code("2024-01-15")], date_key("both"): [text_code("2024-02")]}
    assert {date_token("both"), path_token("both"), date_token("day"), path_token("name")} <= set(written["t"])
    assert {path_token("day"), date_token("name"), date_token("year")}.isdisjoint(written["t"])


def test_there_is_a_token_for_whatever_is_at_a_path():
    for value in [1, None, "soon", "2024-01", [], ["2024-01"], ["2024-01", "soon"], [[]], [["2024-01"]], {}]:
        assert not set(path_tokens("a")).isdisjoint(encode("a", {"a": value})["t"])
    assert path_token("a") not in encode("a", {"a": ["2024-01", "2024-02"]})["t"]


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


DATES = st.one_of(
    st.text(max_size=4),
    st.builds(
        lambda day, rest, cut: (day.isoformat() + rest)[:cut],
        st.datetimes(timezones=st.none()),
        st.sampled_from(["", "Z", "+01:00", " UTC"]),
        st.integers(0, 33),
    ),
    st.builds(lambda day, rest: str(day) + rest, st.dates(), st.text(" T:-./0:Az\ud800é", max_size=4)),
)


@given(DATES, DATES)
def test_codes_keep_the_order_of_strings(a, b):
    if a < b:
        assert text_code(a) <= text_code(b)
    assert 0 <= text_code(a) < 2**53


@given(st.datetimes(), st.datetimes(), st.sampled_from([4, 7, 10, 13, 16]), st.sampled_from([4, 7, 10, 13, 16]))
def test_dates_have_codes_of_their_own_to_the_minute(a, b, cut, other):
    one, two = a.isoformat()[:cut], b.isoformat()[:other]
    assert (text_code(one) == text_code(two)) is (one == two)


@given(st.integers(-(2**41) + 1, 2**41 - 1), st.integers(-(2**41) + 1, 2**41 - 1))
def test_small_integers_have_codes_of_their_own(a, b):
    assert (order_code(a) == order_code(b)) is (a == b)


@given(st.text(), st.dictionaries(st.text(max_size=3), st.text() | numbers | st.booleans() | st.none(), max_size=4))
def test_what_is_encoded_is_decoded(row_id, payload):
    text = encode(row_id, payload)["j"]
    assert text.isascii()
    assert json.dumps(decode(text)) == json.dumps((row_id, payload))
