"""Small trees to clean, what they are to the last bit, and processes that die at a chosen system call."""

import errno
import fcntl
import hashlib
import os
import signal
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lookalike.cleaning import disk
from lookalike.folders.findings import FileGroup, FilePair, PictureFile

CALLS = (
    "chmod", "chown", "ftruncate", "link", "mkdir", "open", "removexattr", "rename", "replace", "rmdir", "setxattr",
    "unlink", "utime",
)  # fmt: skip

SIDECAR = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{rating}" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>{word}</rdf:li></rdf:Bag></dc:subject>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def put(path: Path, data: bytes, *, mode: int = 0o644, modified: int = 1_600_000_000_123_456_789) -> Path:
    """Write a file with a mode and a time of its own, to the nanosecond."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(modified, modified))
    return path


def seen(path: Path, **facts: Any) -> PictureFile:
    """What a scan knows of a file."""
    found = path.stat()
    known = {
        "path": str(path), "size": found.st_size, "modified": found.st_mtime_ns, "device": found.st_dev,
        "inode": found.st_ino, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "width": 100, "height": 80,
        "format": "JPEG",
    }  # fmt: skip
    return PictureFile(**{**known, **facts})


def alike(*members: PictureFile, probability: float = 0.99, verdict: str = "edited-copy") -> FileGroup:
    """A group in which every two are copies of one another."""
    ordered = sorted(members, key=lambda member: member.path)
    pairs = []
    for at, a in enumerate(ordered):
        for b in ordered[at + 1 :]:
            same = a.sha256 == b.sha256
            told = ("identical", 1.0, "digest") if same else (verdict, probability, "copy")
            pairs.append(FilePair(a.path, b.path, *told))
    return FileGroup(tuple(ordered), tuple(pairs))


def tree(root: Path) -> dict[str, tuple[Any, ...]]:
    """All that is below a folder: modes of folders; modes, times, bytes and attributes of files."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in sorted(root.rglob("*")):
        told = path.lstat()
        name = str(path.relative_to(root))
        if stat.S_ISREG(told.st_mode):
            names = os.listxattr(path) if hasattr(os, "listxattr") else []
            attributes = {one: os.getxattr(path, one) for one in names}
            found[name] = (told.st_mode, told.st_mtime_ns, path.read_bytes(), attributes)
        else:
            found[name] = (told.st_mode,)
    return found


class Dying:
    """Lets system calls through and counts them; after number `at` the process is killed. A write counts twice: once
    when half of it is written.
    """

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            try:
                return call(*args, **named)
            finally:
                self.step()

        return counted

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self.wrap(getattr(os, name)))
        fcntl.ioctl = self.wrap(fcntl.ioctl)
        disk._rename_at_once = self.wrap(disk._rename_at_once)
        write = os.write

        def torn(handle: int, data: Any) -> int:
            half = write(handle, bytes(data)[: len(data) // 2])
            self.step()
            rest = write(handle, bytes(data)[half:])
            self.step()
            return half + rest

        os.write = torn
        os.fsync = self.wrap(lambda handle: None)


def dies(work: Callable[[], Any], at: int) -> bool:
    """Do work in a process of its own that is killed after system call `at`. Returns whether it got that far."""
    child = os.fork()
    if child == 0:
        try:
            Dying(at).install()
            work()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the work failed"
    return False


def other_volume() -> None:
    """Make every rename between folders one between volumes."""
    at_once = disk._rename_at_once

    def refused(source: str, target: str) -> bool:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source)
        return at_once(source, target)

    disk._rename_at_once = refused


def no_rename_at_once() -> None:
    """Make the system one that can't refuse to overwrite: names are taken by hard links."""
    disk._rename_at_once = lambda source, target: False


def cloning() -> None:
    """Make the file system one that shares blocks; for the test, by copying them."""

    def clone(target: int, request: int, source: int) -> int:
        assert request == 0x40049409
        os.pwrite(target, os.pread(source, 1 << 20, 0), 0)
        return 0

    fcntl.ioctl = clone
