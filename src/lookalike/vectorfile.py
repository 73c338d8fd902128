"""Rows of numbers in a temporary file, mapped into memory: they take room on disk, and in memory only while used."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

__all__ = ["VectorFile"]


class VectorFile:
    """(n, width) float16 rows, zeros at first. The file has no name and is gone with this object.

    Where no temporary file can be had, the rows are in memory, and `warning` says why.
    """

    def __init__(self, n: int, width: int) -> None:
        self.warning = ""
        size = 2 * n * width
        self._map: mmap.mmap | None = None
        if size == 0:
            self.rows: NDArray[np.float16] = np.zeros((n, width), np.float16)
            return
        try:
            with tempfile.TemporaryFile(prefix="lookalike-") as file:
                _reserve(file.fileno(), size)
                self._map = mmap.mmap(file.fileno(), size)
        except OSError as error:
            self.warning = f"No temporary file for vectors ({error.strerror or error}): they are kept in memory."
            self._map = mmap.mmap(-1, size)
        self.rows = np.frombuffer(self._map, np.float16).reshape(n, width)

    def release(self) -> None:
        """Let go of the memory of rows that were used; the next use reads them again."""
        if self._map is not None and not self.warning and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _reserve(handle: int, size: int) -> None:
    """Take the room on the disk now: a full one shows here, not as a signal when a row is written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)
