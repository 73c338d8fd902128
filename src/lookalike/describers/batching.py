"""What several callers want of a model at the same time goes through it together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.counting import model_queue

__all__ = ["Batcher"]

Rows: TypeAlias = NDArray[Any]
Key: TypeAlias = tuple[str, ...]


class _Asked:
    """What one caller waits for: `found`, or `error`, or to lead the next batch."""

    def __init__(self, key: Key, rows: Rows) -> None:
        self.key, self.rows = key, rows
        self.woken = threading.Event()
        self.leads = False
        self.found: list[Rows] = []
        self.error: BaseException | None = None


class Batcher:
    """Joins batches of concurrent callers. No thread of its own: a caller runs the batch that its own rows are in.

    Who comes while fewer than `lanes` batches run is run at once, alone. Whoever comes later waits, and when a batch is
    done the one who waited longest leads the next, which takes everybody along who fits into `most` rows. It holds as
    many rows as there are threads that call it, and nobody waits for others to come.
    """

    def __init__(self, run: Callable[[Key, Rows], Sequence[Rows]], most: int, lanes: int) -> None:
        """run: gives arrays for rows, of which row i belongs to row i; key: what may be joined."""
        self._run, self._most = run, most
        self._idle = lanes
        self._lock = threading.Lock()
        self._waiting: deque[_Asked] = deque()

    def __call__(self, key: Key, rows: Rows) -> list[Rows]:
        """Return what `run` gives for these rows. Raises what it raises."""
        asked = _Asked(key, rows)
        with self._lock:
            if self._idle:
                self._idle -= 1
                asked.leads = True
            else:
                self._waiting.append(asked)
                model_queue.change(len(rows))
        if not asked.leads:
            asked.woken.wait()
        if asked.leads:
            try:
                self._answer([asked, *self._companions(asked)])
            finally:
                self._hand_over()
        if asked.error is not None:
            raise asked.error
        return asked.found

    def _companions(self, leader: _Asked) -> list[_Asked]:
        """Take those along who fit, in the order they came."""
        taken, size = [], len(leader.rows)
        with self._lock:
            for other in tuple(self._waiting):
                if other.key == leader.key and size + len(other.rows) <= self._most:
                    self._leave(other)
                    taken.append(other)
                    size += len(other.rows)
        return taken

    def _hand_over(self) -> None:
        with self._lock:
            if not self._waiting:
                self._idle += 1
                return
            following = self._waiting[0]
            self._leave(following)
        following.leads = True
        following.woken.set()

    def _leave(self, asked: _Asked) -> None:
        self._waiting.remove(asked)
        model_queue.change(-len(asked.rows))

    def _answer(self, batch: list[_Asked]) -> None:
        try:
            rows = batch[0].rows if len(batch) == 1 else np.concatenate([asked.rows for asked in batch])
            found = self._run(batch[0].key, rows)
            start = 0
            for asked in batch:
                asked.found = [values[start : start + len(asked.rows)] for values in found]
                start += len(asked.rows)
        except BaseException as error:  # noqa: BLE001 - raised by each who waits for it
            for asked in batch:
                asked.error = error
        finally:
            for asked in batch[1:]:
                asked.woken.set()
