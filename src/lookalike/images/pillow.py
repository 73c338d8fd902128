"""Every format but plain JPEG, by Pillow and pillow-heif, one plug-in at a time.

A plug-in is imported when its format is first met and used directly, never through `PIL.Image.open`: that
would import five more and apply limits of its own. No global of Pillow is read or set. First frames only.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext, suppress
from importlib import import_module
from io import BytesIO

from PIL import Image as Pil
from PIL.ImageFile import ImageFile

from lookalike.images import orientation
from lookalike.images.headers import promised_size, reduction
from lookalike.images.image import Limits, Pixels
from lookalike.images.libtiff import quiet_libtiff
from lookalike.images.quiet import quiet
from lookalike.images.rgb import from_pillow

__all__ = ["decode_with_pillow", "render"]

_PACKAGE = "PIL"
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_PLUGINS = {
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "ICO": ("PIL.IcoImagePlugin", "IcoImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "TGA": ("PIL.TgaImagePlugin", "TgaImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
}

logging.getLogger(_PACKAGE).addHandler(logging.NullHandler())  # or what it logs goes to standard error, unasked


def decode_with_pillow(data: bytes, kind: str, name: str, limits: Limits, wants: int | None) -> tuple[Pixels, int, int]:
    """Return (pixels, width, height), the size upright and whole; only a JPEG heeds `wants`.

    Raises ImageTooLarge before decoding, and whatever the plug-in raises on damaged bytes.
    """
    if promised := promised_size(data, kind):
        limits.check_pixels(name, *promised)
    module, plugin = _PLUGINS[kind]
    with quiet(_PACKAGE), quiet_libtiff() if kind == "TIFF" else nullcontext():
        picture: ImageFile = getattr(import_module(module), plugin)(BytesIO(data))
        width, height = picture.size
        limits.check_pixels(name, width, height)
        factor = reduction(width, height, wants) if kind == "JPEG" else 1
        if factor > 1:
            picture.draft(None, (width // factor, height // factor))
        if kind == "PNG":
            _scale_color_key(picture, depth=data[24])
        pixels, turned = render(picture)
        tags = getattr(picture, "tag_v2", {})  # of TIFF alone
        if picture.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            pixels = 255 - pixels  # Pillow heeds that for fewer bits only
    if factor > 1:
        return (pixels, height, width) if turned else (pixels, width, height)
    height, width = pixels.shape[:2]  # a HEIF file can hold another picture than its header promises
    limits.check_pixels(name, width, height)
    return pixels, width, height


def render(picture: Pil.Image) -> tuple[Pixels, bool]:
    """Return the upright pixels of a picture, and whether width and height changed places for that."""
    with quiet(_PACKAGE):
        picture.load()
        turn = _orientation(picture)
        return orientation.upright(from_pillow(picture), turn), turn >= 5


def _orientation(picture: Pil.Image) -> int:
    """Read what a loaded picture says of its orientation. (TIFF and HEIF are upright once loaded.)"""
    exif = picture.info.get("exif")
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    profile = picture.info.get("Raw profile type exif")  # ImageMagick, in PNG: a heading of three lines, then hex
    if not exif and isinstance(profile, str):
        with suppress(ValueError):
            exif = bytes.fromhex("".join(profile.split("\n")[3:]))
    found = orientation.of_exif(exif) if isinstance(exif, bytes) else None
    if found is None and isinstance(xmp, str | bytes):
        found = orientation.of_xmp(xmp.encode() if isinstance(xmp, str) else xmp)
    return found or 1


def _scale_color_key(picture: Pil.Image, depth: int) -> None:
    """Bring the transparent color of a PNG, given in `depth` bits, to the 8 bits its pixels get."""
    key = picture.info.get("transparency")
    if picture.mode == "L" and depth in (2, 4) and isinstance(key, int):
        picture.info["transparency"] = key * (255 // (2**depth - 1))
    elif picture.mode == "RGB" and depth == 16 and isinstance(key, tuple):
        picture.info["transparency"] = tuple(level >> 8 for level in key)
