"""What only a service refuses."""

from __future__ import annotations

from lookalike.errors.base import LookalikeError

__all__ = ["AccessDenied"]


class AccessDenied(LookalikeError):
    """The key is missing or wrong."""

    code = "access_denied"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}. Send the key printed when the service started as `Authorization: Bearer KEY`.")
