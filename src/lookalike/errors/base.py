"""Where the tree begins, and what any part of the house may raise."""

from __future__ import annotations

__all__ = ["InvalidArgument", "LookalikeError", "MissingExtra"]


class LookalikeError(Exception):
    """The root of everything Lookalike raises on purpose."""

    code = "error"


class InvalidArgument(LookalikeError):
    """A value outside its range, or missing (None); `allowed` says what would do."""

    code = "invalid_argument"

    def __init__(self, name: str, value: object, allowed: str, *, told: str = "") -> None:
        """told: how the value is, in words, where it is not to be shown."""
        self.name, self.value, self.allowed = name, value, allowed
        told = told or ("missing" if value is None else repr(value))
        super().__init__(f"{name} is {told}; it must be {allowed}.")


class MissingExtra(LookalikeError):
    """An optional part is not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} needs an extra: pip install 'lookalike[{extra}]'.")
