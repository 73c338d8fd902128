"""Request and response bodies about maps of collections."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lookalike.wire.base import Request

__all__ = ["ColoringBody", "MapBody", "MapRequest", "MapValueBody"]


class MapRequest(Request):
    """Which map to draw, or to bring up to date."""

    description: str = Field(
        "", description="What records are alike by; default what the collection's searches use.", examples=["meaning"]
    )
    method: Literal["", "pca", "tsne"] = Field("", description="Default t-SNE where the service has it, else PCA.")
    anew: bool = Field(False, description="Lay all records out again; without, those on the map stay where they are.")


class MapBody(BaseModel):
    """Records in the plane, in columns: `ids[i]` lies at `x[i]`, `y[i]`, whole numbers from 0 to 65535, y upwards."""

    description: str
    method: Literal["pca", "tsne"]
    made: str
    changed: str = Field(description="When records were last placed; colors are for the map of this moment.")
    fitted: int = Field(description="Records laid out together; the others were placed beside those like them.")
    draft: bool = Field(description="Whether a better one is being drawn.")
    outdated: bool = Field(description="Whether the records have been described by another model since.")
    ids: list[str]
    x: list[int]
    y: list[int]


class MapValueBody(BaseModel):
    """A value of a field, and how many records on the map have it."""

    value: str | int | float | bool
    count: int


class ColoringBody(BaseModel):
    """A field of the records on a map.

    codes: one for each of the map's `ids`. Of "values" the place in `values`, or 8 for another value; of "numbers" 0
    at `low` to 1000 at `high`. -1: the record has no such field; -2: the record is gone.
    """

    field: str
    kind: Literal["values", "numbers"]
    values: list[MapValueBody]
    low: float
    high: float
    codes: list[int]
    since: int = Field(description="Records that are not on the map.")
    changed: str
