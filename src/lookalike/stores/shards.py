"""The shard in use, and its exchange for one with a better index while it is searched and written to."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import qdrant_edge as qe

from lookalike.errors import StoreFailed, WorkspaceLocked
from lookalike.stores.building import copy_shard, optimize_elsewhere
from lookalike.stores.engine import Tuning, create_shard, integer_index, load_shard
from lookalike.stores.folder import (
    SPARE_BYTES,
    check_space,
    clean_folder,
    current_shard,
    new_shard,
    note_segments,
    rows_when_optimized,
    size_on_disk,
    use_shard,
)

__all__ = ["Shards"]

_FLUSH_EVERY: Final = 20_000
_CAUGHT_UP_AT_ONCE: Final = 1000
_LAST_ONES: Final = 2000


class Shards:
    """One open shard. Searches go to `current` as they like; all changes go through `change`, `writing` held.

    *Renewing.* The shard is flushed and copied (what never changes is shared), the copy is optimized by another
    process and loaded; the rows changed meanwhile are brought over, and the store's folder points to it. Writers wait
    for the copying and for the last rows, searches only while the engine keeps Python's lock: to flush and to load.
    Whatever ends the process on the way, the folder points to a shard that has everything acknowledged.
    """

    def __init__(self, path: Path, dims: Mapping[str, int], tuning: Tuning) -> None:
        """Open the current shard. Raises WorkspaceLocked, StoreUnreadable, OSError."""
        self._path, self._dims, self._tuning = path, dims, tuning
        folder = current_shard(path)
        self._open: qe.EdgeShard | None = load_shard(folder)
        if current_shard(path) != folder:  # another process exchanged it between the two lines above
            self._open.close()
            raise WorkspaceLocked(str(path), "another process")
        clean_folder(path)
        self.writing = threading.RLock()
        self.indexed = set(self._open.info().payload_schema)
        self.unoptimized = abs(self._open.info().points_count - rows_when_optimized(path))
        self._renewing = threading.Lock()
        self._stop = threading.Event()
        self._changed: set[str] | None = None
        self._unflushed = 0

    @property
    def current(self) -> qe.EdgeShard:
        """The shard in use; stays readable for who holds it after it was exchanged. Raises StoreFailed once closed."""
        if self._open is None:
            raise StoreFailed("answer", "it was closed; open it again")
        return self._open

    def change(self, operation: qe.UpdateOperation, points: Collection[str]) -> None:
        """Change rows of the current shard. points: the ids of all it touches."""
        self.current.update(operation)
        if self._changed is not None:
            self._changed.update(points)
        self.unoptimized += len(points)
        self._unflushed += len(points)
        if self._unflushed >= _FLUSH_EVERY:  # else the log grows without end, and opening takes as long as writing
            self.flush()

    def index(self, field: str) -> None:
        """Index the integers of a field for comparisons."""
        self.current.update(integer_index(field, lookup=False))
        self.indexed.add(field)

    def flush(self) -> None:
        """Write everything to disk."""
        with self.writing:
            self.current.flush()
            self._unflushed = 0
            note_segments(self._path)

    def renew(self) -> bool:
        """Bring the index up to date; returns whether anything changed. One at a time. Raises StoreFailed, OSError."""
        with self._renewing:
            target, waiting = new_shard(self._path), self.unoptimized
            try:
                rows = self._copy(target)
                changed = optimize_elsewhere(target, self._dims, self._tuning, self._stop)
                if changed:
                    self._exchange(target, rows)
                elif not self._stop.is_set():
                    with self.writing:
                        use_shard(self._path, current_shard(self._path), rows)
            except BaseException:
                self.unoptimized += waiting
                raise
            finally:
                self._changed = None
                clean_folder(self._path)
            return changed

    def purge(self) -> None:
        """Write every row into a new shard and delete the old one's files; the index is built by the next `renew`.

        Writers wait; searches go on in the old shard until the last moment. Raises StoreFailed, OSError.
        """
        with self._renewing:
            target = new_shard(self._path)
            try:
                with self.writing:
                    check_space(self._path, SPARE_BYTES + 2 * size_on_disk(current_shard(self._path)), "write anew")
                    create_shard(target, self._dims, self._tuning)
                    newer = load_shard(target)
                    self._refill(newer)
                    use_shard(self._path, target, 0)
                    self._open = newer
                    self.unoptimized = newer.info().points_count
            finally:
                clean_folder(self._path)

    def _refill(self, newer: qe.EdgeShard) -> None:
        for field in self.indexed - set(newer.info().payload_schema):
            newer.update(integer_index(field, lookup=False))
        offset: Any = None
        while True:
            records, offset = self.current.scroll(qe.ScrollRequest(offset, _CAUGHT_UP_AT_ONCE, None, True, True))
            if records:
                points = [qe.Point(record.id, record.vector or {}, record.payload) for record in records]
                newer.update(qe.UpdateOperation.upsert_points(points))
            if offset is None:
                newer.flush()
                return

    def close(self) -> None:
        """End a renewal under way, flush and release."""
        self._stop.set()
        with self._renewing, self.writing:
            if self._open is not None:
                self._open.close()
                self._open = None
                note_segments(self._path)

    def _copy(self, target: Path) -> int:
        """Copy the shard and begin to note what changes; returns how many rows the copy has."""
        with self.writing:
            shard = self.current
            size = size_on_disk(current_shard(self._path))
            check_space(self._path, SPARE_BYTES + 2 * size, "optimize")
            self.flush()
            copy_shard(current_shard(self._path), target)
            self._changed = set()
            self.unoptimized = 0
            return shard.info().points_count

    def _exchange(self, target: Path, rows: int) -> None:
        """Put the optimized copy in the place of the shard, with all that changed since."""
        newer = load_shard(target)
        while len(self._changed or ()) > _LAST_ONES and not self._stop.is_set():
            with self.writing:
                self._catch_up(newer, 2 * _LAST_ONES)
        with self.writing:
            if self._stop.is_set():
                newer.close()
                return
            self._catch_up(newer, len(self._changed or ()))
            for field in self.indexed - set(newer.info().payload_schema):
                newer.update(integer_index(field, lookup=False))
            newer.flush()
            use_shard(self._path, target, rows)
            self._open = newer  # the older one is released when the last search in it is done

    def _catch_up(self, newer: qe.EdgeShard, most: int) -> None:
        """Bring up to `most` of the rows changed since the copy over to the newer shard."""
        assert self._changed is not None
        while self._changed and most > 0:
            points: list[Any] = [self._changed.pop() for _ in range(min(_CAUGHT_UP_AT_ONCE, len(self._changed)))]
            most -= len(points)
            there = {str(record.id): record for record in self.current.retrieve(points, True, True)}
            kept = [qe.Point(record.id, record.vector or {}, record.payload) for record in there.values()]
            gone = [point for point in points if point not in there]
            if kept:
                newer.update(qe.UpdateOperation.upsert_points(kept))
            if gone:
                newer.update(qe.UpdateOperation.delete_points(gone))
