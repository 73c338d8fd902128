"""Counts that rooms without HTTP keep for whoever watches the service; always on, and next to free."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

__all__ = ["Counts", "Level", "fetches", "model_batches", "model_queue"]


class Counts:
    """How often what happened. Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str | int] = Counter()

    def add(self, what: str | int) -> None:
        """Count it once more."""
        with self._lock:
            self._counts[what] += 1

    def now(self) -> Mapping[str | int, int]:
        """Return the counts since the process began."""
        with self._lock:
            return dict(self._counts)


class Level:
    """How many there are just now. Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = 0

    def change(self, by: int) -> None:
        """Let there be so many more, or fewer."""
        with self._lock:
            self._level += by

    def now(self) -> int:
        """Return how many there are."""
        return self._level


model_batches: Final = Counts()
"""Number of pictures -> how often a model ran on so many at once."""

model_queue: Final = Level()
"""Pictures that wait until a model is free."""

fetches: Final = Counts()
""""ok", or the code of the error -> how many URLs ended so."""
