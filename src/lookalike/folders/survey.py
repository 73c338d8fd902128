"""What is known of the pictures in some folders: read once, kept in little memory, numbered."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.ahead import in_order
from lookalike.describers.hashes import MIN_QUALITY
from lookalike.errors import InvalidArgument
from lookalike.folders.findings import PictureFile, Unused
from lookalike.folders.ledger import Ledger, user_ledger
from lookalike.folders.listing import Listing
from lookalike.folders.paths import Leftovers
from lookalike.folders.reading import Depth, Read, Reader
from lookalike.folders.selection import Selection
from lookalike.folders.table import Table
from lookalike.likeness import is_plain
from lookalike.settings import Settings
from lookalike.vectorfile import VectorFile

__all__ = ["Progress", "Survey", "take_survey"]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage ("listing", "reading"), how much of it is done, and of how much; 0 where that is not known."""

_BATCH: Final = 16  # files a thread takes at once
_BATCH_BYTES: Final = 16 << 20
_AHEAD: Final = 4  # batches a thread may be ahead of what is written
_ASKED: Final = 1000
_RELEASED: Final = 4096  # files between two times that the memory of their vectors is let go
_NOTICE: Final = 500  # files between calls of the progress of a listing


@dataclass(slots=True, eq=False)
class Survey:
    """The pictures found, numbered from 0, and what their bytes say. About 250 bytes of memory each.

    codes: (n,) uint64 pHash, most significant bit first; 0 where there is none or the picture is too plain for one.
    turned: (n, 8) uint64, the hash held each way, in the order of `hashes.ORIENTATIONS`. quality: (n,) uint8, of the
    hash. copies: (n, 128) float16 unit rows, zeros where there is none, (n, 0) where none were asked for; a file
    mapped into memory. same: (n,) int64, the number of the first file with equal bytes. side: (n,) uint8, 0 where
    there are no sides, 1 for "a", 2 for "b". reference: (n,) bool. scope: (n,) int32, files of different numbers are
    never paired.
    unused: what took no part, and why. links: number of a file -> its other hard links. warnings: sentences for the
    user, such as that nothing could be kept for next time. read: how many files were opened for this.
    release: lets go of the memory of `copies` that were used.
    """

    codes: NDArray[np.uint64]
    turned: NDArray[np.uint64]
    quality: NDArray[np.uint8]
    copies: NDArray[np.float16]
    same: NDArray[np.int64]
    side: NDArray[np.uint8]
    reference: NDArray[np.bool_]
    scope: NDArray[np.int32]
    files: Callable[[int], PictureFile]
    unused: Sequence[Unused] = ()
    links: Mapping[int, Sequence[str]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    read: int = 0
    release: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self.codes)

    def file(self, number: int) -> PictureFile:
        """Return what is known of a file as a value."""
        return self.files(number)


