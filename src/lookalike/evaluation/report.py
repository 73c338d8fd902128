"""An evaluation as one HTML file: figures, curves, and the pictures to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lookalike.evaluation.drawing import line_chart
from lookalike.evaluation.page import write_page
from lookalike.evaluation.retrieval import Retrieval
from lookalike.settings import Settings

__all__ = ["write_report"]

_SHOWN = 8  # neighbors of a question
_MOST = 40  # pairs and doubtful labels that are shown; the others are counted


def write_report(found: Retrieval, path: Path, *, files: Mapping[str, Path], settings: Settings) -> None:
    """Write the report, whole or not at all. files: name -> picture, as `write_page` takes them. Raises OSError."""
    curves = line_chart(
        {line.name: list(enumerate(line.rank_at, 1)) for line in found.lines},
        x="n",
        y="share found within the first n",
        upto=float(len(found.lines[0].rank_at)),
    )
    values = {"found": found, "curves": curves, "shown": _SHOWN, "most": _MOST}
    write_page("report.html", path, values, files=files, settings=settings)
