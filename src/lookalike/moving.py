"""Moving a workspace: every collection with its records, vectors and settings to another place, and the proof of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lookalike.catalog import CollectionInfo
from lookalike.errors import CollectionExists, MoveFailed
from lookalike.stores.base import Nearest, Row, Store
from lookalike.stores.encoding import text_of
from lookalike.stores.watched import walk
from lookalike.workspace import Workspace

__all__ = ["Moved", "move", "same_rows"]

_CHUNK = 500
_QUESTIONS = 20
_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one collection. records: how many it has in both places.

    written: how many of them were copied in this run. questions: searches that were answered alike by both.
    """

    name: str
    records: int
    written: int
    questions: int


def move(
    source: Workspace, target: Workspace, *, progress: Callable[[str, int], None] = lambda name, count: None
) -> list[Moved]:
    """Copy every collection, its decisions and trials, and verify it; the source stays as it is, to be deleted by hand.

    Interrupted, call it again: what the target has already is compared, not copied. A collection appears in the
    target when all of it is there and verified. Nothing may be written to the source meanwhile. A collection that
    changes its model moves with the descriptions it answers by. progress: collection, records done since the last.
    Raises CollectionExists if the target has another collection of a name, MoveFailed if the copy differs.
    """
    for info in source.list():
        there = target.catalog.collections.find(info.name)
        if there is not None and there.created != info.created:
            raise CollectionExists(info.name)
    return [_move(source, target, info, progress) for info in source.list()]


def same_rows(mine: Row, other: Row | None) -> bool:
    """Whether two stores keep the same of one record, to the last bit."""
    return (
        other is not None
        and text_of(mine.id, mine.payload) == text_of(other.id, other.payload)
        and mine.vectors.keys() == other.vectors.keys()
        and all(np.array_equal(vector, other.vectors[name]) for name, vector in mine.vectors.items())
    )


def _move(source: Workspace, target: Workspace, info: CollectionInfo, progress: Callable[[str, int], None]) -> Moved:
    first = source.store_of(info.name)
    there = target.catalog.collections.find(info.name)
    if there is not None:
        moved = target.store_of(info.name)
        return Moved(info.name, _verified(info, first, moved), 0, _asked(info, first, moved))
    second = target.shelf.open(info.name, info.dims, info.settings.index)
    try:
        written = _copy(first, second, lambda count: progress(info.name, count))
        second.flush()
        records, questions = _verified(info, first, second), _asked(info, first, second)
    finally:
        second.close()
    _bring_catalog(source, target, info.name)
    target.enter([replace(info, store="", beside=None)])
    return Moved(info.name, records, written, questions)


def _bring_catalog(source: Workspace, target: Workspace, name: str) -> None:
    """Enter the decisions and trials of a collection; those that are there by an interrupted move stay as they are."""
    for decision in source.catalog.decisions.list(name):
        target.catalog.decisions.add(
            decision.verdict, decision.members, collection=name, who=decision.who, note=decision.note
        )
    for trial in source.catalog.trials.list(name):
        target.catalog.trials.bring(trial, source.catalog.trials.logged(trial))


def _copy(first: Store, second: Store, progress: Callable[[int], None]) -> int:
    """Write what differs and remove what is too much; return how many rows were written."""
    written = 0
    for rows, others in _side_by_side(first, second):
        missing = [row for row, other in zip(rows, others, strict=True) if not same_rows(row, other)]
        if missing:
            second.upsert(missing)
        written += len(missing)
        progress(len(rows))
    for rows, others in _side_by_side(second, first):
        gone = [row.id for row, other in zip(rows, others, strict=True) if other is None]
        if gone:
            second.delete(gone)
    return written


def _verified(info: CollectionInfo, first: Store, second: Store) -> int:
    """Return how many records there are. Raises MoveFailed unless both stores have the same, to the last bit."""
    here, there = first.count(), second.count()
    if here != there:
        raise MoveFailed(info.name, f"{here:,} records here, {there:,} there")
    for rows, others in _side_by_side(first, second):
        for row, other in zip(rows, others, strict=True):
            if not same_rows(row, other):
                raise MoveFailed(info.name, f"the record {row.id!r} is another one there")
    return here


def _asked(info: CollectionInfo, first: Store, second: Store) -> int:
    """Ask both stores what is like some of the records. Raises MoveFailed unless they answer alike."""
    asked = 0
    if not first.count():
        return asked
    examples = first.get([row.id for row in first.sample(_QUESTIONS, seed=0)], with_vectors=True)
    for row in (row for row in examples if row):
        for name, vector in row.vectors.items():
            question = Nearest(name, vector, _ANSWERS, exact=True)
            answers = [[(hit.similarity, hit.id) for hit in store.nearest(question)] for store in (first, second)]
            if not _alike(*answers):
                raise MoveFailed(info.name, f"a search for what is like {row.id!r} by {name} is answered otherwise")
            asked += 1
    return asked


def _alike(mine: list[tuple[float, str]], other: list[tuple[float, str]]) -> bool:
    """Whether two answers are the same but for the order of what is alike to the last decimals."""
    if len(mine) != len(other) or not np.allclose([s for s, _ in mine], [s for s, _ in other], atol=2e-6, rtol=0):
        return False
    bar = mine[-1][0] + 2e-6 if mine else 0.0
    return {i for s, i in mine if s > bar} <= {i for _, i in other} and {i for s, i in other if s > bar} <= {
        i for _, i in mine
    }


def _side_by_side(first: Store, second: Store) -> Iterator[tuple[list[Row], list[Row | None]]]:
    """Yield all rows of the first store, some at a time, with what the second has of each."""
    for rows in walk(first, with_vectors=True, page=_CHUNK):
        yield rows, second.get([row.id for row in rows], with_vectors=True)
