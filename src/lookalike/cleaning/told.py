"""What a picture file says of itself: in its EXIF, IPTC and XMP, and in the sidecar beside it."""

from __future__ import annotations

import re
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from lookalike.cleaning.xmp import Told, joined, read_xmp
from lookalike.errors import SidecarUnreadable
from lookalike.folders.findings import PictureFile
from lookalike.images.exif import find_exif
from lookalike.images.quiet import quiet

__all__ = ["embedded", "sidecars", "told_by"]

_MOST_BYTES: Final = 1 << 29  # a larger file is not looked into
_PACKET: Final = re.compile(rb"<(\w+:)?xmpmeta\b.*?</(\w+:)?xmpmeta\s*>", re.DOTALL)

# Tags of EXIF 2.32, of Microsoft's XP* fields (UTF-16), and datasets of IPTC-IIM 4.2.
_DESCRIPTION, _RATING, _CAMERA, _GPS, _XP_COMMENT, _XP_KEYWORDS = 0x010E, 0x4746, 0x8769, 0x8825, 0x9C9C, 0x9C9E
_TAKEN, _OFFSET = 0x9003, 0x9011
_IPTC_KEYWORDS, _IPTC_CAPTION, _IPTC_DATE, _IPTC_TIME = (2, 25), (2, 120), (2, 55), (2, 60)


def told_by(file: PictureFile) -> Told:
    """Return what a file and its sidecars say; the sidecars count more. Raises OSError, SidecarUnreadable for XMP that
    can't be read.
    """
    beside = [read_xmp(Path(path).read_bytes(), path) for path in sidecars(file)]
    return joined([*beside, embedded(file.path)])


def sidecars(file: PictureFile) -> list[str]:
    """Return the sidecars of a picture that exist: its companions, and a.jpg.xmp beside a.jpg."""
    own = [str(Path(file.path).parent / name) for name in file.companions if name.lower().endswith(".xmp")]
    found = dict.fromkeys([f"{file.path}.xmp", *own])
    return [path for path in found if Path(path).is_file()]


def embedded(path: str) -> Told:
    """Return what the bytes of a picture say. A broken EXIF or IPTC block counts as absent.

    Raises OSError, SidecarUnreadable for XMP that can't be read.
    """
    if Path(path).stat().st_size > _MOST_BYTES:
        raise SidecarUnreadable(path, "it is too large to be looked into")
    data = Path(path).read_bytes()
    packet = _PACKET.search(data)
    from_xmp = read_xmp(packet[0], path) if packet else Told()
    return joined([from_xmp, _of_exif(data), _of_iptc(data)])


def _of_exif(data: bytes) -> Told:
    from PIL.Image import Exif

    found = Exif()
    with quiet("PIL"):
        try:
            found.load(find_exif(data))
            camera, place = found.get_ifd(_CAMERA), found.get_ifd(_GPS)
        except Exception:  # noqa: BLE001 - Pillow raises far more than it says of damaged blocks
            return Told()
    rating = found.get(_RATING)
    return Told(
        keywords=tuple(_xp(found.get(_XP_KEYWORDS)).split(";")),
        rating=rating if isinstance(rating, int) and 0 < rating <= 5 else None,
        description=_text(found.get(_DESCRIPTION)) or _xp(found.get(_XP_COMMENT)),
        latitude=_degrees(place.get(2), place.get(1), "S", 90),
        longitude=_degrees(place.get(4), place.get(3), "W", 180),
        altitude=_altitude(place),
        taken=_exif_time(_text(camera.get(_TAKEN)), _text(camera.get(_OFFSET))),
    ).tidy()


def _of_iptc(data: bytes) -> Told:
    """Read the IPTC block of a JPEG or TIFF file."""
    from PIL.IptcImagePlugin import getiptcinfo
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    kind: type[JpegImageFile | TiffImageFile]
    if data.startswith(b"\xff\xd8"):
        kind = JpegImageFile
    elif data[:4] in (b"II*\0", b"MM\0*"):
        kind = TiffImageFile
    else:
        return Told()
    with quiet("PIL"):
        try:
            found = getiptcinfo(kind(BytesIO(data))) or {}
        except Exception:  # noqa: BLE001 - as above
            return Told()
    keywords = found.get(_IPTC_KEYWORDS, [])
    return Told(
        keywords=tuple(_decoded(one) for one in (keywords if isinstance(keywords, list) else [keywords])),
        description=_decoded(found.get(_IPTC_CAPTION)),
        taken=_iptc_time(_decoded(found.get(_IPTC_DATE)), _decoded(found.get(_IPTC_TIME))),
    ).tidy()


def _text(value: Any) -> str:
    return value.strip("\0 \t\r\n") if isinstance(value, str) else ""


def _xp(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-16-le", "ignore").strip("\0 ")
    return _text(value)


def _decoded(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else b""
    if not isinstance(value, bytes):
        return ""
    with suppress(UnicodeDecodeError):
        return value.decode()
    return value.decode("latin-1")  # what IPTC was written in before it could say so


def _degrees(parts: Any, side: Any, negative: str, most: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not 0 <= value <= most:  # not a number among them
        return None
    return -value if _text(side).upper() == negative else value


def _altitude(place: Any) -> float | None:
    try:
        value = float(place[6])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not abs(value) < 1e5:
        return None
    return -value if place.get(5) in (1, b"\x01") else value


def _exif_time(value: str, offset: str) -> str:
    found = re.match(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", value)
    if not found or found[1] == "0000":
        return ""
    zone = offset if re.fullmatch(r"[+-]\d\d:\d\d", offset) else ""
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}{zone}"


def _iptc_time(date: str, time: str) -> str:
    day = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", date)
    if not day or day[1] == "0000":
        return ""
    found = re.match(r"(\d\d)(\d\d)(\d\d)(?:([+-]\d\d)(\d\d))?", time)
    if not found:
        return f"{day[1]}-{day[2]}-{day[3]}"
    zone = f"{found[4]}:{found[5]}" if found[4] else ""
    return f"{day[1]}-{day[2]}-{day[3]}T{found[1]}:{found[2]}:{found[3]}{zone}"
