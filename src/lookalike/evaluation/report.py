"""An evaluation as one HTML file: figures, curves, and the pictures to look at. No script, no other file."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lookalike.errors import ImageError
from lookalike.evaluation.drawing import COLORS, line_chart
from lookalike.evaluation.figures import Figure
from lookalike.evaluation.reading import read_or_error
from lookalike.evaluation.retrieval import Retrieval
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.settings import Settings
from lookalike.version import __version__

__all__ = ["write_report"]

_SIDE = 112
_QUALITY = 72
_SHOWN = 8  # neighbors of a question
_MOST = 40  # pairs and doubtful labels that are shown; the others are counted


def write_report(found: Retrieval, path: Path, *, files: Mapping[str, Path], settings: Settings) -> None:
    """Write the report, whole or not at all; folders above it are made.

    files: name -> picture, of those that can be shown; the others stand there by name alone. Thumbnails are made
    anew, so that no byte of a picture's own file, such as its place, gets into the report. Raises OSError.
    """
    # Autoescaping: names and labels are what users wrote.
    from jinja2 import Environment, PackageLoader

    pages = Environment(loader=PackageLoader("lookalike.evaluation"), autoescape=True, trim_blocks=True)
    pages.filters |= {"figure": _figure, "median": lambda one: _figure(one, 1)}
    text = pages.get_template("report.html").render(
        found=found,
        version=__version__,
        curves=line_chart(
            {line.name: list(enumerate(line.rank_at, 1)) for line in found.lines},
            x="n",
            y="share found within the first n",
            upto=float(len(found.lines[0].rank_at)),
        ),
        colors=[COLORS[number % len(COLORS)] for number in range(len(found.lines))],
        thumbnail=_Thumbnails(files, settings),
        shown=_SHOWN,
        most=_MOST,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        aside.write_text(text, "utf-8", errors="replace")  # a file's name may hold what UTF-8 can't
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


class _Thumbnails:
    """Gives a picture's name as a data URI; "" for one that can't be read. Each is made once."""

    def __init__(self, files: Mapping[str, Path], settings: Settings) -> None:
        self._files, self._settings = files, settings
        self._made: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> str:
        if name not in self._files:
            return ""
        image = read_or_error(self._files[name], self._settings, _SIDE)
        if isinstance(image, ImageError):
            return ""
        data = encode_jpeg(thumbnail(image.pixels, _SIDE), _QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _figure(one: Figure | Any, digits: int = 3) -> str:
    return f"{one.value:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"
