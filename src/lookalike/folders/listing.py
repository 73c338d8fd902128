"""Which files a selection means: walked in a stable order, each once, and everything left out with its reason."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from pathlib import Path
from typing import IO, Final

from lookalike.errors import FolderNotFound, InvalidArgument
from lookalike.folders.companions import Beside, companions
from lookalike.folders.paths import SEPARATOR, Leftovers
from lookalike.folders.scan import NOT_BY_NAME
from lookalike.folders.selection import Selection, absolute
from lookalike.images.endings import EXTENSIONS

__all__ = ["Found", "Listing", "is_picture"]

_ENDINGS: Final = frozenset(ending.encode() for ending in EXTENSIONS)
_WORD: Final = 2**64 - 1  # inodes of some file systems of Windows are longer
_READ: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Found:
    """A picture by its name, as the folder tells of it.

    modified: nanoseconds since 1970. side: 0, 1 for "a", 2 for "b". scope: as in `Survey`. companions: paths.
    """

    folder: bytes
    name: bytes
    size: int
    modified: int
    device: int
    inode: int
    side: int
    reference: bool
    scope: int
    companions: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Met:
    path: bytes
    entry: os.DirEntry[bytes]
    companions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Root:
    path: bytes
    side: int
    reference: bool


class Listing:
    """The files of a selection, in ascending order of roots, and of paths below each; then those of a list.

    unused: what was left out so far. links: path of a file -> its other hard links met so far.
    """

    def __init__(self, selection: Selection) -> None:
        """Raises InvalidArgument; FolderNotFound if a root is missing or the list can't be opened."""
        selection.check()
        self.unused = Leftovers()
        self.links: dict[bytes, list[bytes]] = {}
        self._selection = selection
        self._roots = _roots(selection)
        self._excluded = _matcher(selection.excluded)
        self._folders: dict[tuple[int, int], bytes] = {}
        self._hard: dict[tuple[int, int], bytes] = {}
        self._files: dict[int, set[int]] = defaultdict(set)
        named = selection.files_from is not None or not all(map(_is_folder, self._roots))
        self._twice = named or selection.follow_links  # whether a file may be met twice
        self._later: deque[tuple[bytes, _Root]] = deque()
        self._beside = Beside()
        self._along: list[tuple[bytes, _Root, bool]] = []
        self._scopes: dict[tuple[bytes, ...], int] = {}

    @property
    def roots(self) -> list[bytes]:
        """The folders and files that are looked into, ascending."""
        return sorted(self._roots)

    def __iter__(self) -> Iterator[Found]:
        for root in sorted(self._roots.values(), key=lambda root: root.path):
            if _is_folder(root.path):
                yield from self._walk(root.path, root)
            else:
                yield from self._named(root.path, root, any_ending=True)
        if self._selection.files_from is not None:
            listed = _Root(b"", 1 if self._selection.against else 0, False)
            for path in _paths_from(self._selection.files_from):
                yield from self._named(path, self._roots.get(path, listed))
        for path, root, any_ending in self._along:
            if not self._is_met(self._beside.owner(path)):
                yield from self._alone(path, root, any_ending)
        while self._later:
            yield from self._follow(*self._later.popleft())

    def _walk(self, top: bytes, root: _Root) -> Iterator[Found]:
        waiting: list[Iterator[_Met]] = []
        if self._enters(top):
            waiting.append(self._inside(top, root))
        while waiting:
            met = next(waiting[-1], None)
            if met is None:
                waiting.pop()
            elif met.entry.is_dir(follow_symlinks=False):
                if self._enters(met.path):
                    waiting.append(self._inside(met.path, root))
            else:
                yield from self._file(met, root)

    def _inside(self, folder: bytes, root: _Root) -> Iterator[_Met]:
        """Yield what is in a folder and not left out, in the order of whole paths."""
        try:
            with os.scandir(folder) as opened:
                entries = sorted(opened, key=lambda entry: entry.name + SEPARATOR * entry.is_dir(follow_symlinks=False))
        except OSError as error:
            self.unused.add(folder, f"a folder that can't be looked into: {_said(error)}")
            return
        along = companions([entry.name for entry in entries])
        taken = {name for names in along.values() for name in names}
        for entry in entries:
            path = _joined(folder, entry.name)
            if path in self._roots or entry.name in taken:
                continue
            if pattern := self._excluded(entry.name, path, len(root.path)):
                self.unused.add(path, f"left out by the pattern {pattern}")
            else:
                others = tuple(_joined(folder, name) for name in along.get(entry.name, ()))
                yield _Met(path, entry, others)

    def _enters(self, folder: bytes) -> bool:
        """Whether a folder was not looked into before, under this name or another."""
        try:
            facts = _path(folder).stat()
        except OSError as error:
            self.unused.add(folder, f"a folder that can't be looked into: {_said(error)}")
            return False
        first = self._folders.setdefault((facts.st_dev, facts.st_ino), folder)
        if first != folder:
            self.unused.add(folder, f"the same folder as {os.fsdecode(first)}")
        return first == folder

    def _file(self, met: _Met, root: _Root) -> Iterator[Found]:
        if met.entry.is_symlink():
            if self._selection.follow_links:
                self._later.append((met.path, root))
            else:
                self.unused.add(met.path, _link(met.path))
        elif not is_picture(met.entry.name):
            self.unused.add(met.path, NOT_BY_NAME)
        else:
            try:  # on Windows the entry itself knows neither inode nor links
                facts = _path(met.path).stat() if os.name == "nt" else met.entry.stat(follow_symlinks=False)
            except OSError as error:
                self.unused.add(met.path, _said(error))
                return
            yield from self._taken(met.path, facts, root, met.companions)

    def _named(self, path: bytes, root: _Root, *, any_ending: bool = False) -> Iterator[Found]:
        """Look at a file that was given by its path, at a companion once it is known whether its picture was given."""
        if self._beside.owner(path):
            self._along.append((path, root, any_ending))
        else:
            yield from self._alone(path, root, any_ending)

    def _alone(self, path: bytes, root: _Root, any_ending: bool) -> Iterator[Found]:
        try:
            facts = os.lstat(path)
        except (OSError, ValueError) as error:
            self.unused.add(path, _said(error))
            return
        if stat.S_ISLNK(facts.st_mode):
            if self._selection.follow_links:
                self._later.append((path, root))
            else:
                self.unused.add(path, _link(path))
        elif stat.S_ISDIR(facts.st_mode):
            self.unused.add(path, "a folder in a list of files")
        elif not any_ending and not is_picture(path):
            self.unused.add(path, NOT_BY_NAME)
        else:
            yield from self._taken(path, facts, root, self._beside.companions(path))

    def _follow(self, link: bytes, root: _Root) -> Iterator[Found]:
        """Look at what a link leads to, once everything else was looked at."""
        real = os.fsencode(os.path.realpath(link))
        if _is_folder(link):
            yield from self._walk(link, root)
            return
        try:
            facts = _path(real).stat()
        except OSError:
            self.unused.add(link, "a link that leads nowhere")
            return
        self.unused.add(link, f"a link to {os.fsdecode(real)}, which is looked at in its stead")
        if is_picture(real) and facts.st_ino not in self._files[facts.st_dev]:
            yield from self._taken(real, facts, root, self._beside.companions(real))

    def _taken(self, path: bytes, facts: os.stat_result, root: _Root, others: tuple[bytes, ...]) -> Iterator[Found]:
        if not stat.S_ISREG(facts.st_mode):
            self.unused.add(path, "neither a file nor a folder")
        elif facts.st_size == 0:
            self.unused.add(path, "it is empty")
        elif self._is_new(path, facts):
            folder, _, name = path.rpartition(SEPARATOR)
            yield Found(
                folder or SEPARATOR,
                name,
                facts.st_size,
                facts.st_mtime_ns,
                facts.st_dev & _WORD,
                facts.st_ino & _WORD,
                root.side,
                root.reference,
                self._scope(folder, root),
                others,
            )

    def _is_new(self, path: bytes, facts: os.stat_result) -> bool:
        """Whether a file was not met before; a further hard link of it is noted."""
        identity = (facts.st_dev, facts.st_ino)
        if facts.st_nlink > 1:
            first = self._hard.setdefault(identity, path)
            if first != path:
                self.links.setdefault(first, []).append(path)
                self.unused.add(path, f"a hard link to {os.fsdecode(first)}: the same file, which takes its place once")
                return False
        if self._twice:
            known = self._files[facts.st_dev]
            if facts.st_ino in known:
                return False
            known.add(facts.st_ino)
        return True

    def _is_met(self, path: bytes) -> bool:
        try:
            facts = os.lstat(path)
        except OSError:
            return False
        return facts.st_ino in self._files[facts.st_dev]

    def _scope(self, folder: bytes, root: _Root) -> int:
        scope = self._selection.scope
        if scope == "all":
            return 0
        parts = tuple(folder[len(root.path) :].lstrip(SEPARATOR).split(SEPARATOR))
        below = parts if scope == "folder" else parts[:1]
        # of two sides, sub-folders of one name belong together
        return self._scopes.setdefault(below if self._selection.against else (root.path, *below), len(self._scopes))


