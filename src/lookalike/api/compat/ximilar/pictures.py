"""Methods that look at pictures and keep nothing: descriptors, tags, dominant colors, hashes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.colors import palette_of
from lookalike.api.compat.ximilar.envelope import Call, reason, told
from lookalike.api.compat.ximilar.fields import picture_of
from lookalike.api.compat.ximilar.learned import learned_model
from lookalike.api.compat.ximilar.searching import distance
from lookalike.describers.cache import user_cache
from lookalike.describers.descriptions import Description, describe_each
from lookalike.describers.ensemble import standard_ensemble
from lookalike.duplicates import transitive_groups
from lookalike.errors import ImageError, ImageUnreadable, InvalidArgument
from lookalike.likeness import SAME, Judge
from lookalike.settings import Settings
from lookalike.stores.base import Row

__all__ = [
    "answer_row",
    "descriptor",
    "dominant_color",
    "listed",
    "look_at",
    "rank_images",
    "remove_duplicates",
    "tags",
    "visual_hash",
]

_GENERIC, _PRODUCT = 6, 3
_MOST_COLORS: Final = 32
_MOST_COMPARED: Final = 200  # pictures that are held against each other, each against each
_TAGS: Final = 10
_LEAST: Final = 0.05

Seen = tuple[dict[str, Any], Description | ImageError]
"""A record without its picture, and what its picture says, or why not."""


def descriptor(call: Call) -> Response:
    """Give each record the `_descriptor` that its picture has in a `collection`, or by the service's own model.

    With the `task_id` of a task of custom similarity that was trained, by what it learned, the newest or a `version`.
    """
    settings, name = call.settings, "meaning"
    if call.body.get("collection") is not None:
        chosen = str(call.body["collection"])
        call.caller.require("read", chosen)
        collection = call.workspace.get(chosen)
        settings = replace(settings, model=collection.info.model)
        name = collection.by if collection.by in collection.settings.describers else name
    elif call.body.get("task_id") is not None:
        settings = replace(settings, model=learned_model(call) or settings.model)
    found = [
        answer_row(
            call,
            record,
            seen,
            {"_descriptor": [float(x) for x in seen.vectors[name]]} if isinstance(seen, Description) else {},
        )
        for record, seen in look_at(call, settings)
    ]
    return listed(call, found)


def tags(call: Call) -> Response:
    """Give each record `_tags`, most probable first, and their names as `_tags_simple`."""
    found = []
    for record, seen in look_at(call, call.settings, labels=_TAGS):
        members: dict[str, Any] = {}
        if isinstance(seen, Description):
            likely = [one for one in seen.labels if one.probability >= _LEAST]
            members["_tags"] = [{"name": one.name, "prob": one.probability} for one in likely]
            members["_tags_simple"] = [one.name for one in likely]
        found.append(answer_row(call, record, seen, members))
    return listed(call, found)


def dominant_color(call: Call) -> Response:
    """Give each record its `_dominant_colors`: 6, or 3 for products, if `colors` doesn't say how many."""
    usual = _PRODUCT if "/product/" in call.request.url.path else _GENERIC
    count, limits = call.whole("colors", usual, 1), call.settings.limits
    if count > _MOST_COLORS:
        raise InvalidArgument("colors", count, f"at most {_MOST_COLORS}")
    named = call.body.get("color_names", True) is not False
    found = []
    for record, source in _sources(call):
        try:
            palette = palette_of(_picture(source), count, limits)
        except ImageError as error:
            found.append(answer_row(call, record, error, {}))
            continue
        members = {"_width": palette.width, "_height": palette.height, "_dominant_colors": palette.lists(names=named)}
        found.append(answer_row(call, record, None, members))
    return listed(call, found)


def visual_hash(call: Call) -> Response:
    """Give each record its `_visual_hash`: of 64 bits, as hex, few of which change with an edit."""
    found = [
        answer_row(call, record, seen, {"_visual_hash": seen.hashes["phash"]} if isinstance(seen, Description) else {})
        for record, seen in look_at(call, call.settings)
    ]
    return listed(call, found)


