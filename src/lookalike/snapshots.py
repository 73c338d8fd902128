"""Backups of a workspace: a folder or one zip file with every record, its vectors and the settings, checksummed.

manifest.json     {"format": 2, "collections": [{"entry", "records", "parts": [...], "deleted": [...]}, ...], ...}
manifest.sha256   its digest
NAME/00001.npz    rows, as in `stores.packing`
_belongings/      models, taggers and training pictures that the collections use, and their trials; format 1 has none

Parts are read in order: a row that comes again goes over the earlier one; `deleted` goes last.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from lookalike.belongings import Moved, bring_trials, pack, parts_of, unpack
from lookalike.catalog import CollectionInfo, now
from lookalike.errors import BackupUnreadable, StoreFailed, WouldOverwrite
from lookalike.moving import same_rows
from lookalike.stores.base import Row, Store
from lookalike.stores.packing import pack_rows, unpack_rows
from lookalike.stores.watched import Watched, walk
from lookalike.version import __version__
from lookalike.workspace import Workspace

__all__ = ["FORMAT", "Snapshot", "backup", "read_manifest", "restore"]

FORMAT: Final = 2
"""Version of what is written here; an older one is read, a newer one refused."""

_ROWS: Final = 2_000
_MANIFEST, _DIGEST = "manifest.json", "manifest.sha256"

Progress = Callable[[str, int], None]
"""Called with a collection's name and the number of records done since the last call."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a backup holds. records: collection -> how many. created: when, ISO 8601, UTC."""

    path: Path
    created: str
    records: Mapping[str, int]


def backup(
    space: Workspace, target: Path, *, force: bool = False, progress: Progress = lambda name, count: None
) -> Snapshot:
    """Write a backup: one zip file if the name ends in .zip, else a folder. The workspace may be in use.

    Search goes on. Writers go on while everything is copied; at the end they wait, all together, for as long as it
    takes to copy what was written meanwhile, so that the backup is of one moment. That holds for the writers of this
    process; others on a cluster should pause. Nothing bears the final name before all of it is on the disk.
    A collection that changes its model is saved with the descriptions it answers by.
    Raises WouldOverwrite unless `force`, StoreFailed.
    """
    if (target.exists() or target.is_symlink()) and not force:
        raise WouldOverwrite(str(target))
    aside = target.absolute().parent / f".{target.name}.{uuid4().hex}"
    try:
        aside.mkdir(parents=True)
        manifest = _write_all(space, aside, progress)
        _put(aside / _MANIFEST, json.dumps(manifest, indent=1).encode())
        _put(aside / _DIGEST, hashlib.sha256((aside / _MANIFEST).read_bytes()).hexdigest().encode())
        if target.suffix == ".zip":
            _pack(aside)
        _into_place(aside, target)
    except OSError as error:
        raise StoreFailed("write the backup", error.strerror or str(error)) from error
    finally:
        for left in (aside, _packed(aside)):
            _remove(left)
    return _snapshot(target, manifest)


def restore(
    space: Workspace, source: Path, *, force: bool = False, progress: Progress = lambda name, count: None
) -> Snapshot:
    """Bring back the collections of a backup; others of the workspace stay as they are. It may be in use.

    Everything is verified before anything is changed, and filled into new stores; then all collections change over
    in one write of the catalog. What is interrupted before that leaves the workspace as it was.
    Decisions and trials of the backup are added to those there are. Raises BackupUnreadable; WouldOverwrite for
    collections that exist, unless `force`; StoreFailed.
    """
    manifest = read_manifest(source)
    for entry in manifest["collections"]:
        for part in entry["parts"]:
            _checked(source, part)
    for part in parts_of(manifest):
        _checked(source, part)
    infos = [CollectionInfo.from_json(entry["entry"]) for entry in manifest["collections"]]
    taken = [info.name for info in infos if space.catalog.collections.find(info.name)]
    if taken and not force:
        raise WouldOverwrite(f"The collection{'s' if len(taken) > 1 else ''} {', '.join(taken)}")
    moved = _belongings(space, source, manifest)
    filled = [
        _fill(space, _Filling(source, entry, moved), moved.info(info), progress)
        for info, entry in zip(infos, manifest["collections"], strict=True)
    ]
    space.enter(filled)
    bring_trials(space, manifest, partial(_checked, source))
    for decision in manifest["decisions"]:
        space.catalog.decisions.add(**decision)
    return _snapshot(source, manifest)


