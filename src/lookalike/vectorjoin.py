"""Which vectors of many lie near one another: exactly for some tens of thousands, by cells for more.

Cells are those of k-means over the directions of a sample (an inverted file; Sivic and Zisserman 2003). A row is held
against the rows of the cells whose centers are nearest to it, and so is each of them against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.vectorfile import VectorFile

__all__ = ["EXACT_UP_TO", "Found", "near_rows"]

EXACT_UP_TO: Final = 40_000
"""Rows up to which every two of them are compared."""


class Rows(Protocol):
    """Rows of numbers: an array, or what is indexed like one."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, chosen: Any, /) -> NDArray[Any]:
        """Return some of them as an array: a slice, or row numbers."""


Found: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]
"""Row numbers i and j, and the cosine of their rows: (m,) each."""

_PROBES: Final = 24  # cells that a row is held against
_MOST_CELLS: Final = 65_000
_ENOUGH: Final = 0.998  # who has as many neighbors as wanted above this looks no further: a crowd of all but equal ones
_TICKS: Final = 8  # cells, or blocks of rows, between two calls of `tick`
_PART: Final = 125_000  # rows of which the nearest are kept in mind at once
_ROUNDS: Final = 8  # of k-means
_SAMPLE: Final = 40  # rows of each cell that k-means looks at
_QUERIES: Final = 1024  # rows compared at once
_COLUMNS: Final = 8192
_CROWDED: Final = 64  # near ones of a row in one block from which they are thinned out by selection, not by sorting


def near_rows(
    left: Rows, right: Rows, least: float, most: int, tick: Callable[[float], None] = lambda share: None
) -> Iterator[Found]:
    """Yield for each row of `left` the up to `most` rows of `right` that are nearest, of a cosine of at least `least`.

    left, right: (n, d) and (m, d) unit rows, or rows of zeros, which are near nothing; where they are the same object,
    a row is not its own neighbor. Pairs (i, j) come in blocks, ascending by i, the nearest first. Of more than
    `EXACT_UP_TO` rows on either side some pairs are missed: 0.5 % of those of a cosine from 0.5 in ten thousand
    pictures, 0.02 % from 0.6, none from 0.8; and who has all its neighbors above 0.998 is not looked at further.
    Beside the rows, some 70 MB are taken; and on disk, for more than `EXACT_UP_TO`, what those of `right` take.
    tick: called now and then with the share of the work done, in [0, 1].
    Raises InvalidArgument for fewer than 1 neighbor, and for a cosine of 0 or less.
    """
    if most < 1:
        raise InvalidArgument("most", most, "at least 1")
    if not least > 0:
        raise InvalidArgument("least", least, "above 0")
    if max(len(left), len(right)) <= EXACT_UP_TO:
        yield from _exactly(left, right, least, most, tick)
    else:
        yield from _by_cells(left, right, least, most, tick)


def _exactly(left: Rows, right: Rows, least: float, most: int, tick: Callable[[float], None]) -> Iterator[Found]:
    for start in range(0, len(left), _QUERIES):
        queries = left[start : start + _QUERIES].astype(np.float32)
        numbers = np.arange(start, start + len(queries))
        best = _Best(len(queries), most, least)
        for other in range(0, len(right), _COLUMNS):
            columns = right[other : other + _COLUMNS].astype(np.float32)
            block = _Block(np.arange(other, other + len(columns)), columns, left is right)
            best.add(numbers - start, block.numbers, block.cosines(numbers, queries))
        tick(min(1.0, (start + _QUERIES) / len(left)))
        i, j, cosine = best.told(0, len(queries))
        yield i + start, j, cosine


