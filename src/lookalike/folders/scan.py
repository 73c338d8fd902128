"""A walk over a folder: which files are pictures, in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.errors import FolderNotFound, NoImagesFound
from lookalike.images.endings import EXTENSIONS

__all__ = ["EXTENSIONS", "Scan", "scan"]

_NOT_PICTURES = {"@eadir", "node_modules", "system volume information", "$recycle.bin", "__macosx"}


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds.

    pictures: files that by their ending are pictures, ascending by path. others: files that are not.
    unreadable: folder or file -> reason, for what could not be looked into.
    """

    root: Path
    pictures: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

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
    for path in _walk(root, found.unreadable, leave_out):
        kind = found.pictures if path.suffix.lower() in EXTENSIONS else found.others
        kind.append(path)
    if not found.pictures:
        raise NoImagesFound(str(folder), len(found.others), EXTENSIONS)
    return found


def _walk(folder: Path, unreadable: dict[str, str], leave_out: Path | None) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        unreadable[str(folder)] = error.strerror or str(error)
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _NOT_PICTURES:
            continue
        if entry.is_dir(follow_symlinks=False):
            if Path(entry.path) != leave_out:
                yield from _walk(Path(entry.path), unreadable, leave_out)
        elif entry.is_file():
            yield Path(entry.path)
