"""Which records: a MongoDB-like filter parsed into a small frozen tree, and the one meaning of that tree.

    {"category": "kitchen", "price": {"$lt": 900}, "tags": {"$in": ["new", "sale"]}}

Every store answers exactly what `matches` says. The rules are MongoDB's:

- Members of a dict are all required. A value stands for {"$eq": value}.
- A dotted path reaches into objects, and into every object of an array; a component of digits is also a
  position in an array. A key that itself contains a dot can't be reached.
- An array matches if one of its elements does; `$eq` and `$in` compare the whole array too.
- A field that is not there equals null. `$exists` tells the two apart.
- Equal means equal as JSON: 1 equals 1.0, true equals neither 1 nor "true". Numbers are compared exactly,
  whatever their size. Unlike MongoDB, the order of an object's members is of no account.
- `$gt`, `$gte`, `$lt`, `$lte` hold between two numbers or two strings (by code point) and nothing else.
- `$ne`, `$nin`, `$nor` and `$not` are exact opposites, so they also match records without the field.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lookalike.errors import InvalidFilter

__all__ = [
    "MISSING",
    "And",
    "Compare",
    "Equal",
    "Exists",
    "Filter",
    "Not",
    "Or",
    "canonical",
    "equals",
    "is_number",
    "is_position",
    "matches",
    "one_of",
    "parse",
    "paths",
    "reach",
]

MAX_DEPTH: Final = 32
"""How deeply filters may be nested; deeper ones are refused, not recursed into."""


@dataclass(frozen=True, slots=True)
class Equal:
    """One of the values at `path` is one of these, each in its `canonical` form."""

    path: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Compare:
    """One of the values at `path` stands so to `value`. operator: "$gt", "$gte", "$lt" or "$lte"."""

    path: str
    operator: str
    value: float | str


@dataclass(frozen=True, slots=True)
class Exists:
    """There is something at `path`, be it null."""

    path: str


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them; none of none."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The records `part` does not match."""

    part: Filter


Filter = Equal | Compare | Exists | And | Or | Not


class _Missing:
    """What a path reaches where there is nothing."""


MISSING: Final = _Missing()

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def parse(where: Mapping[str, Any] | None) -> Filter | None:
    """Read a filter; None for one that matches everything (None or {}).

    Raises InvalidFilter, naming the place, for an unknown operator or an operand it can't take.
    """
    tree = And(()) if where is None else _conjunction(where, "filter", 0)
    return None if tree == And(()) else tree


def equals(path: str, value: object) -> Filter:
    """The records with this JSON value at `path`, or with an array there that holds it."""
    return Equal(path, frozenset([_operand(path, value)]))


def one_of(path: str, values: Iterable[object]) -> Filter:
    """The records with one of these JSON values at `path`, or with an array there that holds one."""
    return Equal(path, frozenset(_operand(path, value) for value in values))


def matches(filter: Filter, fields: Mapping[str, Any]) -> bool:  # noqa: A002 - the word for it
    """Whether a record of these fields (`_id` among them) is meant. Every store agrees with this."""
    match filter:
        case Equal(path, wanted):
            return any(canonical(value) in wanted for value in reach(fields, path))
        case Compare(path, name, bound):
            same_kind = is_number if is_number(bound) else _is_string
            holds = _ORDER[name]
            return any(same_kind(value) and holds(value, bound) for value in reach(fields, path))
        case Exists(path):
            return any(value is not MISSING for value in reach(fields, path))
        case And(parts):
            return all(matches(part, fields) for part in parts)
        case Or(parts):
            return any(matches(part, fields) for part in parts)
        case Not(part):
            return not matches(part, fields)


def reach(fields: Mapping[str, Any], path: str) -> list[Any]:
    """Return the values a path leads to: the elements of an array, then the array itself.

    MISSING stands for each branch that ends early, and alone where there is no branch at all.
    """
    return list(_walk(fields, path.split("."))) or [MISSING]


def paths(fields: Mapping[str, Any]) -> set[str]:
    """Return every path that leads to something, positions in arrays left out."""
    found: set[str] = set()
    _collect(fields, "", found)
    return found


