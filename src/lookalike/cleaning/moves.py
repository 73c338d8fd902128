"""A file that goes elsewhere and comes back: to the trash or to a quarantine folder, on the same volume or another."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from lookalike.cleaning import disk
from lookalike.cleaning.disk import Facts
from lookalike.errors import FileChanged

__all__ = ["Move"]

_COARSEST: Final = 2_000_000_000  # nanoseconds; FAT counts two seconds


@dataclass(frozen=True, slots=True)
class Move:
    """One file from `path` to `target`.

    part: name, ours alone, under which copies are written beside what they become. note, text: a file that goes with
    the target, such as the trash's own record of it, and all that it says. made: folders made for the target, outermost
    first.
    """

    kind: ClassVar[str] = "move"
    path: str
    target: str
    part: str
    facts: Facts
    note: str = ""
    text: str = ""
    made: tuple[str, ...] = ()

    def do(self) -> None:
        """Move it. Raises FileExistsError if the target or its note has been taken, FileChanged, OSError."""
        disk.make_folders(self.made)
        if self.note:
            disk.write_new(self.note, self.text.encode())
        disk.transfer(self.path, self.target, self._part_beside(self.target), self.facts)
        if not self._arrived():
            raise FileChanged(self.path, "was changed just before it was moved")

    def undo(self, to: str) -> str:
        """Bring it back to `to`, whatever `do` or an earlier `undo` got to; a second time it does nothing.

        Returns what was odd about it, or "". Raises FileExistsError if something else stands at `to`, FileChanged if
        the file is nowhere any more, OSError.
        """
        disk.remove_ours(self._part_beside(self.target))
        here, there = disk.look(to), disk.look(self.target)
        odd = ""
        if there is None:
            if here is None or not self._original(to):
                raise FileChanged(self.path, f"is no longer at {self.target}")
        elif here is None:
            odd = self._bring(to)
        elif os.path.samestat(here, there) or self._copied(to):
            Path(self.target).unlink()
        else:
            raise FileExistsError(to)
        disk.remove_ours(self._part_beside(to))
        if not odd:
            disk.give_facts(to, self.facts)
        self._clear_note()
        disk.clear_folders(self.made)
        disk.sync_folder(to)
        return odd

    def _bring(self, to: str) -> str:
        found = disk.read_facts(self.target)
        disk.make_folders(disk.missing_folders(to))
        same = found.sha256 == self.facts.sha256
        disk.transfer(self.target, to, self._part_beside(to), self.facts if same else found)
        return "" if same else f"its bytes were changed while it was at {self.target}"

    def _copied(self, to: str) -> bool:
        """Whether both are the whole file: a copy to another volume, of which the source was not yet removed."""
        return self._original(to) and self._original(self.target)

    def _original(self, path: str) -> bool:
        try:
            return disk.digest(path) == self.facts.sha256
        except (FileChanged, OSError):
            return False

    def _clear_note(self) -> None:
        """Remove the note if it is the one written here, or the beginning of it."""
        if self.note:
            with suppress(OSError):
                if self.text.encode().startswith(Path(self.note).read_bytes()):
                    Path(self.note).unlink()

    def _arrived(self) -> bool:
        """Whether the target is what was verified. On file systems that keep coarser times the bytes tell."""
        found = Path(self.target).lstat()
        if (found.st_size, found.st_mtime_ns) == (self.facts.size, self.facts.modified):
            return True
        coarse = abs(found.st_mtime_ns - self.facts.modified) <= _COARSEST
        return coarse and found.st_size == self.facts.size and self._original(self.target)

    def _part_beside(self, path: str) -> str:
        return str(Path(path).with_name(self.part))
