"""The one safe way in: whatever a picture comes as, to upright RGB.

Resizing and encoding are in `lookalike.images.resize`, which loads OpenCV and so is imported on its own.
"""

from __future__ import annotations

from lookalike.images.decode import decode
from lookalike.images.image import Image, Limits
from lookalike.images.sources import Encoded, Source, load

__all__ = ["Image", "Limits", "decode", "read_image"]


def read_image(source: Source | Encoded, *, limits: Limits = Limits(), wants: int | None = None) -> Image:
    """Read a picture from a path, bytes, base64, a data URI, a PIL image or an array.

    wants: the shorter side, in pixels, that the caller needs; a large JPEG is then decoded to less than
    its full size (never below twice that), which takes a fraction of the time. See `Image` for the result.
    Raises SourceNotFound if there is nothing there, ImageTooLarge if it is over `limits`, and
    ImageUnreadable if it is no picture, damaged, or in a format that is not decoded here.
    """
    loaded = load(source, limits)
    if isinstance(loaded, Encoded):
        return decode(loaded.data, name=loaded.name, limits=limits, wants=wants)
    return loaded
