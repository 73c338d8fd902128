"""Methods that write, fetch and walk the records of a collection."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.colors import palette_of
from lookalike.api.compat.ximilar.envelope import Call, reason, told
from lookalike.api.compat.ximilar.fields import (
    fields_wanted,
    id_of,
    native_fields,
    native_filter,
    native_name,
    native_record,
    picture_of,
    shown,
)
from lookalike.api.plans import check_room
from lookalike.collection import Collection
from lookalike.errors import ImageError, InvalidArgument, InvalidRecord
from lookalike.records import Existing, Record

__all__ = [
    "all_records",
    "answer",
    "delete",
    "get",
    "insert",
    "random_records",
    "skipped",
    "update",
    "upsert",
    "where_of",
]

USUAL: Final = ("_id", "_url", "_file")
"""Fields of an answer to a call that doesn't say."""

_SIZE: Final = 1000
_MOST_AT_ONCE: Final = 10_000  # records that one look into the store may give


def insert(call: Call) -> Response:
    """Add records; those there already are skipped with 211, those that can't be taken with 400."""
    return _added(call, "refuse")


def upsert(call: Call) -> Response:
    """Add records, or lay their metadata, and a picture if they bring one, over those that exist."""
    return _added(call, "merge")


def get(call: Call) -> Response:
    """Return records by `_id`, in the order asked."""
    collection, wanted = call.collection("read"), fields_wanted(call.body.get("fields_to_return"), USUAL)
    ids = [id_of(record) for record in call.records()]
    return _found(call, ids, collection.get(ids), wanted, 200)


def update(call: Call) -> Response:
    """Lay metadata over that of records that exist; their descriptors stay, whatever picture is sent along."""
    collection, wanted = call.collection("write"), fields_wanted(call.body.get("fields_to_return"), ["*"])
    given, refused = [], []
    for record in call.records():
        try:
            id_of(record)
            native = native_fields(record)
            if "_url" in native:
                native["ximilar_url"] = native.pop("_url")
            given.append(native)
        except InvalidArgument as error:
            refused.append(skipped(record, 400, str(error)))
    changed = collection.update(given)
    call.wrote("records.update", collection.name, len(changed.updated))
    there = collection.get([native["_id"] for native in given])
    failed, done = {one.source: one.reason for one in changed.failed}, set(changed.updated)
    answered = []
    for native, record in zip(given, there, strict=True):
        if record is not None and record.id in done:
            answered.append(record)
        else:
            code, text = (404, "") if record is None else (400, failed.get(record.id, ""))
            refused.append(skipped({"_id": native["_id"]}, code, text))
    code = 200 if not refused else 206 if answered else refused[0]["_reason"]["status"]["code"]
    return answer(call, code, answered, wanted, refused)


def delete(call: Call) -> Response:
    """Delete records by `_id`."""
    collection, wanted = call.collection("write"), fields_wanted(call.body.get("fields_to_return"), ["_id"])
    ids = [id_of(record) for record in call.records()]
    found = collection.get(ids)
    count = collection.delete(list(dict.fromkeys(record.id for record in found if record)))
    if count:
        call.request.state.removed = count
        call.logged("records.delete", collection.name, count)
    return _found(call, ids, found, wanted, 220)


def random_records(call: Call) -> Response:
    """Return `count` different records by chance."""
    collection, wanted = call.collection("read"), fields_wanted(call.body.get("fields_to_return"), USUAL)
    count = call.whole("count", 10, 0)
    found = collection.sample(count, where=where_of(call, collection)) if count else []
    return answer(call, 200, found, wanted)


def all_records(call: Call) -> Response:
    """Walk all records, by pages from 1 of `?size=` records; without a size, all at once.

    The answer to a page has `next` exactly if more follow.
    """
    collection, wanted = call.collection("read"), fields_wanted(call.body.get("fields_to_return"), USUAL)
    where = where_of(call, collection)
    size, page = _number(call, "size", 0), _number(call, "page", 1)
    if size == 0:
        if "page" in call.request.query_params:
            size = _SIZE
        else:
            return answer(call, 200, list(collection.records(where=where)), wanted)
    records, more = _PAGES.page(collection, where, size, page)
    rest: dict[str, Any] = {"next": f"allRecords?size={size}&page={page + 1}"} if more else {}
    return answer(call, 200, records, wanted, **rest)


def where_of(call: Call, collection: Collection) -> dict[str, Any] | None:
    """Return the call's filter in the collection's names, in which strings are equal whatever their case."""
    return native_filter(call.body.get("filter"), fold=not collection.settings.ignore_case)


