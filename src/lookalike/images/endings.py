"""The endings that files of each format have. They choose what is looked at; what a file is, its bytes say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["ENDINGS", "EXTENSIONS"]

ENDINGS: Final[Mapping[str, Sequence[str]]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".pbm", ".pgm", ".ppm", ".pnm"),
    "TGA": (".tga",),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif"),
    "JXL": (".jxl",),
    "RAW": (".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".dng", ".raf", ".orf", ".rw2", ".pef", ".srw"),
    "DICOM": (".dcm", ".dicom"),
    "VIDEO": (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"),
}
"""Format -> lower-case endings with their dot. A file whose format needs an extra is named with its hint, not passed
over in silence: that is why the endings of all formats are here, whatever is installed."""

EXTENSIONS: Final = frozenset(ending for endings in ENDINGS.values() for ending in endings)
