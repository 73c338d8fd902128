"""Before and after, on identities that nothing was learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import ranks_and_precisions
from lookalike.evaluation.figures import Figure, mean_figure
from lookalike.learning.head import Rows

__all__ = ["Asked", "Measured", "asked", "gain", "measured"]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What came of asking with every picture whose identity occurs twice: (m,) ranks and average precisions."""

    ranks: NDArray[np.int64]
    precisions: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures with 95 % bootstrap intervals over pictures."""

    recall_at_1: Figure
    recall_at_5: Figure
    mean_average_precision: Figure
    median_rank: Figure

    def as_json(self) -> dict[str, Any]:
        """Return the figures by their usual names, and `intervals` by the same names."""
        named = {
            "recall@1": self.recall_at_1,
            "recall@5": self.recall_at_5,
            "mAP": self.mean_average_precision,
            "median rank": self.median_rank,
        }
        values: dict[str, Any] = {name: round(figure.value, 4) for name, figure in named.items()}
        return values | {
            "intervals": {name: [round(figure.low, 4), round(figure.high, 4)] for name, figure in named.items()}
        }


def asked(rows: Rows, identities: Sequence[str]) -> Asked:
    """Ask with every picture for the others, leave-one-out. rows: (n, w) unit rows."""
    return Asked(*ranks_and_precisions(rows, identities))


def measured(found: Asked) -> Measured:
    """Return the figures of what was found."""
    return Measured(
        mean_figure(found.ranks <= 1),
        mean_figure(found.ranks <= 5),
        mean_figure(found.precisions),
        mean_figure(found.ranks, np.median),
    )


def gain(before: Asked, after: Asked) -> Figure:
    """Return by how much recall@1 rose, with its interval: both were asked with the same pictures."""
    return mean_figure((after.ranks <= 1).astype(np.float64) - (before.ranks <= 1))
