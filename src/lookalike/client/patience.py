"""What is tried again, and when: refusals that pass (429, 503), and connections that broke."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from lookalike.errors import InvalidArgument, ServiceUnreachable

__all__ = ["Patience"]

_PASSING: Final = (429, 503)
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client goes on trying.

    attempts: how often a request is sent at most. first, longest: seconds of the first pause and of any; each pause is
    up to twice as long as the one before, and drawn at random between half of that and the whole, so that many clients
    don't come back together (full and equal jitter: Brooker 2015). A Retry-After is waited for, and if it is over
    `longest` the refusal is raised at once.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidArgument("attempts", self.attempts, "1 or more")

    def after_answer(self, answer: httpx.Response, attempt: int) -> float | None:
        """Return for how many seconds to wait before asking again, or None if this is the answer. attempt: from 1."""
        if answer.status_code not in _PASSING or attempt >= self.attempts:
            return None
        asked = _retry_after(answer.headers.get("retry-after", ""))
        if asked is None:
            return self._pause(attempt)
        return None if asked > self.longest else asked + self.chance() * self.first

    def after_failure(self, error: httpx.TransportError, attempt: int, address: str, *, repeatable: bool) -> float:
        """Return for how many seconds to wait before asking again; or raise ServiceUnreachable.

        repeatable: whether a request that may have arrived can be sent once more.
        """
        if attempt >= self.attempts or not (repeatable or isinstance(error, _NEVER_SENT)):
            raise ServiceUnreachable(address, str(error) or type(error).__name__) from error
        return self._pause(attempt)

    def _pause(self, attempt: int) -> float:
        return float(min(self.longest, self.first * 2 ** (attempt - 1)) * (0.5 + 0.5 * self.chance()))


def _retry_after(text: str) -> float | None:
    """Read the header: seconds, or a date (RFC 9110, 10.2.3)."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