def _by_cells(left: Rows, right: Rows, least: float, most: int, tick: Callable[[float], None]) -> Iterator[Found]:
    centers = _centers(right, tick)
    inside = _Cells(right, range(len(right)), centers, 1, tick)
    ordered = _in_order(right, inside.order, tick)
    for start in range(0, len(left), _PART):
        span = range(start, min(start + _PART, len(left)))
        asking = _Cells(left, span, centers, min(_PROBES, len(centers)), tick)
        best = _Best(len(span), most, least)
        for cell in range(len(centers)):
            rows = asking.all(cell) + start
            for part in inside.places(cell):
                block = _Block(inside.order[part], ordered.rows[part].astype(np.float32), left is right)
                _compare(left, rows, block, best, start)
            if cell % _TICKS == 0:
                ordered.release()
                tick((start + len(span) * cell / len(centers)) / len(left))
        for at in range(0, len(span), _COLUMNS):
            i, j, cosine = best.told(at, min(at + _COLUMNS, len(span)))
            yield i + start, j, cosine


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Rows to hold others against. numbers: (c,), ascending; rows: (c, d); same: whether numbers mean the same rows
    on both sides, so that none is held against itself.
    """

    numbers: NDArray[np.integer[Any]]
    rows: NDArray[np.float32]
    same: bool

    def cosines(self, numbers: NDArray[np.intp], rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return those of some rows with all of the block, (r, c); -1 of a row with itself."""
        cosines = rows @ self.rows.T
        if self.same:
            at = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
            own = np.flatnonzero(self.numbers[at] == numbers)
            cosines[own, at[own]] = -1.0
        return cosines


def _compare(left: Rows, rows: NDArray[np.intp], block: _Block, best: _Best, start: int) -> None:
    """Hold rows of `left` against a block. best: of the rows from `start` on."""
    rows = rows[best.bar[rows - start] < _ENOUGH]
    for at in range(0, len(rows), _QUERIES):
        part = rows[at : at + _QUERIES]
        best.add(part - start, block.numbers, block.cosines(part, left[part].astype(np.float32)))


class _Best:
    """The nearest of n rows so far. bar: (n,) cosines that a further one must exceed."""

    def __init__(self, n: int, most: int, least: float) -> None:
        self.bar = np.full(n, np.nextafter(np.float32(least), np.float32(-1)), np.float32)
        self._cosines = np.full((n, most), -1.0, np.float32)
        self._numbers = np.zeros((n, most), np.int32)

    def add(self, rows: NDArray[np.intp], columns: NDArray[np.integer[Any]], cosines: NDArray[np.float32]) -> None:
        """Take in how near some rows are to some others. rows: (r,), each once; columns: (c,); cosines: (r, c)."""
        most = self._cosines.shape[1]
        near = cosines > self.bar[rows][:, None]
        count = np.count_nonzero(near)
        if count == 0:
            return
        if count > _CROWDED * len(rows) and cosines.shape[1] > most:
            best = np.argpartition(cosines, -most, axis=1)[:, -most:]
            thin = np.zeros_like(near)
            np.put_along_axis(thin, best, True, axis=1)
            near &= thin
        i, j = np.divmod(np.flatnonzero(near), len(columns))
        touched, place = np.unique(i, return_inverse=True)
        at = rows[touched]
        # what is known of these rows and what is new, together from the nearest on
        owner = np.concatenate([np.repeat(np.arange(len(at)), most), place])
        cosine = np.concatenate([self._cosines[at].ravel(), cosines[i, j]])
        number = np.concatenate([self._numbers[at].ravel(), columns[j]])
        order = np.lexsort((-cosine, owner))
        owner = owner[order]
        starts = np.searchsorted(owner, np.arange(len(at)))
        kept = order[(starts[:, None] + np.arange(most)).ravel()]
        self._cosines[at] = cosine[kept].reshape(-1, most)
        self._numbers[at] = number[kept].reshape(-1, most)
        self.bar[at] = np.maximum(self.bar[at], self._cosines[at, -1])

    def told(self, start: int, end: int) -> Found:
        """Return the pairs of some rows, the nearest of each first."""
        i, place = np.nonzero(self._cosines[start:end] > -1.0)
        i += start
        return i, self._numbers[i, place].astype(np.intp), self._cosines[i, place]


