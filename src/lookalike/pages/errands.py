"""Work that takes longer than a page may: done in a thread of its own, and asked how far it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from lookalike.errors import LookalikeError

__all__ = ["Errand"]

T = TypeVar("T")


class Errand(Generic[T]):
    """One piece of work, begun at once. done, total: how far it is, 0 of 0 before it says so.

    result: what it returned, None as long as it runs and where it failed. trouble: why it failed, in words, or "".
    """

    def __init__(self, work: Callable[[Callable[[int, int], None]], T]) -> None:
        """work: takes a function to be told how much is done, of how much."""
        self.done, self.total = 0, 0
        self.result: T | None = None
        self.trouble = ""
        self._work = work
        self._over = threading.Event()
        threading.Thread(target=self._run, name="errand").start()  # which the program waits for when it ends

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return not self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most. Returns whether it is over."""
        return self._over.wait(seconds)

    def _run(self) -> None:
        try:
            self.result = self._work(self._tell)
        except LookalikeError as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        except Exception as error:
            logging.getLogger(__name__).exception("work behind a page failed")
            self.trouble = f"That failed unexpectedly ({type(error).__name__}). The log says more."
        finally:
            self._over.set()

    def _tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total
