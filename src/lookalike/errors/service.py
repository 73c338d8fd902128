"""What only a service refuses."""

from __future__ import annotations

from lookalike.errors.base import LookalikeError

__all__ = [
    "AccessDenied",
    "EntryNotFound",
    "NameTaken",
    "NotPermitted",
    "Overloaded",
    "PlanExceeded",
    "ServiceError",
    "ServiceUnreachable",
    "TooManyRequests",
]


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
    """The catalog has no key, user, job, decision, trial or impression of this name. `what` says which."""

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


class Overloaded(LookalikeError):
    """The service has as much to do as it takes on; `retry_after` seconds later there may be room."""

    code = "overloaded"

    def __init__(self, limit: int, retry_after: float) -> None:
        self.limit, self.retry_after = limit, retry_after
        super().__init__(f"{limit:,} requests are being answered, and more are not taken on. Try again in a moment.")


class PlanExceeded(LookalikeError):
    """A plan's collections would hold more records than it allows; waiting doesn't help."""

    code = "plan_exceeded"

    def __init__(self, records: int, limit: int) -> None:
        self.records, self.limit = records, limit
        super().__init__(
            f"There would be {records:,} records, and the plan of this key allows {limit:,}. "
            f"Delete some, or ask for a larger plan."
        )


class ServiceUnreachable(LookalikeError):
    """A client got no answer from its service: refused, cut off, or not in time."""

    code = "service_unreachable"

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(f"{address} doesn't answer ({reason}). Is the service running, and is this its address?")


class ServiceError(LookalikeError):
    """A client got an error of its service that has no class here; `code` is the service's own word for it."""

    code = "service_error"

    def __init__(self, status: int, detail: str, code: str = code) -> None:
        self.status, self.code = status, code
        super().__init__(f"The service answered {status}: {detail}")
