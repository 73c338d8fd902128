"""The eight ways a camera can be held: reading the EXIF orientation, and turning pixels upright.

Values 1 to 8 as in CIPA DC-008 (EXIF 2.32), section 4.6.4; 1 is upright. Where EXIF says nothing, the
`tiff:Orientation` of XMP counts. A broken block counts as absent: it never makes a picture unreadable.
"""

from __future__ import annotations

import re
import struct

import numpy as np

from lookalike.images.image import Pixels

__all__ = ["of_exif", "of_jpeg", "of_xmp", "upright"]

_TAG = 0x0112
_INTEGERS = {1: "B", 3: "H", 4: "I"}  # EXIF types BYTE, SHORT, LONG
_XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])")


def of_exif(exif: bytes) -> int | None:
    """Return the orientation in an EXIF block (with or without its "Exif" prefix), None if it has none."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(order + "HHI", tiff, entry)
            if tag == _TAG and kind in _INTEGERS:
                (value,) = struct.unpack_from(order + _INTEGERS[kind], tiff, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return None


def of_xmp(xmp: bytes) -> int | None:
    """Return the orientation in an XMP packet, None if it has none."""
    found = _XMP.search(xmp)
    return int(found[1]) if found else None


def of_jpeg(data: bytes) -> int | None:
    """Return the orientation of a JPEG file, None if it says none, reading only the segments before its pixels."""
    from_xmp = None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:  # up to the start of scan
        if data[at + 1] == 0xFF:  # padding
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE1:
            body = data[at + 4 : end]
            if body.startswith(b"Exif\0") and (from_exif := of_exif(body[6:])):
                return from_exif
            if body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
                from_xmp = from_xmp or of_xmp(body)
        at = end
    return from_xmp


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror (h, w, 3) pixels that were stored in `orientation`; 5 to 8 swap height and width."""
    if orientation == 1:
        return pixels
    import cv2  # a tenth of a second to import, and only now needed

    if orientation in (2, 3, 4):
        turned = cv2.flip(pixels, {2: 1, 3: -1, 4: 0}[orientation])
    else:
        turned = cv2.transpose(pixels)
        if orientation > 5:
            turned = cv2.flip(turned, {6: 1, 7: -1, 8: 0}[orientation])
    return np.asarray(turned, np.uint8)