def answer(
    call: Call,
    code: int,
    records: Iterable[Record],
    wanted: frozenset[str],
    skips: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> Response:
    """Return the envelope around records."""
    rows = [shown(record, wanted) for record in records]
    return told(call, code, answer_records=rows, answer_count=len(rows), skipped_records=list(skips), **more)


def skipped(record: Any, code: int, text: str = "") -> dict[str, Any]:
    """Return the entry of a record that was not done, without its picture."""
    fields = dict(record) if isinstance(record, Mapping) else {"record": record}
    return {**{name: value for name, value in fields.items() if name != "_base64"}, "_reason": reason(code, text)}


def _found(
    call: Call, ids: Sequence[str], found: Sequence[Record | None], wanted: frozenset[str], code: int
) -> Response:
    missing = [skipped({"_id": id_}, 404) for id_, record in zip(ids, found, strict=True) if record is None]
    there = [record for record in found if record]
    return answer(call, code if not missing else 206 if there else 404, there, wanted, missing)


def _added(call: Call, existing: Existing) -> Response:
    collection, wanted = call.collection("write"), fields_wanted(call.body.get("fields_to_return"), USUAL)
    given = call.records()
    refused = _known(collection, given) if existing == "refuse" else {}
    taken: dict[int, dict[str, Any]] = {}
    for place, record in enumerate(given):
        if place in refused:
            continue
        try:
            taken[place] = _with_colors(call, native_record(record, call.settings.limits))
        except (InvalidRecord, ImageError) as error:
            refused[place] = skipped(record, 400, error.reason)
    check_room(call.workspace, call.caller.key, collection.name, [str(native.get("_id")) for native in taken.values()])
    tags = True if call.body.get("extract_tags") else None
    added = collection.add(taken.values(), existing=existing, tags=tags)
    call.wrote("records.add", collection.name, len(added.inserted) + len(added.updated))
    done = {*added.inserted, *added.updated, *added.skipped}
    failed = {one.source: one.reason for one in added.failed}
    for place, native in taken.items():
        id_ = native.get("_id")
        if not isinstance(id_, str) or id_ not in done:
            source = "without _id" if id_ is None else id_ if isinstance(id_, str) else repr(id_)
            refused[place] = skipped(given[place], 400, failed.get(source, ""))
    kept = collection.get([native["_id"] for place, native in taken.items() if place not in refused])
    entries = [refused[place] for place in sorted(refused)]
    there = [record for record in kept if record]
    return answer(call, _insert_code(there, entries), there, wanted, entries)


def _insert_code(there: Sequence[Record], entries: Sequence[Mapping[str, Any]]) -> int:
    if not entries:
        return 210
    if there:
        return 211
    return 411 if all(entry["_reason"]["status"]["code"] == 211 for entry in entries) else 400


def _known(collection: Collection, given: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """Return the entries of records whose `_id` is there already, or came before in the list; place -> entry."""
    ids = [record.get("_id") if isinstance(record, Mapping) else None for record in given]
    asked = list(dict.fromkeys(id_ for id_ in ids if isinstance(id_, str) and id_))
    seen: set[Any] = {record.id for record in collection.get(asked) if record}
    refused = {}
    for place, id_ in enumerate(ids):
        if not isinstance(id_, str):
            continue
        if id_ in seen:
            refused[place] = skipped(
                given[place], 211, f"{id_} is there already, or came before in the list; update or upsert it."
            )
        seen.add(id_)
    return refused


def _with_colors(call: Call, native: dict[str, Any]) -> dict[str, Any]:
    """Add the picture's dominant colors to a record, where the call asks for them."""
    if not call.body.get("extract_colors"):
        return native
    data = native.get("_image") or picture_of(native, call.settings.limits)
    if data is not None:
        native[native_name("_dominant_colors")] = palette_of(data, 3, call.settings.limits).lists(names=True)
    return native


def _number(call: Call, name: str, default: int) -> int:
    given = call.request.query_params.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 9 or (name == "page" and int(given) == 0):
        raise InvalidArgument(name, given, "a whole number; pages begin with 1")
    return int(given)


class _Pages:
    """Where pages of walks begin that were under way lately, so that page 500 needn't walk past 499 others.

    A walk goes on behind the last record it gave, whatever was added or deleted meanwhile.
    """

    _REMEMBERED: Final = 4096
    _SECONDS: Final = 600.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begins: OrderedDict[tuple[Any, ...], tuple[float, str]] = OrderedDict()

    def page(
        self, collection: Collection, where: Mapping[str, Any] | None, size: int, page: int
    ) -> tuple[list[Record], bool]:
        """Return the records of a page, and whether more follow."""
        key = (collection.name, collection.info.created, json.dumps(where), size)
        begin, after = self._nearest(key, page)
        for number in range(begin, page + 1):
            records, after = _walked(collection, where, after, size)
            if after is None:
                return (records if number == page else []), False
            self._remember((*key, number + 1), after)
        return records, True

    def _nearest(self, key: tuple[Any, ...], page: int) -> tuple[int, str | None]:
        """Return the page from which on to walk: this one if its beginning is known, else the first."""
        with self._lock:
            since, after = self._begins.get((*key, page), (0.0, ""))
        return (page, after) if after and time.monotonic() - since < self._SECONDS else (1, None)

    def _remember(self, key: tuple[Any, ...], after: str) -> None:
        with self._lock:
            self._begins[key] = time.monotonic(), after
            self._begins.move_to_end(key)
            while len(self._begins) > self._REMEMBERED:
                self._begins.popitem(last=False)


_PAGES: Final = _Pages()


def _walked(
    collection: Collection, where: Mapping[str, Any] | None, after: str | None, size: int
) -> tuple[list[Record], str | None]:
    """Return the next `size` records, and where to go on if there are more."""
    records: list[Record] = []
    while True:
        part = collection.scroll(where=where, after=after, limit=min(size - len(records), _MOST_AT_ONCE))
        records += part.records
        after = part.next
        if after is None or len(records) == size:
            return records, after
