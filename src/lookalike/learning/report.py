"""A training as one HTML file: what it gained, how it learned, and the pictures to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike.evaluation.drawing import line_chart
from lookalike.evaluation.page import write_page
from lookalike.learning.run import Trained
from lookalike.learning.tagfigures import TagFigures
from lookalike.learning.tagging import LearnedTagger
from lookalike.settings import Settings

__all__ = ["write_tagger_report", "write_training_report"]

_PACKAGE = "lookalike.learning"
_SHOWN = 8  # neighbors of a question
_MOST = 20  # pairs and doubtful labels that are shown; the others are counted
_WIDEST = 30  # labels of a table of what is taken for what; of more, only what is mixed up is listed
_TICKS = 5


def write_training_report(found: Trained, path: Path, *, settings: Settings) -> None:
    """Write what came of a training, whole or not at all. Raises OSError."""
    values = {
        "found": found,
        "trained": "trained, not kept" if found.kept and found.strength > 0 else "after",
        "curve": _chart({"score": list(enumerate(found.curve))}, "epoch", "score on classes left out"),
        "scores": _chart({"score": sorted(found.scores.items())}, "strength", "score on classes left out"),
        "shown": _SHOWN,
        "most": _MOST,
    }
    write_page("training.html", path, values, files=found.files, settings=settings, package=_PACKAGE)


def write_tagger_report(found: LearnedTagger, path: Path, *, settings: Settings) -> None:
    """Write how good a tagger is and what it got wrong, whole or not at all. Raises OSError."""
    figures = found.figures
    said = [(one.mean, one.share) for one in figures.reliability]
    values: dict[str, Any] = {
        "found": found,
        "reliability": _chart({"true": said, "perfect": [(0, 0), (1, 1)]}, "probability said", "share that came true"),
        "columns": _columns(figures),
        "mixed": _mixed(figures),
        "widest": _WIDEST,
        "most": _MOST,
    }
    write_page("tagger.html", path, values, files=found.files, settings=settings, package=_PACKAGE)


def _chart(lines: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str) -> str:
    """Return a chart whose ticks are whole numbers where x goes beyond 1; nothing where there is no line to draw."""
    last = max((point[0] for points in lines.values() for point in points), default=0)
    if last == 0:
        return ""
    return line_chart(lines, x=x, y=y, upto=1.0 if last <= 1 and x != "epoch" else -(-last // _TICKS) * _TICKS)


def _columns(figures: TagFigures) -> list[str]:
    """Return the labels of the table of what is taken for what, "" for none given where that happened."""
    given = {label for row in figures.confusion.values() for label in row}
    labels = [one.label for one in figures.labels if one.label in given or one.label in figures.confusion]
    return [*labels, *([""] if "" in given else [])]


def _mixed(figures: TagFigures) -> list[tuple[str, str, int]]:
    """Return (right, said, pictures) of what is taken for something else, most often first."""
    pairs = [
        (right, said, count) for right, row in figures.confusion.items() for said, count in row.items() if said != right
    ]
    return sorted(pairs, key=lambda one: (-one[2], one[:2]))
