"""What a scan of folders finds: files, pairs of them, groups, and what could not be used. Frozen values, no logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lookalike.records import Verdict

__all__ = ["FileGroup", "FilePair", "PictureFile", "Tier", "Unused"]

Tier = Literal["digest", "hash", "copy", "keypoints"]
"""What decided a pair: equal bytes, hashes, the copy vector, or the pixels that keypoints align."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture on disk, as it was when it was read.

    path: absolute; bytes that are no UTF-8 are surrogate escapes. size: bytes. modified: nanoseconds since 1970.
    device, inode: what hard links share. reference: in a folder that nothing is ever taken from. side: "a" or "b"
    where one set is held against another, else "". width, height: upright. taken: when by its EXIF, ISO 8601 without
    a zone, or "". exif: how many EXIF fields it has. companions: files that belong to it and go where it goes (the
    RAW of a RAW and JPEG pair, an XMP sidecar).
    """

    path: str
    size: int
    modified: int
    device: int
    inode: int
    sha256: str
    width: int
    height: int
    format: str
    taken: str = ""
    exif: int = 0
    reference: bool = False
    side: str = ""
    companions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FilePair:
    """Two files of one group; a stands before b in it.

    probability: that they show the same picture, 1.0 for equal bytes. changes: what b is beside a, in words, such as
    "mirrored", "rotated 90", "cropped to 61 %", "recompressed", "gray". overlap_a, overlap_b: share of the area of
    each that the other shows, in [0, 1]. transform: (3, 3), row by row, from a's unit square (x to the right, y down)
    to b's, or None where nothing aligned them.
    """

    a: str
    b: str
    verdict: Verdict
    probability: float
    tier: Tier
    changes: Sequence[str] = ()
    overlap_a: float = 1.0
    overlap_b: float = 1.0
    transform: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that show one picture.

    members: ascending by path. pairs: every two of them where there are up to 10; of a larger group the first member
    with each of the others; most probable first, ties by path. reopened: a decision "not duplicates" covers all
    members but some that came later.
    """

    members: Sequence[PictureFile]
    pairs: Sequence[FilePair]
    reopened: bool = False


@dataclass(frozen=True, slots=True)
class Unused:
    """A file or folder that took no part, and why."""

    path: str
    reason: str
