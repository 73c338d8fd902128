"""What the records of a collection say in few words: fields as columns of numbers, to color a map by."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.filters import canonical
from lookalike.stores.watched import Watched, walk

__all__ = ["GONE", "LEGEND", "Coloring", "Kind", "Sheet", "Value", "field_kinds"]

LEGEND: Final = 8
"""Values of a field that have a color of their own; the others share one."""

GONE: Final = -2
"""In a coloring: the record is no longer there."""

_NONE: Final = -1
_SCALE: Final = 1000
_LONGEST: Final = 80
_AT_ONCE: Final = 1000
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


class Sheet:
    """The fields of all records of a store, read once and then kept in step with what is written.

    Safe to call from several threads. Writes of other processes are not seen: make another one now and then.
    """

    def __init__(self, store: Watched, writing: threading.Lock) -> None:
        """writing: held while records are written."""
        self._store, self._writing, self._guard = store, writing, threading.Lock()
        self._fields: dict[str, dict[str, Any]] = {}
        self._listening = ExitStack()
        self._noted: set[str] | None = None

    def is_of(self, store: Watched) -> bool:
        """Whether it was made for this store."""
        return self._store is store

    def close(self) -> None:
        """Listen no longer."""
        with self._guard:
            self._listening.close()
            self._noted = None

    def coloring(self, field: str, ids: Sequence[str]) -> Coloring:
        """Return a field of these records; the first call walks all records of the store. Raises StoreFailed."""
        with self._guard:
            self._catch_up()
            there = self._fields
            found = [there.get(id_) for id_ in ids]
            since = len(there) - sum(one is not None for one in found)
        given = [one.get(field) if one is not None else None for one in found]
        gone = np.array([one is None for one in found], bool)
        if field_kinds([{field: value} for value in given if value is not None]).get(field) == "numbers":
            return _ramp(field, given, gone, since)
        return _legend(field, given, gone, since)

    def _catch_up(self) -> None:
        if self._noted is None:
            with ExitStack() as listening:
                with self._writing:  # a write that is under way would land unseen behind the walk
                    noted = listening.enter_context(self._store.written())
                self._fields = {row.id: _told(row.payload) for rows in walk(self._store) for row in rows}
                self._listening, self._noted = listening.pop_all(), noted
        while self._noted:
            with self._writing:  # ids are noted before their rows are written
                ids = [self._noted.pop() for _ in range(min(_AT_ONCE, len(self._noted)))]
                rows = self._store.get(ids)
            for id_, row in zip(ids, rows, strict=True):
                if row is None:
                    self._fields.pop(id_, None)
                else:
                    self._fields[id_] = _told(row.payload)


def field_kinds(records: Iterable[Mapping[str, Any]]) -> dict[str, Kind]:
    """Return the fields that a map may be colored by, as some records have them: name -> "values" or "numbers".

    Numbers that are few and whole (a rating, a year) are values like others.
    """
    seen: dict[str, Counter[str]] = {}
    numbers: Counter[str] = Counter()
    for record in records:
        for name, value in _told(record).items():
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


def _told(payload: Mapping[str, Any]) -> dict[str, Any]:
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
