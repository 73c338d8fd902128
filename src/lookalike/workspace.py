"""A workspace: many collections in one folder, one catalog, one process at a time."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from filelock import FileLock, Timeout

from lookalike.catalog import FILE, Catalog, CollectionInfo, now
from lookalike.collection import Collection
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.errors import CollectionNotFound, InvalidName, WorkspaceLocked, WorkspaceUnreadable
from lookalike.kinds import Kind, changed, settings_of
from lookalike.settings import Settings
from lookalike.stores.edge import EdgeStore

__all__ = ["Workspace", "open_workspace"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_OURS = {"collections", "workspace.lock", "workspace.holder"}


class Workspace:
    """Use as a context manager, or close it. Safe to call from several threads.

    On disk: `catalog.sqlite`, unless the settings name another catalog, `collections/NAME/` (the store of each),
    `workspace.lock`. `catalog` knows its jobs, decisions, keys and users.
    """

    def __init__(self, path: Path, settings: Settings, *, create: bool = True) -> None:
        """Open the folder, making it if it is missing and `create` allows.

        Raises WorkspaceLocked if another process has it, WorkspaceUnreadable if it is something else.
        """
        self.path, self.settings = path.expanduser().absolute(), settings
        self._make_folder(create)
        self._lock = _hold(self.path)
        self._opened: dict[str, Collection] = {}
        self._guard = threading.RLock()
        try:
            self.catalog = Catalog(settings.catalog or self.path / FILE)
        except BaseException:
            self._lock.release()
            raise

    def create(self, name: str, *, kind: str = "photos", model: str | None = None, **settings: Any) -> Collection:
        """Make an empty collection.

        kind: "photos", "products", "matching", "colors" or "custom", as in `kinds.KINDS`. model: default the
        workspace's. settings: what differs from the kind's own, as in `kinds.CollectionSettings`.
        Raises InvalidName, CollectionExists, InvalidArgument, UnknownModel.
        """
        if not _NAME.match(name):
            raise InvalidName(name)
        chosen = settings_of(kind, settings)
        model = model or self.settings.model
        ensemble = standard_ensemble(model)
        info = _set_up(CollectionInfo(name, cast(Kind, kind), model, chosen, {}, {}, now()), ensemble)
        with self._guard:
            self.catalog.collections.add(info)
            shutil.rmtree(self._folder(name), ignore_errors=True)  # left by a drop that was interrupted
            return self._open(info, ensemble)

    def configure(self, name: str, **changes: Any) -> Collection:
        """Change settings of a collection, as in `kinds.CollectionSettings`; the others stay.

        Raises CollectionNotFound, SettingFixed for what its records are described by, InvalidArgument.
        """
        with self._guard:
            collection = self.get(name)
            info = replace(collection.info, settings=changed(name, collection.info.settings, changes))
            self.catalog.collections.replace(info)
            collection.configure(info)
            return collection

    def get(self, name: str) -> Collection:
        """Return a collection. Raises CollectionNotFound, StoreUnreadable, UnknownModel."""
        with self._guard:
            if name in self._opened:
                return self._opened[name]
            info = self.catalog.collections.find(name)
            if info is None:
                raise CollectionNotFound(name, [known.name for known in self.catalog.collections.list()])
            return self._open(info, standard_ensemble(info.model))

    def list(self) -> Sequence[CollectionInfo]:
        """Return how each collection is set up, ascending by name."""
        return self.catalog.collections.list()

    def drop(self, name: str) -> None:
        """Forget a collection and delete its records; pictures on disk are not touched. Raises CollectionNotFound."""
        with self._guard:
            if not self.catalog.collections.remove(name):
                raise CollectionNotFound(name, [known.name for known in self.catalog.collections.list()])
            collection = self._opened.pop(name, None)
            if collection is not None:  # an empty one is false
                collection.close()
            shutil.rmtree(self._folder(name), ignore_errors=True)

    def close(self) -> None:
        """Flush everything and let other processes in. Closing twice is allowed."""
        with self._guard:
            while self._opened:
                self._opened.popitem()[1].close()
            self.catalog.close()
            self._lock.release()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, info: CollectionInfo, ensemble: Ensemble) -> Collection:
        store = EdgeStore.open(self._folder(info.name), info.dims)
        self._opened[info.name] = Collection(info, store, ensemble, self.settings)
        return self._opened[info.name]

    def _folder(self, name: str) -> Path:
        return self.path / "collections" / name

    def _make_folder(self, create: bool) -> None:
        known = (self.path / ("collections" if self.settings.catalog else FILE)).exists()
        if not create and not known:
            raise WorkspaceUnreadable(str(self.path), "there is none yet; index something first")
        strange = self.path.is_dir() and {entry.name for entry in self.path.iterdir()} - _OURS
        if strange and not known:
            raise WorkspaceUnreadable(str(self.path), "the folder holds other things; choose an empty one")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "collections").mkdir(exist_ok=True)
        except OSError as error:
            raise WorkspaceUnreadable(str(self.path), error.strerror or str(error)) from None


def open_workspace(
    path: str | os.PathLike[str] | None = None, settings: Settings | None = None, *, catalog: str | None = None
) -> Workspace:
    """Open a workspace, making the folder if it is missing (`lookalike.open`).

    path: default the settings' workspace. settings: default from the environment. catalog: a PostgreSQL URL;
    default the settings', and if they name none, a file in the workspace.
    Raises WorkspaceLocked, WorkspaceUnreadable, InvalidArgument, MissingExtra.
    """
    settings = settings or Settings.load()
    if catalog is not None:
        settings = replace(settings, catalog=catalog)
    return Workspace(Path(path) if path is not None else settings.workspace, settings)


def _set_up(info: CollectionInfo, ensemble: Ensemble) -> CollectionInfo:
    """Return the entry with the vectors that its settings want, and who makes them; hashes are always kept."""
    chosen = info.settings
    kept = (*chosen.describers, *ensemble.hashes)
    dims = {name: ensemble.dims[name] for name in chosen.describers}
    signatures = {name: ensemble.signatures[name] for name in kept}
    return replace(info, signatures=signatures, dims={**dims, **chosen.entities})


def _hold(folder: Path) -> FileLock:
    """Take the folder's lock and write into a file beside it who holds it."""
    lock = FileLock(folder / "workspace.lock")
    holder = folder / "workspace.holder"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text("utf-8").strip() if holder.is_file() else "another process"
        raise WorkspaceLocked(str(folder), who) from None
    holder.write_text(f"process {os.getpid()}", "utf-8")
    return lock
