"""From a dict, as users write it, to a filter; what means nothing is refused with its place and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, TypeGuard

from lookalike.errors import InvalidFilter
from lookalike.filters import patterns
from lookalike.filters.tree import And, Compare, Element, Equal, Exists, Filter, Not, Or, Pattern, Size
from lookalike.filters.values import canonical, folded, is_number

__all__ = ["MAX_DEPTH", "equals", "one_of", "parse"]

MAX_DEPTH: Final = 32
"""How deeply filters may be nested; deeper ones are refused, not recursed into."""


def parse(where: Mapping[str, Any] | None, *, fold_case: bool = False) -> Filter | None:
    """Read a filter; None for one that matches everything (None or {}).

    fold_case: `$eq`, `$ne`, `$in`, `$nin`, `$all` and plain values compare strings without regard to case, except
    `_id` and strings inside objects and arrays that are compared whole.
    Raises InvalidFilter, naming the place, for an unknown operator or an operand it can't take.
    """
    tree = And(()) if where is None else _Reader(fold_case).conjunction(where, "filter")
    return None if tree == And(()) else tree


def equals(path: str, value: object) -> Filter:
    """The records with this JSON value at `path`, or with an array there that holds it."""
    return one_of(path, [value])


def one_of(path: str, values: Iterable[object]) -> Filter:
    """The records with one of these JSON values at `path`, or with an array there that holds one."""
    return _equal(path, path, values, fold=False)


@dataclass(frozen=True, slots=True)
class _Reader:
    """fold: see `parse`. depth: how many filters are around this one."""

    fold: bool
    depth: int = 0

    def conjunction(self, where: object, place: str) -> Filter:
        """Read a dict of fields and logical operators."""
        if not isinstance(where, Mapping):
            raise InvalidFilter(place, f"a filter is an object, not {_kind(where)}")
        self._check_depth(place)
        parts: list[Filter] = []
        for name, operand in where.items():
            if not isinstance(name, str):
                raise InvalidFilter(place, f"a field is a string, not {_kind(name)}")
            if not name.startswith("$"):
                parts.append(self.condition(name, operand))
            elif name in _LOGICAL:
                parts.append(_LOGICAL[name](self._branches(name, operand)))
            else:
                raise InvalidFilter(name, _unknown(name, _LOGICAL, _OF_FIELDS, "it stands behind a field"))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def condition(self, path: str, operand: object) -> Filter:
        """Read what is asked of one field: a value, or an object of operators."""
        if not _has_operators(operand):
            return self.equal(path, path, [operand])
        self._check_depth(path)
        operators = dict(operand)
        parts: list[Filter] = []
        if "$regex" in operators or "$options" in operators:
            parts.append(_pattern(path, operators))
        for name, value in operators.items():
            if name not in _OPERATORS:
                raise InvalidFilter(
                    f"{path}.{name}", _unknown(str(name), _OF_FIELDS, _LOGICAL, "it stands beside fields")
                )
            parts.append(_OPERATORS[name](self, path, name, value))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def equal(self, path: str, place: str, values: Iterable[object]) -> Filter:
        return _equal(path, place, values, fold=self.fold and path != "_id")

    def inner(self) -> _Reader:
        return replace(self, depth=self.depth + 1)

    def _branches(self, name: str, operand: object) -> tuple[Filter, ...]:
        if not isinstance(operand, (list, tuple)) or not operand:
            raise InvalidFilter(name, f"it takes a list of at least one filter, not {_kind(operand)}")
        return tuple(self.inner().conjunction(part, name) for part in operand)

    def _check_depth(self, place: str) -> None:
        if self.depth > MAX_DEPTH:
            raise InvalidFilter(place, f"it is nested more than {MAX_DEPTH} deep")


def _equal(path: str, place: str, values: Iterable[object], *, fold: bool) -> Filter:
    # Folding changes nothing where no string is asked for; then it is left out, so that equal filters are equal.
    wanted = list(values)
    fold = fold and any(isinstance(value, str) for value in wanted)
    return Equal(path, frozenset(_operand(place, folded(value) if fold else value) for value in wanted), fold)


def _eq(reader: _Reader, path: str, name: str, operand: object) -> Filter:
    return reader.equal(path, f"{path}.{name}", [operand])


def _in(reader: _Reader, path: str, name: str, operand: object) -> Filter:
    return reader.equal(path, f"{path}.{name}", _list(f"{path}.{name}", operand))


def _all(reader: _Reader, path: str, name: str, operand: object) -> Filter:
    wanted = _list(f"{path}.{name}", operand)
    if not wanted:
        return Or(())
    parts = []
    for value in wanted:
        if isinstance(value, Mapping) and "$elemMatch" in value:
            parts.append(reader.condition(path, value))
        elif _has_operators(value):
            raise InvalidFilter(
                f"{path}.{name}", f"of the operators only $elemMatch may stand in it, not {list(value)}"
            )
        else:
            parts.append(reader.equal(path, f"{path}.{name}", [value]))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _not(reader: _Reader, path: str, name: str, operand: object) -> Filter:
    if not _has_operators(operand):
        raise InvalidFilter(f"{path}.{name}", f"it takes an object of operators, not {_kind(operand)}; try $ne")
    return Not(reader.inner().condition(path, operand))


def _compare(reader: _Reader, path: str, name: str, operand: Any) -> Filter:
    if not is_number(operand) and not isinstance(operand, str):
        raise InvalidFilter(f"{path}.{name}", f"it takes a number or a string, not {_kind(operand)}{_hint(operand)}")
    _operand(f"{path}.{name}", operand)
    return Compare(path, name, operand)


def _exists(reader: _Reader, path: str, name: str, operand: object) -> Filter:
    if not isinstance(operand, bool):
        raise InvalidFilter(f"{path}.{name}", f"it takes true or false, not {_kind(operand)}")
    return Exists(path) if operand else Not(Exists(path))


def _size(reader: _Reader, path: str, name: str, operand: Any) -> Filter:
    if not is_number(operand) or operand != operand // 1 or not 0 <= operand < 2**31:
        raise InvalidFilter(f"{path}.{name}", "it takes a number of elements, 0 or more")
    return Size(path, int(operand))


def _element(reader: _Reader, path: str, name: str, operand: object) -> Filter:
    if not isinstance(operand, Mapping):
        raise InvalidFilter(f"{path}.{name}", f"it takes an object, not {_kind(operand)}")
    bare = _has_operators(operand) and not any(key in _LOGICAL for key in operand)
    inner = reader.inner()
    part = inner.condition(path, operand) if bare else inner.conjunction(operand, f"{path}.{name}")
    return Element(path, part, bare)


def _pattern(path: str, operators: dict[str, Any]) -> Filter:
    """Take `$regex` and `$options` out of the operators."""
    options = operators.pop("$options", "")
    if "$regex" not in operators:
        raise InvalidFilter(f"{path}.$options", "it belongs to a $regex, and there is none")
    expression = operators.pop("$regex")
    for name, value in [("$regex", expression), ("$options", options)]:
        if not isinstance(value, str):
            raise InvalidFilter(f"{path}.{name}", f"it takes a string, not {_kind(value)}")
    try:
        patterns.check(expression, options)
    except ValueError as problem:
        raise InvalidFilter(f"{path}.$regex", f"the regular expression can't be used: {problem}") from None
    return Pattern(path, expression, "".join(sorted(set(options))))


def _list(place: str, operand: object) -> list[Any]:
    if not isinstance(operand, (list, tuple)):
        raise InvalidFilter(place, f"it takes a list, not {_kind(operand)}")
    return list(operand)


def _operand(place: str, value: object) -> str:
    try:
        return canonical(value)
    except (TypeError, ValueError, RecursionError) as problem:
        raise InvalidFilter(place, f"the value can't be compared: {problem}{_hint(value)}") from None


def _has_operators(operand: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(operand, Mapping) and any(str(name).startswith("$") for name in operand)


def _hint(value: object) -> str:
    return "; write dates as ISO strings" if isinstance(value, date) or _is_extended_date(value) else ""


def _is_extended_date(value: object) -> bool:
    return isinstance(value, Mapping) and "$date" in value


def _unknown(name: str, here: Collection[str], elsewhere: Collection[str], where: str) -> str:
    """Say that there is no such operator, and which may have been meant."""
    if name in elsewhere:
        return f"{name} can't stand here; {where}"
    if name == "$date":
        return f"there is no operator {name}; write dates as ISO strings"
    near = difflib.get_close_matches(name.lower(), here, n=1, cutoff=0.6)
    if near:
        return f"there is no operator {name}; did you mean {near[0]}?"
    return f"there is no operator {name}; known here: {', '.join(here)}"


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

# What may be asked of a field, beside `$regex` with its `$options`: name -> (reader, path, name, operand) -> filter.
_OPERATORS: Final[Mapping[str, Callable[[_Reader, str, str, Any], Filter]]] = {
    "$eq": _eq,
    "$ne": lambda reader, path, name, operand: Not(_eq(reader, path, name, operand)),
    "$in": _in,
    "$nin": lambda reader, path, name, operand: Not(_in(reader, path, name, operand)),
    "$gt": _compare,
    "$gte": _compare,
    "$lt": _compare,
    "$lte": _compare,
    "$exists": _exists,
    "$all": _all,
    "$size": _size,
    "$elemMatch": _element,
    "$not": _not,
}

_OF_FIELDS: Final = [*_OPERATORS, "$regex", "$options"]
