"""Request and response bodies of trials: two ways to search one collection, held against each other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookalike.catalog import Trial
from lookalike.trials import Report
from lookalike.wire.base import Request

__all__ = [
    "ArmBody",
    "CountedBody",
    "EventRequest",
    "IntervalBody",
    "NewTrial",
    "PreferenceBody",
    "PromoteRequest",
    "ReportBody",
    "TrialBody",
    "VariantBody",
    "report_body",
    "trial_body",
]

Event = Literal["click", "mark", "conversion"]


class VariantBody(Request):
    """How a variant searches; {} is the collection as it is."""

    by: str | None = Field(None, description="One description alone.", examples=["color"])
    weights: dict[str, float] | None = Field(None, description="Several, as in a collection's settings.")
    collection: str | None = Field(None, description="Another collection with the same ids, of another model, say.")


class NewTrial(Request):
    """A trial to begin."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "warmer", "b": {"weights": {"meaning": 0.6, "color": 0.4}}},
                {
                    "name": "larger-model",
                    "method": "interleave",
                    "b": {"collection": "shop-large"},
                    "goal": "conversion",
                },
            ]
        }
    )
    name: str = Field(description="1 to 64 letters, digits, '.', '_' or '-'.")
    a: VariantBody = Field(VariantBody.model_validate({}), description="By default the collection as it is.")
    b: VariantBody
    method: Literal["split", "interleave"] = Field(
        "split", description="Each visitor sees one variant; or every answer is drafted from both."
    )
    share: float = Field(0.5, description="Of visitors who get b, 0.01 to 0.99; only where split.")
    effect: float = Field(0.05, description="The least difference worth finding, 0.01 to 0.4.")
    goal: Event = Field("click", description="The event that the comparison counts.")


class TrialBody(BaseModel):
    """A trial. promoted: the variant that the collection goes by since, or ""."""

    name: str
    collection: str
    method: Literal["split", "interleave"]
    a: dict[str, Any]
    b: dict[str, Any]
    share: float
    effect: float
    goal: Event
    state: Literal["running", "promoted", "dropped"]
    promoted: str
    created: str
    ended: str | None
    who: str


class IntervalBody(BaseModel):
    """A measured value, and the interval that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float


class ArmBody(BaseModel):
    """One variant. reached: visitors who did at least once what counts. rate: their share; null where interleaved."""

    variant: Literal["a", "b"]
    searches_by: str = Field(examples=["meaning 0.6, color 0.4"])
    impressions: int
    visitors: int
    reached: int
    events: dict[str, int]
    rate: IntervalBody | None


class PreferenceBody(BaseModel):
    """Visitors by whose records they took more of. share: of those who prefer one, who prefer b. p: sign test."""

    prefer_a: int
    prefer_b: int
    alike: int
    share: IntervalBody
    p: float


class ReportBody(BaseModel):
    """What a trial shows so far.

    difference: rate of b less that of a, for one look. always_valid: the difference, or where interleaved the share
    that prefers b, with an interval that holds at every look; winner and verdict go by it. needed: about how many more
    visitors would show the effect.
    """

    trial: TrialBody
    arms: list[ArmBody]
    difference: IntervalBody | None
    preference: PreferenceBody | None
    always_valid: IntervalBody
    winner: Literal["a", "b"] | None
    needed: int
    verdict: str
    warnings: list[str]
    note: str


class PromoteRequest(Request):
    """Which variant the collection is to go by."""

    variant: Literal["a", "b"] = Field(examples=["b"])


class EventRequest(Request):
    """What a visitor did with a record that an answer showed."""

    impression: str = Field(description="As the answer named it.", examples=["imp_1f0c5a7be2d94836aa01c2d3"])
    record: str = Field(examples=["1_1"])
    event: Event = "click"


class CountedBody(BaseModel):
    """counted: false for what was told before, and for what comes after the trial's end."""

    counted: bool


def trial_body(trial: Trial) -> TrialBody:
    """Return a trial as it travels."""
    return TrialBody.model_validate({name: value for name, value in asdict(trial).items() if name != "id"})


def report_body(report: Report) -> ReportBody:
    """Return a report as it travels."""
    return ReportBody.model_validate({**asdict(report), "trial": trial_body(report.trial)})
