"""Taggers in request and response bodies: chains of them, training one, and what there is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RetagRequest", "TaggerBody", "TaggerName", "TaggerRequest", "TaggerStepRequest"]

TaggerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A tagger of the workspace; the service reads no other folders for its clients."""


class TaggerStepRequest(BaseModel):
    """A tagger in a chain. when: a filter; only records that it takes are asked about."""

    model_config = ConfigDict(extra="forbid")

    tagger: TaggerName = Field(examples=["room"])
    field: str | None = Field(None, description="Metadata that it fills; default the tagger's own.")
    when: dict[str, Any] | None = Field(None, examples=[{"place": "indoor"}])
    least: float = Field(0.0, description="Probability below which it says nothing.")


class TaggerRequest(BaseModel):
    """A tagger to learn from records of a collection that say their label, or tags, in a field."""

    model_config = ConfigDict(extra="forbid")

    name: TaggerName = Field(examples=["room"])
    field: str = Field(description="Metadata to learn from, and to fill.", examples=["room"])
    task: Literal["classify", "tag"] = Field("classify", description="One label of many, or any of many.")
    where: dict[str, Any] | None = Field(None, description="Learn from these records only.")
    group: str = Field("", description="A field: records alike in it are never on both sides of the split.")
    precision: float | None = Field(None, description="Wanted of the labels that are given.", gt=0, lt=1)
    held_out: float = Field(0.2, gt=0, le=0.5, description="Share of the records asked about.")
    seed: int = Field(0, ge=0)
    force: bool = Field(False, description="Replace a tagger of this name.")


class RetagRequest(BaseModel):
    """Which records the taggers are asked about."""

    model_config = ConfigDict(extra="forbid")

    where: dict[str, Any] | None = Field(
        None, description="MongoDB-like filter; null for all.", examples=[{"category": "kitchen"}]
    )


class TaggerBody(BaseModel):
    """A tagger of the workspace. reads: signature of the model whose vectors it takes. trained: figures."""

    name: str
    task: str
    field: str
    labels: list[str]
    reads: str
    trained: dict[str, Any]
