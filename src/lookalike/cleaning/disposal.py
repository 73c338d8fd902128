"""What can be done with a superfluous file: the trash, a quarantine folder, a hard link or a reflink to its keeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePath
from typing import Final, Literal, get_args

from lookalike.cleaning.disk import Facts, look, may_give, missing_folders
from lookalike.cleaning.links import Link
from lookalike.cleaning.moves import Move
from lookalike.cleaning.trash import has_trash, place_in_trash
from lookalike.errors import DisposalUnavailable, InvalidArgument
from lookalike.folders.selection import QUARANTINE

__all__ = ["ACTIONS", "Action", "Disposal", "default_action"]

Action = Literal["trash", "quarantine", "hardlink", "reflink"]
"""trash: the desktop's. quarantine: a folder, in which paths stay as they were. hardlink, reflink: the file stays where
it is and shares the blocks of its keeper, of which it must be a copy to the last byte."""

ACTIONS: Final = get_args(Action)


def default_action() -> Action:
    """Return "trash" where files can be put back from it, else "quarantine"."""
    return "trash" if has_trash() else "quarantine"


@dataclass(frozen=True, slots=True)
class Disposal:
    """How files go. folder: of the quarantine; by default a folder "lookalike-quarantine" in the root that a file is
    below, so that moving costs nothing. roots: folders that places in the quarantine are relative to.

    Raises InvalidArgument for another action, or a folder without a quarantine.
    """

    action: Action
    folder: str = ""
    roots: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise InvalidArgument("action", self.action, f"one of {', '.join(ACTIONS)}")
        if self.folder and self.action != "quarantine":
            raise InvalidArgument("folder", self.folder, f"left out, since the action is {self.action}")

    @property
    def links(self) -> bool:
        """Whether files stay in their places, as links."""
        return self.action in ("hardlink", "reflink")

    def move(self, path: str, facts: Facts, tag: str) -> Move:
        """Plan to move a file to a place that is free. tag: makes a name that only we use.

        Raises DisposalUnavailable if its volume has no trash.
        """
        if self.action == "trash":
            place = place_in_trash(path)
            return Move(path, place.target, f"{tag}.part", facts, place.note, place.text)
        target = _free(self._in_quarantine(Path(path)))
        return Move(path, str(target), f"{tag}.part", facts, made=missing_folders(str(target)))

    def link(self, path: str, facts: Facts, keeper: str, keeper_facts: Facts, tag: str) -> Link:
        """Plan to replace a file by a link to its keeper.

        Raises DisposalUnavailable if their bytes differ, others share the file already, or it is someone else's.
        """
        advice = "Move it to the trash or a quarantine folder instead."
        if facts.sha256 != keeper_facts.sha256:
            raise DisposalUnavailable(path, "it is a copy of the keeper, and not to the last byte", advice)
        if facts.links > 1:
            raise DisposalUnavailable(path, "it has other hard links, so that a link would free nothing", advice)
        if not may_give(facts):
            raise DisposalUnavailable(path, "it belongs to someone else, to whom a copy couldn't be given back", advice)
        shared = self.action == "reflink"
        return Link(path, keeper, keeper_facts.inode, shared, f"{tag}.part", f"{tag}.aside", facts)

    def _in_quarantine(self, path: Path) -> Path:
        roots = [Path(root) for root in self.roots if path.is_relative_to(root) and path != Path(root)]
        root = max(roots, key=lambda one: len(one.parts), default=None)
        if not self.folder:
            home = root or path.parent
            return home / QUARANTINE / path.relative_to(home)
        folder = Path(self.folder).expanduser().absolute()
        if root is None:
            return folder / PurePath(*path.parts[1:])
        return folder / (path.relative_to(root) if len(self.roots) == 1 else Path(root.name) / path.relative_to(root))


def _free(path: Path) -> Path:
    """Return a path at which nothing stands: this one, or with (2), (3), ... before the ending."""
    for number in count(2):
        if look(str(path)) is None:
            return path
        stem = path.stem if number == 2 else path.stem.removesuffix(f" ({number - 1})")
        path = path.with_name(f"{stem} ({number}){path.suffix}")
    raise AssertionError("unreachable")
