"""The values that travel between the rooms: frozen, without behavior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

__all__ = [
    "Added",
    "Comparison",
    "DuplicateGroup",
    "DuplicatePair",
    "Erased",
    "Existing",
    "Failure",
    "Group",
    "Imported",
    "Match",
    "Matches",
    "Page",
    "Record",
    "Redescribed",
    "Resemblance",
    "Verdict",
]

Verdict = Literal["identical", "edited-copy", "near-duplicate", "similar", "unrelated"]

Existing = Literal["merge", "replace", "skip", "refuse"]
"""What becomes of a record whose `_id` exists: its metadata is merged or replaced, or it is left, or an error."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a collection keeps of one picture; never the picture itself.

    id: its `_id`. fields: JSON values; names beginning with "_" are Lookalike's own (`_file`, `_sha256`,
    `_width`, `_height`, `_format`, `_taken`, `_phash`, ...), all others are the user's metadata.
    """

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A record found. score: similarity in [0, 1], 1 = identical.

    group: where matches are grouped, the group that this is the best match of. copies: where only distinct pictures
    are wanted, how many copies of it ranked within the page and were left out.
    """

    id: str
    score: float
    record: Record
    group: Group | None = None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Records that share a value at a field. size: how many of them match the filter, however alike they are.

    value: None for a record that has none and stands alone. members: the nearest of them, the match itself first.
    """

    value: Any
    size: int
    members: Sequence[Match]


@dataclass(frozen=True, slots=True)
class Matches(Sequence[Match]):
    """What a search found, best first; a sequence of matches.

    unknown_words: what of a text was not understood. next: give it as `after`, with the same question, to go on;
    None at the end. total: the number of matches on this and all earlier pages, known at the end only.
    failed: of a supplied list, what could not be measured. shares: what was compared, description name or "tags" ->
    its share of the score. impression: names this answer where it was given in a trial, for `Trials.log`; variant:
    "a", "b", or "both" where the answers of both are drafted into one, by turns, and scores of the two may mix.
    """

    items: Sequence[Match] = ()
    unknown_words: Sequence[str] = ()
    next: str | None = None
    total: int | None = None
    failed: Sequence[Failure] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    impression: str | None = None
    variant: Literal["a", "b", "both"] | None = None

    @overload
    def __getitem__(self, at: int) -> Match: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Match]: ...
    def __getitem__(self, at: int | slice) -> Match | Sequence[Match]:
        return self.items[at]

    def __len__(self) -> int:
        return len(self.items)


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


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A record that shows the picture asked for, or nearly so.

    probability: that it is the same picture. evidence: as in `Comparison`, of the signals there were.
    """

    id: str
    verdict: Verdict
    probability: float
    evidence: Mapping[str, Any]
    record: Record


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two records of one group; a stands before b in it."""

    a: str
    b: str
    verdict: Verdict
    probability: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Records that show one picture.

    members: ids, ascending. pairs: every two of them where there are up to 10; of a larger group the first member
    with each of the others. Most probable first, ties ascending.
    """

    members: Sequence[str]
    pairs: Sequence[DuplicatePair]


@dataclass(frozen=True, slots=True)
class Redescribed:
    """What became of a change of model.

    described: how many pictures were described in this run. cut_over: whether the collection answers by the new
    model now. failed: the records that have no description by it.
    """

    model: str
    described: int
    cut_over: bool
    failed: Sequence[Failure] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """The receipt for records erased for good.

    at: ISO 8601, UTC. erased: id -> SHA-256 of all that was kept of it. missing: ids there were none of.
    descriptions, decisions: how many of each went with them. files_searched, records_searched: where traces of which
    records (32 at most) were looked for afterwards; found: ids of records of which anything is left.
    out_of_reach: where more may be that this could not touch.
    """

    at: str
    erased: Mapping[str, str]
    missing: Sequence[str] = ()
    descriptions: int = 0
    decisions: int = 0
    files_searched: Sequence[str] = ()
    records_searched: Sequence[str] = ()
    found: Sequence[str] = ()
    out_of_reach: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the lines of an import, or of some more of them.

    line: the last one of them; going on after it repeats nothing. inserted, updated, skipped, failed: how many.
    failures: the failed ones (of a whole import the first 1,000), `source` being "line N" or "line N (id)".
    """

    line: int = 0
    inserted: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    failures: Sequence[Failure] = ()
