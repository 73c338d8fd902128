"""How memory is kept and looked through, by the C library and by Python. Where it isn't glibc the former stays."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Mapping
from typing import Final

__all__ = ["collect_seldom", "give_back_large", "keep_freed"]

_LARGE: Final = 1 << 20
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -2, -3, -4, -8  # as malloc.h numbers them


def give_back_large() -> None:
    """Have blocks of a megabyte and more given back when they are freed: whoever decodes pictures on many threads.

    Left alone, glibc raises that bound to 32 MB as such blocks come and go, and keeps what was decoded in a pool for
    each thread: after 16 callers at once with 12-megapixel pictures a service kept 1,135 MB, with this 217.
    """
    _set({_MMAP_THRESHOLD: _LARGE})


def keep_freed() -> None:
    """Have all that is freed kept: whoever makes the same large arrays again and again in one loop.

    Page faults on fresh arrays took a third of every step of training.
    """
    _set({_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 256 << 20})


def collect_seldom() -> None:
    """Have Python look for cycles seldom: a command that makes many values, which live on, and hardly any cycles.

    Of 5 seconds that 10,000 files took, half a second was spent looking through what was there.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _set(values: Mapping[int, int]) -> None:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for name, value in values.items():
        mallopt(name, value)
