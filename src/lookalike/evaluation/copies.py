"""Copies: pictures edited in memory, and who still knows whose copy each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.edits import EDITS, EDITS_VERSION, LEVELS, Level, edit
from lookalike.errors import InvalidArgument
from lookalike.evaluate import Bin, PrecisionRecall, calibration_error, precision_recall_of_counts, reliability
from lookalike.evaluation.figures import SEED, CurvePoint, Figure, mean_figure, points
from lookalike.evaluation.lineup import Lineup, Rows
from lookalike.evaluation.reading import Progress, in_batches, read_or_error, stacked
from lookalike.images import Image
from lookalike.images.image import Pixels
from lookalike.images.resize import thumbnail
from lookalike.settings import Settings

__all__ = ["Copies", "CopyLine", "evaluate_copies"]

_SIDE = 400  # originals are shrunk to this longer side, so that many fit into memory
_STEPS = 20_000  # scores in [-1, 1] are counted in steps of 0.0001


@dataclass(frozen=True, slots=True)
class CopyLine:
    """How one description knows copies. Figures of all copies together but for rank_1 and edits.

    rank_1: level -> share of copies whose original comes first among all originals. edits: edit -> level -> the same
    share. auc, recall, threshold, curve: of copies with their original against copies with every other original;
    recall at the wanted precision, by keeping scores of at least `threshold` (None where no threshold reaches it).
    calibration_error, reliability: expected error over 15 bins, and the table of 10, of the probabilities of a copy
    vector with a curve, on as many strangers as copies; None and empty for the others.
    """

    name: str
    signature: str
    rank_1: Mapping[Level, Figure]
    edits: Mapping[str, Mapping[Level, float]]
    auc: Figure
    recall: Figure
    threshold: float | None
    calibration_error: float | None
    reliability: Sequence[Bin]
    curve: Sequence[CurvePoint]


@dataclass(frozen=True, slots=True)
class Copies:
    """Every picture edited in every way of the list at every level, each copy asked for its original.

    found: pictures given; pictures: of them, drawn evenly, read and different byte for byte. copies, strangers:
    pairs counted. repeated: pictures left out because an earlier one has their bytes. unreadable: file -> reason.
    """

    model: str
    edits_version: int
    found: int
    pictures: int
    copies: int
    strangers: int
    wanted_precision: float
    lines: Sequence[CopyLine]
    repeated: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)


def evaluate_copies(
    files: Sequence[Path],
    lineup: Lineup,
    *,
    settings: Settings,
    sample: int = 300,
    precision: float = 0.99,
    progress: Progress = lambda _: None,
) -> Copies:
    """Edit up to `sample` of the pictures in every way, and ask with each copy for its original.

    What an edit pastes from another picture is taken from the next one, which then doesn't count as a stranger of
    that copy. Two pictures that nearly repeat each other make every description look worse than it is.
    progress: called with the number of edits of the list done. Raises InvalidArgument for a precision
    outside (0, 1], and unless three pictures are left.
    """
    if not 0 < precision <= 1:
        raise InvalidArgument("precision", precision, "above 0 and at most 1")
    pictures, repeated, unreadable = _read(_drawn(files, sample), settings)
    if len(pictures) < 3:
        raise InvalidArgument("pictures to be copied", f"{len(pictures)} that can be read", "at least three")
    gallery = stacked(list(in_batches(lineup.describe, pictures, settings.workers)))
    tallies = {name: _Tally(len(pictures)) for name in gallery}
    for number, (name, level) in enumerate(product(EDITS, LEVELS)):
        for line, rows in _copies(pictures, name, level, lineup, settings).items():
            tallies[line].count(rows, gallery[line])
        progress(int(number % len(LEVELS) == len(LEVELS) - 1))
    return Copies(
        model=lineup.model,
        edits_version=EDITS_VERSION,
        found=len(files),
        pictures=len(pictures),
        copies=len(pictures) * len(EDITS) * len(LEVELS),
        strangers=int(next(iter(tallies.values())).strangers.sum()),
        wanted_precision=precision,
        lines=[_line(name, tally, lineup, precision) for name, tally in tallies.items()],
        repeated=repeated,
        unreadable=unreadable,
    )


class _Tally:
    """What one description said of every copy: kept for its original, only counted for strangers."""

    def __init__(self, pictures: int) -> None:
        self.own: list[NDArray[np.float64]] = []  # for every edit and level: (pictures,)
        self.first: list[NDArray[np.bool_]] = []
        self.one_stranger: list[NDArray[np.float64]] = []
        self.strangers = np.zeros(_STEPS + 1, np.int64)
        self._pasted = (np.arange(pictures) + 1) % pictures
        self._random = np.random.default_rng(SEED)

    def count(self, rows: Rows, gallery: Rows) -> None:
        scores = np.clip(rows @ gallery.T, -1.0, 1.0).astype(np.float64)
        place = np.arange(len(scores))
        own = scores[place, place]
        scores[place, place] = scores[place, self._pasted] = np.nan
        self.own.append(own)
        self.first.append(own > np.nanmax(scores, axis=1))
        others = scores[~np.isnan(scores)].reshape(len(scores), -1)
        self.one_stranger.append(others[place, self._random.integers(others.shape[1], size=len(place))])
        self.strangers += np.bincount(_steps(others).ravel(), minlength=_STEPS + 1)


def _drawn(files: Sequence[Path], sample: int) -> list[Path]:
    places = np.unique(np.linspace(0, len(files) - 1, min(sample, len(files))).round().astype(int))
    return [files[place] for place in places] if files else []


def _read(files: Sequence[Path], settings: Settings) -> tuple[list[Pixels], int, dict[str, str]]:
    """Return the pictures, shrunk; how many were left out as repeated; and those unreadable, with the reasons."""

    def batch(chunk: Sequence[Path]) -> list[tuple[str, Pixels | None, str]]:
        images = [read_or_error(path, settings, 2 * _SIDE) for path in chunk]
        return [
            (one.sha256, thumbnail(one.pixels, _SIDE), "") if isinstance(one, Image) else ("", None, one.reason)
            for one in images
        ]

    outcomes = [one for part in in_batches(batch, files, settings.workers) for one in part]
    unreadable = {str(file): why for file, (_, pixels, why) in zip(files, outcomes, strict=True) if pixels is None}
    unique = {digest: pixels for digest, pixels, _ in outcomes if pixels is not None}
    return list(unique.values()), len(outcomes) - len(unreadable) - len(unique), unreadable


def _copies(pictures: Sequence[Pixels], name: str, level: Level, lineup: Lineup, settings: Settings) -> dict[str, Rows]:
    def batch(places: Sequence[int]) -> dict[str, Rows]:
        others = [pictures[(place + 1) % len(pictures)] for place in places]
        return lineup.describe(
            [
                edit(pictures[place], name, level, seed=SEED + place, other=other)
                for place, other in zip(places, others, strict=True)
            ]
        )

    return stacked(list(in_batches(batch, range(len(pictures)), settings.workers)))


def _line(name: str, tally: _Tally, lineup: Lineup, precision: float) -> CopyLine:
    own, first = np.stack(tally.own, axis=1), np.stack(tally.first, axis=1)  # (pictures, edits x levels)
    by_level = first.reshape(len(first), len(EDITS), len(LEVELS))
    curve = _curve(own, tally.strangers)
    threshold = curve.threshold_at_precision(precision)
    kept = np.zeros(own.shape, bool) if threshold is None else _steps(own) >= _steps(np.array(threshold))
    said = lineup.curves.get(name) if name.endswith("copy") else None
    scores = np.concatenate([own.ravel(), np.concatenate(tally.one_stranger)])
    truth = np.arange(len(scores)) < own.size
    return CopyLine(
        name=name,
        signature=lineup.signatures[name],
        rank_1={level: mean_figure(by_level[:, :, place].mean(1)) for place, level in enumerate(LEVELS)},
        edits={
            edit_name: {level: float(by_level[:, row, place].mean()) for place, level in enumerate(LEVELS)}
            for row, edit_name in enumerate(EDITS)
        },
        auc=mean_figure(_below(own, tally.strangers).mean(1)),
        recall=mean_figure(kept.mean(1)),
        threshold=threshold,
        calibration_error=None if said is None else calibration_error(said.probabilities(scores), truth),
        reliability=[] if said is None else reliability(said.probabilities(scores), truth),
        curve=points(curve),
    )


def _curve(own: NDArray[np.float64], strangers: NDArray[np.int64]) -> PrecisionRecall:
    true = np.bincount(_steps(own).ravel(), minlength=_STEPS + 1)
    return precision_recall_of_counts(np.linspace(-1.0, 1.0, _STEPS + 1), true, strangers)


def _below(own: NDArray[np.float64], strangers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each copy the share of strangers that score below it, ties counting half: their mean is the AUC."""
    steps, upto = _steps(own), np.cumsum(strangers)
    share: NDArray[np.float64] = (upto[steps] - strangers[steps] / 2) / upto[-1]
    return share


def _steps(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint((scores + 1) * (_STEPS / 2)).astype(np.int64)
