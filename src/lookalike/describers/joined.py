"""One vector per picture, whose plain cosine is a fair similarity: for callers that know a single embedding.

    meaning   cosine counts 0.6    places 0-255 with the bundled model
    copy      cosine counts 0.3    places 256-383
    color     cosine counts 0.1    places 384-487
    zeros     up to 512 numbers

Each part has length 1 and is scaled by the square root of its share, so that the cosine of two joined vectors is
the mean of the three cosines in these shares. A model whose own meaning vector has 512 numbers, such as ResNet-18,
gives that vector alone, as it makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.neural import unit

__all__ = ["SHARES", "WIDTH", "joined"]

SHARES: Final[Mapping[str, float]] = {"meaning": 0.6, "copy": 0.3, "color": 0.1}
WIDTH: Final = 512
"""Numbers of a joined vector; more where the model's own parts need more."""


def joined(vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join the vectors of one picture, as `describe_each(..., normalized=False)` gives them.

    vectors: name -> (d,), with all names of `SHARES`. Returns (WIDTH,) float32 or, with a larger model, longer:
    of length 1, or the model's own meaning vector if that has WIDTH numbers.
    """
    if vectors["meaning"].size == WIDTH:
        return vectors["meaning"]
    parts = [unit(vectors[name][None])[0] * np.float32(share**0.5) for name, share in SHARES.items()]
    row = np.concatenate(parts)
    return np.pad(row, (0, max(0, WIDTH - row.size)))
