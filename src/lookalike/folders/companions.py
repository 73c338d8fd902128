"""Files that go where a picture goes: its sidecar, and the RAW of a camera that wrote both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from lookalike.images.endings import ENDINGS

__all__ = ["companions"]

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
