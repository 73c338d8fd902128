"""Files taken from place to place such that nothing is ever overwritten and nothing half-done is taken for whole."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import stat
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from lookalike.errors import FileChanged

__all__ = [
    "Facts",
    "clear_folders",
    "copy_new",
    "digest",
    "give_facts",
    "look",
    "make_folders",
    "may_give",
    "missing_folders",
    "read_facts",
    "remove_ours",
    "rename_new",
    "sync_folder",
    "transfer",
    "verified",
    "write_new",
]

_BLOCK: Final = 1 << 20
_BINARY: Final = getattr(os, "O_BINARY", 0)
# A pipe put in a file's place must not hold us, nor a link lead us away.
_READING: Final = os.O_RDONLY | _BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
_UNABLE: Final = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_NO_LINKS: Final = {*_UNABLE, errno.EPERM, errno.EACCES, errno.EMLINK}


@dataclass(frozen=True, slots=True)
class Facts:
    """A regular file as it is: its bytes by digest and size, and all that goes with them.

    modified: nanoseconds since 1970. mode: permission bits. attributes: extended ones, values in base64.
    """

    size: int
    modified: int
    mode: int
    owner: int
    group: int
    device: int
    inode: int
    links: int
    sha256: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def look(path: str) -> os.stat_result | None:
    """Return what stands at a path, links not followed; None if nothing does."""
    try:
        return Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def digest(path: str) -> str:
    """Return the SHA-256 of a regular file. Raises OSError; FileChanged if it is none or changes meanwhile."""
    handle = os.open(path, _READING)
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise FileChanged(path, "is no plain file any more")
        hasher = hashlib.sha256()
        while block := os.read(handle, _BLOCK):
            hasher.update(block)
        if _moment(os.fstat(handle)) != _moment(before):
            raise FileChanged(path, "is being written to")
    finally:
        os.close(handle)
    return hasher.hexdigest()


def read_facts(path: str) -> Facts:
    """Return all that must be known of a file to have it back. Raises OSError, FileChanged."""
    found = look(path)
    if found is None:
        raise FileChanged(path, "is gone")
    if not stat.S_ISREG(found.st_mode):
        raise FileChanged(path, "is no plain file any more")
    return Facts(
        size=found.st_size,
        modified=found.st_mtime_ns,
        mode=stat.S_IMODE(found.st_mode),
        owner=found.st_uid,
        group=found.st_gid,
        device=found.st_dev,
        inode=found.st_ino,
        links=found.st_nlink,
        sha256=digest(path),
        attributes=_attributes(path),
    )


def verified(path: str, size: int, modified: int, sha256: str) -> Facts:
    """Return the facts of a file that is as it was: same size, same time, same bytes.

    Raises FileChanged if it isn't, or is gone; OSError if it can't be read.
    """
    found = look(path)
    if found is None:
        raise FileChanged(path, "is gone")
    if not stat.S_ISREG(found.st_mode):
        raise FileChanged(path, "is no plain file any more")
    if (found.st_size, found.st_mtime_ns) != (size, modified):
        raise FileChanged(path, "was changed since the scan")
    facts = read_facts(path)
    if facts.sha256 != sha256:
        raise FileChanged(path, "has other bytes than when it was scanned, under the same size and time")
    if facts.modified != modified:
        raise FileChanged(path, "is being written to")
    return facts


def give_facts(path: str, facts: Facts) -> None:
    """Give a file the times, modes, owner and attributes of another. What the file system or the rights don't allow
    is left out, but for the time and the mode; those raise OSError.
    """
    found = Path(path).lstat()
    if hasattr(os, "setxattr"):
        have = _attributes(path)
        for name in have.keys() - facts.attributes.keys():
            with suppress(OSError):
                os.removexattr(path, name, follow_symlinks=False)
        for name, value in facts.attributes.items():
            if have.get(name) != value:
                with suppress(OSError):
                    os.setxattr(path, name, b64decode(value), follow_symlinks=False)
    if hasattr(os, "chown") and (found.st_uid, found.st_gid) != (facts.owner, facts.group):
        with suppress(OSError):
            os.chown(path, facts.owner, facts.group, follow_symlinks=False)
        found = Path(path).lstat()
    if stat.S_IMODE(found.st_mode) != facts.mode:
        Path(path).chmod(facts.mode)
    if found.st_mtime_ns != facts.modified:
        os.utime(path, ns=(found.st_atime_ns, facts.modified))


def may_give(facts: Facts) -> bool:
    """Whether a new file can be given the owner and the group of another."""
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        return True
    return facts.owner == os.geteuid() and facts.group in {os.getegid(), *os.getgroups()}


def rename_new(source: str, target: str) -> None:
    """Rename a file within its file system. Raises FileExistsError if the target exists, and OSError.

    One step where the system can refuse by itself (Linux, Windows); else a hard link and the removal of the old name,
    between which both names are there; on file systems without hard links, a look and a rename.
    """
    if sys.platform == "win32":
        Path(source).rename(target)
        return
    if _rename_at_once(source, target):
        return
    try:
        Path(target).hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if look(target) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        Path(source).rename(target)
        return
    Path(source).unlink()


def transfer(source: str, target: str, part: str, facts: Facts) -> None:
    """Take a file to a new name, on this volume or another.

    Across volumes: copied to `part` beside the target, synced, read again and held against the digest, given all facts,
    renamed, its folder synced; only then is the source removed, if it is still what was copied.
    Raises FileExistsError, FileChanged if the digest isn't that of the facts, OSError.
    """
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if not may_give(facts):
            reason = "it belongs to someone else, to whom a copy couldn't be given back"
            raise PermissionError(errno.EPERM, reason, source) from None
        before = Path(source).lstat()
        copy_new(source, part, facts)
        rename_new(part, target)
        sync_folder(target)
        if _moment(Path(source).lstat()) != _moment(before):
            Path(target).unlink()
            raise FileChanged(source, "was changed while it was copied") from None
        Path(source).unlink()


def copy_new(source: str, part: str, facts: Facts) -> None:
    """Copy a file to a name of ours, whatever was left there; synced, verified, with all facts.

    Raises FileChanged if the copy's digest isn't that of the facts, OSError; either way nothing is left at `part`.
    """
    remove_ours(part)
    try:
        with Path(source).open("rb", buffering=0) as file:
            write_new(part, iter(lambda: file.read(_BLOCK), b""))
        if digest(part) != facts.sha256:
            raise FileChanged(source, "has other bytes than it should have")
        give_facts(part, facts)
    except BaseException:
        with suppress(OSError):
            remove_ours(part)
        raise


def write_new(path: str, data: bytes | Any) -> None:
    """Write a new file, bytes or an iterator of them, and sync it. Raises FileExistsError, OSError; no half is left."""
    handle = os.open(path, _WRITING, 0o600)
    try:
        try:
            for block in [data] if isinstance(data, bytes) else data:
                view = memoryview(block)
                while view:
                    view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        with suppress(OSError):
            Path(path).unlink()
        raise


def remove_ours(path: str) -> None:
    """Remove a file under a name that only we use, if it is there."""
    if look(path) is not None:  # a read-only disk refuses before it looks
        Path(path).unlink(missing_ok=True)


def missing_folders(path: str) -> tuple[str, ...]:
    """Return the folders above a path that don't exist, outermost first."""
    missing = []
    for folder in Path(path).parents:
        if look(str(folder)) is not None:
            break
        missing.append(str(folder))
    return tuple(reversed(missing))


