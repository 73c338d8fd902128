"""Methods that search a collection: nearest first, with distances that are 1 - score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.envelope import Call
from lookalike.api.compat.ximilar.fields import fields_wanted, id_of, native_fields, native_record, picture_of
from lookalike.api.compat.ximilar.records import USUAL, answer, skipped, where_of
from lookalike.collection import Collection
from lookalike.errors import ImageError, InvalidArgument, InvalidRecord, RecordNotFound
from lookalike.filters import MISSING, reach
from lookalike.likeness import SAME
from lookalike.records import Match, Record
from lookalike.search.query import MAX_RANKED, TAGS

__all__ = [
    "distance",
    "near_duplicates",
    "text",
    "visual_knn",
    "visual_range",
    "visual_rank_records",
    "visual_tags_knn",
]

_K: Final = 30
_DUPLICATES: Final = 100  # most of them in an answer
_SLACK: Final = 1e-6  # half the step of a score is rounded away

Ranked = Sequence[tuple[Record, float]]
"""Records and their distances, ascending."""


def visual_knn(call: Call) -> Response:
    """Return the k nearest from offset `from` on. A record asked about comes first, if the filter lets it."""
    return _knn(call, tags=False)


def visual_tags_knn(call: Call) -> Response:
    """Do the same by look and tags together: two thirds of the score are visual, one third tags."""
    return _knn(call, tags=True)


def text(call: Call) -> Response:
    """Return the records nearest to the words in `query_record._text_data`."""
    if not isinstance(_query_record(call).get("_text_data"), str):
        raise InvalidArgument("query_record._text_data", None, "words to look for")
    return _knn(call, tags=False)


def visual_range(call: Call) -> Response:
    """Return all records within `radius`, nearest first; at most `k`, where it is given."""
    collection = call.collection("read")
    example, radius = _example(call, collection), _radius(call)
    if radius is None:
        raise InvalidArgument("radius", None, "a number from 0 to 1")
    question = _question(call, collection, example, tags=False) | {
        "k": None,
        "min_score": max(0.0, 1.0 - radius - _SLACK),
    }
    own = _own(call, collection, example)
    if own is not None:
        question["where"] = _without(collection, own, question["where"])
    found = [(own, 0.0)] if own is not None else []
    after: str | None = None
    while True:
        part = collection.search(**question, after=after)
        found += _pairs(part)
        after = part.next
        if after is None:
            break
    within = [pair for pair in found if pair[1] <= radius]
    return _ranked(call, within[: call.whole("k", len(within), 0)])


def visual_rank_records(call: Call) -> Response:
    """Put the given records in order: those with a picture by it, others by the descriptor kept under their `_id`."""
    collection = call.collection("read")
    example, radius = _example(call, collection), _radius(call)
    refused: list[dict[str, Any]] = []
    brought: dict[str, Mapping[str, Any]] = {}
    asked: list[str | dict[str, Any]] = []
    for place, record in enumerate(call.records()):
        try:
            native = native_record(record, call.settings.limits)
            if native.keys() & {"_image", "_vector", "_url"}:
                name = f"\0{place}"  # its own id may be missing, or name another picture in the collection
                brought[name] = record
                asked.append({**native, "_id": name})
            else:
                asked.append(id_of(record))
        except (InvalidRecord, ImageError, InvalidArgument) as error:
            refused.append(skipped(record, 400, str(error)))
    question = _question(call, collection, example, tags=False)
    chosen = {name: value for name, value in question.items() if name not in ("where", "group")}
    ranking = collection.rank(asked, **chosen, k=call.whole("k", MAX_RANKED, 1))
    pairs = [(_given(record, brought), apart) for record, apart in _pairs(ranking) if radius is None or apart <= radius]
    for one in ranking.failed:
        code = 404 if one.code == "record_not_found" else 400
        refused.append(skipped(brought.get(one.source, {"_id": one.source}), code, one.reason))
    return _ranked(call, pairs, refused)


def near_duplicates(call: Call) -> Response:
    """Return the records that show the same picture; distance is 1 - probability. A record is none of itself."""
    collection = call.collection("read")
    example, where = _example(call, collection), where_of(call, collection)
    if "image" in example:
        found = collection.check(example["image"], k=_DUPLICATES, where=where, verify=False)
        alike = [one for one in found if one.probability >= SAME]
        pairs: Ranked = [(one.record, round(1 - one.probability, 6)) for one in alike]
    elif "id" in example:
        pairs = _twins(collection, example["id"], where)
    else:
        raise InvalidArgument("query_record", sorted(example), "a picture or the _id of a record")
    return _ranked(call, pairs[: call.whole("k", len(pairs), 0)])


def distance(score: float) -> float:
    """Return the distance that stands for a score: 0 identical, 1 nothing in common."""
    return round(1.0 - score, 6)


def _knn(call: Call, *, tags: bool) -> Response:
    collection = call.collection("read")
    example = _example(call, collection)
    start, k = call.whole("from", 0, 0), call.whole("k", _K, 1)
    question = _question(call, collection, example, tags=tags)
    own = _own(call, collection, example)
    if own is not None:
        question["where"] = _without(collection, own, question["where"])
    found = _pairs(collection.search(**question, k=start + k))
    return _ranked(call, ([(own, 0.0), *found] if own is not None else found)[start : start + k])


def _query_record(call: Call) -> Mapping[str, Any]:
    given = call.body.get("query_record")
    if isinstance(given, list) and len(given) == 1:
        (given,) = given
    if not isinstance(given, Mapping):
        raise InvalidArgument("query_record", given, "an object with _id, _url or _base64")
    return given


def _example(call: Call, collection: Collection) -> dict[str, Any]:
    """Return what is looked for, as `search.Query` has it: a record that is there, else the picture sent along.

    Raises RecordNotFound for an unknown `_id` without one, ImageError, InvalidArgument.
    """
    record = _query_record(call)
    id_, vector = record.get("_id"), record.get("_descriptor", record.get("_vector"))
    if id_ is not None and not isinstance(id_, str):
        raise InvalidArgument("query_record._id", id_, "a string")
    if id_ and collection.get([id_])[0] is not None:
        return {"id": id_}
    if isinstance(record.get("_text_data"), str):
        return {"text": record["_text_data"]}
    if vector is not None:
        return {"vector": vector}
    picture = picture_of(record, call.settings.limits)
    if picture is not None:
        return {"image": picture}
    if id_:
        raise RecordNotFound(collection.name, id_)
    raise InvalidArgument("query_record", sorted(record), "an object with _id, _url or _base64")


def _question(call: Call, collection: Collection, example: Mapping[str, Any], *, tags: bool) -> dict[str, Any]:
    """Return the question about an example, as `search.Query` has it, without k."""
    settings = collection.settings
    question: dict[str, Any] = {
        **example,
        "where": where_of(call, collection),
        "group": settings.product_id is not None,
    }
    visual = {name: weight for name, weight in settings.weights.items() if name != TAGS and weight > 0}
    if example.keys() & {"text", "vector"}:
        return question
    if not tags:
        return question | ({"weights": visual} if len(visual) < len(settings.weights) else {})
    words = _query_record(call).get("tags")
    if words and (isinstance(words, str) or not all(isinstance(word, str) for word in words)):
        raise InvalidArgument("query_record.tags", words, "a list of keywords")
    if words:
        question["tags"] = list(words)
    beside = {TAGS: sum(visual.values()) / 2} if words or "id" in example else {}
    return question | {"weights": {**visual, **beside}}


def _own(call: Call, collection: Collection, example: Mapping[str, Any]) -> Record | None:
    """Return the record asked about, if the filter lets it."""
    if "id" not in example:
        return None
    alone, where = {"_id": example["id"]}, where_of(call, collection)
    if not collection.count(alone if where is None else {"$and": [alone, where]}):
        return None
    return collection.get([example["id"]])[0]


def _without(collection: Collection, own: Record, where: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the filter for the others: where they are grouped, those of other products."""
    field = collection.settings.product_id or ""
    values = [value for value in reach(own.fields, field) if value not in (None, MISSING)] if field else []
    if not values:
        return where
    others = {field: {"$nin": values}}
    return others if where is None else {"$and": [where, others]}


