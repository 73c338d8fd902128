"""The directories of a TIFF file and of the camera formats built like one: only whole numbers, and all of them checked.

TIFF 6.0, section 2, with the SubIFDs of TIFF Supplement 1 (tag 330). Nothing here decodes or allocates by what a file
says: directories and values are bounded in number, and what lies outside the file counts as absent.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

__all__ = ["Directory", "directories"]

Directory = dict[int, Sequence[int]]
"""Tag -> its values; of bytes without a meaning (UNDEFINED), more than four: (offset, size)."""

_KINDS: Final = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 13: ("I", 4)}  # BYTE, SHORT, LONG, IFD
_UNDEFINED: Final = 7
_SUB_DIRECTORIES: Final = 330
_MOST_DIRECTORIES: Final = 24
_MOST_ENTRIES: Final = 512
_MOST_VALUES: Final = 64


def directories(data: bytes) -> list[Directory]:
    """Return the directories in the order of the file, each followed by those it names; none of them twice.

    Whatever the four bytes of the signature say beyond the order of bytes, the offset behind them counts.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return []
    waiting, seen, found = [struct.unpack_from(order + "I", data, 4)[0]], set(), list[Directory]()
    while waiting and len(found) < _MOST_DIRECTORIES:
        at = waiting.pop(0)
        if at in seen or at + 2 > len(data):
            continue
        seen.add(at)
        directory, following = _directory(data, at, order)
        found.append(directory)
        waiting = [*directory.get(_SUB_DIRECTORIES, ()), *following, *waiting]
    return found


def _directory(data: bytes, at: int, order: str) -> tuple[Directory, list[int]]:
    """Return the directory and where the next one is, if there is one."""
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count
    directory: Directory = {}
    for entry in range(at + 2, min(end, at + 2 + 12 * _MOST_ENTRIES, len(data) - 11), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", data, entry)
        if kind == _UNDEFINED and length > 4:
            directory[tag] = struct.unpack_from(order + "I", data, entry + 8)[0], length
        if kind not in _KINDS or not 0 < length <= _MOST_VALUES:
            continue
        letter, size = _KINDS[kind]
        where = entry + 8 if length * size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
        if where + length * size <= len(data):
            directory[tag] = struct.unpack_from(f"{order}{length}{letter}", data, where)
    following = struct.unpack_from(order + "I", data, end)[0] if end + 4 <= len(data) else 0
    return directory, [following] if following else []