def make_folders(folders: Sequence[str]) -> None:
    """Make folders, outermost first; those there are stay."""
    for folder in folders:
        Path(folder).mkdir(exist_ok=True)


def clear_folders(folders: Sequence[str]) -> None:
    """Remove those of our folders that are empty, innermost first."""
    for folder in sorted(folders, key=len, reverse=True):
        with suppress(OSError):
            Path(folder).rmdir()


def sync_folder(path: str) -> None:
    """Write to the disk which names the folder that a file is in has, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(PermissionError):  # one that may be written and not be read
        handle = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _UNABLE:  # some network file systems sync no folders
                raise
        finally:
            os.close(handle)


def _moment(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _attributes(path: str) -> dict[str, str]:
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in _UNABLE:
            return {}
        raise
    found = {}
    for name in sorted(names):
        with suppress(OSError):  # kept from us by the system
            found[name] = b64encode(os.getxattr(path, name, follow_symlinks=False)).decode()
    return found


def _rename_at_once(source: str, target: str) -> bool:
    """Rename with RENAME_NOREPLACE (renameat2, Linux 3.15). Returns False where that can't be had."""
    call = _renameat2()
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNABLE:
        return False
    raise OSError(number, os.strerror(number), source, None, target)


@cache
def _renameat2() -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