def canonical(value: Any) -> str:
    """Return a text that two JSON values share exactly if they are equal; MISSING counts as null.

    Raises TypeError or ValueError for what is not JSON.
    """
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else _finite(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical, value)) + "]"
    raise TypeError(f"{type(value).__name__} is not JSON")


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_position(part: str) -> bool:
    """Whether a component of a path may be a position in an array."""
    return part.isascii() and part.isdigit() and len(part) < 10


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _finite(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not JSON")
    return repr(value)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("a key that is not a string is not JSON")
    return json.dumps(key)


def _walk(value: Any, parts: Sequence[str]) -> Iterator[Any]:
    if not parts:
        if isinstance(value, (list, tuple)):
            yield from value
        yield value
    elif isinstance(value, Mapping):
        if parts[0] in value:
            yield from _walk(value[parts[0]], parts[1:])
        else:
            yield MISSING
    elif isinstance(value, (list, tuple)):
        if is_position(parts[0]) and int(parts[0]) < len(value):
            yield from _walk(value[int(parts[0])], parts[1:])
        for element in value:
            if isinstance(element, Mapping):
                yield from _walk(element, parts)
    else:
        yield MISSING


def _collect(value: Any, prefix: str, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, member in value.items():
            if "." not in key:
                found.add(prefix + key)
                _collect(member, f"{prefix}{key}.", found)
    elif isinstance(value, (list, tuple)):
        for element in value:
            if isinstance(element, Mapping):
                _collect(element, prefix, found)


def _conjunction(where: object, place: str, depth: int) -> Filter:
    """Read a dict of fields and logical operators."""
    if not isinstance(where, Mapping):
        raise InvalidFilter(place, f"a filter is an object, not {_kind(where)}")
    if depth > MAX_DEPTH:
        raise InvalidFilter(place, f"it is nested more than {MAX_DEPTH} deep")
    parts: list[Filter] = []
    for name, operand in where.items():
        if not isinstance(name, str):
            raise InvalidFilter(place, f"a field is a string, not {_kind(name)}")
        if not name.startswith("$"):
            parts.append(_condition(name, operand, depth))
        elif name in _LOGICAL:
            parts.append(_LOGICAL[name](_branches(name, operand, depth)))
        else:
            raise InvalidFilter(name, f"no such operator; known here: {', '.join(_LOGICAL)}")
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _branches(name: str, operand: object, depth: int) -> tuple[Filter, ...]:
    if not isinstance(operand, (list, tuple)) or not operand:
        raise InvalidFilter(name, f"it takes a list of at least one filter, not {_kind(operand)}")
    return tuple(_conjunction(part, name, depth + 1) for part in operand)


def _condition(path: str, operand: object, depth: int) -> Filter:
    """Read what is asked of one field: a value, or an object of operators."""
    if not isinstance(operand, Mapping) or not any(str(name).startswith("$") for name in operand):
        return equals(path, operand)
    if depth > MAX_DEPTH:
        raise InvalidFilter(path, f"it is nested more than {MAX_DEPTH} deep")
    parts: list[Filter] = []
    for name, value in operand.items():
        if name == "$not":
            parts.append(_negation(path, value, depth))
        elif name in _OPERATORS:
            parts.append(_OPERATORS[name](path, name, value))
        else:
            raise InvalidFilter(f"{path}.{name}", f"no such operator; known here: $not, {', '.join(_OPERATORS)}")
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _negation(path: str, operand: object, depth: int) -> Filter:
    if not isinstance(operand, Mapping) or not any(str(name).startswith("$") for name in operand):
        raise InvalidFilter(f"{path}.$not", f"it takes an object of operators, not {_kind(operand)}; try $ne")
    return Not(_condition(path, operand, depth + 1))


def _equal(path: str, name: str, operand: object) -> Filter:
    return Equal(path, frozenset([_operand(f"{path}.{name}", operand)]))


def _one_of(path: str, name: str, operand: object) -> Filter:
    if not isinstance(operand, (list, tuple)):
        raise InvalidFilter(f"{path}.{name}", f"it takes a list, not {_kind(operand)}")
    return Equal(path, frozenset(_operand(f"{path}.{name}", value) for value in operand))


def _compare(path: str, name: str, operand: Any) -> Filter:
    if not is_number(operand) and not isinstance(operand, str):
        raise InvalidFilter(f"{path}.{name}", f"it takes a number or a string, not {_kind(operand)}")
    _operand(f"{path}.{name}", operand)
    return Compare(path, name, operand)


def _exists(path: str, name: str, operand: object) -> Filter:
    if not isinstance(operand, bool):
        raise InvalidFilter(f"{path}.{name}", f"it takes true or false, not {_kind(operand)}")
    return Exists(path) if operand else Not(Exists(path))


def _operand(place: str, value: object) -> str:
    try:
        return canonical(value)
    except (TypeError, ValueError, RecursionError) as problem:
        raise InvalidFilter(place, f"the value can't be compared: {problem}") from None


def _kind(value: object) -> str:
    if isinstance(value, (list, tuple)) and not value:
        return "an empty list"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


_LOGICAL: Final[Mapping[str, Callable[[tuple[Filter, ...]], Filter]]] = {
    "$and": And,
    "$or": Or,
    "$nor": lambda parts: Not(Or(parts)),
}

# What may be asked of a field: name -> (path, name, operand) -> filter.
_OPERATORS: Final[Mapping[str, Callable[[str, str, Any], Filter]]] = {
    "$eq": _equal,
    "$ne": lambda path, name, operand: Not(_equal(path, name, operand)),
    "$in": _one_of,
    "$nin": lambda path, name, operand: Not(_one_of(path, name, operand)),
    "$gt": _compare,
    "$gte": _compare,
    "$lt": _compare,
    "$lte": _compare,
    "$exists": _exists,
}
