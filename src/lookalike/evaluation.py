"""Labeled pictures to figures: what descriptions find, and what `compare` tells, always beside plain baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison import compare
from lookalike.describers.ensemble import Ensemble, calibrated, standard_ensemble
from lookalike.describers.stream import Job, describe_stream
from lookalike.errors import ImageError, InvalidArgument
from lookalike.evaluate import (
    Bin,
    area_under_roc,
    average_precisions,
    bootstrap_interval,
    calibration_error,
    first_ranks,
    precision_recall_curve,
    reliability,
)
from lookalike.labeled import Labeled, Pair
from lookalike.records import Comparison
from lookalike.settings import Settings

__all__ = [
    "Figure",
    "PairLine",
    "Pairs",
    "Retrieval",
    "RetrievalLine",
    "evaluate_pairs",
    "evaluate_retrieval",
]

Progress = Callable[[int], None]
Floats = NDArray[np.float64]

_SEED = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and the interval it lies in with 95 % confidence (bootstrap over pictures, or pairs)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RetrievalLine:
    """How one description finds other pictures with the label of the picture asked with.

    signature: of the describer that made it; empty for chance.
    """

    name: str
    signature: str
    recall_at_1: Figure
    recall_at_5: Figure
    recall_at_10: Figure
    mean_average_precision: Figure
    median_rank: Figure


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Every picture asked for the others, leave-one-out; the lines of the model first, then baselines.

    pictures: those read, all of which can be found. asked: those with another picture of their label. alone:
    labels of one picture. repeated: pictures whose bytes an earlier one has, which are found too easily.
    unreadable: file -> reason.
    """

    model: str
    pictures: int
    labels: int
    asked: int
    lines: Sequence[RetrievalLine]
    alone: Sequence[str] = ()
    repeated: int = 0
    unlabeled: Sequence[str] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PairLine:
    """How one signal tells pairs that are the same picture from others.

    recall: the share of true pairs kept at the wanted precision, by keeping scores of at least `threshold`
    (None where no threshold reaches that precision). Distances count negatively.
    """

    name: str
    auc: Figure
    recall: float
    threshold: float | None


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


def evaluate_retrieval(labeled: Labeled, *, settings: Settings, progress: Progress = lambda _: None) -> Retrieval:
    """Describe labeled pictures, ask with each for the others, and count.

    Pictures that can't be read are listed and the others go on. A picture alone with its label is not asked
    with, as nothing could be found, but can be found by others. Ties count against the description.
    progress: called with the number of pictures described since the last call. Raises InvalidArgument where no
    label is left with two pictures.
    """
    ensemble = standard_ensemble(settings.model)
    read = _describe(labeled, ensemble, settings, progress)
    counts = Counter(read.labels)
    if not counts or max(counts.values()) < 2:
        found = f"{len(read.labels)} readable pictures of {len(counts)} labels ({len(read.unreadable)} unreadable)"
        raise InvalidArgument("what is to be evaluated", found, "at least two pictures of one label")
    return Retrieval(
        model=ensemble.neural.signature,
        pictures=len(read.labels),
        labels=len(counts),
        asked=sum(count for count in counts.values() if count > 1),
        lines=[
            _retrieval_line(name, ensemble.signatures.get(name, ""), rows, read.labels)
            for name, rows in _rows_by_name(ensemble, read)
        ],
        alone=sorted(label for label, count in counts.items() if count == 1),
        repeated=len(read.labels) - len(read.digests),
        unlabeled=[str(path) for path in labeled.unlabeled],
        unreadable=read.unreadable,
    )