@dataclass(frozen=True, slots=True)
class _Filling:
    """What a collection is filled from."""

    source: Path
    entry: Mapping[str, Any]
    moved: Moved

    @property
    def parts(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield the file and the rows of each part."""
        for part in self.entry["parts"]:
            yield part["file"], self.moved.rows(_rows_of(self.source, part))


def read_manifest(source: Path) -> dict[str, Any]:
    """Return what a backup says of itself. Raises BackupUnreadable."""
    if not source.exists():
        raise BackupUnreadable(str(source), "there is no such file or folder")
    text = _read(source, _MANIFEST)
    if hashlib.sha256(text).hexdigest() != _read(source, _DIGEST).decode("ascii", "replace").strip():
        raise BackupUnreadable(str(source), f"its {_MANIFEST} is damaged")
    manifest: dict[str, Any] = json.loads(text)
    if manifest["format"] > FORMAT:
        raise BackupUnreadable(
            str(source), f"it has format {manifest['format']}, this version reads up to {FORMAT}; upgrade Lookalike"
        )
    return manifest


def _write_all(space: Workspace, folder: Path, progress: Progress) -> dict[str, Any]:
    """Write the parts of all collections and return the manifest."""
    names = [info.name for info in space.list()]
    stores = {name: space.store_of(name) for name in names}
    with ExitStack() as stack:
        written = {}
        for name in names:
            with space.get(name).writing:  # a write that is under way would land unseen behind the walk
                written[name] = stack.enter_context(stores[name].written())
        parts = {name: _write_rows(folder, name, store, progress) for name, store in stores.items()}
        with ExitStack() as pause:
            for name in names:  # in one order, so that two backups don't wait for one another
                pause.enter_context(space.get(name).writing)
            entries = [_finish(space, folder, name, stores[name], written[name], parts[name]) for name in names]
            belongings = pack(space, names, partial(_keep, folder))
    decisions = [
        {
            "verdict": decision.verdict,
            "members": list(decision.members),
            "collection": decision.collection,
            "who": decision.who,
            "note": decision.note,
        }
        for scope in [None, *names]
        for decision in space.catalog.decisions.list(scope)
    ]
    return {
        "format": FORMAT,
        "created": now(),
        "version": __version__,
        "collections": entries,
        "belongings": belongings,
        "decisions": decisions,
    }


def _write_rows(folder: Path, name: str, store: Store, progress: Progress) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for rows in walk(store, with_vectors=True, page=_ROWS):
        parts.append(_write_part(folder, name, len(parts), rows))
        progress(name, len(rows))
    return parts


def _finish(
    space: Workspace, folder: Path, name: str, store: Watched, written: set[str], parts: list[dict[str, Any]]
) -> dict[str, Any]:
    """Write the rows that were written meanwhile as they are now; nobody writes any more."""
    ids, deleted = sorted(written), []
    for at in range(0, len(ids), _ROWS):
        some = ids[at : at + _ROWS]
        rows = store.get(some, with_vectors=True)
        deleted += [id_ for id_, row in zip(some, rows, strict=True) if row is None]
        there = [row for row in rows if row]
        if there:
            parts.append(_write_part(folder, name, len(parts), there))
    entry = replace(space.get(name).info, store="", beside=None).as_json()
    return {"entry": entry, "records": store.count(), "parts": parts, "deleted": deleted}


def _write_part(folder: Path, name: str, number: int, rows: Sequence[Row]) -> dict[str, Any]:
    return {**_keep(folder, f"{name}/{number + 1:05}.npz", pack_rows(rows)), "rows": len(rows)}


def _keep(folder: Path, file: str, data: bytes) -> dict[str, str]:
    """Write a file of the backup and return what the manifest says of it."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    _put(folder / file, data)
    return {"file": file, "sha256": hashlib.sha256(data).hexdigest()}


def _belongings(space: Workspace, source: Path, manifest: Mapping[str, Any]) -> Moved:
    try:
        return unpack(space, manifest, lambda part: _checked(source, part))
    except OSError as error:
        raise StoreFailed("restore what collections use", error.strerror or str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise BackupUnreadable(str(source), f"what its collections use can't be read ({error})") from error


def _fill(space: Workspace, given: _Filling, info: CollectionInfo, progress: Progress) -> CollectionInfo:
    """Fill a new store with a collection's rows, read them back, and return the entry that names it."""
    key, store = space.new_store(info)
    try:
        for file, rows in given.parts:
            store.upsert(rows)
            kept = store.get([row.id for row in rows], with_vectors=True)
            if not all(same_rows(row, other) for row, other in zip(rows, kept, strict=True)):
                raise StoreFailed("restore", f"what {file} holds does not come back as it went in")
            progress(info.name, len(rows))
        store.delete(given.entry["deleted"])
        if store.count() != given.entry["records"]:
            told = f"{info.name} has {store.count():,} records, not {given.entry['records']:,}"
            raise BackupUnreadable(str(given.source), told)
        store.optimize()
        store.flush()
    except BaseException:
        store.close()
        space.shelf.drop(key)
        raise
    store.close()
    return replace(info, store="" if key == info.name else key)


def _rows_of(source: Path, part: Mapping[str, Any]) -> Iterator[Row]:
    try:
        yield from unpack_rows(_checked(source, part))
    except ValueError as error:
        raise BackupUnreadable(str(source), f"{part['file']} can't be read ({error})") from error


def _checked(source: Path, part: Mapping[str, Any]) -> bytes:
    data = _read(source, part["file"])
    if hashlib.sha256(data).hexdigest() != part["sha256"]:
        raise BackupUnreadable(str(source), f"{part['file']} is damaged")
    return data


def _read(source: Path, file: str) -> bytes:
    try:
        if source.is_file():
            with zipfile.ZipFile(source) as packed:
                return packed.read(file)
        return (source / file).read_bytes()
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BackupUnreadable(str(source), f"it has no readable {file} ({error})") from error


def _snapshot(path: Path, manifest: Mapping[str, Any]) -> Snapshot:
    counts = {entry["entry"]["name"]: entry["records"] for entry in manifest["collections"]}
    return Snapshot(path, manifest["created"], counts)


def _put(path: Path, data: bytes) -> None:
    """Write a file and have it on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _pack(folder: Path) -> None:
    """Make one zip file of a folder, in its place."""
    packed = _packed(folder)
    with packed.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(folder).as_posix())
        file.flush()
        os.fsync(file.fileno())
    shutil.rmtree(folder)
    packed.rename(folder)


def _packed(folder: Path) -> Path:
    return folder.with_name(folder.name + ".zip")


def _into_place(aside: Path, target: Path) -> None:
    """Give the finished backup its name, then remove an older one and what interrupted ones left."""
    old = target.absolute().parent / f".{target.name}.{uuid4().hex}"
    if target.is_dir() or (target.exists() and aside.is_dir()):  # neither can be replaced in one step
        target.rename(old)
    aside.replace(target)
    if os.name == "posix":
        folder = os.open(target.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    for left in target.absolute().parent.iterdir():
        if left.name.startswith(f".{target.name}."):
            _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
