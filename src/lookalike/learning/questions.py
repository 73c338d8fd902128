"""Held-out pictures and what they find, before and after: a few that show where learning helped and where it didn't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluation.described import Described
from lookalike.evaluation.findings import Asked, answers
from lookalike.learning import measure
from lookalike.learning.head import Rows
from lookalike.learning.onnxfile import MEANING

__all__ = ["Question", "Questions", "chosen_questions"]

_COUNT = 6


@dataclass(frozen=True, slots=True)
class Question:
    """A picture, and what it found by the model that was there and by what was trained."""

    before: Asked
    after: Asked


@dataclass(frozen=True, slots=True)
class Questions:
    """A few of each kind, as evenly of all classes as can be.

    risen, fallen: whose average precision changed most, none where it didn't. best, worst: by it, after training.
    """

    risen: Sequence[Question] = ()
    fallen: Sequence[Question] = ()
    worst: Sequence[Question] = ()
    best: Sequence[Question] = ()

    @property
    def names(self) -> Iterator[str]:
        """The pictures asked with and those found, some more than once."""
        for one in (*self.risen, *self.fallen, *self.worst, *self.best):
            yield one.before.name
            yield from (near.name for asked in (one.before, one.after) for near in asked.neighbors)


def chosen_questions(test: Described, after: Rows, found: tuple[measure.Asked, measure.Asked]) -> Questions:
    """Choose among held-out pictures.

    after: (n, w) unit rows of what was trained. found: what came of asking with `test.able()`, before and after.
    """
    places = test.able()
    first, second = found
    rise = second.precisions - first.precisions
    lines = test.rows[MEANING], after

    def told(order: Iterable[int]) -> list[Question]:
        picked = _spread(list(order), [test.labels[place] for place in places])
        both = (
            answers(replace(test, rows={MEANING: rows}), places[picked], one.ranks[picked], one.precisions[picked])
            for rows, one in zip(lines, found, strict=True)
        )
        return [Question(*pair) for pair in zip(*both, strict=True)]

    return Questions(
        risen=told(one for one in _ordered(-rise) if rise[one] > 0),
        fallen=told(one for one in _ordered(rise) if rise[one] < 0),
        worst=told(_ordered(second.precisions)),
        best=told(_ordered(-second.precisions)),
    )


def _ordered(values: NDArray[np.float64]) -> list[int]:
    return [int(one) for one in np.argsort(values, kind="stable")]


def _spread(order: Sequence[int], labels: Sequence[str]) -> list[int]:
    """Return the first few of an order, no more of one label than are needed."""
    each = -(-_COUNT // max(1, len(set(labels))))
    taken: Counter[str] = Counter()
    kept = []
    for one in order:
        if taken[labels[one]] < each:
            taken[labels[one]] += 1
            kept.append(one)
    return kept[:_COUNT]
