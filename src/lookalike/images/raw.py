"""Camera RAW: the JPEG that the camera put in, found without any library; else the sensor's data, by LibRaw.

Where previews are: tags of TIFF/EP and DNG 1.7 (NEF, ARW, CR2, PEF, SRW, DNG, and RW2 with a tag of its own), the
header of RAF, and the PRVW box of CR3 as https://github.com/lclevy/canon_cr3 describes it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np

from lookalike.images.image import Limits, Pixels
from lookalike.images.tiff import Directory, directories

__all__ = ["Preview", "demosaic", "is_raw_tiff", "preview"]

_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 259, 262, 274
_STRIPS, _STRIP_SIZES, _JPEG, _JPEG_SIZE = 273, 279, 513, 514
_JPEG_OF_PANASONIC, _DNG_VERSION = 46, 50706
_SENSOR: Final = {32803, 34892}  # photometric interpretations: color filter array, linear raw
_JPEG_COMPRESSIONS: Final = {6, 7}
_DECODABLE: Final = {0xC0, 0xC1, 0xC2}  # frames of JPEG; 0xC3, lossless, holds sensor data in CR2 and DNG
_JPEG_BEGINS: Final = b"\xff\xd8\xff"
_HEAD: Final = 2**20  # bytes, in which CR3 keeps all but the pixels
_ENOUGH: Final = 512  # pixels of the shorter side, where the caller doesn't say what it wants


@dataclass(frozen=True, slots=True)
class Preview:
    """A JPEG within a RAW file.

    width, height: of the JPEG. whole: (width, height) of the picture it stands for, as stored, not upright.
    orientation: 1 to 8, of the file; the JPEG's own counts before it.
    """

    jpeg: bytes
    width: int
    height: int
    whole: tuple[int, int]
    orientation: int


def is_raw_tiff(data: bytes) -> bool:
    """Whether a TIFF file holds the data of a sensor."""
    if data[8:10] == b"CR":  # Canon, whose sensor data only looks like one more JPEG
        return True
    found = directories(data)
    return bool(found) and (_DNG_VERSION in found[0] or any(_is_of_sensor(directory) for directory in found))


def preview(data: bytes, wants: int | None = None) -> Preview | None:
    """Return the largest JPEG in a RAW file, None if none is large enough.

    Large enough is a shorter side of twice `wants`, or of 512 pixels.
    """
    is_cr3 = data[4:8] == b"ftyp"
    found = directories(_cr3_block(data) if is_cr3 else data)
    best: tuple[int, int, bytes] | None = None
    for at, size in _places(data, found):
        if 0 < at < at + size <= len(data):
            width, height = _jpeg_size(data, at, at + size)
            if width * height > (best[0] * best[1] if best else 0):
                best = width, height, data[at : at + size]
    if best is None or min(best[:2]) < (_ENOUGH if wants is None else 2 * wants):
        return None
    width, height, jpeg = best
    wholes = [(_one(each, _WIDTH), _one(each, _HEIGHT)) for each in found if is_cr3 or _is_of_sensor(each)]
    whole = max([(width, height), *wholes], key=lambda size: size[0] * size[1])
    orientation = next((value for each in found if 1 <= (value := _one(each, _ORIENTATION)) <= 8), 1)
    return Preview(jpeg, width, height, whole, orientation)


def demosaic(data: bytes, name: str, limits: Limits, wants: int | None) -> tuple[Pixels, int, int]:
    """Return (pixels, width, height), upright and whole, with the white balance of the camera.

    At half the size where that is twice what the caller wants. Raises ImageTooLarge before anything is unpacked, and
    ValueError in LibRaw's words; LibRaw may also crash on damaged files, or hang.
    """
    import rawpy

    try:
        with rawpy.imread(BytesIO(data)) as raw:
            width, height = raw.sizes.width, raw.sizes.height
            limits.check_pixels(name, width, height)
            half = wants is not None and min(width, height) >= 4 * wants
            pixels = np.ascontiguousarray(raw.postprocess(use_camera_wb=True, half_size=half, output_bps=8))
            turned = raw.sizes.flip in (5, 6)
    except rawpy.LibRawError as error:
        said = error.args[0] if error.args else b""
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
    if not pixels.any():  # what LibRaw makes of nothing
        raise ValueError("the sensor's data is missing")
    return (pixels, height, width) if turned else (pixels, width, height)


def _places(data: bytes, found: list[Directory]) -> Iterator[tuple[int, int]]:
    """Yield (offset, size) of what may be a JPEG; both are yet to be checked."""
    if data.startswith(b"FUJIFILM") and len(data) >= 92:
        yield struct.unpack_from(">II", data, 84)
    if data[4:8] == b"ftyp" and (at := data.find(b"PRVW", 4, _HEAD)) > 0:
        begin, end = data.find(_JPEG_BEGINS, at, at + 40), at - 4 + int.from_bytes(data[at - 4 : at], "big")
        yield begin, end - begin
    for directory in found:
        panasonic = directory.get(_JPEG_OF_PANASONIC, ())
        if len(panasonic) == 2:
            yield panasonic[0], panasonic[1]
        yield _one(directory, _JPEG), _one(directory, _JPEG_SIZE)
        strips, sizes = directory.get(_STRIPS, ()), directory.get(_STRIP_SIZES, ())
        is_jpeg = _one(directory, _COMPRESSION) in _JPEG_COMPRESSIONS and not _is_of_sensor(directory)
        if is_jpeg and len(strips) == len(sizes) == 1:
            yield strips[0], sizes[0]


def _cr3_block(data: bytes) -> bytes:
    """Return the TIFF block of a CR3 file that says how large the picture is and how it was held."""
    at = data.find(b"CMT1", 4, _HEAD)
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")] if at > 0 else b""


def _is_of_sensor(directory: Directory) -> bool:
    return _one(directory, _PHOTOMETRIC) in _SENSOR


def _one(directory: Directory, tag: int) -> int:
    """Return the first value of a tag, 0 if it is not there."""
    values = directory.get(tag, ())
    return values[0] if values else 0


def _jpeg_size(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return (width, height) of the JPEG in data[at:end], zeros if it is none that is shown as it is."""
    if data[at : at + 3] != _JPEG_BEGINS:
        return 0, 0
    at += 2
    while at + 9 <= end and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _DECODABLE:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # padding
            at += 1
        elif marker == 0xDA or (0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            break
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0
