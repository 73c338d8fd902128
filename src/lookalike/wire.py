"""Request and response bodies of the HTTP service, shared by server and client."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AddedBody",
    "CollectionBody",
    "CompareRequest",
    "ComparisonBody",
    "DescribeRequest",
    "DescriptionBody",
    "DescriptionsBody",
    "FailureBody",
    "LabelBody",
    "MatchesBody",
    "NewCollection",
    "PageBody",
    "RecordsRequest",
    "SearchRequest",
    "SettingsBody",
    "SettingsRequest",
]

Picture = Field(description="Base64 text, bare or as a data URI.", examples=["data:image/png;base64,iVBORw0KGgo..."])
By = Literal["meaning", "copy", "color"]


class Request(BaseModel):
    """A body from a client: unknown members are refused, so that a typo is not ignored."""

    model_config = ConfigDict(extra="forbid")


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
    model: str = Field(examples=["lookalike-mini/0@82a3f2d0ca4e"], description="Name, version and weights.")


class DescribeRequest(Request):
    """Pictures to describe."""

    pictures: list[str] = Field(min_length=1, max_length=64, description="Base64 texts, bare or as data URIs.")
    labels: int = Field(5, ge=0, le=100, description="How many labels per picture.")


class LabelBody(BaseModel):
    """A name and its probability."""

    name: str
    probability: float


class DescriptionBody(BaseModel):
    """One picture's descriptions, or why there are none (`error`)."""

    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    vectors: dict[str, list[float]] = {}
    hashes: dict[str, str] = {}
    colors: list[dict[str, Any]] = []
    labels: list[LabelBody] = []
    error: str | None = None
    code: str | None = None


class DescriptionsBody(BaseModel):
    """One entry per picture, in the order sent."""

    model: str
    pictures: list[DescriptionBody]


class SettingsRequest(Request):
    """Settings of a collection; those left out stay, or are the kind's own."""

    product_id: str | None = Field(None, description="The field that names a record's product.", examples=["sku"])
    index: list[str] | None = Field(None, description="Fields that filters find fast.", examples=[["category"]])
    describers: list[str] | None = Field(None, description="Vectors kept; fixed later.", examples=[["meaning", "copy"]])
    entities: dict[str, int] | None = Field(None, description="Vectors you bring, with their size (custom only).")
    weights: dict[str, float] | None = Field(None, description="Vector name, or tags, to its share of a score.")
    fields: dict[str, float] | None = Field(None, description="Metadata field to the weight of its words.")
    ignore_case: bool | None = Field(None, description="Plain equality of strings in filters ignores case.")
    auto_tags: int | None = Field(None, description="How many labels a new picture gets as tags, 0 to 20.")


class NewCollection(SettingsRequest):
    """A collection to make."""

    name: str = Field(examples=["estates"])
    kind: Literal["photos", "products", "matching", "colors", "custom"] = "photos"
    model: str | None = Field(None, description="The model that describes it; default the service's.")


class SettingsBody(BaseModel):
    """Settings of a collection, all of them."""

    product_id: str | None
    index: list[str]
    describers: list[str]
    entities: dict[str, int]
    weights: dict[str, float]
    fields: dict[str, float]
    ignore_case: bool
    auto_tags: int


class CollectionBody(BaseModel):
    """How a collection is set up, and how many records it has."""

    name: str
    kind: str
    product_id: str | None
    model: str
    created: str
    count: int
    settings: SettingsBody


class RecordsRequest(Request):
    """Records to insert or update; one that can't be taken doesn't stop the others."""

    records: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=1000,
        examples=[[{"_id": "1_1", "_base64": "iVBORw0KGgo...", "category": "kitchen"}]],
    )


class FailureBody(BaseModel):
    """One record that could not be taken."""

    id: str = Field(serialization_alias="_id")
    code: str
    reason: str


class AddedBody(BaseModel):
    """Ids by what became of them. skipped: already there with the same picture and metadata."""

    inserted: list[str]
    updated: list[str]
    skipped: list[str]
    failed: list[FailureBody]


class SearchRequest(Request):
    """A search by exactly one of `image`, `id` and `vector`."""

    image: str | None = Field(None, description="Base64 text, bare or as a data URI.")
    id: str | None = None
    vector: list[float] | None = None
    k: int = Field(10, description="Matches wanted, 1 to 10,000.")
    by: By | None = Field(None, description="What to compare; by default what the collection's kind is about.")
    where: dict[str, Any] | None = Field(None, description="MongoDB-like filter.", examples=[{"category": "kitchen"}])
    min_score: float | None = None
    exact: bool = False
    group: bool = Field(False, description="At most one record per product.")


class MatchesBody(BaseModel):
    """Matches, best first."""

    model: str
    by: str
    matches: list[dict[str, Any]] = Field(examples=[[{"_id": "1_1", "score": 0.93, "category": "kitchen"}]])


class PageBody(BaseModel):
    """Some records of many; `next` is the `after` of the next page, null at the end."""

    records: list[dict[str, Any]]
    next: str | None
