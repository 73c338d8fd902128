"""How many threads OpenCV uses: its own for each call, unless the callers are threads already."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

__all__ = ["one_thread_each"]

_lock = threading.Lock()
_inside = 0
_outside = 0  # how many there were before


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have every call of OpenCV in this process keep to its own thread meanwhile.

    Its calls are short here, and waking threads for each costs more than it saves where all cores are busy already:
    a fifth of the CPU time of looking at pairs. May be nested, and entered by several threads.
    """
    global _inside, _outside
    with _lock:
        if not _inside:
            _outside = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                cv2.setNumThreads(_outside)
