"""Videos, by FFmpeg in PyAV: key frames alone, which stand for themselves and decode in a moment.

The container is the one that the first bytes say, never guessed by FFmpeg: its playlists could name other files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from lookalike.errors import ImageUnreadable, InvalidArgument, SourceNotFound
from lookalike.images.extras import require
from lookalike.images.headers import sniff
from lookalike.images.image import Image, Limits, Pixels

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

__all__ = ["KeyFrame", "key_frames", "read_frame", "read_video"]

_HEAD: Final = 64  # bytes that tell what a file is
_PIECE: Final = 2**20
_PLAIN: Final = 8.0  # levels of standard deviation; fades from black have less, pictures more
_LOOKED_AT: Final = 8  # key frames among which the first that shows something is looked for


@dataclass(frozen=True, slots=True, eq=False)
class KeyFrame:
    """A picture of a video. seconds: when it is shown, from the video's beginning. pixels: (h, w, 3) uint8, upright."""

    seconds: float
    pixels: Pixels


def key_frames(path: str | os.PathLike[str], count: int = 8, *, limits: Limits = Limits()) -> Iterator[KeyFrame]:
    """Yield up to `count` key frames of a video file, spread evenly over its length, by time; none comes twice.

    Each is the last key frame before its moment, so a video with few key frames gives fewer. One without a known
    length gives its first. Raises what `read_video` does, and InvalidArgument if `count` is not positive.
    """
    from lookalike.images.workers import pool_for

    if count < 1:
        raise InvalidArgument("count", count, "a positive number of key frames")
    name, file = os.fspath(path), Path(path)
    _check(file, name, limits)
    pool, last = pool_for(limits.decoding.apart()), -1.0
    for number in range(count):
        frame = pool.key_frame(file, (number + 0.5) / count, name=name, limits=limits)
        if frame.seconds > last:
            last = frame.seconds
            yield frame


def read_video(file: Path, name: str, limits: Limits) -> Image:
    """Read a video file as one picture: its first key frame that shows something (see `read_frame`).

    Its digests are those of the whole file, which is never held in memory. Raises ImageTooLarge if it has more than
    `limits.video` bytes, DecoderMissing, and ImageUnreadable if it is no video, damaged, or changes meanwhile.
    """
    from lookalike.images.workers import pool_for

    before = _check(file, name, limits)
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                sha1.update(piece)
                sha256.update(piece)
    except OSError as error:
        raise ImageUnreadable(name, f"it can't be read ({error.strerror})") from error
    frame = pool_for(limits.decoding.apart()).key_frame(file, None, name=name, limits=limits)
    if _check(file, name, limits) != before:
        raise ImageUnreadable(name, "it changed while it was read")
    height, width = frame.pixels.shape[:2]
    return Image(frame.pixels, width, height, "VIDEO", sha1.hexdigest(), sha256.hexdigest(), name)


def read_frame(file: BinaryIO, share: float | None, name: str, limits: Limits) -> KeyFrame:
    """Decode one key frame here and now. Raises what FFmpeg raises, which may crash on damaged files.

    share: in [0, 1], where in the video; None: the first that shows something, of the first eight; a video whose
    beginnings are all plain gives its first.
    """
    import av

    kind = _container(file.read(_HEAD))
    file.seek(0)
    with closing(av.open(file, "r", format=kind, metadata_errors="replace")) as video:
        frames = _frames(video, share, name, limits)
        first = next(frames, None)
        if first is None:
            raise ValueError("it has no frame that can be decoded")
        if share is not None or not _is_plain(first):
            return first
        return next((frame for frame in frames if not _is_plain(frame)), first)


def _frames(video: InputContainer, share: float | None, name: str, limits: Limits) -> Iterator[KeyFrame]:
    """Yield key frames from a moment on."""
    stream: Any = video.streams.best("video")
    if stream is None:
        raise ValueError("it holds no moving pictures")
    stream.codec_context.skip_frame = "NONKEY"
    stream.codec_context.thread_count = 1
    limits.check_pixels(name, stream.codec_context.width, stream.codec_context.height)
    begin = float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0
    if share and video.duration:
        video.seek((video.start_time or 0) + round(share * video.duration))
    left = _LOOKED_AT
    for frame in video.decode(stream):
        limits.check_pixels(name, frame.width, frame.height)
        yield KeyFrame(max(0.0, (frame.time or 0.0) - begin), _upright(frame))
        left -= 1
        if left == 0:
            return


def _is_plain(frame: KeyFrame) -> bool:
    return bool(frame.pixels.std(axis=(0, 1)).max() < _PLAIN)


def _upright(frame: VideoFrame) -> Pixels:
    quarters = round(frame.rotation / 90) % 4  # counter-clockwise, as the display matrix has it
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), quarters))


def _container(head: bytes) -> str:
    """Return the name by which FFmpeg knows the container."""
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    return "avi" if head.startswith(b"RIFF") else "mov"


def _check(file: Path, name: str, limits: Limits) -> tuple[int, int]:
    """Return size and time of change of a file that is a video and within its limit."""
    try:
        facts = file.stat()
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except FileNotFoundError:
        raise SourceNotFound(name) from None
    except OSError as error:
        raise ImageUnreadable(name, f"it can't be read ({error.strerror})") from error
    if sniff(head) != "VIDEO":
        raise ImageUnreadable(name, "it is no video of a kind that is decoded here")
    limits.check_video(name, facts.st_size)
    require("VIDEO", name)
    return facts.st_size, facts.st_mtime_ns
