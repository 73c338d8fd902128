"""When a store optimizes itself: off the paths of reading and writing, at moments that suit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from lookalike.errors import LookalikeError

__all__ = ["Upkeep"]

_PAUSE: Final = 1.0
_LOOK_EVERY: Final = 0.2
_SUFFERING: Final = 5

_log = logging.getLogger(__name__)


class Upkeep:
    """A thread that runs while there is something to do and ends when there is nothing.

    It optimizes once `enough` rows are not in the index and nothing was written for a second; at once if five times
    as many are and searches have to scan them, or if there are `most`.
    """

    def __init__(
        self, optimize: Callable[[], object], waiting: Callable[[], int], enough: Callable[[], int], most: int
    ) -> None:
        """waiting: how many rows are not in the index. enough: how many are worth the work."""
        self._optimize, self._waiting, self._enough, self._most = optimize, waiting, enough, most
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._written = time.monotonic()
        self._searched = False

    def wrote(self) -> None:
        """Say that rows were written, or are there from before."""
        self._written = time.monotonic()
        if self._waiting() >= self._enough():
            with self._guard:
                if self._thread is None and not self._stop.is_set():
                    self._thread = threading.Thread(target=self._run, name="lookalike-upkeep", daemon=True)
                    self._thread.start()

    def searched(self) -> None:
        """Say that a search had to look at rows that are not in the index."""
        self._searched = True

    def stop(self) -> None:
        """Begin nothing any more. What is under way is the store's to end."""
        self._stop.set()

    def join(self) -> None:
        """Wait until nothing is under way."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_EVERY):
            with self._guard:
                if self._waiting() < self._enough():
                    self._thread = None
                    return
            if self._suits():
                self._searched = False
                try:
                    self._optimize()
                except LookalikeError as problem:
                    _log.warning("A store could not be optimized in the background; it stays right. %s", problem)
                    break
        with self._guard:
            self._thread = None  # after a failure the next write tries again

    def _suits(self) -> bool:
        rows = self._waiting()
        quiet = time.monotonic() - self._written >= _PAUSE
        return quiet or rows >= self._most or (self._searched and rows >= _SUFFERING * self._enough())
