"""Labeled pictures to figures: what descriptions find, and what `compare` tells, always beside plain baselines."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison import compare
from lookalike.describers.ensemble import Ensemble, standard_ensemble
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
from lookalike.folders.scan import scan
from lookalike.records import Comparison
from lookalike.settings import Settings

__all__ = [
    "Figure",
    "Labeled",
    "Pair",
    "PairLine",
    "Pairs",
    "Retrieval",
    "RetrievalLine",
    "evaluate_pairs",
    "evaluate_retrieval",
    "labeled_by_file",
    "labeled_folder",
    "read_pairs",
]

Progress = Callable[[int], None]
Floats = NDArray[np.float64]

_SEED = 0
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Labeled:
    """Pictures and what each shows, in one order. unlabeled: pictures found that nothing is said of."""

    files: Sequence[Path]
    labels: Sequence[str]
    unlabeled: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and whether they are the same one."""

    a: Path
    b: Path
    same: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and the interval it lies in with 95 % confidence (bootstrap over pictures, or pairs)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RetrievalLine:
    """How one description finds other pictures with the label of the picture asked with."""

    name: str
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


def labeled_folder(folder: Path) -> Labeled:
    """Take the folders directly in a folder as labels of all the pictures below them.

    Raises FolderNotFound, NoImagesFound, and InvalidArgument where no picture is in such a folder.
    """
    found = scan(folder)
    parts = {picture: picture.relative_to(found.root).parts for picture in found.pictures}
    files = [picture for picture in found.pictures if len(parts[picture]) > 1]
    if not files:
        raise InvalidArgument("DIR", str(folder), "a folder of folders, each a label; or give the labels as a file")
    unlabeled = [picture for picture in found.pictures if len(parts[picture]) == 1]
    return Labeled(files, [parts[picture][0] for picture in files], unlabeled)


def labeled_by_file(table: Path, folder: Path | None = None) -> Labeled:
    """Read a CSV or JSON-lines file with the columns file and label; other columns are ignored.

    folder: where the files are, by default where the table is. Rows without a label are `unlabeled`. Raises
    InvalidArgument for what is no such table, and for a file named twice, which would find itself.
    """
    base = table.parent if folder is None else folder
    rows = [(base / str(row["file"]), str(row["label"])) for _, row in _read_table(table, ("file", "label"))]
    twice = [str(path) for path, count in Counter(path for path, _ in rows).items() if count > 1]
    if twice:
        raise InvalidArgument("a file in the table", twice[0], "named once")
    with_label = [(path, label) for path, label in rows if label]
    unlabeled = [path for path, label in rows if not label]
    return Labeled([path for path, _ in with_label], [label for _, label in with_label], unlabeled)


def read_pairs(table: Path, folder: Path | None = None) -> list[Pair]:
    """Read a CSV or JSON-lines file with the columns a, b (pictures) and same (1 or 0, true or false, yes or no).

    folder: where the files are, by default where the table is. Raises InvalidArgument for what is no such table.
    """
    base = table.parent if folder is None else folder
    pairs = []
    for line, row in _read_table(table, ("a", "b", "same")):
        truth = _TRUTHS.get(str(row["same"]).strip().lower())
        if truth is None:
            raise InvalidArgument(f"same in line {line} of {table.name}", row["same"], f"one of {', '.join(_TRUTHS)}")
        pairs.append(Pair(base / str(row["a"]), base / str(row["b"]), truth))
    return pairs


