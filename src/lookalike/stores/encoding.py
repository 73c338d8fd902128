"""How a row is written for an engine of the Qdrant family, so that filters mean there what they mean here.

The engine can't be trusted with JSON: booleans never match, numbers past 2**53 and the last bit of floats are
lost, strings must be valid Unicode. So a payload is kept as one ASCII text, which comes back as it went in, and
beside it, for filters, two fields of plain integers:

- `t`, tokens: a 64-bit hash for each value at each path, for each path there is, for each array and its length,
  for each string with capitals as it is without them, and for each vector.
  One integer index answers every equality on every field. (Two values of 10**8 share a token with a
  probability of 5e-12; hits are verified all the same.)
- `n`, numbers: for each path with numbers their `order_code`, and for each path with ISO dates their `text_code`,
  integers of 53 bits. Other strings have none: what compares strings verifies their rows.

These functions decide what is on disk: change them only together with `FORMAT`.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from lookalike.errors import InvalidArgument, InvalidRecord
from lookalike.filters import canonical, ends, is_number, is_position, paths, reach

__all__ = [
    "FORMAT",
    "NUMBERS",
    "TEXT",
    "TOKENS",
    "array_token",
    "cell_token",
    "checked_cursor",
    "date_key",
    "date_token",
    "decode",
    "encode",
    "fold_token",
    "has_position",
    "number_key",
    "order_code",
    "path_token",
    "path_tokens",
    "point_id",
    "size_token",
    "text_code",
    "text_of",
    "value_token",
    "vector_token",
    "whole_token",
]

FORMAT: Final = 2
"""The version of what is written below and by the store around it."""

TEXT: Final = "j"
TOKENS: Final = "t"
NUMBERS: Final = "n"

_SHORT: Final = 48  # characters of a value that is worth remembering
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}(?![0-9])")


def _place(own: str) -> tuple[int, list[str], str]:
    """Return how many codes a place in a string has, where each after the first begins, and the characters with
    one of their own. The code 0 is the end of the string."""
    borders = sorted({"\0", *own, *(chr(ord(char) + 1) for char in own)})
    return len(borders) + 1, borders, own


_LAYOUT: Final = [_place({"0": "0123456789", "T": " T"}.get(char, char)) for char in "0000-00-00T00:00"]

_NAMESPACE: Final = UUID("6f2b5f3e-52c5-5f0b-9c3e-7a4d1c0e8b11")


def point_id(row_id: str) -> str:
    """Return the UUID (version 5) under which a row is kept; any string will do, unpaired surrogates too."""
    digest = hashlib.sha1(_NAMESPACE.bytes + _bytes(row_id), usedforsecurity=False).digest()
    return str(UUID(bytes=digest[:16], version=5))


def checked_cursor(after: str) -> str:
    """Return a scroll's cursor, the point id to go on with; raises InvalidArgument if it is none."""
    try:
        return str(UUID(after))
    except ValueError:
        raise InvalidArgument("after", after, "the `next` of an earlier scroll") from None


