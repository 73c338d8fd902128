"""The values that travel between the rooms: frozen, without behavior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Added", "Comparison", "Failure", "Match", "Page", "Record", "Verdict"]

Verdict = Literal["identical", "edited-copy", "near-duplicate", "similar", "unrelated"]


@dataclass(frozen=True, slots=True)
class Record:
    """What a collection keeps of one picture; never the picture itself.

    id: its `_id`. fields: JSON values; names beginning with "_" are Lookalike's own (`_file`, `_sha256`,
    `_width`, `_height`, `_format`, `_phash`, ...), all others are the user's metadata.
    """

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A record found. score: similarity in [0, 1], 1 = identical."""

    id: str
    score: float
    record: Record


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of many, in a stable order. next: give it as `after` to go on; None at the end."""

    records: Sequence[Record]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One item that could not be used. code: as in `lookalike.errors`."""

    source: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch: ids by outcome, in input order. skipped: already there, nothing to do."""

    inserted: Sequence[str] = ()
    updated: Sequence[str] = ()
    skipped: Sequence[str] = ()
    failed: Sequence[Failure] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two pictures held against each other.

    score: similarity in [0, 1], symmetric, 1.0 exactly for the same pixels. probability: that they show the
    same picture. calibration: how far that number can be trusted ("provisional" until fitted on labeled pairs).
    evidence: one entry per signal, JSON values.
    """

    score: float
    verdict: Verdict
    probability: float
    method: str
    calibration: str
    reasons: Sequence[str] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
