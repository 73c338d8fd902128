"""A collection that goes on with the model, the settings and the vectors of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from lookalike.catalog import CollectionInfo
from lookalike.errors import InvalidArgument
from lookalike.stores.base import Row, Store
from lookalike.stores.watched import walk

__all__ = ["take_over"]

_CHUNK = 500


class Described(Protocol):
    """A collection's entry."""

    info: CollectionInfo


class Space(Protocol):
    """The verbs of a workspace that are used here."""

    def get(self, name: str) -> Described: ...

    def store_of(self, name: str) -> Store: ...

    def new_store(self, info: CollectionInfo) -> tuple[str, Store]: ...

    def enter(self, infos: Sequence[CollectionInfo]) -> None: ...


def take_over(space: Space, name: str, other: str) -> None:
    """Give a collection the model, settings and vectors of another; it keeps its metadata and its name.

    All at once, when everything is copied; the other collection stays. Facts of the pictures (`_sha256` and their like)
    come with the vectors. Raises InvalidArgument if their ids differ or one of them changes its model just now.
    """
    mine, its = space.get(name).info, space.get(other).info
    if mine.beside is not None or its.beside is not None:
        raise InvalidArgument("variant", other, "promoted when no change of model is under way")
    first, second = space.store_of(name), space.store_of(other)
    info = replace(its, name=name, created=mine.created)
    key, fresh = space.new_store(info)
    try:
        copied = 0
        for rows in walk(first, page=_CHUNK):
            found = second.get([row.id for row in rows], with_vectors=True)
            fresh.upsert([_joined(row, there) for row, there in zip(rows, found, strict=True) if there is not None])
            copied += sum(there is not None for there in found)
        fresh.flush()
    finally:
        fresh.close()
    if copied != first.count() or copied != second.count():
        raise InvalidArgument("variant", other, f"a collection of the same ids: {copied:,} are in both of them")
    space.enter([replace(info, store=key)])


def _joined(mine: Row, its: Row) -> Row:
    own = {name: value for name, value in mine.payload.items() if not name.startswith("_")}
    facts = {name: value for name, value in its.payload.items() if name.startswith("_")}
    return Row(mine.id, its.vectors, {**facts, **own})
