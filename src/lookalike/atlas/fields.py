"""What the records of a collection say in few words: fields as columns of numbers, to color a map by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.filters import canonical

__all__ = ["GONE", "LEGEND", "Coloring", "Kind", "Value", "colored", "field_kinds", "told_of"]

LEGEND: Final = 8
"""Values of a field that have a color of their own; the others share one."""

GONE: Final = -2
"""In a coloring: the record is no longer there."""

_NONE: Final = -1
_SCALE: Final = 1000
_LONGEST: Final = 80
_FIELDS: Final = 40
_OWN: Final = ("_format", "_width", "_height", "_size", "_batch")  # of the fields that are not the user's
_ENDS: Final = (2, 98)  # percentiles between which the ramp runs

Value = str | int | float | bool
Kind = Literal["values", "numbers"]


@dataclass(frozen=True, slots=True, eq=False)
class Coloring:
    """A field of the records of a map.

    kind: "values" or "numbers". values: those of the legend with their counts, the most frequent first. low, high: ends
    of the ramp. codes: (n,) int16, for each place of the map: of "values" the place of its value in the legend, or
    `LEGEND` for another; of "numbers" 0 at `low` to 1000 at `high`. -1: it has no value; -2: it is gone.
    since: records that are not on the map.
    """

    field: str
    kind: Kind
    values: Sequence[tuple[Value, int]]
    low: float
    high: float
    codes: NDArray[np.int16]
    since: int


def colored(field: str, records: Sequence[Mapping[str, Any] | None], since: int) -> Coloring:
    """Return a field of records, each as `told_of` it or None where it is gone. since: see `Coloring`."""
    given = [one.get(field) if one is not None else None for one in records]
    gone = np.array([one is None for one in records], bool)
    if field_kinds([{field: value} for value in given if value is not None]).get(field) == "numbers":
        return _ramp(field, given, gone, since)
    return _legend(field, given, gone, since)


def field_kinds(records: Iterable[Mapping[str, Any]]) -> dict[str, Kind]:
    """Return the fields that a map may be colored by, as some records have them: name -> "values" or "numbers".

    Numbers that are few and whole (a rating, a year) are values like others.
    """
    seen: dict[str, Counter[str]] = {}
    numbers: Counter[str] = Counter()
    for record in records:
        for name, value in told_of(record).items():
            parts = value if isinstance(value, tuple) else (value,)
            seen.setdefault(name, Counter()).update(canonical(part) for part in parts)
            numbers[name] += all(not isinstance(part, bool | str) for part in parts)
    kinds: dict[str, Kind] = {}
    for name, values in seen.items():
        if len(values) > LEGEND and 2 * numbers[name] > values.total():
            kinds[name] = "numbers"
        elif len(values) <= max(2 * LEGEND, values.total() // 3):
            kinds[name] = "values"
    return kinds


def told_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields whose values are short: numbers, booleans, texts, and lists of those as tuples."""
    told: dict[str, Any] = {}
    for name, value in payload.items():
        if (name.startswith("_") and name not in _OWN) or len(told) == _FIELDS:
            continue
        if isinstance(value, list):
            parts = tuple(part for part in value if _is_short(part))
            if parts:
                told[name] = parts
        elif _is_short(value):
            told[name] = value
    return told


def _is_short(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST)


def _legend(field: str, given: Sequence[Any], gone: NDArray[np.bool_], since: int) -> Coloring:
    """Return the coloring by the most frequent values; a record of several has the color of its most frequent."""
    lists = [() if value is None else value if isinstance(value, tuple) else (value,) for value in given]
    counts: Counter[str] = Counter()
    values: dict[str, Value] = {}
    for parts in lists:
        known = {canonical(part): part for part in parts}
        counts.update(known.keys())
        values |= known
    ordered = sorted(counts, key=lambda key: (-counts[key], key))[:LEGEND]
    rank = {key: place for place, key in enumerate(ordered)}
    codes = [min((rank.get(canonical(part), LEGEND) for part in parts), default=_NONE) for parts in lists]
    found = np.where(gone, GONE, np.array(codes, np.int16))
    legend = [(values[key], counts[key]) for key in ordered]
    return Coloring(field, "values", legend, 0.0, 0.0, found.astype(np.int16), since)


def _ramp(field: str, given: Sequence[Any], gone: NDArray[np.bool_], since: int) -> Coloring:
    """Return the coloring by a number; where a record has several, by the first."""
    first = [value[0] if isinstance(value, tuple) else value for value in given]
    plain = [float(value) if isinstance(value, int | float) and abs(value) < 1e300 else np.nan for value in first]
    numbers = np.array(plain, np.float64)
    known = numbers[np.isfinite(numbers)]
    low, high = (float(end) for end in np.percentile(known, _ENDS)) if len(known) else (0.0, 0.0)
    scaled = np.clip((numbers - low) / max(high - low, 1e-12), 0, 1) * _SCALE
    codes = np.where(np.isfinite(numbers), np.nan_to_num(np.rint(scaled)), _NONE)
    return Coloring(field, "numbers", [], low, high, np.where(gone, GONE, codes).astype(np.int16), since)
