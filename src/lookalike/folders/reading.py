"""Files to what is known of them: each opened once, from its bytes to digest, hash and copy vector."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.cards import card
from lookalike.describers.hashes import HASHES, phash_orientations, phash_quality, thumbnail
from lookalike.errors import ImageError
from lookalike.folders.ledger import Known, Picture
from lookalike.images.decode import decode
from lookalike.images.exif import exif_facts
from lookalike.images.extras import installed
from lookalike.images.image import Limits, Pixels
from lookalike.images.resize import fit_square, to_gray
from lookalike.settings import Settings
from lookalike.version import __version__

__all__ = ["Depth", "Read", "Reader"]

Depth = Literal["digest", "hash", "copy"]
"""How far pictures are looked into: their bytes, what they look like, and what they are copies of."""

_SIDE: Final = 32
_COPY: Final = "copy"
_OPEN: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a file: known now, or why it could not be read, as long as that lasts."""

    known: Known | None
    reason: str = ""


@dataclass(slots=True)
class _Draft:
    """A picture under way. gray: (32, 32); pixels: as the model takes them."""

    picture: Picture
    gray: NDArray[np.uint8] | None = None
    pixels: Pixels | None = None


class Reader:
    """Reads files. Safe for several threads; decoders, digests and model release the GIL.

    upto: how far. lookup: what is known of bytes already, by their digest; what is known is not made again.
    hasher, describer, judge: signatures of what makes hashes, copy vectors and reasons.
    """

    def __init__(self, upto: Depth, settings: Settings) -> None:
        """Raises UnknownModel, ModelMissing, ModelUnusable where copy vectors are asked for."""
        self.upto = upto
        self.limits = settings.limits
        self.hasher = f"phash/{HASHES['phash'].version}"
        self.judge = " ".join([__version__, str(self.limits.bytes), str(self.limits.pixels), *installed()])
        self.describer, self.width = "", 0
        if upto == _COPY:
            from lookalike.describers.neural import NeuralDescriber  # a second to import, and only now needed

            chosen = card(settings.model)
            self._model = NeuralDescriber(chosen if _COPY in chosen.vectors else card(), only={_COPY})
            self._how = self._model.card.prepare
            self.describer, self.width = self._model.signature, self._model.vectors[0].width

    def enough(self, picture: Picture) -> bool:
        """Whether a picture is known as far as is asked."""
        if picture.reason or self.upto == "digest":
            return True
        return bool(picture.turned) and (self.upto == "hash" or bool(picture.copy))

    def read(self, paths: Sequence[bytes], lookup: Callable[[bytes], Picture | None]) -> list[Read]:
        """Read some files, in order. Raises WeightsCorrupt, ModelUnusable; never for a file."""
        done: list[Read] = []
        drafts: list[_Draft] = []
        for path in paths:
            read, data = _bytes_of(path, self.limits)
            done.append(read)
            drafts.append(self._draft(path, read, data, lookup))
        self._describe([draft for draft in drafts if draft.gray is not None])
        return [
            replace(read, known=replace(read.known, picture=draft.picture)) if read.known else read
            for read, draft in zip(done, drafts, strict=True)
        ]

    def _draft(self, path: bytes, read: Read, data: bytes, lookup: Callable[[bytes], Picture | None]) -> _Draft:
        if read.known is None:
            return _Draft(Picture(b""))
        picture = read.known.picture
        if not picture.reason:
            kept = lookup(picture.digest)
            if kept is not None and self.enough(kept):
                return _Draft(kept)
        if picture.reason or self.upto == "digest":
            return _Draft(picture)
        try:
            return self._decoded(picture, data, os.fsdecode(path))
        except ImageError as error:
            return _Draft(replace(picture, reason=error.reason))

    def _decoded(self, picture: Picture, data: bytes, name: str) -> _Draft:
        wanted = self.upto == _COPY
        luma = None if self.limits.decoding.processes else _luma(data, name, self.limits)
        if luma is None or wanted:
            pixels, width, height, kind = _colors(data, name, self.limits, self._model.wants if wanted else _SIDE)
            gray = to_gray(pixels) if luma is None else luma[0]
        else:
            (gray, width, height), kind, pixels = luma, "JPEG", None
        taken, exif = exif_facts(data)
        known = replace(picture, width=width, height=height, format=kind, taken=taken, exif=exif)
        if wanted and pixels is not None and self._how.resample == "fast":
            pixels = fit_square(pixels, self._how.side)  # what waits for the others of its batch is small
        return _Draft(known, thumbnail(gray, _SIDE, _SIDE), pixels if wanted else None)

    def _describe(self, drafts: Sequence[_Draft]) -> None:
        if not drafts:
            return
        grays = np.stack([draft.gray for draft in drafts if draft.gray is not None])
        turned, quality = phash_orientations(grays), phash_quality(grays)
        for draft, row, trust in zip(drafts, turned, quality, strict=True):
            draft.picture = replace(draft.picture, turned=row.tobytes(), quality=int(trust))
        pixels = [draft.pixels for draft in drafts if draft.pixels is not None]
        if pixels:
            for draft, vector in zip(drafts, self._model.describe(pixels)[_COPY], strict=True):
                draft.picture = replace(draft.picture, copy=vector.astype("<f2").tobytes())


def _bytes_of(path: bytes, limits: Limits) -> tuple[Read, bytes]:
    """Read a file whole; what it is must be the same before and after."""
    try:
        handle = os.open(path, _OPEN)
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 - a path of bytes
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                return Read(None, "it is no file any more"), b""
            if before.st_size > limits.bytes:
                reason = f"too large: {before.st_size:,} bytes, and the limit is {limits.bytes:,}"
                return Read(None, reason), b""
            data = file.read()
            after = os.fstat(handle)
    except (OSError, ValueError) as error:
        gone = isinstance(error, FileNotFoundError | NotADirectoryError)
        return Read(None, "it vanished while it was scanned" if gone else _said(error)), b""
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        return Read(None, "it changed while it was scanned"), b""
    picture = Picture(hashlib.sha256(data).digest(), reason="" if data else "it is empty")
    return Read(Known(after.st_size, after.st_mtime_ns, after.st_dev, after.st_ino, picture)), data


def _luma(data: bytes, name: str, limits: Limits) -> tuple[Pixels, int, int] | None:
    """Return luma, width and height of a JPEG; None where only its colors can tell whether it is one."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    from lookalike.images.jpeg import decode_jpeg  # a scan of what is known decodes nothing

    try:
        return decode_jpeg(data, name, limits, _SIDE, "GRAY")
    except Exception:  # noqa: BLE001 - `_colors` says what is wrong
        return None


def _colors(data: bytes, name: str, limits: Limits, wants: int) -> tuple[Pixels, int, int, str]:
    if data.startswith(b"\xff\xd8\xff") and not limits.decoding.processes:
        from lookalike.images.jpeg import decode_jpeg

        try:
            if decoded := decode_jpeg(data, name, limits, wants):  # spares two more digests of the bytes
                return *decoded, "JPEG"
        except ImageError:
            raise
        except Exception:  # noqa: BLE001 - `decode` says what is wrong
            pass
    image = decode(data, name=name, limits=limits, wants=wants)
    return image.pixels, image.width, image.height, image.format


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
