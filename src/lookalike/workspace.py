"""A workspace: many collections and their catalog, in a folder of one process or in a cluster shared by many."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from filelock import FileLock, Timeout

from lookalike.atlas.chart import drop_charts, maps_folder, strike
from lookalike.atlas.keptfields import forget_fields
from lookalike.catalog import FILE, Catalog, CollectionInfo, now
from lookalike.collection import Collection
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.modelfolder import check_folder, is_folder, settled
from lookalike.errors import (
    CollectionExists,
    CollectionNotFound,
    InvalidArgument,
    InvalidName,
    WorkspaceLocked,
    WorkspaceUnreadable,
)
from lookalike.jobfiles import forget_files
from lookalike.keeping import Keeper, described_by
from lookalike.kinds import Kind, changed, settings_of
from lookalike.records import Erased
from lookalike.removed import Removed, removed_folder
from lookalike.settings import Settings
from lookalike.stores.address import read_address
from lookalike.stores.base import Store
from lookalike.stores.shelf import BESIDE, FolderShelf, Shelf
from lookalike.stores.watched import Watched
from lookalike.taggers import flow_of
from lookalike.trials import Trials

__all__ = ["Workspace", "open_workspace"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_OURS = {"collections", "workspace.lock", "workspace.holder"}


class Workspace:
    """Use as a context manager, or close it. Safe to call from several threads.

    In a folder: `catalog.sqlite`, unless the settings name another catalog, `collections/NAME/` (the store of each),
    `workspace.lock`; one process at a time. In a cluster, `qdrant://host:6333/PREFIX`, the collections are
    `PREFIX.NAME` there, the catalog is what the settings name, and any number of processes may use both.
    `catalog` knows its jobs, decisions, keys and users; `trials` tries ways to search. `path`: the
    folder; for a cluster, one of this machine's own.
    """

    def __init__(
        self, path: Path | str, settings: Settings, *, create: bool = True, shelf: Shelf | None = None
    ) -> None:
        """Open the folder, making it if it is missing and `create` allows; or reach the cluster.

        shelf: where the stores are, if not where the address says.
        Raises WorkspaceLocked if another process has it, WorkspaceUnreadable if it is something else; StoreFailed,
        MissingExtra, InvalidArgument for a cluster without a catalog.
        """
        self.settings = settings
        self.address = str(path)
        cluster = read_address(self.address)
        self.path = Path(path).expanduser().absolute() if cluster is None else cluster.folder
        self._lock: FileLock | None = None
        if cluster is None:
            self._make_folder(create)
            self._lock = _hold(self.path)
        self._opened: dict[str, Collection] = {}
        self._guard = threading.RLock()
        try:
            self.shelf = shelf or (cluster.shelf(settings) if cluster else FolderShelf(self.path / "collections"))
            place = cluster.catalog(settings) if cluster else settings.catalog or self.path / FILE
            self.catalog = Catalog(place, may_begin=cluster is not None or not self.shelf.contents())
        except BaseException:
            self._release()
            raise
        self.trials = Trials(self.catalog.trials, self)
        self._keeper = Keeper(self.catalog, self.shelf, replace(settings, workspace=self.path), self.trials)

    def create(self, name: str, *, kind: str = "photos", model: str | None = None, **settings: Any) -> Collection:
        """Make an empty collection.

        kind: "photos", "products", "matching", "colors" or "custom", as in `kinds.KINDS`. model: a name or the folder
        of a trained one, default the workspace's. settings: what differs from the kind's own, as in
        `kinds.CollectionSettings`.
        Raises InvalidName, CollectionExists, InvalidArgument, UnknownModel, TaggerUnusable, TaggerMismatch, and
        WeightsCorrupt for a trained model whose folder was altered.
        """
        if not isinstance(name, str) or not _NAME.match(name):
            raise InvalidName(name)
        chosen = settings_of(kind, settings)
        model = settled(str(model or self.settings.model))
        ensemble = standard_ensemble(model)
        if is_folder(model):
            check_folder(model)
        flow_of(chosen.taggers, self.path).check(ensemble.signatures)
        info = described_by(CollectionInfo(name, cast(Kind, kind), model, chosen, {}, {}, now()), ensemble)
        with self._guard:
            if not self.is_local:  # others may make it at this moment: it is whose entry is first
                self.catalog.collections.add(info)
            elif self.catalog.collections.find(name):
                raise CollectionExists(name)
            self._clear_away(name)  # left by a drop that was interrupted
            self._keeper.make(info)
            if self.is_local:  # last: a kill leaves no collection whose store would be missed
                self.catalog.collections.add(info)
            return self._open(info)

    def configure(self, name: str, **changes: Any) -> Collection:
        """Change settings of a collection, as in `kinds.CollectionSettings`; the others stay.

        Raises CollectionNotFound, SettingFixed for what its records are described by, InvalidArgument, TaggerUnusable,
        TaggerMismatch.
        """
        with self._guard:
            collection = self.get(name)
            info = replace(collection.info, settings=changed(name, collection.info.settings, changes))
            if "taggers" in changes:
                flow_of(info.settings.taggers, self.path).check(info.signatures)
            self.catalog.collections.replace(info)
            collection.configure(info)
            return collection

    def get(self, name: str) -> Collection:
        """Return a collection. Raises InvalidName, CollectionNotFound, StoreUnreadable, UnknownModel."""
        if not isinstance(name, str):
            raise InvalidName(name)
        with self._guard:
            opened = self._opened.get(name)
            if opened is not None and self._lock is not None:
                return opened
            info = self.catalog.collections.find(name)
            if opened is not None and (info is None or info.created != opened.info.created):
                self._forget(name)  # another process dropped it
                opened = None
            if info is None:
                raise CollectionNotFound(name, [known.name for known in self.catalog.collections.list()])
            if opened is None:
                return self._open(info)
            if info != opened.info:  # another process changed it
                self._keeper.arrange(opened, info)
            return opened

    def list(self) -> Sequence[CollectionInfo]:
        """Return how each collection is set up, ascending by name."""
        return self.catalog.collections.list()

    def drop(self, name: str) -> None:
        """Forget a collection and delete its records; pictures on disk are not touched. Raises CollectionNotFound."""
        with self._guard:
            if not self.catalog.collections.remove(name):
                raise CollectionNotFound(name, [known.name for known in self.catalog.collections.list()])
            self._forget(name)
            self._clear_away(name)

    def erase(self, name: str, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> Erased:
        """Erase records of a collection for good, and the decisions that name them; return the receipt.

        Files of its jobs that are over go as well: exports not yet fetched, imports that failed.
        Raises CollectionNotFound, InvalidArgument, InvalidFilter, StoreFailed.
        """
        stores = [key for key in self.shelf.contents() if key.partition(BESIDE)[0] == name]
        files = [self.path / "collections" / key for key in stores] if isinstance(self.shelf, FolderShelf) else []
        receipt = self.get(name).erase(ids, where=where, files=files)
        gone = receipt.erased.keys()
        strike(maps_folder(self.path), name, gone)
        decisions = self.catalog.erase(name, gone)
        for job in self.catalog.jobs.over(name):
            forget_files(self.path, job)
        under_way = self.catalog.jobs.page(collection=name, live=True, limit=1)
        beyond = [*receipt.out_of_reach, *(["jobs of the collection that are under way"] if under_way else [])]
        return replace(receipt, decisions=decisions, out_of_reach=beyond)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine, held by this process alone."""
        return self._lock is not None

    def store_of(self, name: str) -> Watched:
        """Return the rows behind a collection, by which it answers now. Raises as `get` does."""
        with self._guard:
            return self._keeper.store(self.get(name).info)

    def new_store(self, info: CollectionInfo) -> tuple[str, Store]:
        """Return an empty store for what an entry describes, and its key; fill it, close it, and `enter` the entry."""
        return self._keeper.new_store(info)

    def enter(self, infos: Sequence[CollectionInfo]) -> None:
        """Put collections whose stores are filled already into the catalog, all at once, in the place of their like.

        Collections that are open go on with the new entries; the stores that they had are deleted.
        """
        with self._guard:
            for info in infos:
                self._keeper.stop(info.name)
            self.catalog.collections.put(infos)
            for info in infos:
                forget_fields(maps_folder(self.path) / info.name)
                opened = self._opened.get(info.name)
                if opened is not None:
                    with opened.writing:
                        self._keeper.arrange(opened, info)
                self._keeper.discard(info.name, [info.place])

    def close(self) -> None:
        """Flush everything and let other processes in. Closing twice is allowed."""
        with self._guard:
            self._keeper.close()
            while self._opened:
                self._opened.popitem()[1].close()
            self.shelf.close()
            self.catalog.close()
            self._release()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, info: CollectionInfo) -> Collection:
        self._opened[info.name] = self._keeper.open(info)
        return self._opened[info.name]

    def _clear_away(self, name: str) -> None:
        self._keeper.discard(name)
        drop_charts(maps_folder(self.path), name)
        Removed(removed_folder(self.path), name).clear()

    def _forget(self, name: str) -> None:
        self._keeper.stop(name)
        collection = self._opened.pop(name, None)
        if collection is not None:  # an empty one is false
            collection.close()
        self._keeper.forget(name)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _make_folder(self, create: bool) -> None:
        try:
            self._look_at_folder(create)
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.path / "collections").mkdir(exist_ok=True)
        except OSError as error:
            raise WorkspaceUnreadable(str(self.path), error.strerror or str(error)) from None

    def _look_at_folder(self, create: bool) -> None:
        known = (self.path / ("collections" if self.settings.catalog else FILE)).exists()
        if not create and not known:
            raise WorkspaceUnreadable(str(self.path), "there is none yet; index something first")
        strange = self.path.is_dir() and {entry.name for entry in self.path.iterdir()} - _OURS
        if strange and not known:
            raise WorkspaceUnreadable(str(self.path), "the folder holds other things; choose an empty one")


