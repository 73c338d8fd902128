"""Work done ahead of whoever asks for it, on threads of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_order"]

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_order(
    work: Callable[[Item], Made], items: Iterable[Item], *, threads: int, ahead: int, name: str = "ahead"
) -> Generator[Made, None, None]:
    """Yield what `work` makes of each item, in their order, made on so many threads.

    ahead: how many items may be under way, at least 1. Unlike `Executor.map`, an item is taken only when it is its
    turn. Raises what `work` raises. When the iterator is closed, or fails, what has not begun is never done.
    """
    pending: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
