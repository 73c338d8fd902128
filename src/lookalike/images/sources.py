"""Whatever a picture comes as, to its encoded bytes; or, if it is pixels already, to those.

    path             str or os.PathLike; a regular file (a video: its first key frame that shows something)
    bytes            bytes, bytearray, memoryview
    base64 text      str; standard or URL-safe alphabet, line breaks and missing padding tolerated
    data URI         str; data:image/...
    PIL image        turned upright as its EXIF says; its mode may be any
    NumPy array      (H, W), (H, W, 1), (H, W, 3), (H, W, 4) of uint8, uint16, bool, or float in [0, 1]

    URL              str; http:// or https://, fetched by `fetch`

A str is taken as a data URI, then a URL, then a path that exists, then base64.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ImageUnreadable, InvalidArgument, SourceNotFound
from lookalike.images.headers import sniff
from lookalike.images.image import Image, Limits, Pixels

if TYPE_CHECKING:
    from PIL import Image as Pil

__all__ = ["Encoded", "Source", "check_several", "from_base64", "load"]

Source: TypeAlias = (
    "str | os.PathLike[str] | os.PathLike[bytes] | bytes | bytearray | memoryview | NDArray[Any] | Pil.Image"
)

_HEAD = 64  # bytes of a file that tell whether it is a video, which is not read whole
_BASE64_AT_LEAST = 32  # characters; no picture of use is shorter, and words and file names mostly are
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HALF = "it holds half of a surrogate pair"
_DATA_URI = re.compile(r"data:image/[\w.+-]+(?:;[^,;]*)*?(;base64)?,", re.IGNORECASE)


def check_several(name: str, given: object) -> None:
    """Raise InvalidArgument for one thing where several are asked for: a path would be taken letter by letter."""
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray | os.PathLike | Mapping):
        return
    told = os.fspath(given) if isinstance(given, str | os.PathLike) else f"one {type(given).__name__}"
    raise InvalidArgument(name, told, 'a list, like ["a.jpg", "b.jpg"]; for a folder, of the files in it')


@dataclass(frozen=True, slots=True)
class Encoded:
    """The bytes of a picture file. name: what messages call them: the path, the URL, "bytes", "base64", "data URI"."""

    data: bytes
    name: str


def load(source: Source | Encoded, limits: Limits) -> Encoded | Image:
    """Fetch the bytes of a picture; those that have a name already are taken as they are.

    What is pixels already comes back as an Image at once, and so does a video file.
    Raises SourceNotFound if there is nothing there, ImageUnreadable if it can't be read, and
    ImageTooLarge before reading more than the limits allow; UrlRefused and UrlUnreachable for URLs.
    """
    if isinstance(source, str):
        return _from_text(source, limits)
    if isinstance(source, Encoded):
        limits.check_bytes(source.name, len(source.data))
        return source
    if isinstance(source, bytes | bytearray | memoryview):
        limits.check_bytes("bytes", memoryview(source).nbytes)
        return Encoded(bytes(source), "bytes")
    if isinstance(source, os.PathLike):
        return _from_file(os.fspath(source), limits)
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    pil = sys.modules.get("PIL.Image")  # no one holds a PIL image unless Pillow has been imported
    if pil is not None and isinstance(source, pil.Image):
        return _from_pil(source, limits)
    raise SourceNotFound(type(source).__name__, "this is nothing a picture can come as")


def from_base64(text: str, limits: Limits, *, name: str = "base64") -> Encoded:
    """Decode base64 text that is known to be meant as a picture.

    Raises ImageUnreadable if it is not base64, and ImageTooLarge before decoding it.
    """
    limits.check_bytes(name, len(text) * 3 // 4)
    letters = _letters(text)
    if letters is None:
        if scheme := _SCHEME.match(text):
            raise ImageUnreadable(name, f"a URL of {scheme[1]}; only http and https are fetched")
        raise ImageUnreadable(name, "not valid base64")
    return Encoded(binascii.a2b_base64(letters), name)


def _from_text(text: str, limits: Limits) -> Encoded | Image:
    if text[:5].lower() == "data:":
        return _from_data_uri(text, limits)
    if text[:8].lower().startswith(("http://", "https://")):
        return _from_url(text, limits)
    if _exists(text):
        return _from_file(text, limits)
    if len(text) >= _BASE64_AT_LEAST and (letters := _letters(text)) is not None:
        limits.check_bytes("base64", len(letters) * 3 // 4)
        # Long names can look like base64 too: only a known beginning tells.
        if sniff(binascii.a2b_base64(letters[:64])) or sniff(binascii.a2b_base64(letters)):
            return Encoded(binascii.a2b_base64(letters), "base64")
        raise SourceNotFound(_short(text), "no such file, and no picture in base64")
    raise SourceNotFound(_short(text))


def _from_url(url: str, limits: Limits) -> Encoded:
    from lookalike.images.fetch import fetch, shown

    try:
        url.encode("utf-8")
    except UnicodeEncodeError:
        raise SourceNotFound(_short(url), _HALF) from None
    data = fetch(url, replace(limits.fetching, bytes=min(limits.bytes, limits.fetching.bytes)))
    if not data:
        raise ImageUnreadable(shown(url), "the answer is empty")
    return Encoded(data, shown(url))


def _from_data_uri(text: str, limits: Limits) -> Encoded:
    head = _DATA_URI.match(text[:256])
    if head is None:
        raise ImageUnreadable("data URI", "not of the form data:image/...;base64,...")
    body = text[head.end() :]
    if head[1]:
        return from_base64(body, limits, name="data URI")
    limits.check_bytes("data URI", len(body))
    try:
        return Encoded(unquote_to_bytes(body), "data URI")
    except UnicodeEncodeError:
        raise ImageUnreadable("data URI", _HALF) from None


def _letters(text: str) -> bytes | None:
    """Return base64 text in the standard alphabet, without blanks and with its padding; None if it isn't."""
    try:
        letters = text.encode("ascii").translate(_URL_SAFE, _BLANKS)
    except UnicodeEncodeError:
        return None
    digits = letters.rstrip(b"=")
    if not _BASE64.fullmatch(letters) or len(digits) % 4 == 1:
        return None
    return digits + b"=" * (-len(digits) % 4)


