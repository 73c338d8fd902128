"""A store that says, while somebody listens, which rows are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lookalike.filters import Filter
from lookalike.stores.base import Facet, Hit, Nearest, Row, Slice, Store

__all__ = ["Passing", "Watched", "walk"]

_PAGE = 1000

_MOST_NOTES: Final = 8 << 20  # bytes; whoever kept the notes then does better to read everything again


class Passing(Store):
    """A store that hands every verb on to another one; the base of those that do more."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.dims = inner.dims

    def upsert(self, rows: Sequence[Row]) -> None:
        self.inner.upsert(rows)

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        self.inner.set_payload(payloads)

    def delete(self, ids: Sequence[str]) -> int:
        return self.inner.delete(ids)

    def delete_where(self, where: Filter | None) -> int:
        return self.inner.delete_where(where)

    def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[Row | None]:
        return self.inner.get(ids, with_vectors=with_vectors)

    def nearest(self, query: Nearest) -> list[Hit]:
        return self.inner.nearest(query)

    def count(self, where: Filter | None = None) -> int:
        return self.inner.count(where)

    def facets(self, paths: Sequence[str], *, where: Filter | None = None, limit: int = 10) -> dict[str, list[Facet]]:
        return self.inner.facets(paths, where=where, limit=limit)

    def sample(self, size: int, *, where: Filter | None = None, seed: int | None = None) -> list[Row]:
        return self.inner.sample(size, where=where, seed=seed)

    def scroll(
        self, *, where: Filter | None = None, after: str | None = None, limit: int = 100, with_vectors: bool = False
    ) -> Slice:
        return self.inner.scroll(where=where, after=after, limit=limit, with_vectors=with_vectors)

    def optimize(self) -> bool:
        return self.inner.optimize()

    def purge(self) -> bool:
        return self.inner.purge()

    def flush(self) -> None:
        self.inner.flush()

    def close(self) -> None:
        self.inner.close()


class Watched(Passing):
    """What it is told to write is noted before it is written, for whoever listens.

    notes: a file; while it is there, the ids go there as well, a JSON list a line, for whoever reads it later.
    """

    def __init__(self, inner: Store, notes: Path | None = None) -> None:
        super().__init__(inner)
        self._notes = notes
        self._listening: list[set[str]] = []

    @contextmanager
    def written(self) -> Iterator[set[str]]:
        """Yield a set that gathers the ids of rows written meanwhile, by this object.

        Begin while no write is under way: one that began before is not gathered.
        """
        noted: set[str] = set()
        self._listening.append(noted)
        try:
            yield noted
        finally:
            self._listening = [other for other in self._listening if other is not noted]

    def upsert(self, rows: Sequence[Row]) -> None:
        self._note(row.id for row in rows)
        super().upsert(rows)

    def set_payload(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        self._note(payloads)
        super().set_payload(payloads)

    def delete(self, ids: Sequence[str]) -> int:
        self._note(ids)
        return super().delete(ids)

    def delete_where(self, where: Filter | None) -> int:
        if not self._listening and not self._keeps_notes():
            return super().delete_where(where)
        return self.delete([row.id for rows in walk(self.inner, where) for row in rows])

    def _note(self, ids: Iterable[str]) -> None:
        listening, kept = self._listening, self._keeps_notes()
        if not listening and not kept:
            return
        some = list(ids)
        for noted in listening:
            noted.update(some)
        if kept and self._notes is not None:
            try:
                with self._notes.open("r+", encoding="utf-8") as file:
                    if file.seek(0, 2) < _MOST_NOTES:
                        file.write(json.dumps(some) + "\n")
                        return
            except OSError:  # what can't be noted must not be believed later
                pass
            self._notes.unlink(missing_ok=True)

    def _keeps_notes(self) -> bool:
        return self._notes is not None and self._notes.exists()


def walk(
    store: Store, where: Filter | None = None, *, with_vectors: bool = False, page: int = _PAGE
) -> Iterator[list[Row]]:
    """Yield all rows that match, some at a time, in the order of a scroll."""
    after: str | None = None
    while True:
        part = store.scroll(where=where, after=after, limit=page, with_vectors=with_vectors)
        if part.rows:
            yield part.rows
        after = part.next
        if after is None:
            return
