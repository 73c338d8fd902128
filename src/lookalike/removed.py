"""Records that people deleted, kept beside the collection for a while, so that they can be brought back.

removed/COLLECTION/ID/   about.json (`Removal`); 00001.npz, ...: rows, as in `stores.packing`
removed/COLLECTION/.*    being written, rewritten or deleted; whoever writes next clears away what was interrupted
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from lookalike.errors import EntryNotFound, StoreFailed
from lookalike.filters import Filter, matches
from lookalike.placing import place, write_json
from lookalike.stores.base import Row, Store, Vector
from lookalike.stores.packing import pack_rows, unpack_rows
from lookalike.stores.watched import walk

__all__ = ["KEPT_DAYS", "Removal", "Removed", "as_given", "chosen_rows", "parts_of", "put_back", "removed_folder"]

KEPT_DAYS: Final = 30
"""Days that deleted records are kept; whoever deletes next sweeps out what is older."""

_ABOUT: Final = "about.json"
_NAME: Final = "%Y%m%dT%H%M%S%f"  # how the id of a removal begins, so that they sort by time
_PART: Final = 2_000  # rows read, written and deleted at once
_NAMED: Final = 8  # ids that a removal tells


@dataclass(frozen=True, slots=True)
class Removal:
    """Records deleted together. at: when, ISO 8601, UTC. ids: the first few. signatures: of what described them."""

    id: str
    at: str
    records: int
    ids: Sequence[str]
    signatures: Mapping[str, str] = field(default_factory=dict)


def removed_folder(workspace: Path) -> Path:
    """Return where deleted records are kept; those of a workspace in a cluster, in this machine's own folder."""
    return workspace / "removed"


