"""A walk over a folder: which files are pictures, in a stable order."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.errors import FolderNotFound, NoImagesFound
from lookalike.images.endings import EXTENSIONS

__all__ = ["EXTENSIONS", "NOT_BY_NAME", "Scan", "scan"]

NOT_BY_NAME = "not a picture by the ending of its name"

_NOT_PICTURES = {"@eadir", "node_modules", "system volume information", "$recycle.bin", "__macosx"}


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds.

    pictures: files that by their ending are pictures, ascending by path. others: files that are not.
    unreadable: folder or file -> reason, for what could not be looked into. left_out: likewise, for what was not to be.
    """

    root: Path
    pictures: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def unused(self) -> dict[str, str]:
        """Path -> reason, ascending, for everything met that is no picture."""
        others = {str(path): NOT_BY_NAME for path in self.others}
        return dict(sorted((others | self.unreadable | self.left_out).items()))

    def name(self, picture: Path) -> str:
        """Return the path relative to the root, with forward slashes."""
        return picture.relative_to(self.root).as_posix()


def scan(folder: str | os.PathLike[str], *, leave_out: Path | None = None) -> Scan:
    """Walk a folder and everything below it. Hidden files and folders, system folders and the folder `leave_out`
    are left out; links to folders are not followed. Raises FolderNotFound, NoImagesFound.
    """
    root = Path(os.path.normpath(Path(folder).expanduser().absolute()))
    if not root.is_dir():
        raise FolderNotFound(str(folder))
    found = Scan(root)
    _walk(root, found, leave_out)
    if not found.pictures:
        raise NoImagesFound(str(folder), len(found.others), EXTENSIONS)
    return found


def _walk(folder: Path, found: Scan, leave_out: Path | None) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.unreadable[str(folder)] = error.strerror or str(error)
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            found.left_out[entry.path] = "hidden"
        elif entry.name.lower() in _NOT_PICTURES:
            found.left_out[entry.path] = "a folder of the system or of a program"
        elif path == leave_out:
            found.left_out[entry.path] = "the folder for the output"
        elif entry.is_dir(follow_symlinks=False):
            _walk(path, found, leave_out)
        else:
            _sort_in(path, found)


def _sort_in(path: Path, found: Scan) -> None:
    """Note a file, or whatever else is no folder: a link, which may lead anywhere, a pipe, a device."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        leads = f"a link that leads nowhere: {error.strerror}" if path.is_symlink() else error.strerror
        mode, reason = stat.S_IFREG, leads or str(error)
    else:
        reason = "" if stat.S_ISREG(mode) else "neither a file nor a folder"
    if stat.S_ISDIR(mode):
        found.left_out[str(path)] = "a link to a folder, which is not followed"
    elif path.suffix.lower() not in EXTENSIONS:
        found.others.append(path)
    elif reason:
        found.unreadable[str(path)] = reason
    else:
        found.pictures.append(path)
