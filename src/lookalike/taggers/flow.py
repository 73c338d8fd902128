"""Several taggers on each new record, one after the other: each may be asked only of records that a filter takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.filters import Filter, matches, parse
from lookalike.taggers.folder import read_tagger, tagger_folder
from lookalike.taggers.tagger import VECTOR, Tagger

__all__ = ["AUTOMATIC", "Flow", "TaggerStep", "flow_of", "read_steps"]

AUTOMATIC = "_auto"
"""Fact of a record: JSON text, metadata field -> the value that was given by itself."""

_TAGS = "tags"
_STEP = {"tagger", "field", "when", "least"}
_MOST = 16


@dataclass(frozen=True, slots=True)
class TaggerStep:
    """One tagger of a chain. name: as the setting has it. field: that it fills. when: records it is asked of, or all.

    least: probability below which nothing is said, over the tagger's own thresholds.
    """

    name: str
    tagger: Tagger
    field: str
    when: Filter | None = None
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Flow:
    """What fills metadata of new records by itself: taggers in order. What a record has or brings is never changed."""

    steps: Sequence[TaggerStep]

    def check(self, signatures: Mapping[str, str]) -> None:
        """Raise TaggerMismatch unless the vectors made by these describers are those that all taggers read."""
        for step in self.steps:
            step.tagger.check(signatures.get(VECTOR))

    def given(self, rows: Mapping[str, NDArray[Any]], payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return metadata field -> value for a record of these rows and this payload; what it has is left alone.

        A classifier gives its field one label; tags of several taggers are put together in one list.
        """
        found: dict[str, Any] = {}
        for step in self.steps:
            if step.field in payload or (step.tagger.task == "classify" and step.field in found):
                continue
            if step.when is not None and not matches(step.when, {**payload, **found}):
                continue
            said = step.tagger.say(np.asarray(rows[VECTOR], np.float32)[None])[0]
            sure = [label for label in said.labels if said.probabilities[label] >= step.least]
            if step.tagger.task == "tag" or step.field == _TAGS:
                found[step.field] = list(dict.fromkeys([*found.get(step.field, ()), *sure]))
            elif sure:
                found[step.field] = sure[0]
        return {name: value for name, value in found.items() if value != []}


def read_steps(value: Any) -> tuple[str | dict[str, Any], ...]:
    """Return the setting `taggers`, checked in its form: names, or objects of `tagger` and perhaps field, when, least.

    Raises InvalidArgument, InvalidFilter.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) > _MOST:
        raise InvalidArgument("taggers", value, f"a list of at most {_MOST} taggers")
    return tuple(_read_step(one) for one in value)


def flow_of(steps: Sequence[str | Mapping[str, Any]], workspace: Path) -> Flow:
    """Return the chain that a setting means. Raises TaggerUnusable."""
    made = []
    for one in steps:
        about: Mapping[str, Any] = {"tagger": one} if isinstance(one, str) else one
        name = str(about["tagger"])
        tagger = read_tagger(tagger_folder(name, workspace))
        where = parse(about.get("when"))
        made.append(TaggerStep(name, tagger, about.get("field") or tagger.field, where, about.get("least", 0.0)))
    return Flow(made)


def told(values: Mapping[str, Any]) -> str:
    """Return the fact AUTOMATIC of these values."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def stale(payload: Mapping[str, Any]) -> set[str]:
    """Return the fields that were filled by themselves, and not changed since; a new picture doesn't keep them."""
    values: dict[str, Any] = json.loads(payload.get(AUTOMATIC) or "{}")
    return {name for name, value in values.items() if payload.get(name) == value}


def _read_step(one: Any) -> str | dict[str, Any]:
    if isinstance(one, str) and one:
        return one
    if not isinstance(one, Mapping) or not one.keys() <= _STEP or not isinstance(one.get("tagger"), str):
        raise InvalidArgument("taggers", one, 'a name, or like {"tagger": "room", "when": {"place": "indoor"}}')
    parse(one.get("when"))
    field, least = one.get("field", "x"), one.get("least", 0.0)
    if not isinstance(field, str) or not field or field.startswith(("_", "$")) or "." in field:
        raise InvalidArgument("taggers.field", field, "the name of a metadata field")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise InvalidArgument("taggers.least", least, "a probability from 0 to 1")
    return dict(one)
