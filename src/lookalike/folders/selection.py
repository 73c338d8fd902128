"""What to look at for duplicates: folders and files, what is left out, and which files may be paired."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from lookalike.errors import InvalidArgument

__all__ = ["EXCLUDED", "QUARANTINE", "Given", "Scope", "Selection", "absolute"]

Given: TypeAlias = str | bytes | os.PathLike[str]

Scope = Literal["all", "branch", "folder"]
"""Which files of a side may be paired: all, those below the same sub-folder of a root, those of the same folder."""

QUARANTINE: Final = "lookalike-quarantine"
"""Name of the folders that duplicates are moved to; never looked into."""

EXCLUDED: Final = (
    ".*",
    "@eaDir",
    "node_modules",
    "System Volume Information",
    "$RECYCLE.BIN",
    "#recycle",
    "@Recycle",
    "@Recently-Snapshot",
    "__MACOSX",
    "lost+found",
    QUARANTINE,
)
"""Left out unless asked for: hidden, of the system, of package managers, thumbnails and trash of storage devices."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to look at.

    roots: folders, looked into with all that is below them, and single files. files_from: a file of paths, one a line
    or one before each NUL; "-" reads them from standard input. exclude: patterns like "*.tmp" for names of files and
    folders, or with a slash for paths below a root, in either case of letters; "*" also stands for slashes. defaults:
    whether `EXCLUDED` is left out, too. A root is looked into whatever its own name.
    reference: folders and files that nothing is ever taken from; two of their files are no pair. against: the other
    side: with it, files of roots and files_from are paired with files of these only. Of roots one within another, the
    inner one decides on its files. scope: see `Scope`. follow_links: whether links are followed; links that lead to
    what is looked at anyway are left out either way.
    """

    roots: Sequence[Given] = ()
    files_from: str | os.PathLike[str] | None = None
    exclude: Sequence[str] = ()
    defaults: bool = True
    reference: Sequence[Given] = ()
    against: Sequence[Given] = ()
    scope: Scope = "all"
    follow_links: bool = False

    def check(self) -> None:
        """Raise InvalidArgument for what makes no sense."""
        for name in ("roots", "reference", "against", "exclude"):
            value = getattr(self, name)
            if isinstance(value, str | bytes | os.PathLike):
                raise InvalidArgument(name, value, "a list, even of one")
        if not self.roots and self.files_from is None:
            raise InvalidArgument("roots", "nothing", "at least one folder or file")
        if self.scope not in get_args(Scope):
            raise InvalidArgument("scope", self.scope, f"one of {', '.join(get_args(Scope))}")
        both = {absolute(path) for path in self.roots} & {absolute(path) for path in self.against}
        if both:
            raise InvalidArgument("against", os.fsdecode(min(both)), "no folder of the first side")

    @property
    def excluded(self) -> tuple[str, ...]:
        """All patterns that leave something out."""
        return (*self.exclude, *(EXCLUDED if self.defaults else ()))


def absolute(path: Given) -> bytes:
    """Return a path as it is kept: absolute, without "..", links unresolved, "~" as the user's folder."""
    return os.fsencode(os.path.normpath(Path(os.fsdecode(path)).expanduser().absolute()))