class _Cells:
    """Which of some rows belong to which cells, by their nearest centers. Rows of zeros belong to none.

    span: the rows; they are numbered from its start.
    """

    def __init__(
        self, rows: Rows, span: range, centers: NDArray[np.float32], probes: int, tick: Callable[[float], None]
    ) -> None:
        self._order: NDArray[np.int32] = np.empty((probes, len(span)), np.int32)
        self._starts = np.empty((probes, len(centers) + 1), np.intp)
        cells = np.empty((probes, len(span)), np.uint16)
        for start in range(0, len(span), _QUERIES):
            part = rows[span.start + start : span.start + min(start + _QUERIES, len(span))].astype(np.float32)
            nearest = np.argpartition(part @ centers.T, -probes, axis=1)[:, -probes:]
            nearest[~part.any(axis=1)] = len(centers)
            cells[:, start : start + len(part)] = nearest.T
            if start // _QUERIES % _TICKS == 0:
                tick(span.start / len(rows))
        for probe in range(probes):
            self._order[probe] = np.argsort(cells[probe], kind="stable")
            ordered = cells[probe][self._order[probe]]
            self._starts[probe] = np.searchsorted(ordered, np.arange(len(centers) + 1))

    @property
    def order(self) -> NDArray[np.int32]:
        """Rows by their nearest cell, in each ascending; those of no cell come last."""
        return np.asarray(self._order[-1], np.int32)

    def places(self, cell: int) -> Iterator[slice]:
        """Yield where in `order` the rows of a cell are, up to 8,192 at a time."""
        first, last = self._starts[-1, cell : cell + 2].tolist()
        for at in range(first, last, _COLUMNS):
            yield slice(at, min(at + _COLUMNS, last))

    def all(self, cell: int) -> NDArray[np.intp]:
        """Return the rows that have this cell among their nearest; ascending where they have one."""
        return np.concatenate([self._of(probe, cell) for probe in range(len(self._order))])

    def _of(self, probe: int, cell: int) -> NDArray[np.intp]:
        first, last = self._starts[probe, cell : cell + 2]
        return self._order[probe, first:last].astype(np.intp)


def _in_order(rows: Rows, order: NDArray[np.int32], tick: Callable[[float], None]) -> VectorFile:
    """Return rows in another order, in a file: rows of one cell lie all over the place, and where there is memory for
    half of them only, each would be read from the disk again and again. Filled part by part, in a pass over all each.
    """
    ordered = VectorFile(len(rows), rows[:1].shape[1])
    place = np.empty(len(rows), np.int32)
    place[order] = np.arange(len(rows), dtype=np.int32)
    for low in range(0, len(rows), _PART):
        part = ordered.rows[low : low + _PART]
        for start in range(0, len(rows), _COLUMNS):
            to = place[start : start + _COLUMNS] - low
            chosen = np.flatnonzero((to >= 0) & (to < len(part)))
            part[to[chosen]] = rows[start : start + _COLUMNS][chosen]
            tick(0.0)
        ordered.release()
    return ordered


def _centers(rows: Rows, tick: Callable[[float], None]) -> NDArray[np.float32]:
    """Return unit centers of cells, about twice the square root of rows, by k-means over the directions of a sample."""
    random = np.random.default_rng(0)
    cells = min(_MOST_CELLS, int(2 * len(rows) ** 0.5))
    chosen = np.sort(random.choice(len(rows), min(len(rows), _SAMPLE * cells), replace=False))
    parts = []
    for start in range(0, len(chosen), _COLUMNS):
        parts.append(rows[chosen[start : start + _COLUMNS]].astype(np.float32))
        tick(0.0)
    sample = np.concatenate(parts)
    sample = sample[sample.any(axis=1)]
    if len(sample) == 0:
        return np.ones((1, sample.shape[1]), np.float32)
    centers = sample[random.choice(len(sample), min(cells, len(sample)), replace=False)]
    for _ in range(_ROUNDS):
        cell = np.concatenate(
            [(sample[at : at + _QUERIES] @ centers.T).argmax(axis=1) for at in range(0, len(sample), _QUERIES)]
        )
        order = np.argsort(cell, kind="stable")
        used, starts = np.unique(cell[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        centers = sample[random.choice(len(sample), len(centers), replace=len(centers) > len(sample))]
        centers[used] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return np.asarray(centers, np.float32)
