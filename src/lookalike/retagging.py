"""Taggers asked about records that are there already, by their stored vectors; nothing is described anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lookalike.describers.ensemble import Ensemble
from lookalike.filters import Filter
from lookalike.stores.base import Row
from lookalike.taggers.flow import AUTOMATIC, stale, told
from lookalike.upsert import Automatic, Progress, Tally, Writer

__all__ = ["retagged"]

_CHUNK = 256


def retagged(writer: Callable[[], Writer], automatic: Automatic, where: Filter | None, progress: Progress) -> Tally:
    """Renew what was filled by itself in the records that match, and count them as updated or skipped.

    writer: gives the collection's writer by now; after a change of model it has another store. Others may write
    between two chunks. Raises TaggerMismatch, StoreFailed, and what `progress` raises: what was written stays.
    """
    tally, after = Tally(), None
    while True:
        with writer().writing:
            now = writer()
            automatic.check(now.ensemble)
            part = now.store.scroll(where=where, after=after, limit=_CHUNK, with_vectors=True)
            changed = {row.id: payload for row in part.rows if (payload := _renewed(row, automatic, now.ensemble))}
            if changed:
                now.store.set_payload(changed)
        tally.updated.extend(changed)
        tally.skipped.extend(row.id for row in part.rows if row.id not in changed)
        progress(len(part.rows))
        if part.next is None:
            return tally
        after = part.next


def _renewed(row: Row, automatic: Automatic, ensemble: Ensemble) -> Mapping[str, Any] | None:
    """Return the payload as the taggers want it now, None where nothing changes or they have nothing to read."""
    if not automatic.reads <= row.vectors.keys():
        return None
    automatically = stale(row.payload)
    gone = automatically & automatic.fields
    kept = {name: value for name, value in row.payload.items() if name != AUTOMATIC and name not in gone}
    found = automatic.given(row.vectors, kept, ensemble)
    if kept | found == {name: value for name, value in row.payload.items() if name != AUTOMATIC}:
        return None
    marks = {name: kept[name] for name in automatically - gone} | found
    return kept | found | ({AUTOMATIC: told(marks)} if marks else {})
