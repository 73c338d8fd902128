"""Pictures in request bodies: text that carries its own bytes or is a public URL, never a path of the server's."""

from __future__ import annotations

from lookalike.errors import ImageUnreadable
from lookalike.images.image import Limits
from lookalike.images.sources import Encoded, from_base64, load

__all__ = ["picture_bytes"]


def picture_bytes(text: str, name: str, limits: Limits) -> bytes:
    """Return the bytes in base64 text, bare or a data URI (line breaks are tolerated), or behind an http(s) URL.

    Raises ImageUnreadable, ImageTooLarge, UrlRefused, UrlUnreachable; messages call the picture `name`.
    """
    if text[:8].lower().startswith(("data:", "http://", "https://")):
        found = load(text, limits)
        data = found.data if isinstance(found, Encoded) else b""
    else:
        data = from_base64(text, limits, name=name).data
    if not data:
        raise ImageUnreadable(name, "it is empty")
    return data
