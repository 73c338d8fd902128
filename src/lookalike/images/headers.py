"""What a file is, by its first bytes alone: the formats let in, and names for those that are not.

Nothing here decodes. A file's name is never believed; TGA, which has no signature, comes last.
"""

from __future__ import annotations

import struct

from lookalike.images.raw import is_raw_tiff

__all__ = ["promised_size", "reduction", "refusal", "sniff"]

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIU\0", "RAW"),  # Panasonic
    (b"IIRO", "RAW"),  # Olympus
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"\x1aE\xdf\xa3", "VIDEO"),  # Matroska and WebM
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_VIDEO_BRANDS = {b"qt  ", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"dash", b"f4v ", b"mmp4", b"XAVC", b"mp71"}
_QUICKTIME = {b"moov", b"mdat", b"wide", b"pnot"}  # what files older than "ftyp" begin with

_REFUSED = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (b"8BPS", "a Photoshop document"),
    (b"SIMPLE  =", "a FITS file"),
    (b"DDS ", "a DDS texture"),
    (b"qoif", "a QOI picture"),
    (b"\0\0\2\0", "a Windows cursor"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xffO\xffQ", "a JPEG 2000 picture"),
    (b"PK\3\4", "a ZIP archive"),
)


def sniff(data: bytes) -> str | None:
    """Return the format as Pillow names it, or None if it is none of those let in."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return "RAW" if name == "TIFF" and is_raw_tiff(data) else name
    if data[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"AVI ": "VIDEO"}.get(data[8:12])
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3] in (b" ", b"\t", b"\r", b"\n", b"#"):
        return "PPM"
    if data[4:8] == b"ftyp":
        return _isobmff(data)
    if data[4:8] in _QUICKTIME:
        return "VIDEO"
    if data[128:132] == b"DICM":
        return "DICOM"
    return "TGA" if _looks_like_tga(data) else None


def refusal(data: bytes) -> str:
    """Say, for bytes that `sniff` does not know, why they are not let in."""
    if not data:
        return "it is empty"
    for signature, name in _REFUSED:
        if data.startswith(signature):
            return f"{name}, a format that is not decoded here"
    if data[4:8] == b"ftyp":
        return "a picture, sound or video of a kind that is not decoded here"
    text = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "an SVG drawing, a format that is not decoded here"
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, not a picture"
    return "not a picture in a format that is decoded here"


def promised_size(data: bytes, name: str) -> tuple[int, int] | None:
    """Return (width, height) for the formats whose decoders allocate the canvas as they open; else None.

    An icon file counts as its largest picture. Raises struct.error if the header is cut short.
    """
    if name == "WEBP":
        return _webp_size(data)
    if name == "ICO":
        return _ico_size(data)
    return None


def reduction(width: int, height: int, wants: int | None) -> int:
    """Return the largest of 1, 2, 4, 8 by which the shorter side can shrink and still be 2 x `wants`."""
    shorter = min(width, height)
    if wants is None or shorter < 8:  # below 8 the decoders' other scales round to the same sizes
        return 1
    return next((factor for factor in (8, 4, 2) if shorter >= 2 * wants * factor), 1)


def _isobmff(data: bytes) -> str | None:
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    if data[8:12] == b"crx ":  # Canon
        return "RAW"
    return "VIDEO" if data[8:12] in _VIDEO_BRANDS or data[8:11] in (b"iso", b"mp4", b"3gp", b"3g2") else None


def _looks_like_tga(data: bytes) -> bool:
    if len(data) <= 18 or (data[:4] == b"\0\0\2\0" and data[4:6] != b"\0\0"):  # the latter is a cursor
        return False
    width, height = struct.unpack_from("<HH", data, 12)
    return (
        data[1] in (0, 1)
        and data[2] in (1, 2, 3, 9, 10, 11)
        and data[16] in (1, 8, 16, 24, 32)
        and width > 0
        and height > 0
    )


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _ico_size(data: bytes) -> tuple[int, int] | None:
    (count,) = struct.unpack_from("<H", data, 4)
    sizes = []
    for entry in range(count):
        (at,) = struct.unpack_from("<I", data, 6 + 16 * entry + 12)
        if data[at : at + 8] == b"\x89PNG\r\n\x1a\n":
            sizes.append(struct.unpack_from(">II", data, at + 16))
        else:
            width, height = struct.unpack_from("<ii", data, at + 4)
            sizes.append((abs(width), abs(height) // 2))  # color rows, then as many mask rows
    return max(sizes, key=lambda size: size[0] * size[1], default=None)
