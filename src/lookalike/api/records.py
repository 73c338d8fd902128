"""/v1/collections/{name}/records: insert, read, change and delete records."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.convertors import PathConvertor, register_url_convertor

from lookalike.api.answers import written
from lookalike.api.pictures import picture_bytes
from lookalike.api.plans import check_room
from lookalike.api.security import caller_of
from lookalike.collection import Collection
from lookalike.errors import ImageError, InvalidRecord, RecordNotFound
from lookalike.images.image import Limits
from lookalike.records import Added, Existing, Failure, Record
from lookalike.wire.base import FailureBody, check_text
from lookalike.wire.duplicates import DeleteRequest
from lookalike.wire.records import AddedBody, PageBody, RecordsRequest
from lookalike.wire.removed import DeletedBody


class _Whole(PathConvertor):
    """The rest of a path, line ends too: `path` leaves one at the end out, which is the id of another record."""

    regex = r"[\s\S]*"


register_url_convertor("whole", _Whole())

router = APIRouter(prefix="/collections/{name}/records", tags=["records"])


@router.post("", summary="Insert records, or update those whose _id exists")
@written
def add_records(
    name: str,
    body: RecordsRequest,
    request: Request,
    existing: Annotated[Existing, Query(description="What becomes of records that are there.")] = "merge",
) -> AddedBody:
    """Each record has `_id`, a picture as `_base64` or `_url` (or `_vector`), and any metadata. Per-item results."""
    collection: Collection = request.app.state.workspace.get(name)
    records, refused = _from_wire(body.records, request.app.state.workspace.settings.limits)
    check_room(
        request.app.state.workspace, caller_of(request).key, name, [str(record.get("_id")) for record in records]
    )
    added = collection.add(records, existing=existing)
    request.state.written = len(added.inserted) + len(added.updated)
    return added_body(added, refused)


@router.patch("", summary="Change metadata of existing records")
@written
def update_records(name: str, body: RecordsRequest, request: Request, replace: bool = False) -> AddedBody:
    """Fields given replace those of the same name, `$unset` lists those that go; with `replace`, nothing else stays.

    Pictures are not touched.
    """
    collection: Collection = request.app.state.workspace.get(name)
    records, refused = _texts(body.records)
    changed = collection.update(records, replace=replace)
    request.state.written = len(changed.updated)
    return added_body(changed, refused)


@router.post("/delete", summary="Delete records by ids or by filter")
@written
def delete_records(name: str, body: DeleteRequest, request: Request) -> DeletedBody:
    """Says how many went, and with `keep` under which name they can be brought back for 30 days.

    Otherwise their bytes stay in the store's files for a while; /erase removes those too.
    """
    collection: Collection = request.app.state.workspace.get(name)
    if body.keep:
        kept = collection.remove(body.ids, where=body.where)
        found = DeletedBody(deleted=kept.records if kept else 0, removal=kept.id if kept else None)
    else:
        found = DeletedBody(deleted=collection.delete(body.ids, where=body.where), removal=None)
    request.state.removed = found.deleted
    return found


@router.get("", summary="Walk the records")
@written
def scroll_records(
    name: str, request: Request, after: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> PageBody:
    """In a stable order; go on with the answer's `next` as `after`."""
    page = request.app.state.workspace.get(name).scroll(after=after, limit=limit)
    return PageBody(records=[record_body(record) for record in page.records], next=page.next)


@router.get("/{id:whole}", summary="One record")
@written
def show_record(name: str, id: str, request: Request) -> dict[str, Any]:  # noqa: A002 - the word of the URL
    """404 if there is none."""
    record = request.app.state.workspace.get(name).get([id])[0]
    if record is None:
        raise RecordNotFound(name, id)
    return record_body(record)


@router.delete("/{id:whole}", status_code=204, summary="Delete one record")
def delete_record(name: str, id: str, request: Request) -> Response:  # noqa: A002
    """404 if there is none."""
    if not request.app.state.workspace.get(name).delete([id]):
        raise RecordNotFound(name, id)
    request.state.removed = 1
    return Response(status_code=204)


def record_body(record: Record) -> dict[str, Any]:
    """Return `_id` and the fields side by side."""
    return {"_id": record.id, **record.fields}


def _from_wire(records: list[dict[str, Any]], limits: Limits) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Turn `_base64` into bytes, and refuse `_file`: clients do not read the server's disk."""
    texts, refused = _texts(records)
    taken = []
    for record in texts:
        name = str(record.get("_id", "without _id"))
        try:
            if "_file" in record or "_image" in record:
                raise InvalidRecord(name, "the service reads no files of its own for clients; send _base64")
            taken.append(_with_bytes(record, name, limits))
        except (InvalidRecord, ImageError) as error:
            refused.append(Failure(name, error.code, error.reason))
    return taken, refused


def _texts(records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Set those aside that hold text without UTF-8: they could neither be stored nor told back."""
    taken, refused = [], []
    for record in records:
        if (failure := unspeakable(record)) is None:
            taken.append(record)
        else:
            refused.append(failure)
    return taken, refused


def unspeakable(record: Any) -> Failure | None:
    """Return the failure of a record, or an id, that holds text with half of a surrogate pair; None for all others."""
    try:
        check_text(record)
    except ValueError:
        id_ = record.get("_id", "without _id") if isinstance(record, dict) else record
        shown = str(id_).encode("ascii", "backslashreplace").decode()
        return Failure(shown, InvalidRecord.code, "it holds text with half of a surrogate pair")
    return None


def _with_bytes(record: dict[str, Any], name: str, limits: Limits) -> dict[str, Any]:
    text = record.get("_base64")
    if text is None:
        return record
    if not isinstance(text, str):
        raise InvalidRecord(name, "_base64 must be text")
    rest = {field: value for field, value in record.items() if field != "_base64"}
    return {**rest, "_image": picture_bytes(text, "_base64", limits)}


def added_body(added: Added, refused: list[Failure]) -> AddedBody:
    """Return what became of records, with those that were refused before."""
    return AddedBody(
        inserted=list(added.inserted),
        updated=list(added.updated),
        skipped=list(added.skipped),
        failed=[FailureBody(id=one.source, code=one.code, reason=one.reason) for one in [*refused, *added.failed]],
    )
