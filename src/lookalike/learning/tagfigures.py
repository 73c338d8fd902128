"""How well a tagger does on pictures it has not seen: accuracy, precision, recall, F1, and what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import Bin, calibration_error, reliability
from lookalike.evaluation.figures import Figure, mean_figure
from lookalike.taggers.tagger import Tagger

__all__ = ["LabelFigures", "TagFigures", "nearest_labels", "tag_figures"]


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Of one label. precision: None where it was never given; recall, f1: None where no picture has it.

    threshold: least probability at which it is given. pictures: held-out ones that have it.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    threshold: float
    pictures: int


@dataclass(frozen=True, slots=True)
class TagFigures:
    """On held-out pictures.

    accuracy: share whose labels are all right, with a 95 % bootstrap interval. answered: share that got a label.
    f1: mean over labels (macro); precision, recall: of all labels given, and all that should be (micro).
    calibration_error: of the probability of the best label, or of all. baseline: accuracy of always giving what is
    most frequent; nearest: of giving what the most alike learned picture has. confusion: true label -> label given,
    "" for none -> pictures; empty where pictures have several labels. reliability: of the probabilities that the
    calibration error is of.
    """

    pictures: int
    accuracy: Figure
    answered: float
    f1: float
    precision: float
    recall: float
    calibration_error: float
    baseline: float
    nearest: float
    labels: Sequence[LabelFigures]
    confusion: Mapping[str, Mapping[str, int]]
    reliability: Sequence[Bin] = ()

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, rounded."""
        names = ("answered", "f1", "precision", "recall", "calibration_error", "baseline", "nearest")
        return {
            "pictures": self.pictures,
            "accuracy": round(self.accuracy.value, 4),
            "accuracy interval": [round(self.accuracy.low, 4), round(self.accuracy.high, 4)],
            **{name.replace("_", " "): round(getattr(self, name), 4) for name in names},
            "labels": {one.label: _rounded(one) for one in self.labels},
            "confusion": {label: dict(row) for label, row in self.confusion.items()},
        }


def tag_figures(
    tagger: Tagger, rows: NDArray[np.float32], truth: NDArray[np.bool_], nearest: NDArray[np.bool_], usual: NDArray[Any]
) -> TagFigures:
    """Measure a tagger. rows: (n, width); truth, nearest: (n, k), what is right, and what the nearest neighbor has.

    usual: (k,) bool, what is most frequent among the learned pictures.
    """
    said = tagger.say(rows)
    place = {label: at for at, label in enumerate(tagger.labels)}
    given = np.zeros(truth.shape, bool)
    for row, one in enumerate(said):
        given[row, [place[label] for label in one.labels]] = True
    right = (given & truth).sum(axis=0)
    alone = tagger.task == "classify"
    probabilities = tagger.probabilities(rows)
    if alone:
        best = probabilities.argmax(axis=1)
        told, true = probabilities.max(axis=1), truth[np.arange(len(rows)), best]
    else:
        told, true = probabilities.ravel(), truth.ravel()
    lines = [
        _label(label, int(hits), int(many), int(there), float(least))
        for label, hits, many, there, least in zip(
            tagger.labels, right, given.sum(axis=0), truth.sum(axis=0), tagger.thresholds, strict=True
        )
    ]
    known = [one.f1 for one in lines if one.f1 is not None]
    return TagFigures(
        pictures=len(rows),
        accuracy=mean_figure((given == truth).all(axis=1).astype(np.float64)),
        answered=float(given.any(axis=1).mean()),
        f1=float(np.mean(known)) if known else 0.0,
        precision=_share(right.sum(), given.sum()) or 0.0,
        recall=_share(right.sum(), truth.sum()) or 0.0,
        calibration_error=calibration_error(told, true),
        baseline=float((usual == truth).all(axis=1).mean()),
        nearest=float((nearest == truth).all(axis=1).mean()),
        labels=lines,
        confusion=_confusion(tagger.labels, truth, given) if alone else {},
        reliability=reliability(told, true),
    )


def nearest_labels(
    rows: NDArray[np.float32], learned: NDArray[np.float32], truth: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return (n, k): what the learned picture has that is most alike to each of the rows; of equals the first."""
    return np.asarray(truth[(rows @ learned.T).argmax(axis=1)])


def _label(label: str, hits: int, given: int, there: int, threshold: float) -> LabelFigures:
    f1 = 2 * hits / (given + there) if there else None
    return LabelFigures(label, _share(hits, given), _share(hits, there), f1, threshold, there)


def _share(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def _confusion(labels: Sequence[str], truth: NDArray[np.bool_], given: NDArray[np.bool_]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    columns = ["", *labels]
    shown = np.where(given.any(axis=1), given.argmax(axis=1) + 1, 0)
    for true, place in zip(truth.argmax(axis=1), shown, strict=True):
        row = table.setdefault(labels[int(true)], {})
        row[columns[int(place)]] = row.get(columns[int(place)], 0) + 1
    return {label: table[label] for label in labels if label in table}


def _rounded(one: LabelFigures) -> dict[str, Any]:
    figures = {name: getattr(one, name) for name in ("precision", "recall", "f1", "threshold")}
    return {name: None if value is None else round(value, 4) for name, value in figures.items()} | {
        "pictures": one.pictures
    }
