"""Records that were deleted and can be brought back."""

from __future__ import annotations

from pydantic import BaseModel, Field

__all__ = ["DeletedBody", "RemovalBody", "RemovalsBody"]


class DeletedBody(BaseModel):
    """How many records went. removal: names them, where they were to be kept and there were any."""

    deleted: int = Field(examples=[2])
    removal: str | None = Field(None, examples=["20260301T120000123456-0f3a"])


class RemovalBody(BaseModel):
    """Records deleted together. at: when, ISO 8601. ids: the first few."""

    id: str = Field(examples=["20260301T120000123456-0f3a"])
    at: str = Field(examples=["2026-03-01T12:00:00+00:00"])
    records: int = Field(examples=[2])
    ids: list[str] = Field(examples=[["shoe-17", "shoe-18"]])


class RemovalsBody(BaseModel):
    """What can be brought back, the newest first."""

    removals: list[RemovalBody]
