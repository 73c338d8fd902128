"""Facts that cameras leave in EXIF, read from the header alone: nothing is decoded, and damage counts as absence.

Tags as in CIPA DC-008 (EXIF 2.32).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

__all__ = ["exif_facts", "find_exif"]

_POINTERS: Final = {0x8769, 0x8825, 0xA005}  # to the fields of the camera, of the place, of interoperability
_TAKEN: Final = (0x9003, 0x9004, 0x0132)  # when it was taken, digitized, last changed
_LAYOUT: Final = frozenset(  # how pixels are stored, which every TIFF has to say: TIFF 6.0, sections 3-15 and 20-22
    (*range(0x00FE, 0x0104), 0x0106, *range(0x0107, 0x010B), 0x0111, *range(0x0115, 0x011D), *range(0x0120, 0x0126),
     0x0128, 0x012D, *range(0x013D, 0x0146), 0x014A, *range(0x0152, 0x0156), 0x015B, *range(0x0200, 0x020A),
     *range(0x0211, 0x0215))
)  # fmt: skip
_TIME: Final = re.compile(rb"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_MOST_FIELDS: Final = 1000
_ITEM: Final = re.compile(rb"II\*\0\x08\0\0\0|MM\0\*\0\0\0\x08")  # how the EXIF item of HEIF and AVIF begins
_SEARCHED: Final = 1 << 18  # bytes of a HEIF file in which its EXIF item is looked for


def exif_facts(data: bytes) -> tuple[str, int]:
    """Return when a picture was taken (ISO 8601 without a zone, or "") and how many EXIF fields its file has
    but those that say how its pixels are stored.
    """
    exif = find_exif(data)
    if not exif:
        return "", 0
    times: dict[int, str] = {}
    count = 0
    for tag, value in _fields(exif):
        count += tag not in _LAYOUT
        if tag in _TAKEN and (found := _TIME.match(value)):
            year, month, day, hour, minute, second = (part.decode() for part in found.groups())
            times[tag] = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    return next((times[tag] for tag in _TAKEN if tag in times and not times[tag].startswith("0000")), ""), count


def find_exif(data: bytes) -> bytes:
    """Return the EXIF block of a JPEG, PNG, WebP, TIFF, HEIF or AVIF file, from its byte order on; or nothing."""
    if data.startswith(b"\xff\xd8"):
        return _of_jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _of_chunks(data, 8, b"eXIf", ">", name_first=False, padded=0)
    if data[:4] == b"RIFF":
        return _of_chunks(data, 12, b"EXIF", "<", name_first=True, padded=1).removeprefix(b"Exif\0\0")
    if data[:4] in (b"II*\0", b"MM\0*"):
        return data
    if data[4:8] == b"ftyp":
        found = _ITEM.search(data, 0, _SEARCHED)
        return data[found.start() :] if found else b""
    return b""


def _of_jpeg(data: bytes) -> bytes:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:  # up to the start of scan
        if data[at + 1] == 0xFF:  # padding
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return data[at + 10 : end]
        at = end
    return b""


def _of_chunks(data: bytes, at: int, wanted: bytes, order: str, *, name_first: bool, padded: int) -> bytes:
    """Look through the chunks of PNG (length, name, body, checksum) or RIFF (name, length, body, even)."""
    while at + 8 <= len(data):
        first, second = data[at : at + 4], data[at + 4 : at + 8]
        name, length = (first, second) if name_first else (second, first)
        (size,) = struct.unpack(order + "I", length)
        if name == wanted:
            return data[at + 8 : at + 8 + size]
        at += 8 + size + (size % 2 if padded else 4)
    return b""


def _fields(exif: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, value as bytes where it is text of 20 bytes, else nothing) of all fields but pointers."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return
    try:
        waiting, seen = [struct.unpack_from(order + "I", exif, 4)[0]], set()
        while waiting:
            start = waiting.pop()
            if start in seen:
                continue
            seen.add(start)
            (count,) = struct.unpack_from(order + "H", exif, start)
            for at in range(start + 2, start + 2 + 12 * min(count, _MOST_FIELDS), 12):
                tag, kind, length, value = struct.unpack_from(order + "HHII", exif, at)
                if tag in _POINTERS:
                    waiting.append(value)
                else:
                    yield tag, exif[value : value + 20] if (kind, length) == (2, 20) else b""
    except struct.error:
        return
