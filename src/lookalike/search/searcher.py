"""Search in one collection: a question in, matches out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike import filters
from lookalike.errors import ImageError, InvalidArgument, InvalidRecord
from lookalike.images import read_image
from lookalike.intake import Incoming, read_record
from lookalike.likeness import Judge
from lookalike.records import Failure, Matches
from lookalike.search.copies import Copies
from lookalike.search.cursor import fingerprint
from lookalike.search.keywords import keyword_share
from lookalike.search.matches import match_of
from lookalike.search.paging import Selection, page_of
from lookalike.search.query import MAX_RANKED, TAGS, Query
from lookalike.search.ranking import Blended, key_of, ranking_of
from lookalike.search.target import Target, TargetReader
from lookalike.stores.base import Hit, rounded

__all__ = ["Searcher"]


@dataclass(frozen=True, slots=True, eq=False)
class Searcher:
    """Answers questions about one collection. Safe to call from several threads."""

    reader: TargetReader

    def weighing(self, weights: Mapping[str, float] | None) -> Searcher:
        """Return one to which these are the collection's weights; None leaves them as they are."""
        if weights is None:
            return self
        return replace(self, reader=replace(self.reader, chosen=replace(self.reader.chosen, weights=weights)))

    def search(self, query: Query) -> Matches:
        """Return the records most like what is looked for, best first.

        Raises RecordNotFound, InvalidFilter, InvalidArgument, UnknownVector, ShapeMismatch, ImageError, ModelError.
        """
        where = filters.parse(query.where, fold_case=self.reader.chosen.ignore_case)
        group_by = self._group_by(query)
        target = self.reader.read(query)
        selection = Selection(
            store=self.reader.store,
            where=where,
            question=_fingerprint(query, target, group_by),
            leave_out=target.examples,
            k=query.k,
            group_by=group_by,
            group_size=query.group_size,
            copies=self._copies() if query.distinct else None,
            after=query.after,
        )
        ranking = ranking_of(self.reader.store, target, query.min_score, exact=query.exact)
        return page_of(ranking, selection, target)

    def rank(self, records: Iterable[str | Mapping[str, Any]], query: Query) -> Matches:
        """Put given records in order, best first, ties by id; exact. At most MAX_RANKED, one for an id.

        records: ids of this collection, or records as `add` takes them: what brings a picture or a vector is
        measured by that and need not be in the collection. What can't be measured is listed in `failed`.
        Of the question, what it looks for, how it compares, min_score and k count.
        Raises as `search`, and InvalidArgument for what selects among a collection's records.
        """
        strange = [name for name in ("where", "group_by", "after") if getattr(query, name) is not None]
        if strange or query.group or query.distinct:
            raise InvalidArgument("rank", strange[0] if strange else "group or distinct", "asked of search")
        given = list(records)
        if len(given) > MAX_RANKED:
            raise InvalidArgument("records", f"{len(given):,}", f"at most {MAX_RANKED:,} in one call")
        target = self.reader.read(query)
        failed: list[Failure] = []
        known, brought = self._sorted_out(given, failed)
        hits = [hit for record in brought if (hit := self._measured(record, target, failed)) is not None]
        hits += Blended(self.reader.store, target, None, exact=True).measure(self._payloads(known, failed))
        floor = query.min_score or -1.0
        kept = sorted((hit for hit in hits if hit.similarity >= floor), key=key_of)[: query.k]
        return Matches(
            tuple(map(match_of, kept)),
            target.unknown_words,
            total=len(kept),
            failed=tuple(failed),
            shares=target.shares,
        )

    def _group_by(self, query: Query) -> str | None:
        if not query.group:
            return query.group_by
        field = self.reader.chosen.product_id
        if field is None:
            raise InvalidArgument("group", True, "left out: this collection has no product id field")
        return field

    def _copies(self) -> Copies:
        return Copies(self.reader.store, Judge.of(self.reader.ensemble.curves, self.reader.chosen))

    def _sorted_out(
        self, given: Iterable[str | Mapping[str, Any]], failed: list[Failure]
    ) -> tuple[list[str], list[Incoming]]:
        """Return the ids to look up and the records that bring what to measure; the last of one id counts."""
        found: dict[str, Incoming] = {}
        for raw in given:
            try:
                record = read_record({"_id": raw} if isinstance(raw, str) else raw)
            except InvalidRecord as error:
                failed.append(Failure(error.record, error.code, error.reason))
            else:
                found[record.id] = record
        brought = [record for record in found.values() if record.source is not None or record.vectors]
        ids = {record.id for record in brought}
        return [id_ for id_ in found if id_ not in ids], brought

    def _payloads(self, ids: list[str], failed: list[Failure]) -> dict[str, Mapping[str, Any]]:
        rows = self.reader.store.get(ids)
        for id_, row in zip(ids, rows, strict=True):
            if row is None:
                failed.append(Failure(id_, "record_not_found", "the collection has no such record"))
        return {row.id: row.payload for row in rows if row}

    def _measured(self, record: Incoming, target: Target, failed: list[Failure]) -> Hit | None:
        """Measure a record that is not in the collection by every part of what is looked for."""
        try:
            rows = self._rows(record, target)
        except (ImageError, InvalidRecord) as error:
            failed.append(Failure(record.id, error.code, error.reason))
            return None
        total = 0.0
        for name, share in target.shares.items():
            if name == TAGS:
                total += share * keyword_share(target.keywords, record.fields, target.fields)
            elif name in rows:
                total += share * rounded(float(rows[name] @ target.vectors[name]))
        return Hit(record.id, rounded(total), record.fields)

    def _rows(self, record: Incoming, target: Target) -> Mapping[str, NDArray[np.float32]]:
        if record.source is None:
            rows = {name or self.reader.chosen.by: row for name, row in record.vectors.items()}
            for name, row in rows.items():
                width = self.reader.store.dims.get(name)
                if row.shape != (width,):
                    raise InvalidRecord(record.id, f"its vector {name!r} has {row.size} numbers, not {width or 'any'}")
            return rows
        self.reader.check()
        ensemble, settings = self.reader.ensemble, self.reader.settings
        image = read_image(record.source, limits=settings.limits, wants=ensemble.wants)
        described = ensemble.describe([image.pixels])
        return {name: described[name][0] for name in target.vectors}


def _fingerprint(query: Query, target: Target, group_by: str | None) -> str:
    """What must be the same from page to page: all but k and the cursor itself."""
    vectors = {name: vector.tobytes().hex() for name, vector in target.vectors.items()}
    asked = [query.where, query.min_score, query.exact, group_by, query.distinct, sorted(target.examples)]
    return fingerprint(vectors, dict(target.keywords), dict(target.shares), asked)
