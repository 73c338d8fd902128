"""A collection: a named set of picture records that can be added to, searched and kept in step with its sources."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike import filters
from lookalike.catalog import CollectionInfo
from lookalike.describers.ensemble import Ensemble
from lookalike.errors import InvalidArgument, InvalidRecord, ModelMismatch, RecordNotFound
from lookalike.images import read_image
from lookalike.intake import RawRecord, read_record
from lookalike.records import Added, Match, Page, Record
from lookalike.search import Query, nearest_matches, record_of
from lookalike.settings import Settings
from lookalike.stores.base import Store
from lookalike.upsert import Progress, Tally, Writer, failure

__all__ = ["Collection"]

_BY_KIND = {"matching": "copy", "colors": "color"}


class Collection:
    """Made by a workspace. Safe to call from several threads; writes take turns."""

    def __init__(self, info: CollectionInfo, store: Store, ensemble: Ensemble, settings: Settings) -> None:
        self.info = info
        self.name = info.name
        self._store, self._ensemble, self._settings = store, ensemble, settings
        self._writing = threading.Lock()
        self._writer = Writer(store, ensemble, settings, self.by, self._writing)

    @property
    def by(self) -> str:
        """The description that searches use unless told otherwise."""
        return _BY_KIND.get(self.info.kind, "meaning")

    @property
    def is_current(self) -> bool:
        """Whether this installation's describers are those that described the collection."""
        return self._ensemble.signatures == dict(self.info.signatures)

    def __len__(self) -> int:
        return self._store.count()

    def add(self, records: Iterable[RawRecord], *, progress: Progress | None = None) -> Added:
        """Insert records, or update those whose `_id` exists; describe only pictures whose bytes are new.

        records: mappings with `_id`, one of `_file`, `_base64`, `_image`, `_vector`, and any metadata; or paths.
        Metadata of an existing record is merged, given fields over old ones. A record that can't be taken is
        listed in `failed` and the others go on. What was written stays, whatever happens later.
        Raises ModelMismatch, StoreFailed.
        """
        self._check_model()
        tally = Tally()
        self._writer.write(records, tally, progress or (lambda count: None))
        return Added(tally.inserted, tally.updated, tally.skipped, tally.failed)

    def update(self, records: Iterable[Mapping[str, Any]]) -> Added:
        """Change metadata of existing records, given fields over old ones, without touching their pictures.

        Records that don't exist, or that bring a picture, are listed in `failed`. Raises StoreFailed.
        """
        tally = Tally()
        with self._writing:
            for raw in records:
                try:
                    incoming = read_record(raw)
                    if incoming.source is not None or incoming.vectors:
                        raise InvalidRecord(incoming.id, "update changes metadata only; use add for a new picture")
                    old = self._store.get([incoming.id])[0]
                    if old is None:
                        raise InvalidRecord(incoming.id, "there is no such record; use add for a new one")
                except InvalidRecord as error:
                    tally.failed.append(failure(error))
                else:
                    self._store.set_payload({old.id: {**old.payload, **incoming.fields}})
                    tally.updated.append(old.id)
        return Added(updated=tally.updated, failed=tally.failed)

    def get(self, ids: Sequence[str]) -> list[Record | None]:
        """Return the records in the order asked, None where there is none."""
        return [record_of(row.id, row.payload) if row else None for row in self._store.get(ids)]

    def delete(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> int:
        """Delete by ids or by filter (exactly one of them); returns how many records went. Pictures stay on disk."""
        if (ids is None) == (where is None):
            raise InvalidArgument("delete", "both or neither", "given either ids or where")
        with self._writing:
            if ids is None:
                ids = [record.id for record in self.records(where=where)]
            return self._store.delete(ids)

    def count(self, where: Mapping[str, Any] | None = None) -> int:
        """Count the records that match, exactly. Raises InvalidFilter."""
        return self._store.count(filters.parse(where))

    def scroll(self, *, where: Mapping[str, Any] | None = None, after: str | None = None, limit: int = 100) -> Page:
        """Return up to `limit` records that match, in a stable order; go on with the page's `next`."""
        if not 1 <= limit <= 10_000:
            raise InvalidArgument("limit", limit, "between 1 and 10,000")
        part = self._store.scroll(where=filters.parse(where), after=after, limit=limit)
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

    def search(
        self,
        *,
        image: Any = None,
        id: str | None = None,  # noqa: A002 - the word users know
        vector: Sequence[float] | NDArray[np.float32] | None = None,
        by: str | None = None,
        **options: Any,
    ) -> list[Match]:
        """Return the records most like a picture, a record or a vector (exactly one of them), best first.

        image: anything `read_image` takes. id: a record of this collection; it does not find itself.
        by: the description to compare, "meaning", "copy" or "color"; default by the collection's kind.
        options: k (default 10), where, min_score, exact, group_by, as in `search.Query`; group=True groups by
        the collection's product id field.
        Raises RecordNotFound, InvalidFilter, InvalidArgument, UnknownVector, ShapeMismatch, ImageError, ModelMismatch.
        """
        if sum(given is not None for given in (image, id, vector)) != 1:
            raise InvalidArgument("search", "none or several", "exactly one of image, id and vector")
        by = by or self.by
        if options.pop("group", False):
            if self.info.product_id is None:
                raise InvalidArgument("group", True, "left out: this collection has no product id field")
            options.setdefault("group_by", self.info.product_id)
        if id is not None:
            query = Query(by, self._vector_of(id, by), leave_out=(id,), **options)
        elif vector is not None:
            query = Query(by, _unit(vector), **options)
        else:
            query = Query(by, self._describe(image, by), **options)
        return nearest_matches(self._store, query)

    def optimize(self) -> bool:
        """Bring the search index up to date; slow, never needed for right answers."""
        return self._store.optimize()

    def close(self) -> None:
        """Flush and release the store."""
        with self._writing:
            self._store.close()

    def _check_model(self) -> None:
        now = self._ensemble.signatures
        for name, then in self.info.signatures.items():
            if now.get(name) != then:
                raise ModelMismatch(self.name, then, now.get(name, "no such description"))

    def _describe(self, image: Any, by: str) -> NDArray[np.float32]:
        self._check_model()
        picture = read_image(image, limits=self._settings.limits, wants=self._ensemble.wants)
        rows = self._ensemble.describe([picture.pixels])
        if by not in self._ensemble.dims:
            raise InvalidArgument("by", by, f"one of {', '.join(self._ensemble.dims)}")
        row: NDArray[np.float32] = rows[by][0]
        return row

    def _vector_of(self, id_: str, by: str) -> NDArray[np.float32]:
        row = self._store.get([id_], with_vectors=True)[0]
        if row is None:
            raise RecordNotFound(self.name, id_)
        if by not in row.vectors:
            raise InvalidArgument("by", by, f"one of {', '.join(row.vectors)}, which this record has")
        return row.vectors[by]


def _unit(vector: Any) -> NDArray[np.float32]:
    row = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(row)) if row.ndim == 1 else 0.0
    if not np.isfinite(length) or length == 0.0:
        raise InvalidArgument("vector", "not usable", "a flat list of finite numbers, not all zero")
    return (row / length).astype(np.float32)
