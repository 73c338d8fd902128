"""A file that gives up its own blocks for those of another with the same bytes: a hard link, or a reflink."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from lookalike.cleaning import disk
from lookalike.cleaning.disk import Facts
from lookalike.errors import DisposalUnavailable, FileChanged

__all__ = ["Link"]

_FICLONE: Final = 0x40049409  # ioctl_ficlone(2): share the blocks of another file, copied when either is written to
_ADVICE: Final = "Move copies to the trash or a quarantine folder instead."


@dataclass(frozen=True, slots=True)
class Link:
    """The file at `path`, replaced by `keeper`, which has the same bytes.

    shared: a reflink, which stays a file of its own with its own times and modes; else a hard link, one file of two
    names. keeper_inode: the keeper's. part, aside: names, ours alone, for the link before it has the file's name, and
    for the file until the link is there.
    """

    kind: ClassVar[str] = "link"
    path: str
    keeper: str
    keeper_inode: int
    shared: bool
    part: str
    aside: str
    facts: Facts

    def do(self) -> None:
        """Replace it. Raises DisposalUnavailable where the file system can't, FileChanged, OSError."""
        part, aside = self._beside(self.path, self.part), self._beside(self.path, self.aside)
        disk.remove_ours(part)
        if self.shared:
            self._clone(part)
        else:
            self._link(part)
        disk.rename_new(self.path, aside)
        moved, facts = Path(aside).lstat(), self.facts
        if (moved.st_ino, moved.st_size, moved.st_mtime_ns) != (facts.inode, facts.size, facts.modified):
            raise FileChanged(self.path, "was changed just before it was replaced")
        disk.rename_new(part, self.path)
        disk.sync_folder(self.path)
        Path(aside).unlink()

    def undo(self, to: str) -> str:
        """Give the file its own bytes back at `to`, whatever `do` or an earlier `undo` got to.

        Returns "". Raises FileExistsError if something else stands at `to`, FileChanged if its bytes are neither there
        nor with the keeper any more, OSError.
        """
        disk.remove_ours(self._beside(self.path, self.part))
        aside = self._beside(self.path, self.aside)
        if disk.look(aside) is not None:
            self._put_back(aside, to)
        elif not self._restored(to):
            self._copy_back(to)
        if self._same(to):
            disk.give_facts(to, self.facts)
        disk.sync_folder(to)
        return ""

    def _put_back(self, aside: str, to: str) -> None:
        """Return the file itself, which was not yet removed, to its name."""
        here = disk.look(to)
        if here is not None and os.path.samestat(here, Path(aside).lstat()):
            Path(aside).unlink()
            return
        if here is not None:
            if not self._ours(to):
                raise FileExistsError(to)
            Path(to).unlink()
        disk.rename_new(aside, to)

    def _copy_back(self, to: str) -> None:
        """Write the bytes anew, from the link itself or from the keeper: whichever still has them."""
        here = disk.look(to)
        ours = here is not None and self._ours(to)
        if here is not None and not ours:
            raise FileExistsError(to)
        source = next((path for path in (self.path, self.keeper) if self._same(path)), None)
        if source is None:
            raise FileChanged(self.path, f"has other bytes now, and so has {self.keeper}")
        part = self._beside(to, self.part)
        disk.make_folders(disk.missing_folders(to))
        disk.copy_new(source, part, self.facts)
        if ours:
            Path(part).replace(to)  # over a link to bytes that are here once more
        else:
            disk.rename_new(part, to)

    def _restored(self, to: str) -> bool:
        """Whether the file, or a copy of it with blocks of its own, is back already."""
        here = disk.look(to)
        if here is None or not self._same(to):
            return False
        return here.st_ino == self.facts.inode or not self._ours(to)

    def _ours(self, path: str) -> bool:
        """Whether the link stands at a path, and not something newer. Of a reflink, its bytes tell."""
        here = disk.look(path)
        if here is None or path != self.path:
            return False
        return self._same(path) if self.shared else here.st_ino == self.keeper_inode and self._same(path)

    def _same(self, path: str) -> bool:
        try:
            return disk.digest(path) == self.facts.sha256
        except (FileChanged, OSError):
            return False

    def _link(self, part: str) -> None:
        try:
            Path(part).hardlink_to(self.keeper)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise DisposalUnavailable(self.path, "the keeper is on another volume", _ADVICE) from None
            if error.errno in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
                raise DisposalUnavailable(self.path, "its file system has no hard links", _ADVICE) from None
            raise
        if Path(part).lstat().st_ino != self.keeper_inode:
            raise FileChanged(self.keeper, "was replaced just before it was linked to")

    def _clone(self, part: str) -> None:
        if sys.platform != "linux":
            raise DisposalUnavailable(self.path, "reflinks are made on Linux only", _ADVICE)
        import fcntl

        source = os.open(self.keeper, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                fcntl.ioctl(target, _FICLONE, source)
                os.fsync(target)
            finally:
                os.close(target)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS):
                reason = "the keeper and it can't share blocks: only Btrfs, XFS and some others can, within a volume"
                raise DisposalUnavailable(self.path, reason, _ADVICE) from None
            raise
        finally:
            os.close(source)
        if disk.digest(part) != self.facts.sha256:
            raise FileChanged(self.keeper, "has other bytes than the copy")
        disk.give_facts(part, self.facts)

    def _beside(self, path: str, name: str) -> str:
        return str(Path(path).with_name(name))