class Removed:
    """The deleted records of one collection. Callers take turns by the collection's own lock."""

    def __init__(self, folder: Path, name: str) -> None:
        """folder: that of all collections."""
        self.folder = folder / name

    def keep(
        self, parts: Iterable[Sequence[Row]], signatures: Mapping[str, str]
    ) -> tuple[Removal | None, Sequence[str]]:
        """Write rows down, part by part; return what was kept and all its ids, or None and none. Raises StoreFailed."""
        self._tidy()
        self._sweep()
        now = datetime.now(UTC)
        about = Removal(f"{now:{_NAME}}-{uuid4().hex[:4]}", now.isoformat(timespec="seconds"), 0, [], dict(signatures))
        return self._write(parts, about)

    def all(self) -> list[Removal]:
        """Return what is kept, the newest first."""
        found = [self._read(path) for path in sorted(self.folder.glob(f"[0-9]*/{_ABOUT}"), reverse=True)]
        return [one for one in found if one is not None]

    def find(self, removal: str) -> Removal:
        """Return one of those kept. Raises EntryNotFound."""
        for one in self.all():
            if one.id == removal:
                return one
        raise EntryNotFound("removal", removal)

    def rows(self, removal: Removal) -> Iterator[list[Row]]:
        """Yield its rows, part by part. Raises StoreFailed where they are damaged, or some are missing."""
        count = 0
        for path in sorted((self.folder / removal.id).glob("*.npz")):
            try:
                part = list(unpack_rows(path.read_bytes()))
            except (OSError, ValueError) as error:
                raise StoreFailed("read what was deleted", f"{path.name} of {removal.id}: {error}") from error
            count += len(part)
            yield part
        if count != removal.records:
            told = f"{removal.id} has {count:,} records, not {removal.records:,}"
            raise StoreFailed("read what was deleted", told)

    def forget(self, removal: Removal) -> None:
        """Delete it for good."""
        self._delete(self.folder / removal.id)

    def clear(self) -> None:
        """Delete all of it for good."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def strike(self, ids: Collection[str] | None, where: Filter | None) -> None:
        """Delete some records for good, wherever they are kept: by ids or else all that match. Raises StoreFailed."""

        def goes(row: Row) -> bool:
            if ids is not None:
                return row.id in ids
            return where is None or matches(where, row.payload)

        self._tidy()
        for removal in self.all():
            try:
                parts = [[row for row in rows if not goes(row)] for rows in self.rows(removal)]
            except StoreFailed:  # whatever it is, nobody can tell whom it names
                parts = []
            if sum(map(len, parts)) < removal.records and self._write(parts, removal)[0] is None:
                self.forget(removal)

    def _write(self, parts: Iterable[Sequence[Row]], about: Removal) -> tuple[Removal | None, Sequence[str]]:
        """Write rows under a removal's id, whole or not at all; return what is then true of it, and all ids."""
        aside = self.folder / f".{about.id}"
        ids: list[str] = []
        try:
            aside.mkdir(parents=True)
            for number, rows in enumerate(filter(None, parts), 1):
                (aside / f"{number:05}.npz").write_bytes(pack_rows(rows))
                ids += [row.id for row in rows]
            kept = replace(about, records=len(ids), ids=ids[:_NAMED])
            write_json(aside / _ABOUT, asdict(kept))
            if ids:
                place(aside, self.folder / about.id)
        except OSError as error:
            raise StoreFailed("keep what is deleted", error.strerror or str(error)) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return kept if ids else None, ids

    def _sweep(self) -> None:
        oldest = f"{datetime.now(UTC) - timedelta(days=KEPT_DAYS):{_NAME}}"
        for path in self.folder.glob("[0-9]*"):
            if path.name < oldest:
                self._delete(path)

    def _tidy(self) -> None:
        """Clear away what was interrupted; a removal whose rewriting was is again what it was before."""
        for left in self.folder.glob(".*"):
            before = self.folder / left.name[1:].partition(".")[0]
            if left.suffix == ".old" and not before.exists():  # as `place` names what it replaces
                with suppress(OSError):
                    left.rename(before)
            else:
                self._delete(left)

    def _delete(self, path: Path) -> None:
        """Delete a folder that is from now on no removal, nor one being written, however long that takes."""
        gone = self.folder / f".{uuid4().hex}"
        with suppress(OSError):
            path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _read(self, path: Path) -> Removal | None:
        with suppress(OSError, ValueError, TypeError):
            return Removal(**json.loads(path.read_text("utf-8")))
        return None


def chosen_rows(store: Store, ids: Sequence[str] | None, where: Filter | None) -> Iterator[list[Row]]:
    """Yield rows with their vectors, part by part: those of the ids that are there, or, without ids, all that match."""
    found = ([row.id for row in rows] for rows in walk(store, where, page=_PART))
    for some in found if ids is None else parts_of(list(dict.fromkeys(ids))):
        yield [row for row in store.get(some, with_vectors=True) if row]


def parts_of(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut ids into parts of a size for the store."""
    return (ids[at : at + _PART] for at in range(0, len(ids), _PART))


def put_back(store: Store, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Insert the rows whose ids are free, as far as the store has their vectors; return these ids, and the others."""
    there = store.get([row.id for row in rows])
    missing = [row for row, now in zip(rows, there, strict=True) if now is None]
    store.upsert([Row(row.id, _only(row.vectors, store.dims), row.payload) for row in missing])
    return [row.id for row in missing], [row.id for row in there if row]


def as_given(row: Row, described: Collection[str]) -> dict[str, Any]:
    """Return a record as its user would give it again: metadata, vectors but those described, where its picture is."""
    own = {name: value for name, value in row.payload.items() if not name.startswith("_")}
    source = next(({name: row.payload[name]} for name in ("_file", "_url") if name in row.payload), {})
    vectors = _only(row.vectors, row.vectors.keys() - set(described))
    return {"_id": row.id, **own, **source, **({"_vectors": vectors} if vectors else {})}


def _only(vectors: Mapping[str, Vector], names: Collection[str]) -> dict[str, Vector]:
    return {name: vector for name, vector in vectors.items() if name in names}
