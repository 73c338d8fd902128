"""Plots of the recipes. Each returns a matplotlib figure, which a notebook shows, and can be saved with `savefig`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.evaluation import plots
from lookalike.images import read_image
from lookalike.images.resize import thumbnail
from lookalike.recipes.sets import ComparativeSet, recall_at_k

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_comparative_set", "plot_distances", "plot_ranks_distribution", "plot_recalls"]

_SIDE = 240


def plot_distances(
    distances: Sequence[tuple[str, float]],
    num_rows: int = 1,
    num_cols: int = 7,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Draw the nearest num_rows x num_cols pictures, nearest first. distances: as `compute_distances` gives them.

    Raises MissingExtra without matplotlib, ImageError.
    """
    nearest = sorted(distances, key=lambda one: one[1])[: num_rows * num_cols]
    titles = [f"rank {rank}\ndist {distance:.2f}" for rank, (_, distance) in enumerate(nearest, 1)]
    return _pictures([path for path, _ in nearest], titles, num_rows, num_cols, figsize)


def plot_comparative_set(
    comparative_set: ComparativeSet, num_cols: int = 7, figsize: tuple[float, float] | None = None
) -> Figure:
    """Draw the query, the positive, and as many negatives as fit into a row. Raises MissingExtra, ImageError."""
    one = comparative_set
    paths = [one.query_im_path, one.pos_im_path, *one.neg_im_paths][:num_cols]
    titles = [
        f"query\n{one.pos_label}",
        f"positive\n{one.pos_label}",
        *(f"negative\n{name}" for name in one.neg_labels),
    ]
    return _pictures(paths, titles[: len(paths)], 1, num_cols, figsize)


def plot_recalls(ranks: Sequence[int], figsize: tuple[float, float] = (6, 4)) -> Figure:
    """Draw recall@k in percent over k, up to the largest rank. Raises MissingExtra; InvalidArgument for no ranks."""
    figure = _canvas(figsize)
    axes = figure.subplots()
    upto = range(1, max(ranks, default=1) + 1)
    axes.plot(list(upto), [recall_at_k(ranks, k) for k in upto], marker="." if len(upto) < 30 else "")
    axes.set(xlabel="k", ylabel="recall@k in %", ylim=(0, 102))
    axes.grid(alpha=0.3)
    return figure


def plot_ranks_distribution(ranks: Sequence[int], figsize: tuple[float, float] = (6, 4)) -> Figure:
    """Draw how often the positive took each rank. Raises MissingExtra without matplotlib."""
    figure = _canvas(figsize)
    axes = figure.subplots()
    axes.hist(list(ranks), bins=[rank + 0.5 for rank in range(max(ranks, default=1) + 1)])
    axes.set(xlabel="rank of the positive", ylabel="comparative sets")
    return figure


def _pictures(
    paths: Sequence[str], titles: Sequence[str], rows: int, cols: int, figsize: tuple[float, float] | None
) -> Figure:
    figure = _canvas(figsize or (2 * cols, 2.4 * rows))
    cells: Any = figure.subplots(rows, cols, squeeze=False).ravel()
    for cell in cells:
        cell.axis("off")
    for cell, path, title in zip(cells, paths, titles, strict=False):
        cell.imshow(thumbnail(read_image(path, wants=_SIDE).pixels, _SIDE))
        cell.set_title(f"{title}\n{Path(path).name}", fontsize=8)
    return figure


def _canvas(figsize: tuple[float, float]) -> Figure:
    """Return an empty figure that a notebook draws even if nobody has turned pyplot on there."""
    figure = plots.canvas(figsize)
    figure.__dict__["_repr_png_"] = partial(_png, figure)
    return figure


def _png(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()
