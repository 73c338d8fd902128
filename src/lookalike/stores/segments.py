"""The files that a shard's segments must have: the engine takes a lost one for an empty one, and says nothing.

It makes them as follows. A segment is a folder; `version.info` comes last, without it the folder counts as half made
and is deleted. Each vector of `segment.json` has a folder of chunks with their number (segments that take what is
written) or one matrix (optimized ones). The tracker of ids comes with the first flush of rows: first
`mutable_id_tracker.mappings`, then the rows themselves, then `.versions`; `id_tracker` in optimized segments, which
are moved here whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path
from typing import Final

__all__ = ["flushed_segments", "lost_file"]

_TRACKERS: Final = ("id_tracker", "mutable_id_tracker")
_BEGUN: Final = "mutable_id_tracker.mappings"
_COUNT: Final = 8


def flushed_segments(shard: Path) -> list[str]:
    """Return the names of the segments that have rows on disk, ascending: each stays as long as the shard."""
    return sorted(entry.name for entry in _entries(shard / "segments") if _has_tracker(entry))


def lost_file(shard: Path, flushed: Iterable[str]) -> Path | None:
    """Return a file or folder, below the shard, that was there and is not; None if nothing is known to be lost.

    flushed: names of segments that `flushed_segments` returned earlier.
    """
    names = {entry.name for entry in _entries(shard / "segments")} | set(flushed)
    for name in sorted(names):
        for path in _needed(shard / "segments" / name, flushed=name in flushed):
            if not any(path.parent.glob(path.name)):
                return path.relative_to(shard)
    return None


def _needed(segment: Path, *, flushed: bool) -> Iterator[Path]:
    """Yield what a segment must have; names may be patterns."""
    there = {entry.name for entry in _entries(segment)}
    tracked = {name for name in there if name.startswith(_TRACKERS)}
    tracker = "id_tracker" if any(name.startswith("id_tracker") for name in tracked) else "mutable_id_tracker"
    if flushed:
        yield segment
    if flushed or tracked:
        yield segment / "version.info"
        yield segment / f"{tracker}.mappings"
    if flushed or tracked - {_BEGUN}:
        yield segment / f"{tracker}.versions"
    if "version.info" in there:
        yield from _vector_files(segment)


def _vector_files(segment: Path) -> Iterator[Path]:
    """Yield the files of vectors; what can't be read here the engine tells of."""
    try:
        vectors = json.loads((segment / "segment.json").read_text("utf-8"))["config"]["vector_data"]
        kinds = {name: kept["storage_type"] for name, kept in vectors.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    for name, kind in kinds.items():
        folder = segment / f"vector_storage-{name}"
        if kind == "Mmap":
            yield folder / "matrix.dat"
            yield folder / "deleted.dat"
        elif kind == "ChunkedMmap":
            yield folder / "deleted" / "status.dat"
            yield folder / "deleted" / "flags_*.dat"
            yield folder / "vectors" / "status.dat"
            yield from (folder / "vectors" / f"chunk_{n}.mmap" for n in range(_chunks(folder / "vectors")))


def _chunks(folder: Path) -> int:
    """Return into how many files the vectors of a folder go."""
    try:
        count = int.from_bytes((folder / "status.dat").read_bytes()[:_COUNT], "little")
        return ceil(count / int(json.loads((folder / "config.json").read_text("utf-8"))["chunk_size_vectors"]))
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return 0


def _has_tracker(segment: Path) -> bool:
    names = {entry.name for entry in _entries(segment)}
    return any({f"{tracker}.mappings", f"{tracker}.versions"} <= names for tracker in _TRACKERS)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
