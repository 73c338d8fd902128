"""Labeled pairs: what `compare` makes of them, beside every single description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison import compare
from lookalike.errors import ImageError, InvalidArgument
from lookalike.evaluate import Bin, area_under_roc, calibration_error, precision_recall_curve, reliability
from lookalike.evaluation.figures import SEED, CurvePoint, Figure, mean_figure, points
from lookalike.evaluation.lineup import Lineup
from lookalike.evaluation.reading import Progress, describe_files
from lookalike.labeled import Pair
from lookalike.records import Comparison
from lookalike.settings import Settings

__all__ = ["PairLine", "Pairs", "evaluate_pairs"]

Floats = NDArray[np.float64]
Described = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class PairLine:
    """How one signal tells pairs that are the same picture from others.

    recall: the share of true pairs kept at the wanted precision, by keeping scores of at least `threshold`
    (None where no threshold reaches that precision). calibration_error: expected, over 15 bins, of those that
    say a probability for this question: `compare`, and copy vectors with a curve.
    """

    name: str
    auc: Figure
    recall: float
    threshold: float | None
    calibration_error: float | None
    curve: Sequence[CurvePoint]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What `compare` makes of labeled pairs, beside single signals.

    precision, recall: of "probability at least 0.5". calibration: as `Comparison` has it. calibration_error:
    expected, of the probability, over 15 bins; reliability: the same seen in 10 bins. unreadable: file -> reason.
    """

    model: str
    pairs: int
    same: int
    wanted_precision: float
    lines: Sequence[PairLine]
    precision: float | None
    recall: float
    calibration: str
    calibration_error: float
    reliability: Sequence[Bin]
    unreadable: Mapping[str, str] = field(default_factory=dict)


def evaluate_pairs(
    pairs: Sequence[Pair],
    lineup: Lineup,
    *,
    settings: Settings,
    precision: float = 0.99,
    progress: Progress = lambda _: None,
) -> Pairs:
    """Compare labeled pairs, and count. precision: the one wanted, for which thresholds are sought.

    Pairs with a picture that can't be read are left out, and the picture listed. progress: called with the number
    of pairs compared since the last call. Raises InvalidArgument for a precision outside (0, 1], and unless pairs
    of both kinds are left.
    """
    if not 0 < precision <= 1:
        raise InvalidArgument("precision", precision, "above 0 and at most 1")
    rows, unreadable = _describe(pairs, lineup, settings)
    found, kept = _compare([pair for pair in pairs if {pair.a, pair.b} <= rows.keys()], settings, unreadable, progress)
    progress(len(pairs) - len(found))
    same = np.array([pair.same for pair in kept], bool)
    if same.all() or not same.any():
        left = f"{same.sum()} same and {(~same).sum()} other pairs ({len(unreadable)} pictures unreadable)"
        raise InvalidArgument("what is to be evaluated", left, "at least one pair of each kind")
    probabilities = np.array([one.probability for one in found])
    yes = probabilities >= 0.5
    curves = {name: curve for name, curve in lineup.curves.items() if name.endswith("copy")}
    lines = []
    for name, scores in _scores_by_name(found, [(rows[one.a], rows[one.b]) for one in kept]):
        said = probabilities if name == "compare" else None
        said = curves[name].probabilities(scores) if name in curves else said
        lines.append(_line(name, scores, said, same, precision))
    return Pairs(
        model=lineup.model,
        pairs=len(found),
        same=int(same.sum()),
        wanted_precision=precision,
        lines=lines,
        precision=float(same[yes].mean()) if yes.any() else None,
        recall=float(yes[same].mean()),
        calibration=found[0].calibration,
        calibration_error=calibration_error(probabilities, same),
        reliability=reliability(probabilities, same),
        unreadable=unreadable,
    )


def _describe(
    pairs: Sequence[Pair], lineup: Lineup, settings: Settings
) -> tuple[dict[Path, Described], dict[str, str]]:
    """Return picture -> line -> its row, and the pictures that can't be read with the reasons."""
    files = list(dict.fromkeys(path for pair in pairs for path in (pair.a, pair.b)))
    read = describe_files(files, lineup, settings, lambda _: None)
    by_file: dict[Path, Described] = {
        files[place]: {name: rows[row] for name, rows in read.rows.items()} for row, place in enumerate(read.places)
    }
    return by_file, read.unreadable


def _compare(
    pairs: Sequence[Pair], settings: Settings, unreadable: dict[str, str], progress: Progress
) -> tuple[list[Comparison], list[Pair]]:
    """Return the comparisons of the pairs that can be read whole, and those pairs; the others go to `unreadable`."""

    def one(pair: Pair) -> Comparison | ImageError:
        try:
            return compare(pair.a, pair.b, settings=settings)
        except ImageError as error:
            return error

    found: list[Comparison] = []
    kept: list[Pair] = []
    with ThreadPoolExecutor(settings.workers, thread_name_prefix="compare") as pool:
        for pair, result in zip(pairs, pool.map(one, pairs), strict=True):
            if isinstance(result, ImageError):
                unreadable[result.source] = result.reason
            else:
                progress(1)
                kept.append(pair)
                found.append(result)
    return found, kept


def _scores_by_name(
    found: Sequence[Comparison], rows: Sequence[tuple[Described, Described]]
) -> Iterator[tuple[str, Floats]]:
    """Yield what each line says of the pairs, higher for the more alike: `compare` first, cosines after it."""
    yield "compare", np.array([one.probability for one in found])
    for name in rows[0][0]:
        yield name, np.array([float(a[name].astype(np.float64) @ b[name]) for a, b in rows])
    yield "ssim", np.array([one.evidence["ssim"]["value"] for one in found])
    yield "random", np.random.default_rng(SEED).random(len(found))


def _line(name: str, scores: Floats, said: Floats | None, same: NDArray[np.bool_], precision: float) -> PairLine:
    def auc(drawn: Floats) -> float:
        alike = drawn[:, 1] > 0
        # a draw of one kind alone tells nothing: it counts as chance, which only widens the interval
        return 0.5 if alike.all() or not alike.any() else area_under_roc(drawn[:, 0], alike)

    curve = precision_recall_curve(scores, same)
    return PairLine(
        name,
        mean_figure(np.column_stack([scores, same]), auc),
        curve.recall_at_precision(precision),
        curve.threshold_at_precision(precision),
        None if said is None else calibration_error(said, same),
        points(curve),
    )
