"""Collections and their settings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from lookalike.wire.base import Request
from lookalike.wire.taggers import TaggerName, TaggerStepRequest

__all__ = ["CollectionBody", "NewCollection", "SettingsBody", "SettingsRequest"]


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
    count: int | None = Field(description="Null in a list if it can't be opened; asked for alone it says why.")
    settings: SettingsBody
