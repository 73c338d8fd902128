"""A small file written anew, such as a sidecar, whose earlier bytes are remembered."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from lookalike.cleaning import disk
from lookalike.cleaning.disk import Facts
from lookalike.errors import FileChanged

__all__ = ["Rewrite"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The file at `path`, given other bytes. before, after: base64; facts: of the earlier file.

    facts is None, and before empty, where there was none. part: a name that only we use.
    """

    kind: ClassVar[str] = "rewrite"
    path: str
    part: str
    after: str
    before: str = ""
    facts: Facts | None = None

    @classmethod
    def of(cls, path: str, part: str, after: bytes) -> Rewrite:
        """Plan to write a file, reading what is there. Raises OSError, FileChanged."""
        new = b64encode(after).decode()
        if disk.look(path) is None:
            return cls(path, part, new)
        facts = disk.read_facts(path)
        return cls(path, part, new, b64encode(Path(path).read_bytes()).decode(), facts)

    def do(self) -> None:
        """Write it. Raises FileChanged if the file isn't what it was, FileExistsError if there is one now, OSError."""
        part = self._part_beside(self.path)
        disk.remove_ours(part)
        disk.write_new(part, b64decode(self.after))
        if self.facts is None:
            Path(part).chmod(0o644)
            disk.rename_new(part, self.path)
            return
        disk.give_facts(part, replace(self.facts, modified=Path(part).lstat().st_mtime_ns))
        if self._bytes(self.path) != b64decode(self.before):
            raise FileChanged(self.path, "was changed just before it was written to")
        Path(part).replace(self.path)

    def undo(self, to: str) -> str:
        """Give the file its earlier bytes at `to`, or remove it; whatever `do` or an earlier `undo` got to.

        Returns what was odd about it, or "". Raises FileExistsError if it was changed since, OSError.
        """
        disk.remove_ours(self._part_beside(self.path))
        found, written = self._bytes(to), b64decode(self.after)
        if self.facts is None:
            if found is not None and found != written:
                return "it was changed since it was written, and is left as it is"
            disk.remove_ours(to)
        else:
            self._write_back(to, self.facts, found, written)
        disk.sync_folder(to)
        return ""

    def _write_back(self, to: str, facts: Facts, found: bytes | None, written: bytes) -> None:
        before, part = b64decode(self.before), self._part_beside(to)
        if found == before:
            disk.give_facts(to, facts)
            return
        if found is not None and (found != written or to != self.path):
            raise FileExistsError(to)
        disk.make_folders(disk.missing_folders(to))
        disk.remove_ours(part)
        disk.write_new(part, before)
        disk.give_facts(part, facts)
        if found is None:
            disk.rename_new(part, to)
        else:
            Path(part).replace(to)  # over bytes that the journal has

    def _bytes(self, path: str) -> bytes | None:
        return None if disk.look(path) is None else Path(path).read_bytes()

    def _part_beside(self, path: str) -> str:
        return str(Path(path).with_name(self.part))
