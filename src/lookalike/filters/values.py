"""JSON values, how they are equal, and the paths that lead to them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["MISSING", "Bare", "Fields", "canonical", "ends", "folded", "is_number", "is_position", "paths", "reach"]


class _Missing:
    """What a path reaches where there is nothing."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True, eq=False)
class Bare:
    """A value by itself: every path leads to it, and no further."""

    value: Any


Fields = Mapping[str, Any] | Bare


def reach(fields: Fields, path: str) -> list[Any]:
    """Return the values a path leads to: the elements of an array, then the array itself.

    MISSING stands for each branch that ends early, and alone where there is no branch at all.
    """
    if isinstance(fields, Bare):
        return [fields.value]
    found: list[Any] = []
    for value in _walk(fields, path.split(".")):
        if isinstance(value, (list, tuple)):
            found += value
        found.append(value)
    return found or [MISSING]


def ends(fields: Fields, path: str) -> list[Any]:
    """Return the values a path leads to, arrays whole."""
    return [fields.value] if isinstance(fields, Bare) else list(_walk(fields, path.split(".")))


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


def folded(value: Any) -> Any:
    """Return a string in the form that all its spellings in upper and lower case share; anything else as it is."""
    return value.casefold() if isinstance(value, str) else value


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_position(part: str) -> bool:
    """Whether a component of a path may be a position in an array."""
    return part.isascii() and part.isdigit() and len(part) < 10


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
