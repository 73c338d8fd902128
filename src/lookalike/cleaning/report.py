"""A plan as one HTML file with thumbnails: to look at, to send, to keep. No script, no other file."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path

from lookalike.cleaning.plan import Plan
from lookalike.errors import ImageError
from lookalike.images import read_image
from lookalike.images.resize import encode_jpeg, thumbnail
from lookalike.placing import write_text
from lookalike.settings import Settings
from lookalike.units import said_bytes
from lookalike.version import __version__

__all__ = ["write_report"]

_SIDE = 160
_QUALITY = 72
_MOST_GROUPS = 500  # with pictures; a file of more would be too large for a browser
_MOST_MEMBERS = 24


def write_report(plan: Plan, path: Path, *, settings: Settings) -> None:
    """Write the report, whole or not at all; folders above it are made.

    Thumbnails are made anew, so that nothing of a file but its looks gets into the report. Of more than 500 groups the
    first are shown, of a group's files the first 24; all else is counted. Raises OSError.
    """
    from jinja2 import Environment, PackageLoader

    pages = Environment(
        loader=PackageLoader("lookalike.cleaning"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters |= {"bytes": said_bytes, "when": _when}
    text = pages.get_template("duplicates.html").render(
        plan=plan,
        groups=[(planned, list(zip(planned.group.members, planned.fates, strict=True))) for planned in plan.groups],
        version=__version__,
        thumbnail=lambda name: _thumbnail(name, settings),
        most=_MOST_GROUPS,
        most_members=_MOST_MEMBERS,
    )
    write_text(path, text)


def _thumbnail(name: str, settings: Settings) -> str:
    try:
        pixels = read_image(name, limits=settings.limits, wants=_SIDE).pixels
    except ImageError:
        return ""
    data = encode_jpeg(thumbnail(pixels, _SIDE), _QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _when(modified: int) -> str:
    return datetime.fromtimestamp(modified / 1e9).strftime("%Y-%m-%d %H:%M")
