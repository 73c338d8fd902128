"""A process that decodes, one picture after another, for `images.workers`; it may run out of memory or time, or crash.

On its standard input: a line of JSON (`bytes`, `max_bytes`, `max_pixels`, `wants`), then so many bytes of a picture; or
a line that asks for a key frame of a file (`video`, its path, and `share`, where in it). On its standard output, after
an empty answer when it is ready: the length of an answer (4 bytes, little-endian), the answer in JSON, which is the
facts of the picture or why there are none, and its pixels.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable
from lookalike.images.decode import cause, decode_here
from lookalike.images.headers import refusal, sniff
from lookalike.images.image import Limits, Pixels

__all__ = ["serve"]


def serve(memory: int, seconds: float) -> None:
    """Answer until the input ends. memory: bytes for a picture; seconds: after which this process ends itself."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a decoder prints is no answer
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the service is told, finishes what it has, and closes the input
    _limit_memory(memory)
    _write(sink, {})
    while line := source.readline():
        request = json.loads(line)
        data = source.read(request.get("bytes", 0))
        if hasattr(signal, "alarm"):  # the service sees to it; this is for when the service is gone
            signal.alarm(math.ceil(seconds) + 5)
        _answer(data, request, sink)
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _answer(data: bytes, request: dict[str, Any], sink: BinaryIO) -> None:
    limits = Limits(bytes=request["max_bytes"], pixels=request["max_pixels"])
    try:
        facts, pixels = _frame(request, limits) if "video" in request else _picture(data, request["wants"], limits)
    except ImageTooLarge as error:
        _write(sink, {"size": error.size, "limit": error.limit, "unit": error.unit})
        return
    except ImageError as error:
        _write(sink, {"reason": error.reason})
        return
    _write(sink, {**facts, "shape": pixels.shape[:2]}, pixels.data)


def _picture(data: bytes, wants: int | None, limits: Limits) -> tuple[dict[str, Any], Pixels]:
    kind = sniff(data)
    if kind is None:
        raise ImageUnreadable("bytes", refusal(data))
    image = decode_here(data, kind, name="bytes", limits=limits, wants=wants)
    told = ("width", "height", "format", "sha1", "sha256", "taken", "exif")
    return {name: getattr(image, name) for name in told}, image.pixels


def _frame(request: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], Pixels]:
    from lookalike.images.video import read_frame

    try:
        with Path(request["video"]).open("rb") as file:
            frame = read_frame(file, request["share"], "video", limits)
    except ImageError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        raise ImageUnreadable("video", f"damaged VIDEO ({cause(error)})") from error
    return {"seconds": frame.seconds}, frame.pixels


def _write(sink: BinaryIO, answer: dict[str, Any], pixels: memoryview | None = None) -> None:
    text = json.dumps(answer).encode()
    sink.write(len(text).to_bytes(4, "little") + text)
    if pixels is not None:
        sink.write(pixels)
    sink.flush()


def _limit_memory(size: int) -> None:
    """Let this process have so many bytes of addresses more than it has now, and leave no core file."""
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limits, and macOS keeps none
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