def is_picture(name: bytes) -> bool:
    """Whether a file is a picture by its ending."""
    return name[name.rfind(b".") :].lower() in _ENDINGS


def _roots(selection: Selection) -> dict[bytes, _Root]:
    first, second = (1, 2) if selection.against else (0, 0)
    found: dict[bytes, _Root] = {}
    for side, given in ((first, selection.roots), (second, selection.against)):
        for one in given:
            path = absolute(one)
            if not _exists(path):
                raise FolderNotFound(os.fsdecode(path))
            found[path] = _Root(path, side, False)
    for one in selection.reference:
        path = absolute(one)
        if not _exists(path):
            raise FolderNotFound(os.fsdecode(path))
        found[path] = _Root(path, _side(path, found, second), True)
    inherited = {path for path, root in found.items() if any(_below(path, of) for of in found.values() if of.reference)}
    return {path: replace(root, reference=root.reference or path in inherited) for path, root in found.items()}


def _side(path: bytes, roots: dict[bytes, _Root], otherwise: int) -> int:
    """Return the side of the innermost root that a path lies in."""
    around = [root for root in roots.values() if path == root.path or _below(path, root)]
    return max(around, key=lambda root: len(root.path)).side if around else otherwise


def _below(path: bytes, root: _Root) -> bool:
    return path.startswith(root.path.rstrip(SEPARATOR) + SEPARATOR)


