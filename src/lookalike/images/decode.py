"""Encoded bytes to an upright RGB picture: the only door, and it is guarded.

The format is told by the bytes and must be on the list; limits are checked on the header, before pixels
are allocated; and whatever a decoder raises on damaged bytes becomes ImageUnreadable with the reason.
Safe to call from many threads at once; the decoders release the GIL.
"""

from __future__ import annotations

import hashlib
from io import BytesIO

from lookalike.errors import ImageError, ImageUnreadable, InvalidArgument
from lookalike.images.exif import exif_facts
from lookalike.images.extras import EXTRAS, require
from lookalike.images.headers import refusal, sniff
from lookalike.images.image import Image, Limits, Pixels
from lookalike.images.raw import demosaic, preview

__all__ = ["FORMATS", "cause", "decode", "decode_here"]

_BUILT_IN = ("AVIF", "BMP", "GIF", "HEIF", "ICO", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
FORMATS = (*_BUILT_IN, *EXTRAS)
"""What is decoded. JPEG includes MPO; PPM its family P1 to P6; of animations and pages the first counts. Those of
`EXTRAS` need something installed, RAW only where the preview in the file is too small."""

_MAY_CRASH = {"DICOM", "RAW", "VIDEO"}  # large native decoders, which damaged files have brought down before


def decode(data: bytes, *, name: str = "bytes", limits: Limits = Limits(), wants: int | None = None) -> Image:
    """Decode one picture.

    name: what messages call it. wants: the shorter side, in pixels, that the caller needs; a JPEG is then
    scaled down while decoding by 2, 4 or 8, never below twice that. Without it, pixels are full size.
    Raises ImageTooLarge before decoding, ImageUnreadable if the format is not on the list or pixels are
    missing or damaged, DecoderMissing if the format needs an extra, and InvalidArgument if `wants` is not positive.
    """
    if wants is not None and wants < 1:
        raise InvalidArgument("wants", wants, "a positive number of pixels")
    limits.check_bytes(name, len(data))
    kind = sniff(data)
    if kind is None:
        raise ImageUnreadable(name, refusal(data))
    decoding = limits.decoding
    if kind in EXTRAS and not (kind == "RAW" and preview(data, wants)):
        require(kind, name)
        decoding = decoding.apart() if kind in _MAY_CRASH else decoding
    if decoding.processes:
        from lookalike.images.workers import pool_for

        return pool_for(decoding).decode(data, name=name, limits=limits, wants=wants)
    return decode_here(data, kind, name=name, limits=limits, wants=wants)


def decode_here(data: bytes, kind: str, *, name: str, limits: Limits, wants: int | None) -> Image:
    """Decode bytes of a known format in this process. Raises ImageTooLarge and ImageUnreadable as `decode` does."""
    try:
        pixels, width, height = _decode(data, kind, name, limits, wants)
    except ImageError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        raise ImageUnreadable(name, f"damaged {kind} ({cause(error)})") from error
    taken, exif = exif_facts(data)
    return Image(
        pixels=pixels,
        width=width,
        height=height,
        format=kind,
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
        source=name,
        taken=taken,
        exif=exif,
    )


def _decode(data: bytes, kind: str, name: str, limits: Limits, wants: int | None) -> tuple[Pixels, int, int]:
    # Each decoder is imported when first needed: a JPEG never costs the import of Pillow.
    if kind == "RAW":
        return _decode_raw(data, name, limits, wants)
    if kind in EXTRAS:
        return _decode_extra(data, kind, name, limits)
    if kind == "JPEG":
        from lookalike.images.jpeg import decode_jpeg

        if decoded := decode_jpeg(data, name, limits, wants):
            return decoded
    if kind == "PPM":
        from lookalike.images.netpbm import decode_netpbm

        return decode_netpbm(data, name, limits)
    from lookalike.images.pillow import decode_with_pillow

    return decode_with_pillow(data, kind, name, limits, wants)


def _decode_raw(data: bytes, name: str, limits: Limits, wants: int | None) -> tuple[Pixels, int, int]:
    from lookalike.images.jpeg import decode_jpeg

    found = preview(data, wants)
    decoded = decode_jpeg(found.jpeg, name, limits, wants, held=found.orientation) if found else None
    if found is None or decoded is None:
        return demosaic(data, name, limits, wants)
    pixels, width, height = decoded
    longer, shorter = max(found.whole), min(found.whole)
    return (pixels, longer, shorter) if width >= height else (pixels, shorter, longer)


def _decode_extra(data: bytes, kind: str, name: str, limits: Limits) -> tuple[Pixels, int, int]:
    if kind == "JXL":
        from lookalike.images.jxl import decode_jxl

        return decode_jxl(data, name, limits)
    if kind == "DICOM":
        from lookalike.images.dicom import decode_dicom

        return decode_dicom(data, name, limits)
    from lookalike.images.video import read_frame

    pixels = read_frame(BytesIO(data), None, name, limits).pixels
    return pixels, pixels.shape[1], pixels.shape[0]


def cause(error: Exception) -> str:
    """Put a decoder's exception into a few words; the messages of its own bugs say nothing to a reader."""
    words = str(getattr(error, "strerror", None) or error).strip().split("\n")[0].rstrip(".")
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, OSError | ValueError | SyntaxError | EOFError | RuntimeError) and words:
        return words[:160]
    return f"the decoder failed with {type(error).__name__}"
