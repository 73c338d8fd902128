"""The one meaning of a filter. Stores may be quicker about it; none may answer otherwise."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from lookalike.filters.patterns import found_in
from lookalike.filters.tree import And, Compare, Element, Equal, Exists, Filter, Not, Or, Pattern, Size
from lookalike.filters.values import MISSING, Bare, Fields, canonical, ends, folded, is_number, reach

__all__ = ["matches"]

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(filter: Filter, fields: Fields) -> bool:  # noqa: A002 - the word for it
    """Whether a record of these fields (`_id` among them) is meant. Every store agrees with this."""
    match filter:
        case And(parts):
            return all(matches(part, fields) for part in parts)
        case Or(parts):
            return any(matches(part, fields) for part in parts)
        case Not(part):
            return not matches(part, fields)
        case Exists(path):
            return any(value is not MISSING for value in reach(fields, path))
        case Equal(path, wanted, fold):
            return any(canonical(folded(value) if fold else value) in wanted for value in reach(fields, path))
        case Compare(path, name, bound):
            same_kind = is_number if is_number(bound) else _is_string
            holds = _ORDER[name]
            return any(same_kind(value) and holds(value, bound) for value in reach(fields, path))
        case Pattern(path, expression, options):
            return any(isinstance(v, str) and found_in(v, expression, options) for v in reach(fields, path))
        case Size(path, size):
            return any(isinstance(value, (list, tuple)) and len(value) == size for value in ends(fields, path))
        case Element(path, part, bare):
            arrays = [value for value in ends(fields, path) if isinstance(value, (list, tuple))]
            return any(_matches_element(part, element, bare) for array in arrays for element in array)


def _matches_element(part: Filter, element: Any, bare: bool) -> bool:
    if bare:
        return matches(part, Bare(element))
    if isinstance(element, (list, tuple)):  # its fields are its positions, as in MongoDB
        element = {str(position): value for position, value in enumerate(element)}
    return isinstance(element, Mapping) and matches(part, element)


def _is_string(value: object) -> bool:
    return isinstance(value, str)
