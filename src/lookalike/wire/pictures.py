"""Pictures compared and described, and the models that do it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from lookalike.wire.base import Picture, Request

__all__ = [
    "AnswerBody",
    "CompareRequest",
    "ComparisonBody",
    "DescribeOptions",
    "DescribeRequest",
    "DescriptionBody",
    "DescriptionsBody",
    "LabelBody",
    "ModelBody",
]


class CompareRequest(Request):
    """Two pictures to hold against each other."""

    a: str = Picture
    b: str = Picture
    method: Literal["auto", "copy", "meaning", "ssim", "color"] = "auto"


class ComparisonBody(BaseModel):
    """Score in [0, 1], 1 = same pixels; probability that both show the same picture."""

    score: float
    verdict: Literal["identical", "edited-copy", "near-duplicate", "similar", "unrelated"]
    probability: float
    method: str
    calibration: str
    reasons: list[str]
    evidence: dict[str, Any]
    model: str = Field(examples=["lookalike-mini/3@ce04df020ac8"], description="Name, version and weights.")


class DescribeOptions(Request):
    """What is wanted of pictures."""

    labels: int | bool = Field(True, ge=0, le=100, description="Whether to label them; or how many labels each.")
    top: int = Field(5, ge=0, le=100, description="How many labels each, where `labels` is true.")
    vectors: list[str] | None = Field(None, description="Which; by default all.", examples=[["meaning", "copy"]])
    normalized: bool = Field(True, description="Vectors of unit length, or else as the model makes them.")
    format: Literal["json", "jsonl", "npz", "parquet"] = "json"

    @property
    def count(self) -> int:
        """How many labels each."""
        return self.top if self.labels is True else int(self.labels)


class DescribeRequest(DescribeOptions):
    """Pictures to describe."""

    pictures: list[str] = Field(min_length=1, max_length=64, description="Base64 texts, bare or as data URIs.")


class LabelBody(BaseModel):
    """A name, its probability, and the vocabulary it comes from."""

    name: str
    probability: float
    vocabulary: str = Field(examples=["imagenet"])


class AnswerBody(BaseModel):
    """What one vocabulary says: how surely it applies, and its names' probabilities as if it did."""

    confidence: float
    labels: list[dict[str, Any]]


class DescriptionBody(BaseModel):
    """One picture's descriptions, or why there are none (`error`)."""

    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    vectors: dict[str, list[float]] = {}
    hashes: dict[str, str] = {}
    colors: list[dict[str, Any]] = []
    labels: list[LabelBody] = []
    vocabularies: dict[str, AnswerBody] = {}
    tags: list[str] = []
    error: str | None = None
    code: str | None = None


class DescriptionsBody(BaseModel):
    """One entry per picture, in the order sent. signatures: who made each vector and hash."""

    model: str
    signatures: dict[str, str]
    pictures: list[DescriptionBody]


class ModelBody(BaseModel):
    """A model that describes pictures. vectors: name -> width. here: whether the service has its files."""

    name: str
    version: int
    here: bool
    megabytes: float
    input_size: int
    vectors: dict[str, int]
    reads_text: bool
    license: str
