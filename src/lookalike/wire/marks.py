"""What people say of records that look alike: they are the same picture, or they are not."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lookalike.wire.base import Request

__all__ = ["MarkBody", "MarkRequest", "MarksBody"]

Verdict = Literal["same", "different"]


class MarkRequest(Request):
    """Records that all show the same picture, or of which no two do."""

    verdict: Verdict
    members: list[str] = Field(min_length=2, max_length=100, description="Ids.", examples=[["chair-1", "chair-2"]])
    note: str = Field("", max_length=1000)


class MarkBody(BaseModel):
    """members: ids, ascending. who: name of a user or id of a key, "" if nobody knows. created: when, ISO 8601."""

    id: int = Field(examples=[17])
    verdict: Verdict
    members: list[str] = Field(examples=[["chair-1", "chair-2"]])
    who: str = Field(examples=["ann"])
    note: str
    created: str = Field(examples=["2026-03-01T12:00:00.000+00:00"])


class MarksBody(BaseModel):
    """The oldest first: of two about the same records, the later one counts."""

    marks: list[MarkBody]
