"""JSON answers of a service, read into the values that the library itself returns."""

from __future__ import annotations

from typing import Any

from lookalike.administration import FailuresBody, JobBody
from lookalike.records import (
    Added,
    DuplicateGroup,
    DuplicatePair,
    Failure,
    Group,
    Match,
    Matches,
    Page,
    Record,
    Resemblance,
)
from lookalike.wire.base import FailureBody
from lookalike.wire.trials import TrialBody

__all__ = [
    "added",
    "duplicate_groups",
    "job_failures",
    "matches",
    "nothing",
    "page",
    "promoted",
    "record",
    "resemblances",
]


def nothing(_: Any) -> None:
    """Read an answer without content."""


def record(row: dict[str, Any]) -> Record:
    """Read `_id` and the fields beside it."""
    return Record(row["_id"], {name: value for name, value in row.items() if name != "_id"})


def page(found: dict[str, Any]) -> Page:
    """Read a page of records."""
    return Page([record(row) for row in found["records"]], found["next"])


def added(found: dict[str, Any]) -> Added:
    """Read what became of a batch."""
    return Added(found["inserted"], found["updated"], found["skipped"], [_failure(one) for one in found["failed"]])


def matches(found: dict[str, Any]) -> Matches:
    """Read what a search found."""
    return Matches(
        items=[_match(row) for row in found["matches"]],
        unknown_words=found["unknown_words"],
        next=found["next"],
        total=found["total"],
        failed=[_failure(one) for one in found["failed"]],
        shares=found["weights"],
        impression=found.get("impression"),
        variant=found.get("variant"),
    )


def resemblances(found: dict[str, Any]) -> list[Resemblance]:
    """Read the records that show a picture."""
    return [
        Resemblance(one["_id"], one["verdict"], one["probability"], one["evidence"], record(one["record"]))
        for one in found["matches"]
    ]


def duplicate_groups(found: dict[str, Any]) -> list[DuplicateGroup]:
    """Read groups of duplicates."""
    return [DuplicateGroup(one["members"], [DuplicatePair(**pair) for pair in one["pairs"]]) for one in found["groups"]]


def promoted(found: dict[str, Any]) -> TrialBody | JobBody:
    """Read the trial that is over, or the job that ends it when everything is copied."""
    return JobBody.model_validate(found) if "kind" in found else TrialBody.model_validate(found)


def job_failures(found: dict[str, Any]) -> FailuresBody:
    """Read the failed items of a job. (Their `_id` is an alias of answers only, which no model reads back.)"""
    listed = [FailureBody(id=one["_id"], code=one["code"], reason=one["reason"]) for one in found["errors"]]
    return FailuresBody(errors=listed, next=found["next"])


def _failure(found: dict[str, Any]) -> Failure:
    return Failure(found["_id"], found["code"], found["reason"])


def _match(row: dict[str, Any]) -> Match:
    told = {"_id", "score", "_group", "_copies"}
    alone = Record(row["_id"], {name: value for name, value in row.items() if name not in told})
    best = Match(row["_id"], row["score"], alone, copies=row.get("_copies", 0))
    group = row.get("_group")
    if group is None:
        return best
    members = [_match(member) for member in group.get("members", ())] or [best]
    return Match(best.id, best.score, alone, Group(group["value"], group["size"], members), best.copies)