def _radius(call: Call) -> float | None:
    given = call.body.get("radius")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or given < 0:
        raise InvalidArgument("radius", given, "a number from 0 to 1")
    return float(given)


def _twins(collection: Collection, id_: str, where: Mapping[str, Any] | None) -> Ranked:
    """Return the records that are judged to show the picture of one of them."""
    by = "copy" if "copy" in collection.settings.vectors else None
    near = collection.search(id=id_, by=by, k=_DUPLICATES, where=where)
    records = {match.id: match.record for match in near}
    groups = collection.duplicates(where={"_id": {"$in": [id_, *records]}}, linkage="transitive")
    for group in groups:
        if id_ in group.members:
            said = {
                pair.b if pair.a == id_ else pair.a: pair.probability for pair in group.pairs if id_ in (pair.a, pair.b)
            }
            alike = [(one, said.get(one, SAME)) for one in group.members if one in records]
            pairs = [(records[one], round(1 - sure, 6)) for one, sure in alike if sure >= SAME]
            return sorted(pairs, key=lambda pair: (pair[1], pair[0].id))
    return []


def _given(record: Record, brought: Mapping[str, Mapping[str, Any]]) -> Record:
    """Return a ranked record as it was given, if it was."""
    if record.id not in brought:
        return record
    fields = native_fields(brought[record.id])
    return Record(str(fields.pop("_id", "")), fields)


def _pairs(matches: Sequence[Match]) -> list[tuple[Record, float]]:
    return [(match.record, distance(match.score)) for match in matches]


def _ranked(call: Call, pairs: Ranked, refused: Sequence[dict[str, Any]] = ()) -> Response:
    wanted = fields_wanted(call.body.get("fields_to_return"), USUAL)
    distances = [apart for _, apart in pairs]
    return answer(call, 200, [record for record, _ in pairs], wanted, refused, answer_distances=distances)
