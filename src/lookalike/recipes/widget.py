"""A widget for notebooks: the pictures most like one, of which each can be asked with in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from lookalike.errors import InvalidArgument, MissingExtra
from lookalike.images import read_image
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.recipes.data import ImageFolder
from lookalike.recipes.distances import compute_distances

__all__ = ["RetrievalWidget"]

_SIDE = 150


class RetrievalWidget:
    """Shows rows x cols pictures, the query first and then those most like it; a click asks with another one."""

    def __init__(
        self, ds: ImageFolder, features: Mapping[str, ArrayLike], rows: int = 2, cols: int = 5, *, method: str = "l2"
    ) -> None:
        """Raises MissingExtra without ipywidgets, InvalidArgument without pictures or room for two of them."""
        try:
            import ipywidgets
        except ImportError:
            raise MissingExtra("RetrievalWidget", "notebook") from None
        if len(ds) == 0 or rows * cols < 2:
            raise InvalidArgument("ds, rows and cols", (len(ds), rows, cols), "a picture, and room for two")
        self._features = {item: features[item] for item in ds.items}
        self._labels = dict(zip(ds.items, ds.labels, strict=True))
        self._method, self._widgets = method, ipywidgets
        self._thumbnails: dict[str, bytes] = {}
        self._cells = [self._cell(place) for place in range(rows * cols)]
        self.shown: list[str] = []
        self.ui = ipywidgets.VBox([ipywidgets.HBox(self._cells[row * cols : (row + 1) * cols]) for row in range(rows)])
        self.ask(ds.items[0])

    def show(self) -> Any:
        """Return the widget; a notebook shows it as the last value of a cell."""
        return self.ui

    def ask(self, item: str) -> None:
        """Show the pictures most like this one of the data, itself first; ties in the order of the data."""
        found = sorted(compute_distances(self._features[item], self._features, self._method), key=lambda one: one[1])
        nearest = [(item, 0.0), *((path, distance) for path, distance in found if path != item)]
        self.shown = [path for path, _ in nearest[: len(self._cells)]]
        for cell, (path, distance) in zip(self._cells, nearest, strict=False):
            picture, words, button = cell.children
            picture.value = self._thumbnail(path)
            words.value = self._labels[path] if path == item else f"{self._labels[path]}, {distance:.3f}"
            button.description = "query" if path == item else "ask with it"
            button.button_style = "success" if path == item else "warning"

    def _cell(self, place: int) -> Any:
        button = self._widgets.Button()
        button.on_click(lambda _: self.ask(self.shown[place]) if place < len(self.shown) else None)
        return self._widgets.VBox([self._widgets.Image(format="jpeg"), self._widgets.Label(), button])

    def _thumbnail(self, path: str) -> bytes:
        if path not in self._thumbnails:
            self._thumbnails[path] = encode_jpeg(thumbnail(read_image(path, wants=_SIDE).pixels, _SIDE))
        return self._thumbnails[path]
