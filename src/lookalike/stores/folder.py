"""A store's folder: made whole or not at all, marked with what is in it, refused when it is something else.

store.json   {"format": 2, "dims": {name: floats}, "shard": folder, "rows": rows when it was last optimized,
              "segments": those of the shard with rows in them at the last flush}
shard/       the engine's files, until `optimize` puts those of a folder shard-... in their place
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from lookalike.errors import InvalidArgument, StoreFailed, StoreUnreadable
from lookalike.stores.encoding import FORMAT
from lookalike.stores.segments import flushed_segments, lost_file

__all__ = [
    "SHARD",
    "SPARE_BYTES",
    "check_folder",
    "check_space",
    "clean_folder",
    "current_shard",
    "is_outdated",
    "make_folder",
    "mark_upgraded",
    "new_shard",
    "note_segments",
    "rows_when_optimized",
    "size_on_disk",
    "unreadable",
    "use_shard",
]

SHARD: Final = "shard"
SPARE_BYTES: Final = 128 << 20
"""What must stay free on the disk: the engine maps its files into memory and dies if it can't extend them."""

_MANIFEST: Final = "store.json"

_OF_THE_FILES: Final = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}
"""What the system says of files that are missing or not what they should be."""

_UPGRADED: Final = 1
"""The format whose rows are written anew when a store is opened: it knew fewer filters."""


def make_folder(path: Path, dims: Mapping[str, int], make_shard: Callable[[Path], None]) -> None:
    """Make an empty store aside and move it into place; does nothing if there is something in the folder.

    Raises InvalidArgument for dims that can't be kept, StoreFailed, OSError.
    """
    for name, dim in dims.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) or dim < 1:
            raise InvalidArgument("dims", {name: dim}, "names of letters, digits, '_' or '-' with at least one float")
    if path.exists() and any(path.iterdir()):
        return
    aside = path.absolute().parent / f".{path.name}.{uuid4().hex}"
    aside.mkdir(parents=True)
    try:
        check_space(aside, SPARE_BYTES, "make a store")
        (aside / _MANIFEST).write_text(json.dumps({"format": FORMAT, "dims": dict(dims)}), encoding="utf-8")
        make_shard(aside / SHARD)
        if path.exists():
            path.rmdir()
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_folder(path: Path, dims: Mapping[str, int]) -> None:
    """Raise StoreUnreadable unless the folder holds a store of a format that can be read, and of these dims."""
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        version, kept = manifest["format"], manifest["dims"]
    except FileNotFoundError:
        raise StoreUnreadable(str(path), f"it is not empty and has no {_MANIFEST}") from None
    except (ValueError, KeyError, TypeError) as problem:
        raise StoreUnreadable(str(path), f"its {_MANIFEST} is damaged ({problem!r})") from problem
    if version not in (_UPGRADED, FORMAT):
        told = f"it has format {version}, this version reads up to {FORMAT}"
        raise StoreUnreadable(str(path), told, "Upgrade Lookalike; nothing was changed")
    if kept != dict(dims):
        raise StoreUnreadable(str(path), f"it keeps vectors of {kept} floats, asked for were {dict(dims)}")
    _check_files(path, manifest)


def _check_files(path: Path, manifest: dict[str, Any]) -> None:
    """Raise StoreUnreadable if files were lost: the engine would take that for rows that never were."""
    while True:
        shard = path / str(manifest.get("shard", SHARD))
        if not any((shard / "segments").glob("*")):
            reason = "its segments are missing"
        elif lost := lost_file(shard, manifest.get("segments", ())):
            reason = f"{shard.name}/{lost.as_posix()} is missing"
        else:
            return
        latest = _manifest(path)
        if latest == manifest:
            raise StoreUnreadable(str(path), reason)
        manifest = latest  # whoever has it open has put another shard in the place of this one


def unreadable(path: Path, reason: str, number: int | None) -> StoreUnreadable:
    """Return the error for a store that can't be opened. number: the system's errno, None for what it did not say.

    A full disk or a missing permission says nothing of the files, and is no reason to give them up.
    """
    if number is None or number in _OF_THE_FILES:
        return StoreUnreadable(str(path), reason)
    return StoreUnreadable(str(path), reason, "Mend that and open it again; nothing was lost")


def is_outdated(path: Path) -> bool:
    """Whether the rows are to be written anew, and then `mark_upgraded`."""
    return bool(_manifest(path)["format"] != FORMAT)


def mark_upgraded(path: Path) -> None:
    """Say that the rows are in this version's format."""
    _write_durably(path / _MANIFEST, json.dumps({**_manifest(path), "format": FORMAT}))


def current_shard(path: Path) -> Path:
    """Return the folder of the shard that holds the store's rows. Raises OSError, ValueError."""
    return path / str(_manifest(path).get("shard", SHARD))


def rows_when_optimized(path: Path) -> int:
    """Return how many rows the shard had when its index was last brought up to date. Raises OSError, ValueError."""
    return int(_manifest(path).get("rows", 0))


def new_shard(path: Path) -> Path:
    """Return a folder, not there yet, for a shard that may become the current one."""
    return path / f"{SHARD}-{uuid4().hex}"


def use_shard(path: Path, shard: Path, rows: int) -> None:
    """Make a flushed shard the current one, at once and for good: after a crash it is this one or the one before."""
    told = {"shard": shard.name, "rows": rows, "segments": flushed_segments(shard)}
    _write_durably(path / _MANIFEST, json.dumps({**_manifest(path), **told}))


def note_segments(path: Path) -> None:
    """Note which segments a flush has left with rows in them, so that a lost one is missed."""
    with suppress(OSError):  # what is not noted is only not missed
        manifest, there = _manifest(path), flushed_segments(current_shard(path))
        if manifest.get("segments") != there:
            _write_durably(path / _MANIFEST, json.dumps({**manifest, "segments": there}))


def clean_folder(path: Path) -> None:
    """Delete what an interrupted `optimize` left. Only for who has the current shard open."""
    current = current_shard(path)
    for shard in path.glob(f"{SHARD}*"):
        if shard != current:
            shutil.rmtree(shard, ignore_errors=True)


def check_space(path: Path, needed: int, operation: str) -> None:
    """Raise StoreFailed if the disk has fewer free bytes than needed."""
    free = shutil.disk_usage(path).free
    if free < needed:
        raise StoreFailed(operation, f"the disk has {free >> 20:,} MB left, {needed >> 20:,} MB are needed")


def size_on_disk(path: Path) -> int:
    """Return the bytes a folder's files take; sparse ones count what is written, where the system tells."""
    stats = (file.stat() for file in path.rglob("*"))
    return sum(stat.st_blocks * 512 if hasattr(stat, "st_blocks") else stat.st_size for stat in stats)


def _manifest(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
    return manifest


def _write_durably(path: Path, text: str) -> None:
    """Replace a file whole: whoever reads it, now or after a power cut, finds the old text or the new one."""
    aside = path.with_suffix(".new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
