"""What an engine can do of a filter: a condition it evaluates, and whether that is the whole of it.

A plan never loses a row. Where it is not exact its condition matches too much, and the store verifies each
row with `filters.matches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from lookalike.filters import And, Compare, Equal, Exists, Filter, Not, Or, canonical
from lookalike.stores.encoding import cell_token, has_position, number_key, order_code, path_token, value_token

__all__ = ["Engine", "Plan", "plan"]

C = TypeVar("C")


class Engine(Protocol[C]):
    """The conditions an engine offers over rows written by `encoding`; C is its own type for one."""

    def tokens(self, wanted: Sequence[int]) -> C:
        """The rows with at least one of these tokens."""
        ...

    def numbers(self, key: str, low: int | None, high: int | None) -> C:
        """The rows with an order code in [low, high] under a number key; None is no bound."""
        ...

    def every(self, parts: Sequence[C]) -> C:
        """The rows that all of at least one part match."""
        ...

    def some(self, parts: Sequence[C]) -> C:
        """The rows that any of at least one part matches."""
        ...

    def outside(self, part: C) -> C:
        """The rows a part does not match."""
        ...

    def any(self, condition: C) -> bool:
        """Whether a row matches."""
        ...


@dataclass(frozen=True, slots=True)
class Plan(Generic[C]):
    """condition: None for all rows. exact: whether it matches just the rows the filter does."""

    condition: C | None
    exact: bool


def plan(where: Filter | None, engine: Engine[C]) -> Plan[C]:
    """Return the narrowest condition the engine has for a filter."""
    match where:
        case None:
            return Plan(None, exact=True)
        case Equal(path) | Compare(path) | Exists(path) if has_position(path):
            return Plan(None, exact=False)
        case Equal(path, values):
            return Plan(_equal(path, values, engine), exact=True)
        case Exists(path):
            return Plan(engine.tokens([path_token(path)]), exact=True)
        case Compare(path, name, bound) if not isinstance(bound, str):
            return _compare(path, name, bound, engine)
        case Compare(path):  # strings have no order in the engine
            return Plan(engine.tokens([path_token(path)]), exact=False)
        case And(parts):
            return _every([plan(part, engine) for part in parts], engine)
        case Or(parts):
            return _some([plan(part, engine) for part in parts], engine)
        case Not(part):
            inner = plan(part, engine)
            if not inner.exact or inner.condition is None:
                return Plan(None, exact=False)
            return Plan(engine.outside(inner.condition), exact=True)


def _equal(path: str, values: frozenset[str], engine: Engine[C]) -> C:
    condition = engine.tokens(sorted(value_token(path, value) for value in values))
    if "null" not in values:
        return condition
    return engine.some([condition, engine.outside(engine.tokens([path_token(path)]))])


def _compare(path: str, name: str, bound: float, engine: Engine[C]) -> Plan[C]:
    """Compare by order codes; only rows that share the bound's code without being equal to it are in doubt."""
    there = engine.tokens([path_token(path)])
    if not engine.any(there):
        return Plan(there, exact=True)
    key, code = number_key(path), order_code(bound)
    cell = engine.numbers(key, code, code)
    same = engine.tokens([value_token(path, canonical(bound))])
    strays = engine.any(engine.every([cell, engine.outside(same)])) or engine.any(
        engine.tokens([cell_token(path, code)])
    )
    beyond = 1 if not strays and name in ("$gt", "$lt") else 0
    if name in ("$gt", "$gte"):
        return Plan(engine.numbers(key, code + beyond, None), exact=not strays)
    return Plan(engine.numbers(key, None, code - beyond), exact=not strays)


def _every(parts: Sequence[Plan[C]], engine: Engine[C]) -> Plan[C]:
    conditions = [part.condition for part in parts if part.condition is not None]
    exact = all(part.exact for part in parts)
    return Plan(engine.every(conditions) if conditions else None, exact)


def _some(parts: Sequence[Plan[C]], engine: Engine[C]) -> Plan[C]:
    conditions = [part.condition for part in parts if part.condition is not None]
    if len(conditions) < len(parts):
        return Plan(None, exact=False)
    if not conditions:
        return Plan(engine.tokens([]), exact=True)
    return Plan(engine.some(conditions), exact=all(part.exact for part in parts))
