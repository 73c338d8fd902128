"""Files that go where a picture goes: its sidecar, and the RAW of a camera that wrote both."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from lookalike.folders.paths import SEPARATOR
from lookalike.images.endings import ENDINGS

__all__ = ["Beside", "companions"]

_RAW: Final = frozenset(ending.encode() for ending in ENDINGS["RAW"])
_DEVELOPED: Final = frozenset([b".jpg", b".jpeg", b".jpe", b".heic", b".heif"])
_SIDECAR: Final = b".xmp"
_ALONG: Final = (*_RAW, _SIDECAR)


def companions(names: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    """Return name -> its companions, of the files in one folder that have any; a companion has none itself.

    a.jpg takes a.nef where it is the only developed picture of that name; a.jpg.xmp belongs to a.jpg, and a.xmp to
    the picture called a where there is one. Upper and lower case are one.
    """
    if not any(name.lower().endswith(_ALONG) for name in names):
        return {}
    by_stem: dict[bytes, list[bytes]] = defaultdict(list)
    for name in names:
        by_stem[_parts(name)[0]].append(name)
    found: dict[bytes, tuple[bytes, ...]] = {}
    for same in by_stem.values():
        _pair(same, found)
    lower = {name.lower(): name for name in names if _parts(name)[1] != _SIDECAR}
    for name in names:
        stem, ending = _parts(name)
        if ending == _SIDECAR and (owner := lower.get(stem)) is not None:
            master = next((one for one, others in found.items() if owner in others), owner)
            found[master] = (*found.get(master, ()), name)
    return found


def _pair(same: Sequence[bytes], found: dict[bytes, tuple[bytes, ...]]) -> None:
    kinds = Counter(_parts(name)[1] for name in same)
    developed = [name for name in same if _parts(name)[1] in _DEVELOPED]
    raws = [name for name in same if _parts(name)[1] in _RAW]
    pictures = [name for name in same if _parts(name)[1] != _SIDECAR and name not in raws] or raws
    if len(developed) == 1 and raws:
        found[developed[0]] = tuple(raws)
    if kinds[_SIDECAR] and len(pictures) == 1:
        sidecars = tuple(name for name in same if _parts(name)[1] == _SIDECAR)
        found[pictures[0]] = (*found.get(pictures[0], ()), *sidecars)


def _parts(name: bytes) -> tuple[bytes, bytes]:
    stem, dot, ending = name.lower().rpartition(b".")
    return (stem, dot + ending) if stem else (ending, b"")


class Beside:
    """The companions of files that are named one by one. Each folder is listed once; what has none takes no memory."""

    def __init__(self) -> None:
        self._folders: dict[bytes, tuple[dict[bytes, tuple[bytes, ...]], dict[bytes, bytes]]] = {}

    def companions(self, path: bytes) -> tuple[bytes, ...]:
        """Return the paths of a file's companions."""
        folder, slash, name = path.rpartition(SEPARATOR)
        found, _ = self._of(folder + slash)
        return tuple(folder + slash + one for one in found.get(name, ()))

    def owner(self, path: bytes) -> bytes:
        """Return the path of the picture that a file is a companion of, or b""."""
        folder, slash, name = path.rpartition(SEPARATOR)
        _, owners = self._of(folder + slash)
        return folder + slash + owners[name] if name in owners else b""

    def _of(self, folder: bytes) -> tuple[dict[bytes, tuple[bytes, ...]], dict[bytes, bytes]]:
        if folder not in self._folders:
            try:
                found = companions(os.listdir(folder))  # noqa: PTH208 - names that are no UTF-8
            except OSError:
                found = {}
            self._folders[folder] = found, {name: owner for owner, names in found.items() for name in names}
        return self._folders[folder]