def evaluate_pairs(
    pairs: Sequence[Pair], *, settings: Settings, precision: float = 0.99, progress: Progress = lambda _: None
) -> Pairs:
    """Compare labeled pairs, and count. precision: the one wanted, for which thresholds are sought.

    Pairs with a picture that can't be read are left out, and the picture listed. progress: called with the number
    of pairs compared since the last call. Raises InvalidArgument for a precision outside (0, 1], and unless pairs
    of both kinds are left.
    """
    if not 0 < precision <= 1:
        raise InvalidArgument("precision", precision, "above 0 and at most 1")
    found, truths, unreadable = _compare(pairs, settings, progress)
    if len(set(truths)) < 2:
        left = f"{sum(truths)} same and {len(truths) - sum(truths)} other pairs ({len(unreadable)} pictures unreadable)"
        raise InvalidArgument("what is to be evaluated", left, "at least one pair of each kind")
    same, probabilities = np.array(truths), np.array([one.probability for one in found])
    kept = probabilities >= 0.5
    return Pairs(
        model=calibrated(standard_ensemble(settings.model)).neural.signature,
        pairs=len(found),
        same=int(same.sum()),
        wanted_precision=precision,
        lines=[_pair_line(name, scores, same, precision) for name, scores in _scores_by_name(found)],
        precision=float(same[kept].mean()) if kept.any() else None,
        recall=float(kept[same].mean()),
        calibration=found[0].calibration,
        calibration_error=calibration_error(probabilities, same),
        reliability=reliability(probabilities, same),
        unreadable=unreadable,
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of labeled pictures: labels and rows of those read, in one order, and reasons for the others."""

    rows: dict[str, list[NDArray[Any]]]
    labels: list[str] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    unreadable: dict[str, str] = field(default_factory=dict)


def _describe(labeled: Labeled, ensemble: Ensemble, settings: Settings, progress: Progress) -> _Read:
    jobs = (Job(path, label) for path, label in zip(labeled.files, labeled.labels, strict=True))
    read = _Read({name: [] for name in ensemble.specs})
    for outcome in describe_stream(jobs, ensemble, limits=settings.limits, workers=settings.workers):
        progress(1)
        if outcome.error is not None:
            read.unreadable[str(outcome.job.source)] = outcome.error.reason
        elif outcome.image is not None:
            read.labels.append(outcome.job.item)
            read.digests.add(outcome.image.sha256)
            for name, row in outcome.rows.items():
                read.rows[name].append(row)
    return read


def _compare(
    pairs: Sequence[Pair], settings: Settings, progress: Progress
) -> tuple[list[Comparison], list[bool], dict[str, str]]:
    """Return the comparisons of the pairs that can be read, their truths, and what can't be read with the reasons."""

    def one(pair: Pair) -> Comparison | ImageError:
        try:
            return compare(pair.a, pair.b, settings=settings)
        except ImageError as error:
            return error

    found: list[Comparison] = []
    truths: list[bool] = []
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(settings.workers, thread_name_prefix="compare") as pool:
        for pair, result in zip(pairs, pool.map(one, pairs), strict=True):
            progress(1)
            if isinstance(result, ImageError):
                unreadable[result.source] = result.reason
            else:
                truths.append(pair.same)
                found.append(result)
    return found, truths, unreadable


def _rows_by_name(ensemble: Ensemble, read: _Read) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, rows in read.rows.items():
        stacked = np.stack(rows)
        yield name, _signs(stacked) if name in ensemble.hashes else stacked
    yield "random", _unit(np.random.default_rng(_SEED).standard_normal((len(read.labels), 128)))


def _signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bits to unit rows of +-1: their dot product falls by 2 / n with every bit that differs."""
    return _unit(np.unpackbits(packed, axis=1).astype(np.float64) * 2 - 1)


def _unit(rows: Floats) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _retrieval_line(name: str, signature: str, rows: NDArray[np.float32], labels: Sequence[str]) -> RetrievalLine:
    ranks = first_ranks(rows, labels)
    return RetrievalLine(
        name,
        signature,
        _mean(ranks <= 1),
        _mean(ranks <= 5),
        _mean(ranks <= 10),
        _mean(average_precisions(rows, labels)),
        Figure(float(np.median(ranks)), *bootstrap_interval(ranks, np.median, seed=_SEED)),
    )


def _mean(values: NDArray[Any]) -> Figure:
    return Figure(float(values.mean()), *bootstrap_interval(values, seed=_SEED))


def _scores_by_name(found: Sequence[Comparison]) -> Iterator[tuple[str, Floats]]:
    """Yield what each signal says of the pairs, higher for the more alike: `compare` itself first."""
    yield "compare", np.array([one.probability for one in found])
    yield "copy", np.array([one.evidence["copy"]["cosine"] for one in found])
    yield "meaning", np.array([one.evidence["meaning"]["cosine"] for one in found])
    yield "phash", -np.array([one.evidence["hash"]["phash_bits_of_64"] for one in found], np.float64)
    yield "pdq", -np.array([one.evidence["hash"]["pdq_bits_of_256"] for one in found], np.float64)
    yield "color", np.array([one.evidence["colors"]["similarity"] for one in found])
    yield "ssim", np.array([one.evidence["ssim"]["value"] for one in found])
    yield "random", np.random.default_rng(_SEED).random(len(found))


def _pair_line(name: str, scores: Floats, same: NDArray[np.bool_], precision: float) -> PairLine:
    def auc(drawn: Floats) -> float:
        alike = drawn[:, 1] > 0
        # a draw of one kind alone tells nothing: it counts as chance, which only widens the interval
        return 0.5 if alike.all() or not alike.any() else area_under_roc(drawn[:, 0], alike)

    interval = bootstrap_interval(np.column_stack([scores, same]), auc, seed=_SEED)
    curve = precision_recall_curve(scores, same)
    return PairLine(
        name,
        Figure(area_under_roc(scores, same), *interval),
        curve.recall_at_precision(precision),
        curve.threshold_at_precision(precision),
    )
