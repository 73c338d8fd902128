"""/v1/collections/{name}/search and /rank: the query language of `search.Query`, member for member."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from lookalike.api.answers import written
from lookalike.api.pictures import picture_bytes
from lookalike.api.records import unspeakable
from lookalike.collection import Collection
from lookalike.errors import ImageError, InvalidRecord
from lookalike.images.image import Limits
from lookalike.records import Failure, Matches
from lookalike.search import Query, row_of
from lookalike.wire.base import FailureBody
from lookalike.wire.searching import MatchesBody, Question, RankRequest, SearchRequest

router = APIRouter(prefix="/collections/{name}", tags=["search"])


@router.post("/search", summary="The records most like what is looked for")
@written
def search(name: str, body: SearchRequest, request: Request) -> MatchesBody:
    """Best first, scores in [0, 1]. A record that is an example is not found.

    Where `group` or `group_by` is given, a match has `_group`: its `value`, the `size` of the group, and with
    `group_size` its nearest `members`. With `distinct` a match with copies has their number as `_copies`.
    With `trial` and `visitor` the answer has its `variant`, and an `impression` to tell clicks of.
    """
    collection: Collection = request.app.state.workspace.get(name)
    fields = _fields(body, request.app.state.workspace.settings.limits)
    trial, visitor = fields.pop("trial", None), fields.pop("visitor", None)
    return _body(collection, collection.search(Query(**fields), trial=trial, visitor=visitor), [])


@router.post("/rank", summary="Given records in order")
@written
def rank(name: str, body: RankRequest, request: Request) -> MatchesBody:
    """Best first, exact. What can't be measured is listed in `failed`; the others are ranked."""
    collection: Collection = request.app.state.workspace.get(name)
    limits: Limits = request.app.state.workspace.settings.limits
    fields = _fields(body, limits)
    records, refused = _readable(fields.pop("records"), limits)
    return _body(collection, collection.rank(records, **fields), refused)


def _fields(body: Question, limits: Limits) -> dict[str, Any]:
    """Return what was given, with pictures as bytes: a text never names a file of the server's."""
    given = body.model_dump(exclude_unset=True)
    for place, part in [("image", given), *((f"like[{i}].image", one) for i, one in enumerate(given.get("like", ())))]:
        if part.get("image") is not None:
            part["image"] = picture_bytes(part["image"], place, limits)
    return given


def _readable(records: list[Any], limits: Limits) -> tuple[list[Any], list[Failure]]:
    taken, refused = [], []
    for record in records:
        if (failure := unspeakable(record)) is not None:
            refused.append(failure)
            continue
        try:
            taken.append(_with_bytes(record, limits))
        except (InvalidRecord, ImageError) as error:
            refused.append(Failure(str(record.get("_id", "without _id")), error.code, error.reason))
    return taken, refused


def _with_bytes(record: Any, limits: Limits) -> Any:
    if isinstance(record, str):
        return record
    name = str(record.get("_id", "without _id"))
    if "_file" in record or "_image" in record:
        raise InvalidRecord(name, "the service reads no files of its own for clients; send _base64")
    text = record.get("_base64")
    if text is None:
        return record
    if not isinstance(text, str):
        raise InvalidRecord(name, "_base64 must be text")
    rest = {field: value for field, value in record.items() if field != "_base64"}
    return {**rest, "_image": picture_bytes(text, "_base64", limits)}


def _body(collection: Collection, found: Matches, refused: list[Failure]) -> MatchesBody:
    by = max(found.shares, key=lambda part: found.shares[part], default="")
    return MatchesBody(
        model=collection.info.signatures.get(by),
        by=by,
        weights={part: round(share, 6) for part, share in found.shares.items()},
        matches=[row_of(match) for match in found],
        unknown_words=list(found.unknown_words),
        next=found.next,
        total=found.total,
        impression=found.impression,
        variant=found.variant,
        failed=[FailureBody(id=one.source, code=one.code, reason=one.reason) for one in [*refused, *found.failed]],
    )
