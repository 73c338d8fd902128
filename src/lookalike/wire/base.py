"""What requests have in common, and what became of items that failed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["FailureBody", "Picture", "Request", "check_text"]


def check_text(value: Any) -> None:
    """Raise ValueError if a text somewhere in JSON values has no UTF-8."""
    if isinstance(value, str):
        if not value.isascii():
            value.encode("utf-8")
    elif isinstance(value, dict):
        for name, one in value.items():
            check_text(name)
            check_text(one)
    elif isinstance(value, list):
        for one in value:
            check_text(one)


Picture = Field(description="Base64 text, bare or as a data URI.", examples=["data:image/png;base64,iVBORw0KGgo..."])


class Request(BaseModel):
    """A body from a client: unknown members are refused, so that a typo is not ignored.

    So is text with half of a surrogate pair, which JSON can say and UTF-8 can't; but of records each by itself.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, given: Any) -> Any:
        if isinstance(given, dict):
            check_text({name: value for name, value in given.items() if name != "records"})
        return given


class FailureBody(BaseModel):
    """One record that could not be taken."""

    id: str = Field(serialization_alias="_id")
    code: str
    reason: str
