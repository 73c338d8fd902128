"""Tasks, types, groups, labels and logs: documents that clients make, list, change and delete.

Each is a record of the collection `ximilar-entities`, so that it is kept, moved and backed up like any other; its
vector says nothing.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Response

from lookalike.api.compat.ximilar.envelope import Call, json_response
from lookalike.catalog import Scope, now
from lookalike.collection import Collection
from lookalike.errors import CollectionExists, CollectionNotFound, EntryNotFound, InvalidArgument
from lookalike.records import Record

__all__ = ["CHANGING", "ENTITIES", "Action", "Kind", "Shelf", "contains", "page_of", "serve"]

ENTITIES: Final = "ximilar-entities"
"""The collection that they are kept in."""

CHANGING: Final = threading.RLock()
"""Held from reading a document until it is written back."""

_PAGE: Final = 100
_MOST: Final = 1000

Document = dict[str, Any]
Action = Callable[["Shelf", str], Any]
"""What POST <id>/<action> does with a document's id; its answer."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The documents as one call may see and change them."""

    call: Call

    @property
    def workspace(self) -> str:
        """The workspace that the client names: a label, by which lists are divided."""
        given = self.call.body.get("workspace") or self.call.request.query_params.get("workspace") or "Default"
        return str(given)

    def collection(self, scope: Scope, name: str = ENTITIES) -> Collection:
        """Return the collection behind, made at its first use. Raises NotPermitted."""
        self.call.caller.require(scope, name)
        try:
            return self.call.workspace.get(name)
        except CollectionNotFound:
            pass
        try:
            kind = "custom" if name == ENTITIES else "photos"
            settings: Document = {"entities": {"nothing": 1}} if name == ENTITIES else {}
            return self.call.workspace.create(name, kind=kind, **settings)
        except CollectionExists:
            return self.call.workspace.get(name)

    def add(self, kind: str, document: Document) -> Document:
        """Keep a new document and return it, with its `id`, `workspace` and `created`."""
        made = {"kind": kind, "workspace": self.workspace, "created": now(), "document": document}
        id_ = str(uuid.uuid4())
        failed = self.collection("write").add([{"_id": id_, "_vector": [1.0], **made}]).failed
        if failed:
            raise InvalidArgument("the body", kind, f"JSON values ({failed[0].reason})")
        self.call.logged(f"{kind}.create", id_)
        return {"id": id_, "workspace": made["workspace"], "created": made["created"], **document}

    def find(self, kind: str, id_: str) -> Document:
        """Return a document. Raises EntryNotFound."""
        found = self.collection("read").get([id_])[0]
        if found is None or found.fields.get("kind") != kind:
            raise EntryNotFound(kind, id_)
        return _document(found)

    def known(self, kind: str, ids: Sequence[str]) -> list[Document]:
        """Return those of some documents that there are, in the order asked."""
        found = self.collection("read").get(list(ids))
        return [_document(record) for record in found if record and record.fields.get("kind") == kind]

    def every(
        self, kind: str, where: Sequence[Mapping[str, Any]] = (), *, everywhere: bool = False
    ) -> Sequence[Document]:
        """Return the documents of a kind that match, oldest first. everywhere: of all workspaces."""
        own = {"kind": kind} if everywhere else {"kind": kind, "workspace": self.workspace}
        found = self.collection("read").records(where={"$and": [own, *where]})
        return sorted(map(_document, found), key=lambda one: (one["created"], one["id"]))

    def change(self, kind: str, id_: str, changes: Mapping[str, Any]) -> Document:
        """Lay changes over a document and return it. Raises EntryNotFound."""
        with CHANGING:
            document = self.find(kind, id_) | dict(changes)
            own = {name: value for name, value in document.items() if name not in ("id", "workspace", "created")}
            failed = self.collection("write").update([{"_id": id_, "document": own}]).failed
        if failed:
            raise InvalidArgument("the body", kind, f"JSON values ({failed[0].reason})")
        self.call.logged(f"{kind}.change", id_)
        return document

    def extend(self, kind: str, id_: str, name: str, values: Sequence[str]) -> Document:
        """Put values at the end of a document's list that are not in it."""
        with CHANGING:
            there = self.find(kind, id_)[name]
            return self.change(kind, id_, {name: list(dict.fromkeys([*there, *values]))})

    def shrink(self, kind: str, id_: str, name: str, values: Sequence[str]) -> Document:
        """Take values out of a document's list."""
        with CHANGING:
            there = self.find(kind, id_)[name]
            return self.change(kind, id_, {name: [one for one in there if one not in values]})

    def remove(self, kind: str, id_: str) -> None:
        """Delete a document. Raises EntryNotFound."""
        self.find(kind, id_)
        self.collection("write").delete([id_])
        self.call.logged(f"{kind}.delete", id_)

    def ids(self, name: str) -> list[str]:
        """Return the ids that the body gives under a name: one, or a list. Raises InvalidArgument."""
        given = self.call.body.get(name)
        found = [given] if isinstance(given, str) else given
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise InvalidArgument(name, given, "an id, or a list of ids")
        return found


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document and its routes.

    read: a shelf, a body and the document to change (None for a new one) -> what to keep. show: what clients get of a
    document. where: conditions of a list, from its query. actions: what POST <id>/<name> does. left: called with the
    id of one that was deleted.
    """

    name: str
    read: Callable[[Shelf, Document | None], Document]
    show: Callable[[Shelf, Document], Document]
    where: Callable[[Shelf], list[dict[str, Any]]] = lambda shelf: []
    actions: Mapping[str, Action] = field(default_factory=dict)
    left: Callable[[Shelf, str], None] = lambda shelf, id_: None


def serve(call: Call, kind: Kind, path: Sequence[str]) -> Response:
    """Answer for <kind>, <kind>/<id> and <kind>/<id>/<action>. Raises EntryNotFound, InvalidArgument."""
    shelf, method = Shelf(call), call.request.method
    match method, list(path):
        case "GET", []:
            return page_of(call, shelf.every(kind.name, kind.where(shelf)), lambda one: kind.show(shelf, one))
        case "POST", []:
            made = shelf.add(kind.name, kind.read(shelf, None))
            return json_response(kind.show(shelf, made), 201)
        case "GET", [id_]:
            return json_response(kind.show(shelf, shelf.find(kind.name, id_)))
        case "PUT" | "PATCH", [id_]:
            changes = kind.read(shelf, shelf.find(kind.name, id_))
            return json_response(kind.show(shelf, shelf.change(kind.name, id_, changes)))
        case "DELETE", [id_]:
            shelf.remove(kind.name, id_)
            kind.left(shelf, id_)
            return Response(status_code=204)
        case "POST", [id_, action] if action in kind.actions:
            return json_response(kind.actions[action](shelf, id_))
    raise EntryNotFound("route", f"{method} {call.request.url.path}")


def page_of(call: Call, found: Sequence[Any], show: Callable[[Any], Any]) -> Response:
    """Return one page of a list. `next` and `previous` are on the host that the client asked."""
    query = call.request.query_params
    size, page = _whole(query.get("count"), _PAGE), _whole(query.get("page"), 1)
    size = min(size, _MOST)
    here = found[(page - 1) * size : page * size]
    url = call.request.url
    return json_response(
        {
            "count": len(found),
            "next": str(url.include_query_params(page=page + 1)) if page * size < len(found) else None,
            "previous": str(url.include_query_params(page=page - 1)) if page > 1 else None,
            "results": [show(one) for one in here],
        }
    )


def contains(path: str, words: str) -> dict[str, Any]:
    """Return the condition that a text has these words in it, whatever their case."""
    quoted = words.replace("\\E", "\\E\\\\E\\Q")
    return {path: {"$regex": f"\\Q{quoted}\\E", "$options": "i"}}


def _whole(given: str | None, default: int) -> int:
    if given is None:
        return default
    if not (given.isascii() and given.isdigit()) or len(given) > 9 or int(given) == 0:
        raise InvalidArgument("page or count", given, "a whole number from 1")
    return int(given)


def _document(record: Record) -> Document:
    fields = record.fields
    return {"id": record.id, "workspace": fields["workspace"], "created": fields["created"], **fields["document"]}
