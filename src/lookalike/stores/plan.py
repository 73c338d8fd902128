"""What an engine can do of a filter: a condition it evaluates, and whether that is the whole of it.

A plan never loses a row. Where it is not exact its condition matches too much, and the store verifies the rows
that are not sure with `filters.matches`.

Exact: equality and its opposites, `$in`, `$all`, `$exists`, `$size`, comparisons of numbers, and of ISO dates to
the minute, and whatever is made of these. Not exact: `$regex`, `$elemMatch`, comparisons of other strings, paths
with a position. The engine still narrows those down to rows that have the field, or what an element must have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from lookalike.filters import And, Compare, Element, Equal, Exists, Filter, Not, Or, Pattern, Size, canonical
from lookalike.stores.encoding import (
    cell_token,
    date_key,
    fold_token,
    has_position,
    number_key,
    order_code,
    path_token,
    path_tokens,
    size_token,
    text_code,
    value_token,
)

__all__ = ["Engine", "Plan", "doubtful", "plan"]

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
    """condition: a superset of the rows the filter matches; None for all rows. exact: whether it is just those.

    sure: if it is not exact, some of those the filter matches; None for none.
    """

    condition: C | None
    exact: bool
    sure: C | None = None


def plan(where: Filter | None, engine: Engine[C]) -> Plan[C]:
    """Return the narrowest condition the engine has for a filter."""
    match where:
        case None:
            return Plan(None, exact=True)
        case And(parts):
            return _every([plan(part, engine) for part in parts], engine)
        case Or(parts):
            return _some([plan(part, engine) for part in parts], engine)
        case Not(part):
            return _outside(plan(part, engine), engine)
        case _ if has_position(where.path):
            return Plan(None, exact=False)
        case Equal(path, values, fold):
            return Plan(_equal(path, values, fold, engine), exact=True)
        case Exists(path):
            return Plan(engine.tokens(path_tokens(path)), exact=True)
        case Size(path, size):
            return Plan(engine.tokens([size_token(path, size)]), exact=True)
        case Compare(path, name, bound):
            return _compare(path, name, bound, engine)
        case Pattern(path):
            return Plan(engine.tokens(path_tokens(path)), exact=False)
        case Element(path, part, bare):
            needed = And((Exists(path), _implied(part, path, bare)))
            return Plan(plan(needed, engine).condition, exact=False)


def doubtful(planned: Plan[C], engine: Engine[C]) -> C | None:
    """Return the condition of the rows to verify beside the sure ones of a plan that is not exact; None for all."""
    if planned.sure is None:
        return planned.condition
    others = engine.outside(planned.sure)
    return others if planned.condition is None else engine.every([planned.condition, others])


def _implied(part: Filter, path: str, bare: bool) -> Filter:
    """Return what a row must match if an element of the array at `path` matches `part`."""
    match part:
        case And(parts):
            return And(tuple(_implied(each, path, bare) for each in parts))
        case Or(parts):
            return Or(tuple(_implied(each, path, bare) for each in parts))
        case Equal(inner, values, fold) if bare or "null" not in values:
            return Equal(path if bare else f"{path}.{inner}", values, fold)
        case Compare(inner, name, bound):
            return Compare(path if bare else f"{path}.{inner}", name, bound)
        case _:
            return And(())


def _equal(path: str, values: frozenset[str], fold: bool, engine: Engine[C]) -> C:
    wanted = [value_token(path, value) for value in values]
    if fold:
        wanted += [fold_token(path, value) for value in values]
    condition = engine.tokens(sorted(wanted))
    if "null" not in values:
        return condition
    return engine.some([condition, engine.outside(engine.tokens(path_tokens(path)))])


def _compare(path: str, name: str, bound: float | str, engine: Engine[C]) -> Plan[C]:
    """Compare by codes; in doubt are rows that share the bound's code without being equal to it, and other strings."""
    there = engine.tokens(path_tokens(path))
    if not engine.any(there):
        return Plan(there, exact=True)
    dates = isinstance(bound, str)
    key = date_key(path) if dates else number_key(path)
    code = text_code(bound) if isinstance(bound, str) else order_code(bound)
    same = engine.tokens([value_token(path, canonical(bound))])
    crowded = engine.any(engine.every([engine.numbers(key, code, code), engine.outside(same)])) or engine.any(
        engine.tokens([cell_token(path, code)])
    )

    def beyond(step: int) -> C:
        return (
            engine.numbers(key, code + step, None)
            if name in ("$gt", "$gte")
            else engine.numbers(key, None, code - step)
        )

    sure = beyond(0 if not crowded and name in ("$gte", "$lte") else 1)
    whole = beyond(0) if crowded else sure
    if dates:
        others = engine.tokens([path_token(path)])
        if engine.any(others):
            return Plan(engine.some([whole, others]), exact=False, sure=sure)
    return Plan(whole, exact=not crowded, sure=sure if crowded else None)


def _every(parts: Sequence[Plan[C]], engine: Engine[C]) -> Plan[C]:
    conditions = [part.condition for part in parts if part.condition is not None]
    condition = engine.every(conditions) if conditions else None
    if all(part.exact for part in parts):
        return Plan(condition, exact=True)
    sure = [
        part.condition if part.exact else part.sure for part in parts if not part.exact or part.condition is not None
    ]
    certain = [each for each in sure if each is not None]
    return Plan(condition, exact=False, sure=engine.every(certain) if len(certain) == len(sure) else None)


def _some(parts: Sequence[Plan[C]], engine: Engine[C]) -> Plan[C]:
    if any(part.exact and part.condition is None for part in parts):
        return Plan(None, exact=True)
    if not parts:
        return Plan(engine.tokens([]), exact=True)
    conditions = [part.condition for part in parts if part.condition is not None]
    condition = engine.some(conditions) if len(conditions) == len(parts) else None
    if all(part.exact for part in parts):
        return Plan(condition, exact=True)
    sure = [each for part in parts if (each := part.condition if part.exact else part.sure) is not None]
    return Plan(condition, exact=False, sure=engine.some(sure) if sure else None)


def _outside(part: Plan[C], engine: Engine[C]) -> Plan[C]:
    others = engine.tokens([]) if part.condition is None else engine.outside(part.condition)
    if part.exact:
        return Plan(others, exact=True)
    possible = None if part.sure is None else engine.outside(part.sure)
    return Plan(possible, exact=False, sure=None if part.condition is None else others)
