"""A filter as rows of field, operator and value, for people; and those rows as a filter.

Rows are all required. A value is JSON where it reads as JSON (`5`, `true`, `null`, `"5"` in quotes for the text), else
the text itself; lists are separated by commas.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["OPERATORS", "VALUELESS", "Condition", "conditions_of", "filter_of", "read_value", "shown", "with_equal"]

OPERATORS: Final[Mapping[str, str]] = {
    "is": "is",
    "not": "is not",
    "in": "is one of",
    "nin": "is none of",
    "gte": "is at least",
    "gt": "is more than",
    "lte": "is at most",
    "lt": "is less than",
    "has": "contains the text",
    "like": "matches the pattern",
    "there": "is there",
    "gone": "is missing",
}
"""Operator of a row -> its name on the pages."""

VALUELESS: Final = ("there", "gone")
"""Operators that take no value."""

_PLAIN: Final = {"not": "$ne", "gt": "$gt", "gte": "$gte", "lt": "$lt", "lte": "$lte"}
_LISTS: Final = {"in": "$in", "nin": "$nin"}
_META: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
_PART: Final = re.compile(r'(?:^|,)(\s*"(?:[^"\\]|\\.)*"\s*(?=,|$)|[^,]*)')  # commas within quotes belong to the text
_ESCAPED: Final = re.compile(r"\\([\\.+*?()|\[\]{}^$])")


@dataclass(frozen=True, slots=True)
class Condition:
    """A row. operator: one of `OPERATORS`; value: as a person types it."""

    field: str
    operator: str
    value: str = ""


def filter_of(conditions: Sequence[Condition]) -> dict[str, Any] | None:
    """Return the filter that asks for all of the conditions; None for none. What it means is checked by its reader."""
    parts: dict[str, Any] = {}
    for condition in conditions:
        operand = _operand(condition)
        if condition.field not in parts:
            parts[condition.field] = operand
        elif _are_apart(parts[condition.field], operand):
            parts[condition.field] = {**parts[condition.field], **operand}
        else:
            return {"$and": [{one.field: _operand(one)} for one in conditions]}
    return parts or None


def conditions_of(where: Mapping[str, Any] | None) -> list[Condition] | None:
    """Return the rows of a filter, or None for one that rows can't say."""
    if not where:
        return []
    branches = where["$and"] if where.keys() == {"$and"} else [where]
    if not isinstance(branches, list) or not all(isinstance(branch, dict) for branch in branches):
        return None
    found: list[Condition] = []
    for branch in branches:
        for field, operand in branch.items():
            rows = _rows(field, operand)
            if rows is None:
                return None
            found += rows
    return found


def with_equal(where: Mapping[str, Any] | None, field: str, value: Any) -> dict[str, Any] | None:
    """Return the filter that also asks for this value of the field, or no longer does if it did."""
    rows, wanted = conditions_of(where), Condition(field, "is", shown(value))
    if rows is None:
        return {"$and": [where, {field: value}]}
    return filter_of([row for row in rows if row != wanted] if wanted in rows else [*rows, wanted])


def read_value(text: str) -> Any:
    """Return what a typed value means."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    return text.strip() if isinstance(value, float) and not math.isfinite(value) else value


def shown(value: Any) -> str:
    """Return the text that `read_value` takes for the value."""
    if isinstance(value, str) and value == value.strip() and isinstance(read_value(value), str):
        return value if read_value(value) == value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def _operand(condition: Condition) -> Any:
    operator, text = condition.operator, condition.value
    if operator in _PLAIN:
        return {_PLAIN[operator]: read_value(text)}
    if operator in _LISTS:
        return {_LISTS[operator]: _read_list(text)}
    match operator:
        case "has":
            return {"$regex": _META.sub(r"\\\1", text), "$options": "i"}
        case "like":
            return {"$regex": text}
        case "there" | "gone":
            return {"$exists": operator == "there"}
    value = read_value(text)
    return {"$eq": value} if isinstance(value, dict) else value


def _rows(field: str, operand: Any) -> list[Condition] | None:
    if field.startswith("$"):
        return None
    if not isinstance(operand, dict) or not any(name.startswith("$") for name in operand):
        return [Condition(field, "is", shown(operand))]
    operators = dict(operand)
    rows = []
    if "$regex" in operators:
        rows.append(_pattern(field, operators.pop("$regex"), operators.pop("$options", "")))
    rows += [_row(field, name, value) for name, value in operators.items()]
    return None if None in rows else [row for row in rows if row]


def _row(field: str, name: str, value: Any) -> Condition | None:
    for operator, known in _PLAIN.items():
        if name == known:
            return Condition(field, operator, shown(value))
    for operator, known in _LISTS.items():
        if name == known and isinstance(value, list):
            return Condition(field, operator, _shown_list(value))
    if name == "$eq":
        return Condition(field, "is", shown(value))
    if name == "$exists" and isinstance(value, bool):
        return Condition(field, "there" if value else "gone")
    return None


def _pattern(field: str, expression: Any, options: Any) -> Condition | None:
    if not isinstance(expression, str):
        return None
    plain = _ESCAPED.sub(r"\1", expression)
    if options == "i" and _META.sub(r"\\\1", plain) == expression:
        return Condition(field, "has", plain)
    return Condition(field, "like", expression) if options == "" else None


def _are_apart(one: Any, other: Any) -> bool:
    """Whether two operands of a field are operators that differ, so that one object holds them both."""
    return all(isinstance(each, dict) for each in (one, other)) and not one.keys() & other.keys()


def _read_list(text: str) -> list[Any]:
    if not text.strip():
        return []
    try:
        whole = json.loads(f"[{text}]")
    except (ValueError, RecursionError):
        return [read_value(part) for part in _PART.findall(text)]
    return whole if isinstance(whole, list) else []


def _shown_list(values: Sequence[Any]) -> str:
    """Return the text that `_read_list` takes for the values: bare where that can be told apart, else as JSON."""
    bare = ", ".join(shown(value) for value in values)
    return bare if _read_list(bare) == list(values) else json.dumps(list(values), ensure_ascii=False)[1:-1]