def open_workspace(
    path: str | os.PathLike[str] | None = None, settings: Settings | None = None, *, catalog: str | None = None
) -> Workspace:
    """Open a workspace, making the folder if it is missing (`lookalike.open`).

    path: a folder, or `qdrant://host:6333/PREFIX` (`qdrants://` over TLS); default the settings' workspace.
    settings: default from the environment. catalog: a PostgreSQL URL; default the settings', and if they name none,
    a file in the workspace. A cluster needs one, and takes a SQLite file too.
    Raises WorkspaceLocked, WorkspaceUnreadable, InvalidArgument, MissingExtra, StoreFailed.
    """
    if path is not None and not isinstance(path, str | os.PathLike):
        raise InvalidArgument("path", path, "a folder, or like qdrant://host:6333/PREFIX")
    settings = settings or Settings.load()
    if catalog is not None:
        settings = replace(settings, catalog=catalog)
    return Workspace(settings.workspace if path is None else os.fspath(path), settings)


def _hold(folder: Path) -> FileLock:
    """Take the folder's lock and write into a file beside it who holds it."""
    lock = FileLock(folder / "workspace.lock")
    holder = folder / "workspace.holder"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text("utf-8").strip() if holder.is_file() else "another process"
        raise WorkspaceLocked(str(folder), who) from None
    except OSError as error:
        raise WorkspaceUnreadable(str(folder), f"{error.strerror or error}; it must be writable") from None
    with suppress(OSError):  # a full disk is no reason not to read
        holder.write_text(f"process {os.getpid()}", "utf-8")
    return lock