def _matcher(patterns: Sequence[str]) -> Callable[[bytes, bytes, int], str]:
    """Return what says for a name, its path and how long that of the root is which pattern it matches, or ""."""
    sorts = [(re.compile(os.fsencode(translate(one)), re.IGNORECASE), one) for one in patterns]
    names = [(expression, one) for expression, one in sorts if "/" not in one]
    paths = [(expression, one) for expression, one in sorts if "/" in one]
    any_name = re.compile(b"|".join(expression.pattern for expression, _ in names) or b"(?!)", re.IGNORECASE)

    def matched(name: bytes, path: bytes, root: int) -> str:
        if any_name.match(name):
            return next(pattern for expression, pattern in names if expression.match(name))
        if not paths:
            return ""
        within = path[root:].lstrip(SEPARATOR).replace(SEPARATOR, b"/")
        return next((pattern for expression, pattern in paths if expression.match(within)), "")

    return matched


def _paths_from(source: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield absolute paths, one of each line, or one before each NUL where the list holds any."""
    if os.fspath(source) == "-":
        yield from _split(sys.stdin.buffer)
        return
    try:
        opened = Path(source).expanduser().open("rb")
    except OSError as error:
        raise InvalidArgument("files_from", os.fspath(source), f"a file that can be read ({_said(error)})") from None
    with opened:
        yield from _split(opened)


def _split(stream: IO[bytes]) -> Iterator[bytes]:
    rest, block = b"", stream.read(_READ)
    end = b"\0" if b"\0" in block else b"\n"
    ending = b"" if end == b"\0" else b"\r"  # lists made on Windows
    while block:
        *whole, rest = (rest + block).split(end)
        yield from (absolute(path) for line in whole if (path := line.removesuffix(ending)))
        block = stream.read(_READ)
    if rest := rest.removesuffix(ending):
        yield absolute(rest)


def _joined(folder: bytes, name: bytes) -> bytes:
    return folder + name if folder.endswith(SEPARATOR) else folder + SEPARATOR + name


def _link(path: bytes) -> str:
    try:
        return f"a link to {_path(path).readlink()}"
    except OSError:
        return "a link"


def _path(path: bytes) -> Path:
    return Path(os.fsdecode(path))


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(_path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _exists(path: bytes) -> bool:
    try:
        os.lstat(path)
    except (OSError, ValueError):
        return False
    return True


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
