"""Labeled pairs to scores: pairs of files, of records, or those that people marked, as one system sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lookalike.catalog import Decision
from lookalike.describers.ensemble import Ensemble
from lookalike.describers.stream import Job, describe_stream
from lookalike.errors import InvalidArgument, UnknownVector
from lookalike.evaluation.calibrating import Calibrated, calibrated
from lookalike.evaluation.reading import Progress
from lookalike.kinds import SAME
from lookalike.labeled import Pair
from lookalike.likeness import Judge
from lookalike.settings import Settings
from lookalike.stores.base import Row, Store

__all__ = ["Marked", "calibrate_marks", "marked_files", "marked_pairs", "marked_records"]


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """Pairs of described pictures, and whether they are the same. missing: name -> why its pairs were left out."""

    pairs: Sequence[tuple[Row, Row]]
    same: NDArray[np.bool_]
    missing: Mapping[str, str] = field(default_factory=dict)


def marked_files(
    pairs: Sequence[Pair], ensemble: Ensemble, settings: Settings, progress: Progress = lambda _: None
) -> Marked:
    """Describe the pictures of pairs; what can't be read is missing. progress: called for each picture described."""
    files = list(dict.fromkeys(file for pair in pairs for file in (pair.a, pair.b)))
    rows: dict[str, Row] = {}
    missing: dict[str, str] = {}
    jobs = [Job(file) for file in files]
    outcomes = describe_stream(jobs, ensemble, limits=settings.limits, workers=settings.workers)
    for file, outcome in zip(files, outcomes, strict=True):
        progress(1)
        if outcome.error is not None or outcome.image is None:
            missing[str(file)] = "no picture" if outcome.error is None else outcome.error.reason
            continue
        hashes = {f"_{name}": outcome.rows[name].tobytes().hex() for name in ensemble.hashes}
        vectors = {name: outcome.rows[name] for name in ensemble.dims}
        rows[str(file)] = Row(str(file), vectors, {"_sha256": outcome.image.sha256, **hashes})
    return _marked([(str(pair.a), str(pair.b), pair.same) for pair in pairs], rows, missing)


def marked_records(pairs: Sequence[tuple[str, str, bool]], store: Store) -> Marked:
    """Take the rows of pairs of ids; records that are not there are missing."""
    ids = list(dict.fromkeys(name for a, b, _ in pairs for name in (a, b)))
    found = {row.id: row for row in store.get(ids, with_vectors=True) if row}
    return _marked(pairs, found, {name: "there is no such record" for name in ids if name not in found})


def marked_pairs(decisions: Iterable[Decision]) -> list[tuple[str, str, bool]]:
    """Return what people said of each two records: (a, b, same), a before b; of two decisions the later one counts."""
    said: dict[tuple[str, str], bool] = {}
    for decision in decisions:
        if decision.verdict != "set-aside":
            said |= dict.fromkeys(combinations(sorted(decision.members), 2), decision.verdict == "same")
    return [(a, b, same) for (a, b), same in said.items()]


def calibrate_marks(marked: Marked, by: str, judge: Judge, *, precision: float = 0.99) -> Calibrated:
    """Calibrate what `judge` says of pairs.

    by: `SAME`, for what `check` and `duplicates` make of hash and copy vector, or a vector, for its cosine.
    Raises UnknownVector; InvalidArgument as `calibrated` does.
    """
    scores = _scores(marked, by, judge)
    if by == SAME:
        return calibrated(by, scores, marked.same, precision=precision, said=scores)
    curve = judge.curves.get(by)
    said = None if curve is None else curve.probabilities(scores)
    return calibrated(by, scores, marked.same, precision=precision, said=said)


def _marked(pairs: Sequence[tuple[str, str, bool]], rows: Mapping[str, Row], missing: Mapping[str, str]) -> Marked:
    kept = [(rows[a], rows[b], same) for a, b, same in pairs if a in rows and b in rows]
    return Marked([(a, b) for a, b, _ in kept], np.array([same for *_, same in kept], bool), missing)


def _scores(marked: Marked, by: str, judge: Judge) -> NDArray[np.float64]:
    if by == SAME:
        return np.array([judge.judge(a, b)[1] for a, b in marked.pairs])
    known = {name for pair in marked.pairs for row in pair for name in row.vectors}
    if marked.pairs and by not in known:
        raise UnknownVector(by, [SAME, *sorted(known)])
    lacking = [row.id for pair in marked.pairs for row in pair if by not in row.vectors]
    if lacking:
        raise InvalidArgument("a record", lacking[0], f"one with the vector {by}")
    return np.array([float(a.vectors[by].astype(np.float64) @ b.vectors[by]) for a, b in marked.pairs])
