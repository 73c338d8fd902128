"""Erasing records for good: out of the store's files, the descriptions kept beside, and then looked for again.

Deleting alone leaves a record's bytes in the engine's files until those are next merged. Here the store is written anew
without it, and the files that were are gone; then the new ones are searched for what was erased.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from lookalike import filters
from lookalike.describers.cache import DescriptionCache
from lookalike.records import Erased
from lookalike.stores.base import Nearest, Row, Store
from lookalike.stores.encoding import text_of

__all__ = ["OUT_OF_REACH", "erase"]

OUT_OF_REACH: Final = (
    "backups and snapshots made before",
    "exports and answers given to others, and the log that a service prints",
    "the pictures' own files and the places they were fetched from",
    "what the file system or the disk keeps of deleted files",
)

_SEARCHED: Final = 32  # records whose traces are looked for; searching takes a pass over the files for each trace


def erase(
    store: Store,
    ids: Sequence[str],
    writing: Lock,
    *,
    files: Sequence[Path] = (),
    cache: DescriptionCache | None = None,
) -> Erased:
    """Erase records and return the receipt.

    writing: held by writers of records; none writes meanwhile. files: folders of the store's files, none for a store
    without. cache: descriptions kept by content, of which those of pictures that no other record has go as well.
    Raises StoreFailed; a record is then either erased or, asked for again, erased then.
    """
    with writing:
        wanted = list(dict.fromkeys(ids))
        rows = [row for row in store.get(wanted, with_vectors=True) if row]
        fingerprints = {row.id: _fingerprint(row) for row in rows}
        store.delete([row.id for row in rows])
        purged = store.purge()
        digests = {row.payload["_sha256"] for row in rows if isinstance(row.payload.get("_sha256"), str)}
        unshared = [digest for digest in sorted(digests) if not store.count(filters.equals("_sha256", digest))]
        described = cache.forget(unshared) if cache is not None else 0
        searched = rows[:: max(1, len(rows) // _SEARCHED)][:_SEARCHED]
        found = _found(searched, store, files)
        left = [row.id for row in store.get(wanted) if row]
    return Erased(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        erased=fingerprints,
        missing=[id_ for id_ in wanted if id_ not in fingerprints],
        descriptions=described,
        files_searched=[path.name for path in _files(files)],
        records_searched=[row.id for row in searched] if files else [],
        found=[*left, *found],
        out_of_reach=[*OUT_OF_REACH, *(() if purged else ("segments that the cluster has not merged yet",))],
    )


def _fingerprint(row: Row) -> str:
    """Return the SHA-256 of all that was kept of a record: tells it again without telling what it was."""
    digest = hashlib.sha256(text_of(row.id, row.payload).encode("ascii"))
    for name in sorted(row.vectors):
        digest.update(name.encode() + row.vectors[name].tobytes())
    return digest.hexdigest()


def _found(rows: Sequence[Row], store: Store, files: Sequence[Path]) -> list[str]:
    """Return the ids of records of which a trace is in the files."""
    if not files:
        return []
    store.flush()
    traces = {row.id: list(_traces(row, store)) for row in rows}
    return [id_ for id_, wanted in traces.items() if any(_in_file(path, wanted) for path in _files(files))]


def _traces(row: Row, store: Store) -> Iterator[bytes]:
    """Yield what is of no other record: its text, how that begins, and its vectors unless one that stays is equal."""
    yield json.dumps([row.id])[:-1].encode("ascii") + b","
    yield text_of(row.id, row.payload).encode("ascii")
    for name, vector in row.vectors.items():
        if not store.nearest(Nearest(name, vector, 1, None, 1.0, exact=True)):
            yield vector.tobytes()


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def _in_file(path: Path, traces: Iterable[bytes]) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return any(view.find(trace) >= 0 for trace in traces)