def take_survey(
    selection: Selection,
    *,
    upto: Depth = "copy",
    settings: Settings | None = None,
    ledger: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Survey:
    """List the files of a selection and read those that the ledger doesn't know as they are now, on several threads.

    upto: how far they are looked into. With "digest", a file is read only if another has its size. ledger: where its
    file is, "" for none; by default the user's. What was read is in the ledger within half a second, so that a scan
    that is stopped or killed goes on where it was.
    Raises InvalidArgument, FolderNotFound; UnknownModel, ModelMissing, ModelUnusable, WeightsCorrupt for "copy".
    """
    if upto not in ("digest", "hash", "copy"):
        raise InvalidArgument("upto", upto, "one of digest, hash, copy")
    settings = settings or Settings.load()
    listing = Listing(selection)
    reader = Reader(upto, settings)
    place = user_ledger() if ledger is None else ledger
    kept = Ledger(place, hasher=reader.hasher, describer=reader.describer, judge=reader.judge)
    try:
        scan = _Scan(reader, kept, settings.workers, progress or (lambda stage, done, total: None))
        scan.note(listing)
        scan.recall()
        scan.look()
        for root in listing.roots:
            kept.sweep(root, scan.table.paths.count_below(root))
        return scan.result(listing)
    finally:
        kept.close()


@dataclass(slots=True)
class _Scan:
    """A survey under way. wanting: numbers of files that must be read. bad: of those that can't be used."""

    reader: Reader
    kept: Ledger
    workers: int
    progress: Progress
    table: Table = field(default_factory=Table)
    unused: Leftovers = field(default_factory=Leftovers)
    wanting: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    bad: list[int] = field(default_factory=list)
    vectors: VectorFile = field(default_factory=lambda: VectorFile(0, 0))

    def note(self, listing: Listing) -> None:
        """Note all files."""
        for found in listing:
            self.table.add(found)
            if len(self.table) % _NOTICE == 0:
                self.progress("listing", len(self.table), 0)
        self.progress("listing", len(self.table), len(self.table))
        self.unused = listing.unused
        self.table.close()
        self.vectors = VectorFile(len(self.table), self.reader.width)

    def recall(self) -> None:
        """Learn what the ledger knows."""
        table, wanting = self.table, []
        for start in range(0, len(table), _ASKED):
            numbers = range(start, min(start + _ASKED, len(table)))
            paths = [table.paths[number] for number in numbers]
            known = self.kept.files(paths)
            for number, path in zip(numbers, paths, strict=True):
                one, now = known.get(path), table.state(number)
                if now[0] > self.reader.limits.bytes:
                    self._leave(number, f"too large: {now[0]:,} bytes, and the limit is {self.reader.limits.bytes:,}")
                elif one is not None and one.still(*now) and self.reader.enough(one.picture):
                    self._learn(number, Read(one))
                else:
                    wanting.append(number)
        self.wanting = np.array(wanting, np.intp)
        if self.reader.upto == "digest":
            sizes = np.frombuffer(table.sizes, np.int64)
            _, which, counts = np.unique(sizes, return_inverse=True, return_counts=True)
            self.wanting = self.wanting[counts[which][self.wanting] > 1]

    def look(self) -> None:
        """Read what the ledger doesn't know, a few files to a thread at a time."""
        total, done = len(self.wanting), 0
        self.progress("reading", 0, total)
        ahead = _AHEAD * self.workers
        read = in_order(self._read, self._batches(), threads=self.workers, ahead=ahead, name="survey")
        with closing(read):
            for numbers, found in read:
                for number, one in zip(numbers, found, strict=True):
                    self._learn(number, one, fresh=True)
                done += len(numbers)
                self.progress("reading", done, total)

    def result(self, listing: Listing) -> Survey:
        """Number those that can be used anew, and tell equal bytes."""
        table = self.table
        good = np.ones(len(table), np.bool_)
        good[self.bad] = False
        at = np.flatnonzero(good)
        turned = table.turned if not self.bad else table.turned[at]
        quality = table.facts["quality"][at]
        codes = np.where((quality < MIN_QUALITY) | is_plain(turned[:, 0]), np.uint64(0), turned[:, 0])
        copies = self.vectors.rows
        if self.bad:
            for start in range(0, len(at), _ASKED):  # in place: what moves up is never needed below
                part = at[start : start + _ASKED]
                copies[start : start + len(part)] = copies[part]
            copies = copies[: len(at)]
        self.vectors.release()
        digests = table.facts["digest"][at]
        number = {path: n for n, path in enumerate(map(table.paths.__getitem__, at.tolist())) if path in listing.links}
        return Survey(
            codes=codes,
            turned=turned,
            quality=quality,
            copies=copies,
            same=_firsts(digests),
            side=np.frombuffer(table.sides, np.uint8)[at],
            reference=np.frombuffer(table.references, np.uint8)[at] > 0,
            scope=np.frombuffer(table.scopes, np.int32)[at],
            files=lambda n: table.value(int(at[n])),
            unused=self.unused,
            links={n: [os.fsdecode(link) for link in listing.links[path]] for path, n in number.items()},
            warnings=[warning for warning in (self.kept.warning, self.vectors.warning) if warning],
            read=len(self.wanting),
            release=self.vectors.release,
        )

    def _read(self, numbers: list[int]) -> tuple[list[int], list[Read]]:
        paths = [self.table.paths[number] for number in numbers]
        return numbers, self.reader.read(paths, self.kept.picture)

    def _learn(self, number: int, read: Read, *, fresh: bool = False) -> None:
        """fresh: it was read just now, and is to be remembered."""
        known = read.known
        if known is None or known.picture.reason:
            self._leave(number, read.reason if known is None else known.picture.reason)
        else:
            self.table.learn(number, known, looks=self.reader.upto != "digest")
            if known.picture.copy and self.reader.width:
                self.vectors.rows[number] = np.frombuffer(known.picture.copy, "<f2")
                if number % _RELEASED == 0:
                    self.vectors.release()
        if known is not None and fresh:
            self.kept.put(self.table.paths[number], known)

    def _leave(self, number: int, reason: str) -> None:
        self.bad.append(number)
        self.unused.add(self.table.paths[number], reason)

    def _batches(self) -> Iterator[list[int]]:
        batch: list[int] = []
        size = 0
        for number in self.wanting.tolist():
            batch.append(number)
            size += self.table.sizes[number]
            if len(batch) == _BATCH or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


def _firsts(digests: NDArray[np.void]) -> NDArray[np.int64]:
    """Return for each of (n,) 32 bytes the number of the first equal one; zeros are equal to none."""
    words = np.ascontiguousarray(digests).view(np.uint64).reshape(-1, 4)
    order = np.lexsort(words.T)  # stable: of equal ones the first comes first
    ordered = words[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1) | ~ordered[1:].any(axis=1)
    starts = np.flatnonzero(new)
    same = np.empty(len(order), np.int64)
    same[order] = np.repeat(order[starts], np.diff(starts, append=len(order)))
    return same
