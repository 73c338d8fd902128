"""A decoded picture: upright RGB pixels, and who they are."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ImageTooLarge

__all__ = ["Decoding", "Fetching", "Image", "Limits", "Pixels"]

Pixels = NDArray[np.uint8]
"""(H, W, 3) uint8, RGB, upright, alpha composited on white."""


_VIDEO: Final = 64  # times the bytes of a picture


@dataclass(frozen=True, slots=True)
class Fetching:
    """How pictures are fetched by URL.

    networks: those that may be asked besides the public internet, like "10.1.0.0/16, fd00::/8". bytes: most that are
    read. seconds: for one picture with all its redirects; 0 fetches nothing. connect, first_byte: seconds of these
    for each hop's connection and the beginning of its answer. redirects: most that are followed.
    """

    networks: str = ""
    bytes: int = 10 * 2**20
    seconds: float = 30.0
    connect: float = 5.0
    first_byte: float = 10.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Decoding:
    """Where pictures are decoded. For those of strangers: in processes that nothing is lost with.

    processes: how many decode, beside this one; 0: this one does. memory: bytes that decoding one picture may take
    (kept where the system knows RLIMIT_AS). seconds: that it may take.
    """

    processes: int = 0
    memory: int = 2 * 2**30
    seconds: float = 20.0

    def apart(self) -> Decoding:
        """Return the same in processes of their own, for decoders that may crash on damaged files."""
        return self if self.processes else replace(self, processes=min(4, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a picture may cost. The first two are checked before anything is decoded.

    bytes: encoded size; a video on disk, never held in memory, may have 64 times as many. pixels: width x height that
    the header promises. fetching: for pictures given by URL.
    """

    bytes: int = 100 * 2**20
    pixels: int = 89_478_485  # Pillow's own threshold for a decompression bomb
    fetching: Fetching = Fetching()
    decoding: Decoding = Decoding()

    def check_bytes(self, source: str, size: int) -> None:
        """Raise ImageTooLarge if `size` bytes are too many."""
        if size > self.bytes:
            raise ImageTooLarge(source, size=size, limit=self.bytes, unit="bytes")

    def check_video(self, source: str, size: int) -> None:
        """Raise ImageTooLarge if `size` bytes are too many for a video that stays on disk."""
        if size > _VIDEO * self.bytes:
            raise ImageTooLarge(source, size=size, limit=_VIDEO * self.bytes, unit="bytes")

    def check_pixels(self, source: str, width: int, height: int) -> None:
        """Raise ImageTooLarge if the picture has too many pixels."""
        if width * height > self.pixels:
            raise ImageTooLarge(source, size=width * height, limit=self.pixels, unit="pixels")


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A decoded picture.

    pixels: (h, w, 3) uint8 RGB, upright; h and w may be smaller than height and width when the
    caller asked for a scaled decode, or where the preview in a RAW file stands for it. width, height:
    upright size of the whole picture, in pixels.
    format: one of `FORMATS`, mostly as Pillow names it; "ARRAY" for pixels that never were a file.
    sha1, sha256: hex digests of the bytes the picture came from (of shape and pixels for an array).
    source: a short name for messages: the path, or "bytes", "data URI", "array".
    taken: when, as the file's EXIF says: ISO 8601 without a zone, or "". exif: how many EXIF fields the file has.
    """

    pixels: Pixels
    width: int
    height: int
    format: str
    sha1: str
    sha256: str
    source: str
    taken: str = ""
    exif: int = 0
