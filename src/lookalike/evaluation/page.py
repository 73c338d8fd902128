"""Measurements as one HTML file with pictures: no script, no other file, written whole or not at all."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lookalike.errors import ImageError
from lookalike.evaluation.drawing import COLORS
from lookalike.evaluation.figures import Figure
from lookalike.evaluation.reading import read_or_error
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.placing import write_text
from lookalike.settings import Settings
from lookalike.version import __version__

__all__ = ["write_page"]

_SIDE = 112
_QUALITY = 72
_OWN = "lookalike.evaluation"


def write_page(
    template: str,
    path: Path,
    values: Mapping[str, Any],
    *,
    files: Mapping[str, Path],
    settings: Settings,
    package: str = _OWN,
) -> None:
    """Render a template and write it; folders above it are made.

    package: whose the template is; it may extend `page.html` and import `pictures.html` from here. files: name ->
    picture, of those that can be shown; the others stand there by name alone. Thumbnails are made anew, so that no byte
    of a picture's own file, such as its place, gets into the page. Raises OSError.
    """
    # Autoescaping: names and labels are what users wrote.
    from jinja2 import ChoiceLoader, Environment, PackageLoader

    loader = ChoiceLoader([PackageLoader(one) for one in dict.fromkeys((package, _OWN))])
    pages = Environment(loader=loader, autoescape=True, trim_blocks=True)
    pages.filters |= {"figure": _figure, "median": lambda one: _figure(one, 1)}
    pages.globals |= {"thumbnail": _Thumbnails(files, settings), "colors": COLORS, "version": __version__}
    text = pages.get_template(template).render(values)
    write_text(path, text)


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
