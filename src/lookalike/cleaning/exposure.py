"""What a photograph says of its making, as rows for people: camera, exposure, keywords, place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lookalike.cleaning.told import told_by
from lookalike.errors import SidecarUnreadable
from lookalike.folders.findings import PictureFile
from lookalike.images.exif import find_exif
from lookalike.images.quiet import quiet

__all__ = ["said_of"]

_HEAD: Final = 1 << 20  # bytes of a file in which its EXIF is looked for
_LONGEST: Final = 120
_CAMERA_IFD: Final = 0x8769
_MAKE, _MODEL, _SOFTWARE, _ARTIST = 0x010F, 0x0110, 0x0131, 0x013B
_TIME, _F_NUMBER, _ISO, _FOCAL, _LENS = 0x829A, 0x829D, 0x8827, 0x920A, 0xA434


def said_of(file: PictureFile) -> dict[str, str]:
    """Return label -> text of what a file's EXIF, IPTC, XMP and sidecars say; nothing of a file that can't be read."""
    return _of_camera(file.path) | _of_person(file)


def _of_camera(path: str) -> dict[str, str]:
    from PIL.Image import Exif

    found = Exif()
    with quiet("PIL"):
        try:
            with Path(path).open("rb") as stream:
                found.load(find_exif(stream.read(_HEAD)))
            taken = found.get_ifd(_CAMERA_IFD)
        except Exception:  # noqa: BLE001 - Pillow raises far more than it says of damaged blocks
            return {}
    make, model = _text(found.get(_MAKE)), _text(found.get(_MODEL))
    rows = {
        "camera": model if model.casefold().startswith(make.casefold()) else f"{make} {model}",
        "lens": _text(taken.get(_LENS)),
        "exposure": _exposure(taken),
        "software": _text(found.get(_SOFTWARE)),
        "artist": _text(found.get(_ARTIST)),
    }
    return {label: text[:_LONGEST] for label, text in rows.items() if text.strip()}


def _exposure(taken: Mapping[int, Any]) -> str:
    def seconds(value: float) -> str:
        return f"1/{round(1 / value)} s" if 0 < value < 0.4 else f"{value:g} s"

    forms: dict[int, Callable[[float], str]] = {
        _TIME: seconds,
        _F_NUMBER: lambda value: f"f/{value:g}",
        _ISO: lambda value: f"ISO {value:g}",
        _FOCAL: lambda value: f"{value:g} mm",
    }
    parts = []
    for tag, form in forms.items():
        try:
            value = float(taken[tag])
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            continue
        if 0 < value < 1e6:
            parts.append(form(value))
    return ", ".join(parts)


def _of_person(file: PictureFile) -> dict[str, str]:
    try:
        told = told_by(file)
    except (OSError, SidecarUnreadable):
        return {}
    placed = told.latitude is not None and told.longitude is not None
    rows = {
        "description": told.description or "",
        "keywords": ", ".join(told.keywords),
        "rating": f"{told.rating} of 5" if told.rating else "",
        "place": f"{told.latitude:.5f}, {told.longitude:.5f}" if placed else "",
    }
    return {label: text[:_LONGEST] for label, text in rows.items() if text}


def _text(value: Any) -> str:
    return value.strip("\0 \t\r\n") if isinstance(value, str) else ""
