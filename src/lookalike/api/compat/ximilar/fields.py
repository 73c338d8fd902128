"""Records and filters, from the names that clients use to those of a collection and back.

Lookalike keeps names that begin with "_" for itself. What clients call `_estate_id` is kept as `ximilar_estate_id`,
in records, filters and settings alike; nobody sees that on these routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from lookalike.api.pictures import picture_bytes
from lookalike.errors import ImageUnreadable, InvalidArgument, InvalidRecord
from lookalike.images.image import Limits
from lookalike.records import Record

__all__ = [
    "client_name",
    "fields_wanted",
    "id_of",
    "native_fields",
    "native_filter",
    "native_name",
    "native_record",
    "picture_of",
    "shown",
]

_PREFIX: Final = "ximilar"
_NEVER_KEPT: Final = {"_base64", "_img_data", "_vector", "_descriptor", "noresize"}
_BRANCHES: Final = ("$and", "$or", "$nor")
_LONGEST: Final = 900  # characters of a text that is compared as an expression


def native_name(name: str) -> str:
    """Return the name under which a collection keeps a field; of a dotted path its first part may change."""
    return _PREFIX + name if name.startswith("_") and name not in ("_id", "_url") else name


def client_name(name: str) -> str:
    """Return what clients call a field that a collection keeps under this name."""
    return name.removeprefix(_PREFIX) if name.startswith(f"{_PREFIX}_") else name


def native_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's metadata, its `_id` and its `_url` under the collection's names; no picture."""
    return {native_name(name): value for name, value in record.items() if name not in _NEVER_KEPT}


def native_record(record: Any, limits: Limits) -> dict[str, Any]:
    """Return a record to add. Raises InvalidRecord, ImageError.

    Beside a picture in base64 the `_url` is metadata. `_descriptor` (or `_vector`) is a vector of the user's own.
    """
    if not isinstance(record, Mapping):
        raise InvalidRecord("?", f"a record is an object, not {type(record).__name__}")
    native = native_fields(record)
    if native.get("_url") is None:
        native.pop("_url", None)
    vector = record.get("_descriptor", record.get("_vector"))
    if vector is not None:
        native["_vector"] = vector
    if record.get("_base64") is not None:
        native["_image"] = picture_of(record, limits)
    if "_url" in native and ("_image" in native or "_vector" in native):
        native[f"{_PREFIX}_url"] = native.pop("_url")
    return native


def picture_of(record: Mapping[str, Any], limits: Limits) -> bytes | None:
    """Return the bytes of the picture that a record brings, as base64 or else behind its URL; None if it brings none.

    Raises ImageError.
    """
    text, url = record.get("_base64"), record.get("_url")
    if text is not None:
        if not isinstance(text, str):
            raise ImageUnreadable("_base64", "it is no text")
        return picture_bytes(text, "_base64", limits)
    if url is None:
        return None
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://", "data:")):
        raise ImageUnreadable("_url", "it is no http or https URL")
    return picture_bytes(url, "_url", limits)


def id_of(record: Any) -> str:
    """Return the `_id` of a record. Raises InvalidArgument."""
    value = record.get("_id") if isinstance(record, Mapping) else record
    if not isinstance(value, str) or not value:
        raise InvalidArgument("_id", value, "a string")
    return value


def fields_wanted(given: Any, default: Sequence[str]) -> frozenset[str]:
    """Return the names of `fields_to_return`; "*" among them stands for all. Raises InvalidArgument."""
    if given is None:
        return frozenset(default)
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidArgument("fields_to_return", given, 'a list of names, or ["*"] for all')
    return frozenset(names)


def shown(record: Record, wanted: frozenset[str]) -> dict[str, Any]:
    """Return a record under the client's names: always its `_id`, and what is wanted of the rest.

    What Lookalike itself knows of the picture, like `_width`, is there only for those who ask by name.
    """
    given, ours = {}, {}
    for name, value in record.fields.items():
        if name.startswith(f"{_PREFIX}_"):
            given[client_name(name)] = value
        elif name.startswith("_") and name not in ("_url", "_file"):
            ours[name] = value
        else:
            given.setdefault(name, value)
    if "*" not in wanted:
        given = {name: value for name, value in {**ours, **given}.items() if name in wanted}
    return {"_id": record.id, **given} if record.id else given


def native_filter(where: Any, *, fold: bool) -> dict[str, Any] | None:
    """Return a filter in the collection's names; None matches everything.

    fold: let plain equality of strings take no notice of case, for a collection whose filters do not anyway; except
    `_id`, and strings inside of objects and arrays that are compared whole. Raises InvalidArgument for no object;
    what else is wrong with it, the collection says.
    """
    if not where:
        return None
    if not isinstance(where, Mapping):
        raise InvalidArgument("filter", where, 'an object like {"category": "kitchen"}')
    parts: list[dict[str, Any]] = []
    for name, operand in where.items():
        if name in _BRANCHES and isinstance(operand, list) and all(isinstance(part, Mapping) for part in operand):
            parts.append({name: [native_filter(part, fold=fold) or {} for part in operand]})
        elif fold and name != "_id" and not name.startswith("$"):
            parts += _folded(native_name(name), operand)
        else:
            parts.append({native_name(name): operand})
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _folded(field: str, operand: Any) -> list[dict[str, Any]]:
    """Return the conditions on a field, whatever their strings' case."""
    if not isinstance(operand, Mapping) or not any(name.startswith("$") for name in operand):
        return [_same(field, operand)]
    parts: list[dict[str, Any]] = []
    plain = {}
    for name, value in operand.items():
        if name == "$eq":
            parts.append(_same(field, value))
        elif name == "$ne":
            parts.append({"$nor": [_same(field, value)]})
        elif name in ("$in", "$nin", "$all") and isinstance(value, list) and _has_text(value):
            joined = {"$in": "$or", "$nin": "$nor", "$all": "$and"}[name]
            parts.append({joined: [_same(field, one) for one in value]})
        elif name == "$not" and isinstance(value, Mapping):
            parts.append({"$nor": [{"$and": _folded(field, value)}]})
        else:
            plain[name] = value
    return [*parts, {field: plain}] if plain else parts


def _has_text(values: Iterable[Any]) -> bool:
    values = list(values)
    plain = not any(isinstance(value, Mapping) for value in values)  # $elemMatch within $all
    return plain and any(isinstance(value, str) for value in values)


def _same(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or len(value) > _LONGEST:
        return {field: value} if not isinstance(value, Mapping) else {field: {"$eq": value}}
    quoted = value.replace("\\E", "\\E\\\\E\\Q")
    return {field: {"$regex": f"\\A\\Q{quoted}\\E\\z", "$options": "i"}}
