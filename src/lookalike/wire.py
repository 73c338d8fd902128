"""Request and response bodies of the HTTP service, shared by server and client."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookalike.wire_taggers import TaggerName, TaggerStepRequest

__all__ = [
    "AddedBody",
    "AnswerBody",
    "CollectionBody",
    "ColorBody",
    "CompareRequest",
    "ComparisonBody",
    "DescribeOptions",
    "DescribeRequest",
    "DescriptionBody",
    "DescriptionsBody",
    "ExampleBody",
    "FacetBody",
    "FacetsRequest",
    "FailureBody",
    "LabelBody",
    "MatchesBody",
    "ModelBody",
    "NewCollection",
    "PageBody",
    "Question",
    "RankRequest",
    "RecordsBody",
    "RecordsRequest",
    "SampleRequest",
    "ScrollRequest",
    "SearchRequest",
    "SettingsBody",
    "SettingsRequest",
    "check_text",
]


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
    model: str = Field(examples=["lookalike-mini/2@444a7e0126ba"], description="Name, version and weights.")


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
    taggers: list[TaggerName | TaggerStepRequest] | None = Field(None, description="Trained taggers for new pictures.")
    threshold: float | None = Field(None, description="Probability from which two records are the same picture.")
    curves: dict[str, dict[str, float]] | None = Field(None, description="Probability curves of your own pairs.")


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
    taggers: list[str | dict[str, Any]]
    threshold: float
    curves: dict[str, dict[str, float]]


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


class ColorBody(Request):
    """A color of a palette. weight: how much of the picture it should cover, beside the others."""

    hex: str = Field(examples=["#ff8800"])
    weight: float = 1.0


class ExampleBody(Request):
    """What matches should be like, or with a weight below 0 unlike: exactly one of image, id, vector, text, colors."""

    image: str | None = None
    id: str | None = None
    vector: list[float] | dict[str, list[float]] | None = None
    text: str | None = None
    colors: list[str | ColorBody] | None = None
    weight: float = 1.0
    box: list[float] | None = None


class Question(Request):
    """What is looked for: at most one of image, id, vector and text; like, colors and tags beside it or instead."""

    image: str | None = Field(None, description="Base64 text, bare or as a data URI, or a public URL.")
    box: list[float] | None = Field(
        None,
        description="The part of the image that counts: left, top, right, bottom, in pixels or in fractions.",
        examples=[[0.25, 0, 0.75, 0.5]],
    )
    id: str | None = Field(None, description="A record of the collection; it does not find itself.")
    vector: list[float] | dict[str, list[float]] | None = Field(None, description="Of `by`, or name -> numbers.")
    text: str | None = Field(None, description="Words.", examples=["red kitchen"])
    colors: list[str | ColorBody] | None = Field(
        None, description="A palette.", examples=[["#aa2222", {"hex": "#f5f0e6", "weight": 2}]]
    )
    tags: list[str] | None = Field(None, description="Keywords.", examples=[["wood", "bright"]])
    like: list[ExampleBody] = Field([], description="Examples, summed by their weights.")
    by: str | None = Field(None, description="The description to compare; by default the collection's weights count.")
    weights: dict[str, float] | None = Field(
        None,
        description="Several descriptions at once, and tags: name -> share of the score.",
        examples=[{"meaning": 0.7, "color": 0.2, "tags": 0.1}],
    )
    min_score: float | None = Field(None, description="Matches exactly at it are kept.")


class SearchRequest(Question):
    """A search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"image": "data:image/jpeg;base64,/9j/4AAQ...", "k": 10, "where": {"category": "kitchen"}},
                {"id": "1_1", "group_by": "estate_id", "group_size": 3},
                {"text": "bright kitchen", "like": [{"id": "7_2", "weight": -0.5}], "min_score": 0.2},
                {"colors": ["#aa2222", {"hex": "#f5f0e6", "weight": 2}], "distinct": True},
            ]
        }
    )
    where: dict[str, Any] | None = Field(None, description="MongoDB-like filter.", examples=[{"category": "kitchen"}])
    k: int | None = Field(10, description="Matches wanted, 1 to 10,000; null for all that reach min_score.")
    exact: bool = Field(False, description="No approximation.")
    group: bool = Field(False, description="At most one record per product.")
    group_by: str | None = Field(None, description="At most one record per value of this field.")
    group_size: int = Field(1, description="Records to give of each group, 1 to 100.")
    distinct: bool = Field(False, description="Of copies of one picture only the best, with their number.")
    after: str | None = Field(None, description="The `next` of an earlier answer to the same question.")
    trial: str | None = Field(None, description="A trial of the collection to take part in.")
    visitor: str | None = Field(None, description="In a trial: any text that is the same for the same person.")


class RankRequest(Question):
    """Records to put in order: ids, or records as they are inserted, which need not be in the collection."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "1_1", "records": ["2_4", "7_2", {"_id": "new", "_base64": "iVBORw0KGgo..."}]}]
        }
    )
    records: list[str | dict[str, Any]] = Field(min_length=1, max_length=1000)
    k: int | None = Field(None, description="Give only so many back.")


class MatchesBody(BaseModel):
    """Matches, best first. `next` is the `after` of the next page, null at the end; only there `total` is known.

    model: the describer of `by`, the heaviest of the parts in `weights`. failed: what could not be ranked. In a trial,
    impression: names this answer for `/events`; variant: whose it is, "both" where the two are drafted into one (then
    `by` is empty, and scores of the two may mix).
    """

    model: str | None
    by: str
    weights: dict[str, float]
    matches: list[dict[str, Any]] = Field(examples=[[{"_id": "1_1", "score": 0.93, "category": "kitchen"}]])
    unknown_words: list[str] = []
    next: str | None = None
    total: int | None = None
    failed: list[FailureBody] = []
    impression: str | None = None
    variant: Literal["a", "b", "both"] | None = None


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
