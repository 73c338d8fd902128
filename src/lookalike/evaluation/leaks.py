"""Pictures of a test set that training has seen, byte for byte or edited: they flatter every figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import BLOCK
from lookalike.evaluation.described import Described
from lookalike.likeness import SAME, Judge

__all__ = ["Leak", "leaks"]

_BITS = 64
_FEWEST_ONES = 24  # hashes of plain pictures say nothing, as in `likeness.is_plain`
_LIKELY = 20  # no more bits of a hash may differ where two pictures are the same one with a probability of a half


@dataclass(frozen=True, slots=True)
class Leak:
    """A picture, and the most probable of the other set that shows the same. probability: 1 for the same bytes."""

    name: str
    label: str
    other: str
    other_label: str
    probability: float


def leaks(pictures: Described, training: Described, probability: float = SAME) -> list[Leak]:
    """Return the pictures that a training set also has, by digest, perceptual hash and copy vector; surest first.

    probability: that both are the same picture, from which they count, at least 0.5. Both need the lines "phash" and
    "copy"; without them, and for pictures too plain for hashes, only the same bytes count.
    """
    known = {digest: place for place, digest in reversed(list(enumerate(training.digests))) if digest}
    found = {place: (known[one], 1.0) for place, one in enumerate(pictures.digests) if one in known}
    if training.names and all({"phash", "copy"} <= one.rows.keys() for one in (pictures, training)):
        for place, other, sure in _near(pictures, training, probability):
            found.setdefault(place, (other, sure))
    told = [
        Leak(pictures.names[a], pictures.labels[a], training.names[b], training.labels[b], sure)
        for a, (b, sure) in found.items()
    ]
    return sorted(told, key=lambda one: (-one.probability, one.name))


def _near(pictures: Described, training: Described, probability: float) -> list[tuple[int, int, float]]:
    judge = Judge({name: curve for name, curve in pictures.curves.items() if name == "copy"})
    telling = _telling(training.rows["phash"])
    found = []
    for start in range(0, len(pictures.names), BLOCK):
        part = slice(start, start + BLOCK)
        bits = _BITS / 2 * (1 - pictures.rows["phash"][part] @ training.rows["phash"].T)
        near = (bits <= _LIKELY) & telling & _telling(pictures.rows["phash"][part])[:, None]
        a, b = np.nonzero(near)
        cosines = np.einsum("ij,ij->i", pictures.rows["copy"][part][a], training.rows["copy"][b])
        sure = judge.probabilities(np.rint(bits[a, b]), cosines)
        best: dict[int, tuple[int, float]] = {}
        for row, other, value in zip((a + start).tolist(), b.tolist(), sure.tolist(), strict=True):
            if value >= probability and value > best.get(row, (0, 0.0))[1]:
                best[row] = other, value
        found += [(row, other, value) for row, (other, value) in best.items()]
    return found


def _telling(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray((rows > 0).sum(axis=1) >= _FEWEST_ONES)
