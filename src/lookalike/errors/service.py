"""What only a service refuses."""

from __future__ import annotations

from lookalike.errors.base import LookalikeError

__all__ = ["AccessDenied", "EntryNotFound", "NameTaken", "NotPermitted", "PlanExceeded", "TooManyRequests"]


class AccessDenied(LookalikeError):
    """The key is missing or wrong."""

    code = "access_denied"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}. Send the key printed when the service started as `Authorization: Bearer KEY`.")


class NotPermitted(LookalikeError):
    """Whoever asks is known, and may not do this."""

    code = "not_permitted"

    def __init__(self, needs: str) -> None:
        self.needs = needs
        super().__init__(f"This needs {needs}. Ask whoever runs the service for such a key.")


class EntryNotFound(LookalikeError):
    """The catalog has no key, user, job or decision of this name. `what` says which."""

    code = "entry_not_found"

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(f"There is no {what} {name!r}. List those there are, or check the spelling.")


class NameTaken(LookalikeError):
    """Another user has this name."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"A user {name!r} exists already. Choose another name, or change that one's password.")


class TooManyRequests(LookalikeError):
    """More than a plan allows in so much time; `retry_after` seconds later it is allowed again."""

    code = "too_many_requests"

    def __init__(self, limit: str, retry_after: float) -> None:
        self.limit, self.retry_after = limit, retry_after
        super().__init__(f"The limit here is {limit}. Wait {max(1, round(retry_after))} s, or ask for a larger plan.")


class PlanExceeded(LookalikeError):
    """A plan's collections would hold more records than it allows; waiting doesn't help."""

    code = "plan_exceeded"

    def __init__(self, records: int, limit: int) -> None:
        self.records, self.limit = records, limit
        super().__init__(
            f"There would be {records:,} records, and the plan of this key allows {limit:,}. "
            f"Delete some, or ask for a larger plan."
        )
