"""What to look at after the figures: best and worst questions, hard pairs, labels that the neighbors doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluate import BLOCK
from lookalike.evaluation.described import Described
from lookalike.evaluation.lineup import Rows

__all__ = ["Asked", "HardPair", "Neighbor", "Suspect", "answers", "extremes", "hard_pairs", "suspects"]

Places = NDArray[np.intp]

VOTERS = 10
"""Neighbors that vote on a label."""

_AGREED = 0.6  # of the voters must say one other label
_OWN = 0.2  # at most may say the picture's own
_MOST = 200
_PAIRS = 50
_PER_PICTURE = 2


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A picture found. score: in [0, 1], 1 = identical."""

    name: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that was asked with. first_rank: where the first other of its label came. neighbors: nearest first."""

    name: str
    label: str
    average_precision: float
    first_rank: int
    neighbors: Sequence[Neighbor]


@dataclass(frozen=True, slots=True)
class HardPair:
    """Two pictures of different labels that are much alike: what training should learn from, or a label that is off."""

    a: str
    a_label: str
    b: str
    b_label: str
    score: float


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture whose neighbors say another label. share, own_share: of the voters for `suggested`, and for `label`."""

    name: str
    label: str
    suggested: str
    share: float
    own_share: float
    neighbors: Sequence[Neighbor]


def extremes(
    pictures: Described, places: Places, ranks: NDArray[np.int64], precisions: NDArray[np.float64], count: int = 10
) -> tuple[list[Asked], list[Asked]]:
    """Return the pictures that found their like best and worst by average precision, at most one of each label.

    places: (m,) of those asked with; ranks, precisions: (m,) as in `evaluate.ranks_and_precisions`.
    """
    order = np.lexsort((places, ranks, -precisions))

    def chosen(ordered: Places) -> list[Asked]:
        first: dict[str, int] = {}
        for one in ordered:
            first.setdefault(pictures.labels[places[one]], int(one))
        picked = list(first.values())[:count]
        return answers(pictures, places[picked], ranks[picked], precisions[picked])

    return chosen(order), chosen(order[::-1])


def answers(
    pictures: Described, places: Places, ranks: NDArray[np.int64], precisions: NDArray[np.float64]
) -> list[Asked]:
    """Return what pictures found, with their nearest. places, ranks, precisions: (m,) of those asked with."""
    near, scores = _nearest(pictures.rows[pictures.main], places, VOTERS)
    return [
        Asked(
            pictures.names[place],
            pictures.labels[place],
            float(precisions[row]),
            int(ranks[row]),
            _neighbors(pictures, near[row], scores[row]),
        )
        for row, place in enumerate(places.tolist())
    ]


def hard_pairs(pictures: Described, places: Places, count: int = _PAIRS) -> list[HardPair]:
    """Return the most alike pairs of different labels, most alike first; a picture in at most two of them.

    places: (m,) of the pictures whose nearest of another label is looked for.
    """
    rows = pictures.rows[pictures.main]
    labels = np.unique(np.asarray(pictures.labels), return_inverse=True)[1]
    found: dict[tuple[int, int], float] = {}
    for block, scores in _scored(rows, places):
        scores[labels[block, None] == labels[None]] = -np.inf
        other = scores.argmax(axis=1)
        best = scores[np.arange(len(block)), other]
        for a, b, score in zip(block.tolist(), other.tolist(), best.tolist(), strict=True):
            if score > 0:
                found[min(a, b), max(a, b)] = score
    seen: Counter[int] = Counter()
    pairs: list[HardPair] = []
    for (a, b), score in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        if max(seen[a], seen[b]) < _PER_PICTURE and len(pairs) < count:
            seen.update((a, b))
            names, said = pictures.names, pictures.labels
            pairs.append(HardPair(names[a], said[a], names[b], said[b], min(1.0, score)))
    return pairs


def suspects(pictures: Described, places: Places, count: int = _MOST) -> list[Suspect]:
    """Return the pictures of which most neighbors agree on another label and hardly one on theirs; surest first.

    Ten neighbors vote, oneself not among them. A label of fewer than six pictures is never suggested.
    """
    rows = pictures.rows[pictures.main]
    found = []
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK]
        near, scores = _nearest(rows, block, VOTERS)
        for place, row, score in zip(block.tolist(), near, scores, strict=True):
            votes = Counter(pictures.labels[one] for one in row)
            winner, won = votes.most_common(1)[0]
            share, own = won / VOTERS, votes[pictures.labels[place]] / VOTERS
            if share >= _AGREED and own <= _OWN:
                said = (pictures.names[place], pictures.labels[place], winner, share, own)
                found.append(Suspect(*said, _neighbors(pictures, row, score)))
    certain = sorted(found, key=lambda one: (one.own_share - one.share, -one.neighbors[0].score, one.name))
    return certain[:count]


def _neighbors(pictures: Described, near: Places, scores: NDArray[Any]) -> list[Neighbor]:
    return [
        Neighbor(pictures.names[one], pictures.labels[one], min(1.0, max(0.0, float(score))))
        for one, score in zip(near, scores, strict=True)
    ]


def _nearest(rows: Rows, places: Places, count: int) -> tuple[Places, NDArray[np.float32]]:
    """Return (m, count) places of the nearest others, best first, and their cosines."""
    count = min(count, len(rows) - 1)
    near, found = np.empty((len(places), count), np.intp), np.empty((len(places), count), np.float32)
    done = 0
    for block, scores in _scored(rows, places):
        top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        order = np.lexsort((top, -np.take_along_axis(scores, top, axis=1)), axis=1)
        part = slice(done, done + len(block))
        near[part] = np.take_along_axis(top, order, axis=1)
        found[part] = np.take_along_axis(scores, near[part], axis=1)
        done += len(block)
    return near, found


def _scored(rows: Rows, places: Places) -> Iterator[tuple[Places, NDArray[np.float32]]]:
    """Yield places and their cosines with all rows, -inf with oneself, a block after the other."""
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK]
        scores = rows[block] @ rows.T
        scores[np.arange(len(block)), block] = -np.inf
        yield block, scores
