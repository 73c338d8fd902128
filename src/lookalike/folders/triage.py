"""Which candidates are clear by what is known of the files, and which are worth a look at their pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates import connected_groups
from lookalike.folders.survey import Survey
from lookalike.likeness import Judge, nearest_bits

__all__ = ["Described", "Triage", "describe", "probabilities", "triage"]

Numbers: TypeAlias = NDArray[np.intp]

_CLEAR_BITS: Final = 4  # of 64; of 50 million pairs of strangers 18 were as near, nearly all the same picture in fact
_ALONE_BITS: Final = 10.5  # of 64 at which a hash alone leaves it open
_ALONE_WIDTH: Final = 1.2
_RANK: Final = 8  # of its nearest, whose cosine says how near strangers of a file come
_STANDS_OUT: Final = 0.25  # by so much above that, of 10,000 photographs of similar things 100 pairs did by chance
_UNLIKELY: Final = 0.02
_LOOKS: Final = 500  # at those that stand out less, and one more for every
_FILES_A_LOOK: Final = 20
_AGREED: Final = 0.4  # cosine below which the copy vector contradicts a hash
_FEW: Final = 0.3  # what the cosine of strangers is taken to be where a file has fewer than 8 candidates
_A_BIT: Final = 0.05  # of hashes that agree, worth as much as so much cosine
_BLOCK: Final = 1 << 16  # pairs looked up at once
_COMPACT: Final = 1 << 21  # pairs held before repeated ones are dropped


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What descriptions say of m pairs of files i and j.

    bits: of pHash that differ, 64 where hashes say nothing. turned: how i is held to be nearest to j, an index into
    `hashes.ORIENTATIONS`. cosine: of the copy vectors, 0 where there are none. same: whether the bytes are equal.
    """

    i: Numbers
    j: Numbers
    bits: NDArray[np.uint8]
    turned: NDArray[np.uint8]
    cosine: NDArray[np.float32]
    same: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.i)

    def clear(self) -> NDArray[np.bool_]:
        """Whether the hashes all but agree and the copy vectors don't contradict, so that nobody needs to look."""
        contradicted = (self.cosine < _AGREED) & (self.cosine != 0)
        return np.asarray(self.same | ((self.bits <= _CLEAR_BITS) & ~contradicted))

    def chosen(self, which: NDArray[np.generic]) -> Described:
        """Return some of the pairs, in the order of `which`."""
        return Described(*(getattr(self, name)[which] for name in ("i", "j", "bits", "turned", "cosine", "same")))


def describe(survey: Survey, i: Numbers, j: Numbers) -> Described:
    """Look up what is known of pairs of files."""
    plain = (survey.codes[i] == 0) | (survey.codes[j] == 0)
    turned, bits = nearest_bits(survey.turned[i], survey.turned[j, 0])
    if survey.copies.shape[1]:
        cosine = np.einsum("nd,nd->n", survey.copies[i], survey.copies[j], dtype=np.float32)
    else:
        cosine = np.zeros(len(i), np.float32)
    return Described(
        i,
        j,
        np.where(plain, 64, bits).astype(np.uint8),
        np.where(plain, 0, turned).astype(np.uint8),
        cosine,
        np.asarray(survey.same[i] == survey.same[j]),
    )


def probabilities(survey: Survey, judge: Judge, pairs: Described) -> NDArray[np.float64]:
    """Return P(same picture) of pairs by what is known of them, (m,); 1.0 for equal bytes.

    Where hashes are all there is, pairs up to 10 bits count, as is usual: who asks for no more wants no less.
    """
    if survey.copies.shape[1]:
        likely = judge.probabilities(pairs.bits, pairs.cosine)
    else:
        likely = 1.0 / (1.0 + np.exp((pairs.bits - _ALONE_BITS) / _ALONE_WIDTH))
    return np.where(pairs.same, 1.0, np.minimum(likely, 0.9999))


@dataclass(frozen=True, slots=True, eq=False)
class Triage:
    """Candidates sorted. clear: the same picture, with their probability in `likely`. doubtful: worth a look, the most
    promising first. passed_over: how many others there were.
    """

    clear: Described
    likely: NDArray[np.float64]
    doubtful: Described
    passed_over: int


