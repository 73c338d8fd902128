"""The fields of all records of a store in memory: read once, kept, and in step with what is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

from lookalike.atlas.fields import Coloring, colored, told_of
from lookalike.atlas.keptfields import KeptFields
from lookalike.stores.base import Row
from lookalike.stores.watched import Watched, walk

__all__ = ["Gather", "Sheet"]

_AT_ONCE: Final = 1000
_MUCH: Final = 1000  # records read again, and a twentieth of all: worth keeping

Gather = Callable[[Sequence[Row]], None]


class Sheet:
    """The fields of all records of a store. Safe to call from several threads.

    Writes of other processes are not seen: make another one now and then.
    """

    def __init__(self, store: Watched, writing: threading.Lock, kept: KeptFields | None = None) -> None:
        """writing: held while records are written. kept: where the fields are kept from one start to the next."""
        self._store, self._writing, self._kept = store, writing, kept
        self._guard = threading.Lock()
        self._fields: dict[str, dict[str, Any]] = {}
        self._listening = ExitStack()
        self._noted: set[str] | None = None
        self._read = 0

    def is_of(self, store: Watched) -> bool:
        """Whether it was made for this store."""
        return self._store is store

    def close(self) -> None:
        """Listen no longer."""
        with self._guard:
            self._listening.close()
            self._noted = None

    def coloring(self, field: str, ids: Sequence[str]) -> Coloring:
        """Return a field of these records; walks all records of the store if none are kept. Raises StoreFailed."""
        with self._guard:
            if self._noted is None and not self._recall():
                with self._gathering() as gather:
                    for rows in walk(self._store):
                        gather(rows)
            self._catch_up()
            found = [self._fields.get(id_) for id_ in ids]
            since = len(self._fields) - sum(one is not None for one in found)
        return colored(field, found, since)

    @contextmanager
    def gathering(self) -> Iterator[Gather]:
        """Yield a function that is to be told of all rows of the store by whoever walks it anyway; then keep them."""
        with self._guard:
            with self._gathering() as gather:
                yield gather
            self._catch_up()

    @contextmanager
    def _gathering(self) -> Iterator[Gather]:
        fields: dict[str, dict[str, Any]] = {}
        self._listening.close()
        self._noted = None
        with ExitStack() as listening:
            with self._writing:  # a write that is under way would land unseen behind the walk
                noted = listening.enter_context(self._store.written())
            yield lambda rows: fields.update((row.id, told_of(row.payload)) for row in rows)
            self._listening, self._noted, self._fields = listening.pop_all(), noted, fields
        self._read = len(fields) + _MUCH

    def _recall(self) -> bool:
        """Begin with what is kept, if it is."""
        if self._kept is None:
            return False
        with ExitStack() as listening:
            with self._writing:
                noted = listening.enter_context(self._store.written())
                since = self._kept.notes()
            fields = self._kept.load() if since is not None else None
            if since is None or fields is None:
                return False
            noted |= since
            self._listening, self._noted, self._fields, self._read = listening.pop_all(), noted, fields, 0
        return True

    def _catch_up(self) -> None:
        """Read again what was written, and keep all if that was much."""
        noted = self._noted
        while noted:
            with self._writing:  # ids are noted before their rows are written
                ids = [noted.pop() for _ in range(min(_AT_ONCE, len(noted)))]
                rows = self._store.get(ids)
            self._read += len(ids)
            for id_, row in zip(ids, rows, strict=True):
                if row is None:
                    self._fields.pop(id_, None)
                else:
                    self._fields[id_] = told_of(row.payload)
        if self._kept is not None and noted is not None and self._read >= max(_MUCH, len(self._fields) // 20):
            with suppress(OSError):  # a full disk costs the next start a walk, not this one its colors
                aside = self._kept.prepare(self._fields)
                with self._writing:
                    self._kept.put(aside, noted)
                self._read = 0
