"""From a cosine to a probability: a logistic curve fitted on labeled pairs and stored with the model's card.

Platt, "Probabilistic outputs for support vector machines" (1999): monotone, two parameters. Fitted on as many true as
false pairs, by `lookalike.training.pairs`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Calibration"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = 1 / (1 + exp(-(scale * cosine + offset))). scale: above 0, so that order is kept."""

    scale: float
    offset: float

    def probability(self, cosine: float) -> float:
        """Return the probability in [0, 1] that a pair with this cosine is a true one."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self.scale * cosine + self.offset))))

    def probabilities(self, cosines: ArrayLike) -> NDArray[np.float64]:
        """Return the same for many: (n,) to (n,)."""
        logits = np.clip(self.scale * np.asarray(cosines, np.float64) + self.offset, -60.0, 60.0)
        found: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits))
        return found
