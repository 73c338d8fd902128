"""Request and response bodies of what runs the service: keys, users, usage, the audit log, jobs and feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from lookalike.wire.base import FailureBody, Request

__all__ = [
    "AuditBody",
    "AuditPageBody",
    "BackupRequest",
    "ExportRequest",
    "FailuresBody",
    "FeedBody",
    "JobBody",
    "KeyBody",
    "KeyChange",
    "MadeKeyBody",
    "NewFeed",
    "NewKey",
    "NewUser",
    "PlanBody",
    "RedescribeRequest",
    "UsageBody",
    "UserBody",
    "UserChange",
]

Scope = Literal["read", "write", "admin"]


class PlanBody(Request):
    """How much a key may ask for; null is without limit."""

    requests_per_second: float | None = Field(None, gt=0, description="On average.")
    concurrency: int | None = Field(None, gt=0, description="Requests at once.")
    records: int | None = Field(None, gt=0, description="In all its collections together.")
    bytes: int | None = Field(None, gt=0, description="Of request bodies in a day (UTC).")


class KeyChange(Request):
    """What a key allows; what is left out stays."""

    scope: Scope | None = Field(None, description="Each includes those before it.")
    collections: list[str] | None = Field(None, description="Their names; null for all.")
    expires: AwareDatetime | None = Field(None, description="With a time zone; null for never.")
    plan: PlanBody | Literal["unlimited", "public"] | None = Field(None, description="Limits, or a plan's name.")


class NewKey(KeyChange):
    """A key to make."""

    name: str = Field("", max_length=200, description="What it is for, to know it again.", examples=["shop"])


class KeyBody(BaseModel):
    """A key, without its secret. requests, bytes, records: what it asked for so far."""

    id: str
    name: str
    scope: Scope
    collections: list[str] | None
    plan: PlanBody
    state: Literal["good", "expired", "revoked"]
    created: str
    expires: datetime | None
    last_used: str | None
    requests: int
    refused: int
    records: int
    bytes: int


class MadeKeyBody(KeyBody):
    """A new key. secret: shown this once."""

    secret: str


class UserBody(BaseModel):
    """Someone who may sign in to the pages."""

    name: str
    role: Scope
    created: str
    last_sign_in: str | None


class NewUser(Request):
    """Someone to let in."""

    name: str = Field(examples=["ann"])
    password: str = Field(description="10 characters or more.")
    role: Scope = "read"


class UserChange(Request):
    """What changes about a user; what is left out stays."""

    password: str | None = None
    role: Scope | None = None


class UsageBody(BaseModel):
    """What a key asked for on a day (UTC), or since it. refused: over its plan, not among `requests`."""

    key: str
    day: str
    requests: int
    refused: int
    records: int
    bytes: int


class AuditBody(BaseModel):
    """One change. who: id of a key or name of a user; "" for the command line."""

    id: int
    at: str
    who: str
    action: str = Field(examples=["records.add"])
    target: str
    count: int | None
    details: dict[str, Any]


class AuditPageBody(BaseModel):
    """Changes, newest first. next: the `before` of the next page, null at the end."""

    entries: list[AuditBody]
    next: int | None


class JobBody(BaseModel):
    """Long work. done of total items (null: not known), of which `failed` are listed at /errors."""

    id: str
    kind: str
    collection: str | None
    state: Literal["queued", "running", "done", "failed", "canceled"]
    done: int
    total: int | None
    failed: int
    result: dict[str, Any]
    error: str
    error_code: str
    canceling: bool
    who: str
    created: str
    started: str | None
    finished: str | None


class FailuresBody(BaseModel):
    """Items of a job that failed, in order. next: the `after` of the next page, null at the end."""

    errors: list[FailureBody]
    next: int | None


class ExportRequest(Request):
    """What an export holds; fetch the file from the job's /file when it is done."""

    where: dict[str, Any] | None = Field(None, description="MongoDB-like filter.")
    vectors: bool = Field(False, description="With all vectors, so that an import takes it back bit for bit.")
    format: Literal["jsonl", "jsonl.gz", "json", "csv", "parquet"] = "jsonl"


class RedescribeRequest(Request):
    """A change of model."""

    model: str = Field(examples=["lookalike-mini"])
    anyway: bool = Field(False, description="Also if some records can't be described.")


class BackupRequest(Request):
    """A backup of the workspace, in the folder that the operator chose."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", examples=["friday.zip"])
    force: bool = Field(False, description="Over one of the same name.")


class NewFeed(Request):
    """A URL whose records a collection is kept in step with."""

    url: str = Field(examples=["https://shop.example/products.jsonl"])
    format: Literal["jsonl", "json", "csv", "parquet"] | None = Field(None, description="If the URL doesn't tell it.")
    every: int | None = Field(None, description="Seconds between runs, 10 or more; null: by hand only.")
    remove: bool = Field(False, description="Records that the feed brought go when it has them no more.")
    existing: Literal["merge", "replace", "skip"] = "merge"
    columns: dict[str, str] = Field({}, description='Name in the feed to name in records; "" leaves it out.')


class FeedBody(BaseModel):
    """A feed. source: its URL without what may be secret. last_job: where the report of its last run is."""

    id: str
    collection: str
    source: str
    format: str
    every: int | None
    remove: bool
    existing: str
    created: str
    next_run: str | None
    last_job: str
    who: str
