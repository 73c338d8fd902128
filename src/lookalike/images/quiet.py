"""Muting one package's warnings while pictures are decoded, safely with threads."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["quiet"]

_lock = threading.Lock()
_inside: dict[str, int] = {}
_filters: dict[str, Any] = {}


@contextmanager
def quiet(package: str) -> Iterator[None]:
    """Ignore warnings raised by the modules of `package`, and no others, while any thread is in here.

    `warnings.catch_warnings` swaps the whole list of filters, so two threads that overlap can leave the
    wrong list behind. Here the first in adds one filter, and the last out takes that one away.
    """
    with _lock:
        _inside[package] = _inside.get(package, 0) + 1
        if _inside[package] == 1:
            # The comment in the pattern keeps it from being equal to a filter the application has set itself.
            warnings.filterwarnings("ignore", module=rf"{package}\.(?#while decoding)")
            _filters[package] = warnings.filters[0]
    try:
        yield
    finally:
        with _lock:
            _inside[package] -= 1
            if _inside[package] == 0:
                with suppress(ValueError):  # someone has put back an older list
                    warnings.filters.remove(_filters.pop(package))  # type: ignore[attr-defined]