def _exists(text: str) -> bool:
    try:
        return os.path.lexists(text)
    except ValueError:  # a null character
        return False


def _from_file(path: str | bytes, limits: Limits) -> Encoded | Image:
    try:
        name = os.fsencode(path).decode("utf-8", "replace")  # printable, whatever the disk holds
    except UnicodeEncodeError:  # no disk holds that
        raise SourceNotFound(_short(os.fsdecode(path)), _HALF) from None
    file = Path(os.fsdecode(path))
    try:
        found = file.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceNotFound(name, "a folder, not a picture")
        if not stat.S_ISREG(found.st_mode):  # opening a pipe could wait forever
            raise SourceNotFound(name, "not a regular file")
        with file.open("rb") as opened:
            data = opened.read(_HEAD)
            if is_video := sniff(data) == "VIDEO":
                limits.check_video(name, found.st_size)
            else:
                limits.check_bytes(name, found.st_size)
                data += opened.read(max(0, found.st_size - _HEAD))
    except FileNotFoundError:
        raise SourceNotFound(name) from None
    except (OSError, ValueError) as error:
        raise ImageUnreadable(name, f"it can't be read ({getattr(error, 'strerror', None) or error})") from error
    if not data:
        raise ImageUnreadable(name, "the file is empty")
    if is_video:
        from lookalike.images.video import read_video

        return read_video(file, name, limits)
    return Encoded(data, name)


def _from_array(array: NDArray[Any], limits: Limits) -> Image:
    from lookalike.images.rgb import from_array

    if array.ndim in (2, 3):
        limits.check_pixels("array", array.shape[1], array.shape[0])
    try:
        return _image(from_array(array), "array")
    except ValueError as error:
        raise ImageUnreadable("array", str(error)) from error


def _from_pil(picture: Pil.Image, limits: Limits) -> Image:
    from lookalike.images.pillow import render

    limits.check_pixels("PIL image", *picture.size)
    try:
        pixels, _ = render(picture)
    except Exception as error:  # it may be a file that is only now being decoded
        raise ImageUnreadable("PIL image", f"it can't be loaded ({error})") from error
    return _image(pixels, "PIL image")


def _image(pixels: Pixels, name: str) -> Image:
    height, width = pixels.shape[:2]
    identity = f"{height}x{width}x3:".encode() + pixels.tobytes()
    return Image(
        pixels=pixels,
        width=width,
        height=height,
        format="ARRAY",
        sha1=hashlib.sha1(identity, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(identity).hexdigest(),
        source=name,
    )


def _short(text: str) -> str:
    """Return a text for messages: its beginning, printable."""
    shown = text if len(text) <= 200 else f"{text[:197]}..."
    return shown.encode("utf-8", "backslashreplace").decode()
