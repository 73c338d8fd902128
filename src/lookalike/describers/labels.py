"""Labels: what a picture shows, in words, with probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Label", "top_labels"]


@dataclass(frozen=True, slots=True)
class Label:
    """A name and its probability in [0, 1]."""

    name: str
    probability: float


def top_labels(logits: NDArray[np.float32], names: Sequence[str], count: int = 5) -> list[list[Label]]:
    """Return for each row of (n, len(names)) logits its `count` most probable labels, most probable first."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return [
        [Label(names[column], round(float(row[column]), 6)) for column in columns]
        for row, columns in zip(probabilities, order, strict=True)
    ]
