"""A collection that goes on with the model, the settings and the vectors of another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import Lock
from typing import Protocol

from lookalike.catalog import CollectionInfo
from lookalike.errors import InvalidArgument
from lookalike.stores.base import Row, Store
from lookalike.stores.shelf import Shelf
from lookalike.stores.watched import Watched, walk

__all__ = ["Progress", "take_over"]

_CHUNK = 500

Progress = Callable[[int], None]
"""Called with the number of records copied since the last call; what it raises ends the copying."""


class Described(Protocol):
    """A collection's entry, and the turn of its writers."""

    info: CollectionInfo

    @property
    def writing(self) -> Lock: ...


class Space(Protocol):
    """The verbs of a workspace that are used here."""

    shelf: Shelf

    def get(self, name: str) -> Described: ...

    def store_of(self, name: str) -> Watched: ...

    def new_store(self, info: CollectionInfo) -> tuple[str, Store]: ...

    def enter(self, infos: Sequence[CollectionInfo]) -> None: ...


def take_over(space: Space, name: str, other: str, progress: Progress = lambda count: None) -> None:
    """Give a collection the model, settings and vectors of another; it keeps its metadata and its name.

    All at once, when everything is copied; the other collection stays. Facts of the pictures (`_sha256` and their like)
    come with the vectors. What is written to either meanwhile, by this process, is copied too. Nothing is left where it
    fails. Raises InvalidArgument if their ids differ or one of them changes its model just now; what `progress` raises.
    """
    mine, its = space.get(name).info, space.get(other).info
    if mine.beside is not None or its.beside is not None:
        raise InvalidArgument("variant", other, "promoted when no change of model is under way")
    info = replace(its, name=name, created=mine.created)
    key, fresh = space.new_store(info)
    try:
        _fill(space, (name, other), fresh, progress)
        progress(0)
    except BaseException:
        fresh.close()
        space.shelf.drop(key)
        raise
    fresh.close()
    space.enter([replace(info, store=key)])


def _fill(space: Space, names: tuple[str, str], fresh: Store, progress: Progress) -> None:
    """Copy what both have, then what was written meanwhile until nothing was. Raises InvalidArgument if ids differ."""
    first, second = (space.store_of(name) for name in names)
    with ExitStack() as stack:
        written = []
        for name, store in zip(names, (first, second), strict=True):
            with space.get(name).writing:  # a write that is under way would land unseen behind the walk
                written.append(stack.enter_context(store.written()))
        for rows in walk(first, page=_CHUNK):
            _copy([row.id for row in rows], rows, second, fresh)
            progress(len(rows))
        while ids := list({one.pop() for one in written for _ in range(min(_CHUNK, len(one)))}):
            _copy(ids, first.get(ids), second, fresh)
        fresh.flush()
        both = fresh.count()
        if both != first.count() or both != second.count():
            raise InvalidArgument("variant", names[1], f"a collection of the same ids: {both:,} are in both of them")


def _copy(ids: Sequence[str], rows: Sequence[Row | None], second: Store, fresh: Store) -> None:
    """Write these records as they are now: joined where both have them (rows: of the first), or gone."""
    pairs = list(zip(rows, second.get(ids, with_vectors=True), strict=True))
    fresh.upsert([_joined(mine, its) for mine, its in pairs if mine is not None and its is not None])
    gone = [id_ for id_, (mine, its) in zip(ids, pairs, strict=True) if mine is None or its is None]
    if gone:
        fresh.delete(gone)


def _joined(mine: Row, its: Row) -> Row:
    own = {name: value for name, value in mine.payload.items() if not name.startswith("_")}
    facts = {name: value for name, value in its.payload.items() if name.startswith("_")}
    return Row(mine.id, its.vectors, {**facts, **own})