def remove_duplicates(call: Call) -> Response:
    """Return one record for each picture, the first, with the fields of its duplicates that it lacks.

    `_duplicates` lists the `_id`s of those. Records that can't be read stay.
    """
    all_seen = list(look_at(call, call.settings))
    if len(all_seen) > _MOST_COMPARED:
        raise InvalidArgument("records", len(all_seen), f"at most {_MOST_COMPARED} here; a collection takes any number")
    judge = Judge(standard_ensemble(call.settings.model).curves)
    rows = [_described(seen) for _, seen in all_seen]

    def alike(a: int, b: int) -> bool:
        one, other = rows[a], rows[b]
        return one is not None and other is not None and judge.judge(one, other)[1] >= SAME

    found = []
    for first, *others in transitive_groups(len(all_seen), alike):
        merged: dict[str, Any] = {}
        for place in reversed([first, *others]):
            merged |= all_seen[place][0]
        found.append(
            answer_row(
                call,
                {**merged, "_duplicates": [all_seen[place][0].get("_id") for place in others]},
                all_seen[first][1],
                {},
            )
        )
    return listed(call, found)


def rank_images(call: Call) -> Response:
    """Put the records in order by how likely they show the picture of the query record, most likely first."""
    query = call.body.get("query_record")
    if not isinstance(query, Mapping):
        raise InvalidArgument("query_record", query, "an object with _url or _base64")
    picture = picture_of(query, call.settings.limits)
    if picture is None:
        raise InvalidArgument("query_record", sorted(query), "an object with _url or _base64")
    (asked,) = describe_each([picture], settings=call.settings, labels=0, cache=user_cache())
    if isinstance(asked, ImageError):
        raise asked
    about = _described(asked)
    assert about is not None
    judge = Judge(standard_ensemble(call.settings.model).curves)
    ranked, skips = [], []
    for record, seen in look_at(call, call.settings):
        row = _described(seen)
        if row is None:
            skips.append(answer_row(call, record, seen, {"_reason": reason(400, str(seen))}))
            continue
        sure = judge.judge(about, row)[1]
        near = max(0.0, min(1.0, float(about.vectors["copy"] @ row.vectors["copy"])))
        ranked.append((distance((sure + near) / 2), answer_row(call, record, seen, {})))
    ranked.sort(key=lambda pair: pair[0])
    rows = [row for _, row in ranked]
    return told(
        call,
        200 if rows or not skips else 400,
        records=rows,
        answer_records=rows,
        answer_count=len(rows),
        answer_distances=[apart for apart, _ in ranked],
        skipped_records=skips,
    )


def _sources(call: Call) -> Iterator[tuple[dict[str, Any], bytes | ImageError]]:
    """Yield each record without its picture, and the picture's bytes."""
    for record in call.records():
        if not isinstance(record, Mapping):
            raise InvalidArgument("records", record, "a list of objects")
        rest = {name: value for name, value in record.items() if name not in ("_base64", "noresize")}
        try:
            data = picture_of(record, call.settings.limits)
            yield rest, data if data is not None else ImageUnreadable("the record", "it has neither _url nor _base64")
        except ImageError as error:
            yield rest, error


def look_at(call: Call, settings: Settings, labels: int = 0) -> Iterator[Seen]:
    """Yield each record and what its picture says, in order."""
    found = list(_sources(call))
    readable = [source for _, source in found if not isinstance(source, ImageError)]
    described = describe_each(readable, settings=settings, labels=labels, cache=user_cache())
    for record, source in found:
        yield record, source if isinstance(source, ImageError) else next(described)


def _picture(source: bytes | ImageError) -> bytes:
    if isinstance(source, ImageError):
        raise source
    return source


def _described(seen: Description | ImageError) -> Row | None:
    if isinstance(seen, ImageError):
        return None
    return Row("", dict(seen.vectors), {"_sha256": seen.image.sha256, "_phash": seen.hashes["phash"]})


def answer_row(call: Call, record: Mapping[str, Any], seen: object, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with what was found and its `_status`; one without `_id` is given one."""
    failed = isinstance(seen, ImageError)
    status = {
        "code": 400 if failed else 200,
        "text": str(seen) if failed else "OK",
        "request_id": getattr(call.request.state, "request_id", ""),
    }
    return {**record, "_id": record.get("_id") or secrets.token_hex(16), **members, "_status": status}


def listed(call: Call, found: Sequence[Mapping[str, Any]], **more: Any) -> Response:
    """Return the answer with these records, and with more members."""
    good = any(row["_status"]["code"] == 200 for row in found)
    return told(call, 200 if good or not found else 400, records=list(found), **more)
