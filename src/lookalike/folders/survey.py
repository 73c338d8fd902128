"""What is known of the pictures in some folders: read once, kept in little memory, numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.folders.findings import PictureFile, Unused

__all__ = ["Survey"]


@dataclass(slots=True, eq=False)
class Survey:
    """The pictures found, numbered from 0, and what their bytes say. About 250 bytes of memory each.

    codes: (n,) uint64 pHash, most significant bit first; 0 where there is none or the picture is too plain for one.
    turned: (n, 8) uint64, the hash held each way, in the order of `hashes.ORIENTATIONS`. quality: (n,) uint8, of the
    hash. copies: (n, 128) float16 unit rows, zeros where there is none; a file mapped into memory. same: (n,) int64,
    the number of the first file with equal bytes. side: (n,) uint8, 0 where there are no sides, 1 for "a", 2 for "b".
    reference: (n,) bool. scope: (n,) int32, files of different numbers are never paired.
    unused: what took no part, and why. links: number of a file -> its other hard links. warnings: sentences for the
    user, such as that nothing could be kept for next time.
    """

    codes: NDArray[np.uint64]
    turned: NDArray[np.uint64]
    quality: NDArray[np.uint8]
    copies: NDArray[np.float16]
    same: NDArray[np.int64]
    side: NDArray[np.uint8]
    reference: NDArray[np.bool_]
    scope: NDArray[np.int32]
    files: Sequence[PictureFile]
    unused: Sequence[Unused] = ()
    links: Mapping[int, Sequence[str]] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.codes)

    def file(self, number: int) -> PictureFile:
        """Return what is known of a file as a value."""
        return self.files[number]