def triage(survey: Survey, blocks: Iterable[tuple[Numbers, Numbers]], judge: Judge, least: float | None) -> Triage:
    """Sort candidates; each pair counts once.

    least: probability from which a pair is clear if no pixels are to be looked at, None if they are. A pair stands out
    if the cosine of the two is well above that of others to either: in a folder of cars all cars are near. Those that
    do are all looked at, of the rest the most promising 500 and one more for every 20 files.
    """
    pairs = _gathered(survey, blocks)
    likely = probabilities(survey, judge, pairs)
    if least is not None:
        clear = likely >= least
        return Triage(pairs.chosen(clear), likely[clear], pairs.chosen(np.zeros(0, np.intp)), int((~clear).sum()))
    clear = pairs.clear()
    open_ = pairs.chosen(~clear)
    promise = _promise(open_, _usual(pairs, _pictures(pairs.chosen(clear), len(survey))))
    order = np.lexsort((open_.j, open_.i, -promise))
    ranks = np.arange(len(order))
    few = ranks < _LOOKS + len(survey) // _FILES_A_LOOK
    worth = (promise[order] >= _STANDS_OUT) | (few & (promise[order] >= _UNLIKELY))
    return Triage(pairs.chosen(clear), likely[clear], open_.chosen(order[worth]), int((~worth).sum()))


def _gathered(survey: Survey, blocks: Iterable[tuple[Numbers, Numbers]]) -> Described:
    """Look up all pairs, each once, in order of their numbers."""
    keys = np.zeros(0, np.int64)
    waiting: list[NDArray[np.int64]] = []
    for i, j in blocks:
        waiting.append(i.astype(np.int64) * len(survey) + j)
        if sum(map(len, waiting)) > _COMPACT:
            keys = np.unique(np.concatenate([keys, *waiting]))
            waiting.clear()
    keys = np.unique(np.concatenate([keys, *waiting]))
    parts = [_described(survey, keys[start : start + _BLOCK]) for start in range(0, max(len(keys), 1), _BLOCK)]
    names = ("i", "j", "bits", "turned", "cosine", "same")
    return Described(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _described(survey: Survey, keys: NDArray[np.int64]) -> Described:
    found = describe(survey, *(side.astype(np.intp) for side in np.divmod(keys, max(len(survey), 1))))
    survey.release()
    return found


def _pictures(clear: Described, files: int) -> Numbers:
    """Return for each file the number of one file that stands for all that are clearly its picture."""
    pictures = np.arange(files)
    numbers = np.unique(np.concatenate([clear.i, clear.j]))
    places = np.searchsorted(numbers, np.stack([clear.i, clear.j], axis=1))
    for group in connected_groups(len(numbers), places.tolist()):
        pictures[numbers[group]] = numbers[group[0]]
    return pictures


def _usual(pairs: Described, pictures: Numbers) -> NDArray[np.float32]:
    """Return how near the 8th nearest other picture of each file comes, (files,); where fewer do, what strangers may.

    pictures: of each file, the number of a file that is clearly the same picture: copies are no strangers.
    """
    ends, others = np.concatenate([pairs.i, pairs.j]), np.concatenate([pairs.j, pairs.i])
    cosines = np.concatenate([pairs.cosine, pairs.cosine])
    strange = pictures[ends] != pictures[others]
    ends, others, cosines = ends[strange], pictures[others[strange]], cosines[strange]
    order = np.lexsort((-cosines, others, ends))
    ends, others, cosines = ends[order], others[order], cosines[order]
    nearest = np.ones(len(ends), np.bool_)  # of files of one picture
    nearest[1:] = (ends[1:] != ends[:-1]) | (others[1:] != others[:-1])
    ends, cosines = ends[nearest], cosines[nearest]
    order = np.lexsort((-cosines, ends))
    cosines = cosines[order]
    starts, stops = (np.searchsorted(ends, np.arange(len(pictures)), side=side) for side in ("left", "right"))
    usual = np.full(len(pictures), _FEW, np.float32)
    many = stops - starts >= _RANK
    usual[many] = cosines[starts[many] + _RANK - 1]
    return usual


def _promise(pairs: Described, usual: NDArray[np.float32]) -> NDArray[np.float32]:
    out = pairs.cosine - (usual[pairs.i] + usual[pairs.j]) / 2
    by_hash = np.maximum(0, 12 - pairs.bits.astype(np.float32)) * _A_BIT
    return np.asarray(np.maximum(out, 0) + by_hash, np.float32)
