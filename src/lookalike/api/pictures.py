"""Pictures in request bodies: text that carries its own bytes, never a path or a URL of the server's."""

from __future__ import annotations

import base64
import binascii

from lookalike.errors import ImageUnreadable

__all__ = ["picture_bytes"]


def picture_bytes(text: str, name: str) -> bytes:
    """Return the bytes in base64 text, bare or a data URI; line breaks are tolerated. Raises ImageUnreadable."""
    body = text
    if text[:5].lower() == "data:":
        head, comma, body = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise ImageUnreadable(name, "a data URI must read data:image/...;base64,...")
    compact = "".join(body.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ImageUnreadable(name, "it is not base64 text") from None
    if not data:
        raise ImageUnreadable(name, "it is empty")
    return data
