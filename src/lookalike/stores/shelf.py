"""Where the stores of a workspace stand: folders below one folder, or collections of one cluster."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from lookalike.errors import StoreUnreadable
from lookalike.stores.base import Store
from lookalike.stores.edge import EdgeStore

__all__ = ["BESIDE", "FolderShelf", "Shelf", "drop_others", "fresh_key"]

BESIDE = "~"
"""What parts the name of a collection from the number of a store beside its first; no name contains it."""


class Shelf(ABC):
    """Stores by key. A key is a collection's name, or NAME~2 for another store of it."""

    is_shared: bool = False
    """Whether other processes may make and drop stores meanwhile."""

    @abstractmethod
    def open(self, key: str, dims: Mapping[str, int], index: Sequence[str] = (), *, make: bool = True) -> Store:
        """Open a store, or make an empty one. index: paths that filters should find fast. Raises as the stores do.

        make: without, StoreUnreadable is raised where there is none.
        """

    @abstractmethod
    def drop(self, key: str) -> None:
        """Delete a store, closed before, if there is one. Raises StoreFailed."""

    @abstractmethod
    def contents(self) -> list[str]:
        """Return the keys of all stores there are, ascending."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what the stores share."""


class FolderShelf(Shelf):
    """Embedded stores, a folder each."""

    def __init__(self, folder: Path) -> None:
        """folder: the one they are in; it need not exist yet."""
        self._folder = folder

    def open(self, key: str, dims: Mapping[str, int], index: Sequence[str] = (), *, make: bool = True) -> Store:
        """Open a store; the embedded engine indexes a path when it is first asked for."""
        if not make and not any((self._folder / key).glob("*")):
            raise StoreUnreadable(str(self._folder / key), "its files are gone")
        return EdgeStore.open(self._folder / key, dims)

    def drop(self, key: str) -> None:
        shutil.rmtree(self._folder / key, ignore_errors=True)

    def contents(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(entry.name for entry in self._folder.iterdir() if not entry.name.startswith("."))

    def close(self) -> None:
        pass


def fresh_key(shelf: Shelf, name: str, used: Sequence[str]) -> str:
    """Return the key of a new store for a collection, and drop what an interrupted change left under its name.

    used: keys that the catalog names.
    """
    drop_others(shelf, name, used)
    numbers = (f"{name}{BESIDE}{number}" for number in range(2, len(used) + 3))
    return next(key for key in (name, *numbers) if key not in used)


def drop_others(shelf: Shelf, name: str, used: Sequence[str]) -> None:
    """Delete the stores of a collection but those used."""
    for key in shelf.contents():
        if key.partition(BESIDE)[0] == name and key not in used:
            shelf.drop(key)
