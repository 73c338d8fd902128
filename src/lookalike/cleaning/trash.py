"""Where the trash of a file is, by the freedesktop.org trash specification, version 1.0.

The home trash takes what is on its volume; every other volume has a trash of its own at its top.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path, PurePath
from urllib.parse import quote

from lookalike.cleaning.disk import look
from lookalike.errors import DisposalUnavailable

__all__ = ["TrashPlace", "has_trash", "place_in_trash"]

_ADVICE = "Move copies to a quarantine folder instead."
_LONGEST_NAME = 255 - len(".trashinfo")  # bytes, on nearly every file system


@dataclass(frozen=True, slots=True)
class TrashPlace:
    """Where a file goes. note: the path of its .trashinfo, which is written first; text: all that it says."""

    target: str
    note: str
    text: str


def has_trash() -> bool:
    """Whether this system has a trash out of which files can be put back by name. (Those of macOS and Windows don't
    say where a file went.)
    """
    return sys.platform not in ("win32", "darwin", "cygwin")


def place_in_trash(path: str, environment: Mapping[str, str] = os.environ) -> TrashPlace:
    """Choose a free name in the trash of the volume that a file is on, making the trash if it is missing.

    Raises DisposalUnavailable where there is none and none can be made.
    """
    if not has_trash():
        raise DisposalUnavailable(path, "files can't be put back from the trash of this system by a program", _ADVICE)
    real = Path(path).parent.resolve() / Path(path).name
    home = Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "Trash"
    if _device(home) == real.parent.stat().st_dev:
        folder, told = home, str(real)
    else:
        top = _top(real.parent)
        folder, told = _of_volume(top, path), str(real.relative_to(top))
    for part in (folder, folder / "files", folder / "info"):
        _make(part, path)
    name = _free_name(folder, real.name)
    when = datetime.now().replace(microsecond=0).isoformat()  # local time, as specified
    text = f"[Trash Info]\nPath={quote(os.fsencode(told), safe='/')}\nDeletionDate={when}\n"
    return TrashPlace(str(folder / "files" / name), str(folder / "info" / f"{name}.trashinfo"), text)


def _of_volume(top: Path, path: str) -> Path:
    """Return .Trash/UID if an administrator made a .Trash that is safe to use, else .Trash-UID."""
    shared, uid = top / ".Trash", os.getuid()
    found = look(str(shared))
    if found and stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX and not (shared / str(uid)).is_symlink():
        try:
            (shared / str(uid)).mkdir(mode=0o700, exist_ok=True)
            return shared / str(uid)
        except OSError:
            pass  # then as if there were none
    own = top / f".Trash-{uid}"
    found = look(str(own))
    if found and (not stat.S_ISDIR(found.st_mode) or found.st_uid != uid):
        raise DisposalUnavailable(path, f"{own} is no trash of yours", _ADVICE)
    return own


def _make(folder: Path, path: str) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"its volume has no trash, and none can be made at {folder} ({error.strerror})"
        raise DisposalUnavailable(path, reason, _ADVICE) from None


def _free_name(folder: Path, name: str) -> str:
    stem, ending = PurePath(name).stem, PurePath(name).suffix
    for number in count(1):
        more = ending if number == 1 else f".{number}{ending}"
        room = _LONGEST_NAME - len(os.fsencode(more))
        free = os.fsdecode(os.fsencode(stem)[:room]) + more
        taken = (folder / "files" / free, folder / "info" / f"{free}.trashinfo")
        if not any(look(str(one)) for one in taken):
            return free
    raise AssertionError("unreachable")


def _device(folder: Path) -> int:
    """Return the device a folder is on or, where it is not made yet, would be on."""
    while not folder.exists():
        folder = folder.parent
    return folder.stat().st_dev


def _top(folder: Path) -> Path:
    while not folder.is_mount():
        folder = folder.parent
    return folder
