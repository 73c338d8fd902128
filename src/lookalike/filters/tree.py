"""What a filter is once parsed: a frozen tree. Leaves ask something of the values a path leads to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["And", "Compare", "Element", "Equal", "Exists", "Filter", "Not", "Or", "Pattern", "Size"]


@dataclass(frozen=True, slots=True)
class Equal:
    """One of the values at `path` is one of these, each in its `canonical` form.

    fold: strings are compared without regard to case; those among `values` are `folded` already.
    """

    path: str
    values: frozenset[str]
    fold: bool = False


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
class Pattern:
    """The regular expression is found in one of the strings at `path`. options: some of "imsx"."""

    path: str
    expression: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """At `path` is an array of so many elements."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Element:
    """At `path` is an array with an element that `part` matches.

    bare: `part` is asked of the element itself, whatever the paths in it; else of the element's fields.
    """

    path: str
    part: Filter
    bare: bool


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


Filter = Equal | Compare | Exists | Pattern | Size | Element | And | Or | Not
