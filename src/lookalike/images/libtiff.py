"""Muting libtiff, which writes whatever it finds wrong with a file to the standard error of the process.

What matters of it is raised by Pillow all the same. Redirecting standard error would swallow what other threads write
there; so the library is asked itself: `TIFFSetErrorHandler` and `TIFFSetWarningHandler` of its `tiffio.h`.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from PIL import _imaging

__all__ = ["quiet_libtiff"]

Handler = int | None
"""Address of what writes messages; None: nothing does."""

_lock = threading.Lock()
_inside = 0
_before: list[Handler] = []


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """Mute Pillow's libtiff while any thread is in here: the first in takes its handlers, the last out puts them back.

    Does nothing where the library can't be reached, such as within Pillow's own on Windows.
    """
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _before[:] = [choose(None) for choose in _choosers()]
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for choose, handler in zip(_choosers(), _before, strict=True):
                    choose(handler)


@cache
def _choosers() -> tuple[Callable[[Handler], Handler], ...]:
    """Return the functions that set the handler of errors and of warnings, and return the one before."""
    try:
        # Names are looked up in what a library depends on, too: this finds libtiff wherever Pillow has it.
        loaded = ctypes.CDLL(_imaging.__file__)
        choosers = (loaded.TIFFSetErrorHandler, loaded.TIFFSetWarningHandler)
    except (AttributeError, OSError):
        return ()
    for choose in choosers:
        choose.restype, choose.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return choosers