def evaluate_retrieval(labeled: Labeled, *, settings: Settings, progress: Progress = lambda _: None) -> Retrieval:
    """Describe labeled pictures, ask with each for the others, and count.

    Pictures that can't be read are listed and the others go on. A picture alone with its label is not asked
    with, as nothing could be found, but can be found by others. Ties count against the description.
    progress: called with the number of pictures described since the last call. Raises InvalidArgument where no
    label is left with two pictures.
    """
    ensemble = standard_ensemble(settings.model)
    jobs = (Job(path, label) for path, label in zip(labeled.files, labeled.labels, strict=True))
    labels: list[str] = []
    digests: set[str] = set()
    unreadable: dict[str, str] = {}
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ensemble.specs}
    for outcome in describe_stream(jobs, ensemble, limits=settings.limits, workers=settings.workers):
        progress(1)
        if outcome.error is not None:
            unreadable[str(outcome.job.source)] = outcome.error.reason
            continue
        labels.append(outcome.job.item)
        digests.add(outcome.image.sha256 if outcome.image else "")
        for name, row in outcome.rows.items():
            parts[name].append(row)
    counts = Counter(labels)
    if not counts or max(counts.values()) < 2:
        found = f"{len(labels)} readable pictures of {len(counts)} labels ({len(unreadable)} unreadable)"
        raise InvalidArgument("what is to be evaluated", found, "at least two pictures of one label")
    return Retrieval(
        model=ensemble.neural.signature,
        pictures=len(labels),
        labels=len(counts),
        asked=sum(count for count in counts.values() if count > 1),
        lines=[_retrieval_line(name, rows, labels) for name, rows in _rows_by_name(ensemble, parts, len(labels))],
        alone=sorted(label for label, count in counts.items() if count == 1),
        repeated=len(labels) - len(digests),
        unlabeled=[str(path) for path in labeled.unlabeled],
        unreadable=unreadable,
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
    truths: list[bool] = []
    found: list[Comparison] = []
    unreadable: dict[str, str] = {}

    def one(pair: Pair) -> Comparison | ImageError:
        try:
            return compare(pair.a, pair.b, settings=settings)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(settings.workers, thread_name_prefix="compare") as pool:
        for pair, result in zip(pairs, pool.map(one, pairs), strict=True):
            progress(1)
            if isinstance(result, ImageError):
                unreadable[result.source] = result.reason
            else:
                truths.append(pair.same)
                found.append(result)
    if len(set(truths)) < 2:
        left = f"{sum(truths)} same and {len(truths) - sum(truths)} other pairs ({len(unreadable)} pictures unreadable)"
        raise InvalidArgument("what is to be evaluated", left, "at least one pair of each kind")
    same, probabilities = np.array(truths), np.array([one.probability for one in found])
    kept = probabilities >= 0.5
    return Pairs(
        model=standard_ensemble(settings.model).neural.signature,
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


def _rows_by_name(
    ensemble: Ensemble, parts: Mapping[str, Sequence[NDArray[Any]]], count: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, rows in parts.items():
        stacked = np.stack(rows)
        yield name, _signs(stacked) if name in ensemble.hashes else stacked
    yield "random", _unit(np.random.default_rng(_SEED).standard_normal((count, 128)))


def _signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bits to unit rows of +-1: their dot product falls by 2 / n with every bit that differs."""
    return _unit(np.unpackbits(packed, axis=1).astype(np.float64) * 2 - 1)


def _unit(rows: Floats) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _retrieval_line(name: str, rows: NDArray[np.float32], labels: Sequence[str]) -> RetrievalLine:
    ranks = first_ranks(rows, labels)
    return RetrievalLine(
        name,
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


def _read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row) of a CSV or JSON-lines file; every row has all the columns."""
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl}
    if path.suffix not in readers:
        raise InvalidArgument("the table", str(path), f"a file ending in {' or '.join(readers)}")
    try:
        for line, row in readers[path.suffix](path):
            missing = [name for name in columns if not isinstance(row, dict) or row.get(name) is None]
            if missing:
                raise InvalidArgument(f"line {line} of {path}", f"without {missing[0]}", f"with {', '.join(columns)}")
            yield line, row
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidArgument("the table", str(path), f"a {path.suffix[1:]} file in UTF-8 ({reason})") from None


def _read_csv(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield reader.line_num, row


def _read_jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            if text.strip():
                yield line, json.loads(text)
