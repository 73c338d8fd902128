"""Request and response bodies about pictures and records that are alike, and about deleting and erasing records."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from lookalike.records import Verdict
from lookalike.wire.base import Picture, Request

__all__ = [
    "CheckBody",
    "CheckRequest",
    "DeleteRequest",
    "DuplicatesBody",
    "DuplicatesRequest",
    "EraseRequest",
    "ErasedBody",
    "GroupBody",
    "GroupRequest",
    "GroupsBody",
    "ResemblanceBody",
    "UnreadableBody",
]


class GroupRequest(Request):
    """Pictures to sort into groups that look alike."""

    pictures: list[str] = Field(min_length=1, max_length=64, description="Base64 texts or data URIs, or public URLs.")
    method: Literal["ssim", "copy", "meaning"] = "ssim"
    grade: float = Field(0.95, ge=0, le=1, description="The score from which two are alike.")


class UnreadableBody(BaseModel):
    """A picture that could not be used, by its place among those sent."""

    place: int
    code: str
    reason: str


class GroupsBody(BaseModel):
    """Places of pictures that look alike, ascending by their first; a picture like no other is a group of one."""

    groups: list[list[int]] = Field(examples=[[[0, 2], [1]]])
    unreadable: list[UnreadableBody]


class CheckRequest(Request):
    """A picture that may be in the collection already."""

    image: str = Picture
    k: int = Field(10, description="Records wanted at most, 1 to 100.")
    where: dict[str, Any] | None = Field(None, description="MongoDB-like filter.", examples=[{"category": "kitchen"}])
    verify: bool = Field(True, description="Compare the pixels of doubtful ones whose files the service has.")


class ResemblanceBody(BaseModel):
    """A record that shows the picture; probability: that it is the same one."""

    id: str = Field(serialization_alias="_id")
    verdict: Verdict
    probability: float
    evidence: dict[str, Any]
    record: dict[str, Any]


class CheckBody(BaseModel):
    """Records that show the picture, most probable first; none if it is new."""

    model: str
    matches: list[ResemblanceBody]


class DuplicatesRequest(Request):
    """Which duplicates to look for."""

    where: dict[str, Any] | None = Field(None, description="MongoDB-like filter.", examples=[{"category": "kitchen"}])
    probability: float | None = Field(
        None, gt=0, le=1, description="From which two count as the same; 1: equal bytes only. Default the collection's."
    )
    linkage: Literal["average", "transitive"] = "average"
    apart: list[tuple[str, str]] = Field([], description="Pairs of ids known to be different.")


class GroupBody(BaseModel):
    """Records of one picture; pairs: `a`, `b`, verdict and probability."""

    members: list[str]
    pairs: list[dict[str, Any]]


class DuplicatesBody(BaseModel):
    """Groups of two and more, largest first."""

    groups: list[GroupBody]


class EraseRequest(Request):
    """Which records: exactly one of `ids` and `where`."""

    ids: list[str] | None = Field(None, max_length=100_000)
    where: dict[str, Any] | None = Field(None, description="MongoDB-like filter; {} is all of them.")


class DeleteRequest(EraseRequest):
    """Which records to delete."""

    keep: bool = Field(False, description="Keep them for 30 days, so that they can be brought back.")


class ErasedBody(BaseModel):
    """The receipt: ids with the SHA-256 of what was kept of each, what went with them, and what was searched."""

    at: str
    erased: dict[str, str]
    missing: list[str]
    descriptions: int
    decisions: int
    files_searched: list[str]
    records_searched: list[str]
    found: list[str]
    out_of_reach: list[str]
