"""Numbers as people say them."""

from __future__ import annotations

__all__ = ["said_bytes"]


def said_bytes(number: float) -> str:
    """Return a number of bytes in the largest decimal unit up to GB, as in "208.8 KB"."""
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"
