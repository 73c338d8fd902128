"""Decoding in processes of their own: a picture that takes one down, or takes too long, is one picture that failed.

They are new interpreters, not forks of this one: they have nothing of it but two pipes. What comes back is JSON and
plain pixels, checked before they are believed.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import IO, Any, Final, TypeVar

import numpy as np

from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable
from lookalike.images.image import Decoding, Image, Limits, Pixels
from lookalike.images.video import KeyFrame

__all__ = ["Pool", "pool_for"]

_T = TypeVar("_T")

_PIPE: Final = 2**20  # bytes in a pipe, where that can be set: small pictures go through at once
_ANSWER: Final = 64 * 1024
_START: Final = 60.0  # seconds that a process may take until it is ready, on a very busy machine
_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",  # each would count with 64 MB of addresses
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),  # larger pixels go back to the system when they are done with
}


class _Gone(Exception):
    """A process that ended instead of answering, and why, in words for the reader."""


class Pool:
    """Processes that decode, started when they are first needed and again when one died. Safe to call from threads."""

    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding
        self._free: LifoQueue[_Worker | None] = LifoQueue()
        for _ in range(decoding.processes):
            self._free.put(None)

    def decode(self, data: bytes, *, name: str, limits: Limits, wants: int | None) -> Image:
        """Do what `images.decode` does, elsewhere; raises the same, and ImageUnreadable if it came to no end.

        Waits until a process is free; the time limit runs from then on.
        """
        return self._by_one(lambda worker: worker.decode(data, name, limits, wants), name)

    def key_frame(self, file: Path, share: float | None, *, name: str, limits: Limits) -> KeyFrame:
        """Do what `video.read_frame` does, elsewhere. Raises ImageTooLarge and ImageUnreadable."""
        return self._by_one(lambda worker: worker.key_frame(file, share, name, limits), name)

    def _by_one(self, ask: Callable[[_Worker], _T], name: str) -> _T:
        worker, usable = self._free.get(), None
        try:
            if worker is not None and not worker.is_alive:  # ended from outside while it had nothing to do
                worker.close()
                worker = None
            worker = worker or _Worker(self._decoding)
            found = ask(worker)
            usable = worker
        except ImageError:
            usable = worker
            raise
        except _Gone as gone:
            raise ImageUnreadable(name, str(gone)) from None
        finally:
            if usable is None and worker is not None:
                worker.close()
            self._free.put(usable)
        return found

    def close(self) -> None:
        """End the processes once they are done with what they have; the next picture would start them again."""
        idle = [self._free.get() for _ in range(self._decoding.processes)]
        for worker in idle:
            if worker is not None:
                worker.close()
            self._free.put(None)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Worker:
    """One process. Not safe to call from several threads."""

    def __init__(self, decoding: Decoding) -> None:
        """Raise _Gone if it can't be started."""
        self._decoding = decoding
        command = [sys.executable, "-m", "lookalike.images.worker", str(decoding.memory), str(decoding.seconds)]
        path = os.pathsep.join(filter(None, sys.path))
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": path},
            )
        except OSError as error:
            raise _Gone(f"no process can be started to decode it ({error.strerror})") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        for pipe in (self._to, self._from):
            _widen(pipe)
        try:
            with self._in_time(_START):
                self._answer()
        except _Gone:
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def decode(self, data: bytes, name: str, limits: Limits, wants: int | None) -> Image:
        """Return the picture. Raises ImageUnreadable and ImageTooLarge in its words, and _Gone."""
        with self._in_time(self._decoding.seconds):
            facts, pixels = self._ask({"wants": wants}, data, name, limits)
            texts = {key: str(facts[key]) for key in ("format", "sha1", "sha256", "taken")}
            width, height, exif = (int(facts[key]) for key in ("width", "height", "exif"))
            return Image(pixels, width, height, source=name, exif=exif, **texts)

    def key_frame(self, file: Path, share: float | None, name: str, limits: Limits) -> KeyFrame:
        """Return a key frame of a video. Raises as `decode` does."""
        with self._in_time(self._decoding.seconds):
            facts, pixels = self._ask({"video": str(file), "share": share}, b"", name, limits)
            return KeyFrame(float(facts["seconds"]), pixels)

    def _ask(self, request: dict[str, Any], data: bytes, name: str, limits: Limits) -> tuple[dict[str, Any], Pixels]:
        """Return facts and pixels."""
        request = {**request, "bytes": len(data), "max_bytes": limits.bytes, "max_pixels": limits.pixels}
        _write(self._to, json.dumps(request).encode() + b"\n")
        _write(self._to, data)
        answer = self._answer()
        if "reason" in answer:
            raise ImageUnreadable(name, str(answer["reason"]))
        if "unit" in answer:
            raise ImageTooLarge(name, size=int(answer["size"]), limit=int(answer["limit"]), unit=str(answer["unit"]))
        height, width = (int(side) for side in answer["shape"])
        if min(height, width) < 1 or height * width > limits.pixels:
            raise ValueError("no such picture")
        pixels = np.empty((height, width, 3), np.uint8)
        _read(self._from, pixels.data.cast("B"))
        return answer, pixels

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._to.close()
        self._process.kill()
        self._process.wait()
        self._from.close()

    def _answer(self) -> dict[str, Any]:
        """Read an answer, and nothing of what follows."""
        size = bytearray(4)
        _read(self._from, memoryview(size))
        if (length := int.from_bytes(size, "little")) > _ANSWER:
            raise ValueError("no answer is so long")
        text = bytearray(length)
        _read(self._from, memoryview(text))
        return dict(json.loads(text))

    @contextmanager
    def _in_time(self, seconds: float) -> Iterator[None]:
        """End the process after so long. Whatever then or otherwise comes of a process that ended becomes _Gone."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        clock = threading.Timer(seconds, end)
        clock.daemon = True
        clock.start()
        try:
            yield
        except (OSError, EOFError, ValueError, TypeError, KeyError):
            if late.is_set():
                raise _Gone(f"decoding it takes more than {seconds:g} s") from None
            memory = f"{self._decoding.memory // 2**20:,} MiB of memory"
            raise _Gone(f"decoding it takes more than {memory}, or makes the decoder crash") from None
        finally:
            clock.cancel()


def _write(pipe: IO[bytes], data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[pipe.write(left) :]


def _read(pipe: IO[bytes], target: memoryview) -> None:
    while target:
        count = pipe.readinto(target)  # type: ignore[attr-defined] # an unbuffered pipe is a FileIO
        if not count:
            raise EOFError
        target = target[count:]


def _widen(pipe: IO[bytes]) -> None:
    with suppress(ImportError, AttributeError, OSError):  # Linux alone can, and sets a bound for all of a user's pipes
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


_pools: dict[Decoding, Pool] = {}
_pools_lock = threading.Lock()


def pool_for(decoding: Decoding) -> Pool:
    """Return the pool of this process for such a decoding; its processes end with this one."""
    with _pools_lock:
        if decoding not in _pools:
            _pools[decoding] = Pool(decoding)
            atexit.register(_pools[decoding].close)
        return _pools[decoding]
