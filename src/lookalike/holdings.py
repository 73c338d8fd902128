"""What a collection holds, read: records by id, by filter, in pages, by chance, counted, and as a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lookalike import filters
from lookalike.catalog import CollectionInfo
from lookalike.errors import CollectionClosed, InvalidArgument, StoreFailed
from lookalike.filters import Filter
from lookalike.kinds import CollectionSettings
from lookalike.records import Page, Record
from lookalike.search import MAX_K, check_whole, record_of
from lookalike.stores.base import Facet, Store
from lookalike.transfer import FileFormat, exported, write_records
from lookalike.upsert import Progress

__all__ = ["Holdings", "check_ids"]

MAX_FACETS = 32
"""Most fields counted at once."""


def check_ids(ids: Sequence[str]) -> None:
    """Raise InvalidArgument unless these are ids; one alone, without a list, would be taken for its letters."""
    if isinstance(ids, str) or not all(isinstance(id_, str) for id_ in ids):
        raise InvalidArgument("ids", ids, 'a list of strings, like ["1_1"]')


class Holdings:
    """Reads a store and changes nothing in it; the base of `Collection`."""

    name: str
    info: CollectionInfo
    _store: Store
    _closed: bool

    @property
    def settings(self) -> CollectionSettings:
        """What its owner chose; change it with `Workspace.configure`."""
        return self.info.settings

    def __len__(self) -> int:
        with self._answering():
            return self._store.count()

    def get(self, ids: Sequence[str]) -> list[Record | None]:
        """Return the records in the order asked, None where there is none. Raises InvalidArgument."""
        check_ids(ids)
        with self._answering():
            return [record_of(row.id, row.payload) if row else None for row in self._store.get(ids)]

    def count(self, where: Mapping[str, Any] | None = None) -> int:
        """Count the records that match, exactly. Raises InvalidFilter."""
        with self._answering():
            return self._store.count(self._filter(where))

    def scroll(self, *, where: Mapping[str, Any] | None = None, after: str | None = None, limit: int = 100) -> Page:
        """Return up to `limit` records that match, in a stable order; go on with the page's `next`."""
        check_whole("limit", limit, 1, MAX_K)
        with self._answering():
            part = self._store.scroll(where=self._filter(where), after=after, limit=limit)
        return Page([record_of(row.id, row.payload) for row in part.rows], part.next)

    def records(self, *, where: Mapping[str, Any] | None = None) -> Iterator[Record]:
        """Walk every record that matches, each once."""
        after: str | None = None
        while True:
            page = self.scroll(where=where, after=after, limit=1000)
            yield from page.records
            if page.next is None:
                return
            after = page.next

    def facets(
        self, fields: Sequence[str], *, where: Mapping[str, Any] | None = None, limit: int = 10
    ) -> dict[str, list[Facet]]:
        """Count, exactly, the records that match by the values of each field: field -> the `limit` most frequent.

        An array counts once for each of its values. Raises InvalidFilter, InvalidArgument.
        """
        if isinstance(fields, str) or not 1 <= len(fields) <= MAX_FACETS:
            raise InvalidArgument("fields", fields, f"a list of 1 to {MAX_FACETS} fields")
        check_whole("limit", limit, 1, MAX_K)
        with self._answering():
            return self._store.facets(list(fields), where=self._filter(where), limit=limit)

    def sample(
        self, size: int = 10, *, where: Mapping[str, Any] | None = None, seed: int | None = None
    ) -> list[Record]:
        """Return random records that match, each equally likely; with a seed the same ones again.

        Raises InvalidFilter, InvalidArgument for a size outside 1 to 10,000.
        """
        check_whole("size", size, 1, MAX_K)
        with self._answering():
            rows = self._store.sample(size, where=self._filter(where), seed=seed)
            return [record_of(row.id, row.payload) for row in rows]

    def export_file(
        self,
        path: str | os.PathLike[str],
        *,
        where: Mapping[str, Any] | None = None,
        vectors: bool = False,
        form: FileFormat | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Write the records that match into a file, whole or not at all, and return how many.

        vectors: with all vectors; an import takes them back to the last bit. form: if the name doesn't tell it.
        Raises InvalidFilter, InvalidArgument, MissingExtra, OSError, CollectionClosed.
        """
        with self._answering():
            records = exported(self._store, self._filter(where), vectors=vectors)
            return write_records(records, Path(path).expanduser(), progress or (lambda count: None), form)

    def _filter(self, where: Mapping[str, Any] | None) -> Filter | None:
        return filters.parse(where, fold_case=self.settings.ignore_case)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Say what happened to the collection, if its store was closed meanwhile."""
        try:
            yield
        except StoreFailed:
            if self._closed:
                raise CollectionClosed(self.name) from None
            raise
