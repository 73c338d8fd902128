"""Several taggers on each new record, one after the other: each may be asked only of records that a filter takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lookalike.filters import Filter, matches, parse
from lookalike.taggers.folder import read_tagger, tagger_folder
from lookalike.taggers.tagger import Tagger

__all__ = ["AUTOMATIC", "Flow", "TaggerStep", "flow_of", "stale", "told"]

AUTOMATIC = "_auto"
"""Fact of a record: JSON text, metadata field -> the value that was given by itself."""

_TAGS = "tags"


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

    @property
    def fields(self) -> set[str]:
        """The metadata fields that the taggers fill."""
        return {step.field for step in self.steps}

    @property
    def reads(self) -> set[str]:
        """The vectors that the taggers read."""
        return {vector for step in self.steps for vector in step.tagger.reads}

    def check(self, signatures: Mapping[str, str]) -> None:
        """Raise TaggerMismatch unless the vectors made by these describers are those that all taggers read."""
        for step in self.steps:
            step.tagger.check(signatures)

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
            said = step.tagger.say(step.tagger.row(rows))[0]
            sure = [label for label in said.labels if said.probabilities[label] >= step.least]
            if step.tagger.task == "tag" or step.field == _TAGS:
                found[step.field] = list(dict.fromkeys([*found.get(step.field, ()), *sure]))
            elif sure:
                found[step.field] = sure[0]
        return {name: value for name, value in found.items() if value != []}


def flow_of(steps: Sequence[str | Mapping[str, Any]], workspace: Path) -> Flow:
    """Return the chain that the setting `taggers` of a collection means. Raises TaggerUnusable."""
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