def text_of(row_id: str, payload: Mapping[str, Any]) -> str:
    """Return a row's id and payload as one line of ASCII JSON; raises InvalidRecord if it is not JSON."""
    try:
        return json.dumps([row_id, dict(payload)], allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as problem:
        raise InvalidRecord(row_id, f"its payload is not JSON: {problem}") from problem


def encode(row_id: str, payload: Mapping[str, Any], vector_tokens: Iterable[int] = ()) -> dict[str, Any]:
    """Return the engine's payload for a row; raises InvalidRecord if it is not JSON."""
    text = text_of(row_id, payload)
    flat = all(type(name) is str and type(value) in _SCALARS for name, value in payload.items())
    try:
        tokens, numbers = _entries({**(payload if flat else json.loads(text)[1]), "_id": row_id})
    except RecursionError as problem:
        raise InvalidRecord(row_id, "its payload is nested too deeply") from problem
    return {TEXT: text, TOKENS: sorted(tokens.union(vector_tokens)), NUMBERS: numbers}


def decode(text: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the payload that `encode` was given."""
    row_id, payload = json.loads(text)
    return row_id, payload


def value_token(path: str, value: str) -> int:
    """Return the token of a row with this `canonical` value at a path."""
    return _token(f"={len(path)}:{path}{value}")


@lru_cache(maxsize=4096)
def path_token(path: str) -> int:
    """Return the token of a row with anything at a path but ISO dates and arrays of them."""
    return _token(f"?{path}")


@lru_cache(maxsize=4096)
def date_token(path: str) -> int:
    """Return the token of a row with an ISO date at a path."""
    return _token(f"d{path}")


def path_tokens(path: str) -> list[int]:
    """Return the tokens of which a row with anything at a path has at least one."""
    return [path_token(path), date_token(path)]


def fold_token(path: str, value: str) -> int:
    """Return the token of a row with a string at a path that becomes this `canonical` value when `filters.folded`."""
    return _token(f"i{len(path)}:{path}{value}")


def size_token(path: str, size: int) -> int:
    """Return the token of a row with an array of so many elements at a path."""
    return _token(f"#{len(path)}:{path}{size}")


def array_token(path: str) -> int:
    """Return the token of a row with an array at a path."""
    return _token(f"[{path}")


def whole_token(path: str, array: str) -> int:
    """Return the token of a row with this `canonical` array at a path, and not just within one."""
    return _token(f"w{len(path)}:{path}{array}")


def cell_token(path: str, code: int) -> int:
    """Return the token of a row with several different numbers, or dates, at a path that share this code."""
    return _token(f"~{len(path)}:{path}{code}")


def vector_token(name: str, vector: bytes) -> int:
    """Return the token of a row whose vector `name` is exactly these bytes."""
    return _token(f"v{name}:{vector.hex()}")


@lru_cache(maxsize=4096)
def number_key(path: str) -> str:
    """Return the name under which the numbers at a path are kept in the field `n`."""
    return f"k{hashlib.blake2b(_bytes(path), digest_size=8).hexdigest()}"


@lru_cache(maxsize=4096)
def date_key(path: str) -> str:
    """Return the name under which the dates at a path are kept in the field `n`."""
    return f"d{hashlib.blake2b(_bytes(path), digest_size=8).hexdigest()}"


def order_code(number: float) -> int:
    """Return the 53 leading bits of a number as an integer: a < b implies order_code(a) <= order_code(b).

    That is all a float range of the engine tells apart; integers below 2**41 each have a code of their own.
    """
    try:
        value = float(number)
    except OverflowError:
        value = sys.float_info.max if number > 0 else -sys.float_info.max
    (bits,) = struct.unpack(">q", struct.pack(">d", value))
    ordered: int = bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)
    return ordered >> 11


def text_code(text: str) -> int:
    """Return the place of a string among all strings as an integer under 2**53: a < b implies code(a) <= code(b).

    ISO dates as far as the minute each have a code of their own; other strings share theirs with many.
    """
    code, alike = 0, True
    for place, (radix, borders, own) in enumerate(_LAYOUT):
        digit = bisect_right(borders, text[place]) if alike and place < len(text) else 0
        alike = alike and place < len(text) and text[place] in own
        code = code * radix + digit
    return code


@lru_cache(maxsize=4096)
def has_position(path: str) -> bool:
    """Whether a path may lead to a position in an array; such paths have no tokens."""
    return any(is_position(part) for part in path.split("."))


def _entries(fields: Mapping[str, Any]) -> tuple[set[int], dict[str, list[int]]]:
    tokens: set[int] = set()
    numbers: dict[str, list[int]] = {}
    for name, field in fields.items():
        if type(field) in _SCALARS:  # most are; what follows would come to the same, more slowly
            if "." in name or has_position(name):
                continue
            if name != "_id" and (type(field) is not str or len(field) <= _SHORT):
                kept, codes = _scalar(name, field)
                tokens.update(kept)
                numbers.update((key, list(own)) for key, own in codes)
            else:
                _enter(name, [field], tokens, numbers)
            continue
        part = {name: field}
        for path in paths(part):
            if not has_position(path):
                _enter(path, reach(part, path), tokens, numbers)
                for end in ends(part, path):
                    if isinstance(end, list):
                        tokens |= {array_token(path), size_token(path, len(end)), whole_token(path, canonical(end))}
    return tokens, numbers


@lru_cache(maxsize=32_768, typed=True)
def _scalar(path: str, value: Any) -> tuple[tuple[int, ...], tuple[tuple[str, tuple[int, ...]], ...]]:
    """Return what is written for one value at a path; categories, flags and dates come again and again."""
    tokens: set[int] = set()
    numbers: dict[str, list[int]] = {}
    _enter(path, [value], tokens, numbers)
    return tuple(tokens), tuple((key, tuple(codes)) for key, codes in numbers.items())


def _enter(path: str, values: Sequence[Any], tokens: set[int], numbers: dict[str, list[int]]) -> None:
    """Add what is written for the values at one path."""
    codes: list[tuple[int, str]] = []
    dates: list[tuple[int, str]] = []
    others = 0
    for value in values:
        text = canonical(value)
        tokens.add(value_token(path, text))
        is_date = isinstance(value, str) and _DATE.match(value)
        others += not is_date and not isinstance(value, list)
        if is_date:
            dates.append((text_code(value), text))
        if isinstance(value, str):
            if (without_case := value.casefold()) != value:
                tokens.add(fold_token(path, canonical(without_case)))
        elif is_number(value):
            codes.append((order_code(value), text))
    if dates:
        tokens.add(date_token(path))
    if others or not dates:
        tokens.add(path_token(path))
    for key, cells in ((number_key, codes), (date_key, dates)):
        if cells:
            numbers[key(path)], shared = _cells(cells)
            tokens.update(cell_token(path, code) for code in shared)


def _cells(cells: Sequence[tuple[int, str]]) -> tuple[list[int], list[int]]:
    """Return the codes, ascending, and those that several different values share."""
    first: dict[int, str] = {}
    shared = [code for code, text in cells if first.setdefault(code, text) != text]
    return sorted(first), shared


def _token(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(_bytes(text), digest_size=8).digest(), "big", signed=True)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
