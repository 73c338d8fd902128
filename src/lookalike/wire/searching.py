"""Questions to a collection, and what is found."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.wire.base import FailureBody, Request

__all__ = ["ColorBody", "ExampleBody", "MatchesBody", "Question", "RankRequest", "SearchRequest"]


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
