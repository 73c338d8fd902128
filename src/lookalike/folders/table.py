"""The files of a scan in columns: some hundred bytes for each, where values of their own would take a thousand."""

from __future__ import annotations

import os
from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.folders.findings import PictureFile
from lookalike.folders.ledger import Known
from lookalike.folders.listing import Found
from lookalike.folders.paths import Paths

__all__ = ["SIDES", "Table"]

SIDES: Final = ("", "a", "b")

_FACTS: Final = np.dtype(
    [
        ("digest", "V32"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("exif", "<u2"),
        ("format", "u1"),
        ("quality", "u1"),
        ("taken", "S19"),
    ]
)


class Table:
    """Files in the order they were added; once `close` was called, also what is known of each.

    paths, sizes, modified, devices, inodes, sides, references, scopes: as in `Found`, one row for each.
    facts: (n,) structured; digests of zeros where nothing is known. turned: (n, 8) uint64.
    """

    facts: NDArray[np.void]
    turned: NDArray[np.uint64]

    def __init__(self) -> None:
        self.paths = Paths()
        self.sizes, self.modified = array("q"), array("q")
        self.devices, self.inodes = array("Q"), array("Q")
        self.sides, self.references, self.scopes = array("B"), array("B"), array("i")
        self._companions: dict[int, tuple[bytes, ...]] = {}
        self._formats: list[str] = []

    def __len__(self) -> int:
        return len(self.paths)

    def add(self, found: Found) -> None:
        """Append a file."""
        if found.companions:
            self._companions[len(self)] = found.companions
        self.paths.add(found.folder, found.name)
        self.sizes.append(found.size)
        self.modified.append(found.modified)
        self.devices.append(found.device)
        self.inodes.append(found.inode)
        self.sides.append(found.side)
        self.references.append(found.reference)
        self.scopes.append(found.scope)

    def close(self) -> None:
        """Make room for what will be known of the files added."""
        self.facts = np.zeros(len(self), _FACTS)
        self.turned = np.zeros((len(self), 8), np.uint64)

    def learn(self, number: int, known: Known, *, looks: bool = True) -> None:
        """Keep what is known of a file. looks: also its hashes, if there are any."""
        self.sizes[number], self.modified[number] = known.size, known.modified
        self.devices[number], self.inodes[number] = known.device % 2**64, known.inode % 2**64
        picture = known.picture
        if picture.format not in self._formats:
            self._formats.append(picture.format)
        self.facts[number] = (
            picture.digest,
            picture.width,
            picture.height,
            min(picture.exif, 65535),
            self._formats.index(picture.format),
            picture.quality,
            picture.taken.encode(),
        )
        if looks and picture.turned:
            self.turned[number] = np.frombuffer(picture.turned, ">u8")

    def value(self, number: int) -> PictureFile:
        """Return a file as a value."""
        digest, width, height, exif, format_, _, taken = self.facts[number].item()
        return PictureFile(
            path=os.fsdecode(self.paths[number]),
            size=self.sizes[number],
            modified=self.modified[number],
            device=self.devices[number],
            inode=self.inodes[number],
            sha256=digest.hex() if any(digest) else "",
            width=width,
            height=height,
            format=self._formats[format_] if self._formats else "",
            taken=taken.decode(),
            exif=exif,
            reference=bool(self.references[number]),
            side=SIDES[self.sides[number]],
            companions=tuple(os.fsdecode(path) for path in self._companions.get(number, ())),
        )

    def state(self, number: int) -> tuple[int, int, int, int]:
        """Return size, time, device and inode."""
        return self.sizes[number], self.modified[number], self.devices[number], self.inodes[number]
