"""Drawings of an evaluation, as PNG files. The only file that imports matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import MissingExtra
from lookalike.evaluate import Bin
from lookalike.evaluation.figures import CurvePoint, Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["canvas", "plot_curves", "plot_recalls", "plot_reliability"]


def plot_curves(curves: Mapping[str, Sequence[CurvePoint]], path: Path) -> None:
    """Draw precision over recall, one line each. Raises MissingExtra without matplotlib."""

    def draw(axes: Axes) -> None:
        for name, curve in curves.items():
            axes.plot([one.recall for one in curve], [one.precision for one in curve], label=name)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend()

    _save(draw, path)


def plot_reliability(tables: Mapping[str, Sequence[Bin]], path: Path) -> None:
    """Draw the share that came true over the probability said; the diagonal is a perfect calibration.

    Raises MissingExtra without matplotlib.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="perfect")
        for name, table in tables.items():
            axes.plot([one.mean for one in table], [one.share for one in table], marker="o", label=name)
            for one in table:
                axes.annotate(f"{one.count:,}", (one.mean, one.share), fontsize=7)
        axes.set(xlabel="probability said", ylabel="share that came true", xlim=(0, 1), ylim=(-0.02, 1.02))
        axes.legend()

    _save(draw, path)


def plot_recalls(recalls: Mapping[str, Mapping[int, Figure]], path: Path) -> None:
    """Draw recall over k with its interval, one line each. recalls: name -> k -> figure. Raises MissingExtra."""

    def draw(axes: Axes) -> None:
        for name, by_k in recalls.items():
            values = list(by_k.values())
            spread = [[one.value - one.low for one in values], [one.high - one.value for one in values]]
            axes.errorbar(list(by_k), [one.value for one in values], yerr=spread, marker="o", capsize=3, label=name)
        axes.set(xlabel="k", ylabel="recall@k", ylim=(0, 1.02))
        axes.legend()

    _save(draw, path)


def canvas(figsize: tuple[float, float] = (7, 5)) -> Canvas:
    """Return an empty figure, in inches, that knows no window. Raises MissingExtra without matplotlib."""
    try:
        from matplotlib.figure import Figure as Canvas
    except ImportError:
        raise MissingExtra("drawing", "plots") from None
    return Canvas(figsize=figsize, dpi=120, layout="constrained")  # no pyplot: no state shared by threads


def _save(draw: Any, path: Path) -> None:
    drawn = canvas()
    axes = drawn.subplots()
    draw(axes)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.savefig(path)
