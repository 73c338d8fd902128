"""Records written, read and counted."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from lookalike.wire.base import FailureBody, Request

__all__ = [
    "AddedBody",
    "FacetBody",
    "FacetsRequest",
    "PageBody",
    "RecordsBody",
    "RecordsRequest",
    "SampleRequest",
    "ScrollRequest",
]


class RecordsRequest(Request):
    """Records to insert or update; one that can't be taken doesn't stop the others."""

    records: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=1000,
        examples=[[{"_id": "1_1", "_base64": "iVBORw0KGgo...", "category": "kitchen"}]],
    )


class AddedBody(BaseModel):
    """Ids by what became of them. skipped: already there with the same picture and metadata."""

    inserted: list[str]
    updated: list[str]
    skipped: list[str]
    failed: list[FailureBody]


class FacetsRequest(Request):
    """Fields whose values are to be counted."""

    fields: list[str] = Field(min_length=1, max_length=32, examples=[["category", "tags"]])
    where: dict[str, Any] | None = None
    limit: int = Field(10, description="Values per field, 1 to 10,000, the most frequent first.")


class FacetBody(BaseModel):
    """A value and how many records have it."""

    value: str | int | float | bool
    count: int


class SampleRequest(Request):
    """Random records, each equally likely; with a seed the same ones again."""

    size: int = Field(10, description="1 to 10,000.")
    where: dict[str, Any] | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)


class RecordsBody(BaseModel):
    """Records."""

    records: list[dict[str, Any]]


class ScrollRequest(Request):
    """A walk through all records that match."""

    where: dict[str, Any] | None = None
    after: str | None = Field(None, description="The `next` of the page before.")
    limit: int = Field(100, description="1 to 10,000.")


class PageBody(BaseModel):
    """Some records of many; `next` is the `after` of the next page, null at the end."""

    records: list[dict[str, Any]]
    next: str | None
