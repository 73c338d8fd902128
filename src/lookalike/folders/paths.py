"""Very many paths in little memory: each folder once, names one after another in one run of bytes."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import overload

from lookalike.folders.findings import Unused

__all__ = ["SEPARATOR", "Leftovers", "Paths"]

SEPARATOR = os.fsencode(os.sep)


class Paths:
    """Paths by number, in the order they were added. Some 30 bytes for each."""

    def __init__(self) -> None:
        self._folders: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._in = array("i")
        self._names = bytearray()
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._in)

    def __getitem__(self, number: int) -> bytes:
        return self.folder(number) + self._names[self._ends[number] : self._ends[number + 1]]

    def add(self, folder: bytes, name: bytes) -> None:
        """Append folder/name."""
        at = self._numbers.setdefault(folder, len(self._folders))
        if at == len(self._folders):
            self._folders.append(folder if folder.endswith(SEPARATOR) else folder + SEPARATOR)
        self._in.append(at)
        self._names += name
        self._ends.append(len(self._names))

    def folder(self, number: int) -> bytes:
        """Return the folder of a path, with the separator at its end."""
        return self._folders[self._in[number]]

    def count_below(self, folder: bytes) -> int:
        """Count the paths below a folder."""
        start = folder.rstrip(SEPARATOR) + SEPARATOR
        inside = [folder.startswith(start) for folder in self._folders]
        return sum(count for at, count in Counter(self._in).items() if inside[at])


class Leftovers(Sequence[Unused]):
    """What took no part, in the order it was met. Reasons that repeat are kept once."""

    def __init__(self) -> None:
        self._paths = Paths()
        self._reasons: list[str] = []
        self._numbers: dict[str, int] = {}
        self._why = array("i")

    def __len__(self) -> int:
        return len(self._why)

    @overload
    def __getitem__(self, at: int) -> Unused: ...
    @overload
    def __getitem__(self, at: slice) -> list[Unused]: ...
    def __getitem__(self, at: int | slice) -> Unused | list[Unused]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        number = range(len(self))[at]
        return Unused(os.fsdecode(self._paths[number]), self._reasons[self._why[number]])

    def add(self, path: bytes, reason: str) -> None:
        """Append a path and why it is not used."""
        folder, slash, name = path.rpartition(SEPARATOR)
        self._paths.add(folder or slash, name)
        at = self._numbers.setdefault(reason, len(self._reasons))
        if at == len(self._reasons):
            self._reasons.append(reason)
        self._why.append(at)
