"""Where the tree begins, and what any part of the house may raise."""

from __future__ import annotations

__all__ = ["InvalidArgument", "LookalikeError", "MissingExtra"]


class LookalikeError(Exception):
    """The root of everything Lookalike raises on purpose."""

    code = "error"


class InvalidArgument(LookalikeError):
    """A value outside its range; `allowed` says what would do."""

    code = "invalid_argument"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name} is {value!r}; it must be {allowed}.")


class MissingExtra(LookalikeError):
    """An optional part is not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} needs an extra: pip install 'lookalike[{extra}]'.")
