"""The duplicates of a collection on its pages: looked for in the background, judged by people, and cleaned up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from lookalike.catalog import Decision, now, open_groups
from lookalike.collection import Collection
from lookalike.deduplication import Linkage
from lookalike.pages.changes import log, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.errands import Errand
from lookalike.pages.removed import latest_removal
from lookalike.pages.render import collection_link, page
from lookalike.pages.review import has_plans
from lookalike.pages.tiles import Tile, tile_of
from lookalike.records import DuplicateGroup, Record
from lookalike.workspace import Workspace

__all__ = ["Found", "router"]

router = APIRouter(prefix="/collections/{name}/duplicates", dependencies=[Depends(require_browser)])

_PAGE: Final = 20
_SHOWN: Final = 12  # members of a group on the page; the rest is counted
_AT_ONCE: Final = 5_000  # records up to which a first visit looks without being asked
_PATIENCE: Final = 2.0  # seconds that a page waits for a search that may soon be over
_MOST_FOUND: Final = 16  # searches that are remembered
_BYTES: Final = "most bytes"
_MEASURES: Final[Mapping[str, Callable[[Mapping[str, object]], int]]] = {
    "most pixels": lambda fields: _number(fields, "_width") * _number(fields, "_height"),
    "most EXIF fields": lambda fields: _number(fields, "_exif"),
    "most metadata": lambda fields: sum(1 for name in fields if not name.startswith("_")),
    _BYTES: lambda fields: _number(fields, "_size"),
    "oldest file": lambda fields: -(_number(fields, "_mtime") or 2**63),
}
_FACTS: Final = ("pixels", "format", "bytes", "taken", "EXIF fields")


@dataclass(frozen=True, slots=True)
class Found:
    """A search, by what it was asked. made: when, ISO 8601; incarnation: of the collection, which may be made anew."""

    probability: float
    linkage: Linkage
    made: str
    incarnation: str
    errand: Errand[list[DuplicateGroup]]


class View(BaseModel):
    """The URL of the page. done: also what was decided. page: from 1."""

    done: bool = False
    page: int = Field(1, ge=1, le=10**6)


@dataclass(frozen=True, slots=True)
class _Member:
    """facts: label, text, and whether it differs from the first member's."""

    tile: Tile
    facts: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class _Row:
    """A group on the page. key: names it in forms. sure: its least probable pair. best: the id that is to stay."""

    key: str
    members: Sequence[_Member]
    more: int
    sure: float
    best: str
    why: str
    decided: str


@router.get("")
def show_duplicates(name: str, view: Annotated[View, Query()], request: Request) -> Response:
    """Show the groups, so many a page; the first visit to a small collection looks for them."""
    collection: Collection = request.app.state.workspace.get(name)
    found = _found(request, collection)
    if found is None and len(collection) <= _AT_ONCE:
        found = _look(request, collection, collection.settings.threshold, "average")
    if found is not None:
        found.errand.wait(_PATIENCE)
    groups = found.errand.result or [] if found else []
    decisions = _decisions(request, name)
    left = _left(groups, decisions, view.done)
    same = {tuple(one.members) for one in decisions if one.verdict == "same"}
    rows = [_row(collection, group, same) for group in left[(view.page - 1) * _PAGE : view.page * _PAGE]]
    running = found is not None and found.errand.running
    response = page(
        request,
        "duplicates.html",
        collection=collection,
        found=found,
        running=running,
        count=len(collection),
        rows=[row for row in rows if row is not None],
        total=len(left),
        settled=len(groups) - len(_left(groups, decisions, False)),
        pages=-(-len(left) // _PAGE),
        view=view,
        removal=latest_removal(request, collection),
        plans=has_plans(request),
        threshold=found.probability if found else collection.settings.threshold,
    )
    if running:
        response.headers["Refresh"] = "2"
    return response


@router.post("")
def look(
    name: str,
    request: Request,
    probability: Annotated[float, Form(gt=0, le=1)],
    linkage: Annotated[Linkage, Form()] = "average",
) -> Response:
    """Look for duplicates anew."""
    collection: Collection = request.app.state.workspace.get(name)
    before = _found(request, collection)
    if before is None or not before.errand.running:
        _look(request, collection, probability, linkage)
    return RedirectResponse(collection_link(name, "duplicates"), 303)


@router.post("/decide")
def decide(
    name: str,
    view: Annotated[View, Query()],
    request: Request,
    group: Annotated[str, Form()],
    verdict: Annotated[Literal["different", "same", "open"], Form()],
) -> Response:
    """Keep that the members of a group are no duplicates, or that they are; or forget what was said of just these."""
    caller = permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    members = list(_group(request, collection, group).members)
    decisions = request.app.state.workspace.catalog.decisions
    if verdict == "open":
        decisions.unmark(members, collection=name)
    else:
        decisions.mark(verdict, members, collection=name, who=caller.who)
    return RedirectResponse(collection_link(name, "duplicates", done=view.done, page=view.page), 303)


@router.get("/delete")
def ask_to_delete(name: str, group: str, keep: str, request: Request) -> Response:
    """Show which records would be deleted, and which stays."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    there = _records(collection, _group(request, collection, group).members)
    if keep not in there:
        raise HTTPException(404, "The record that is to stay is no longer there.")
    tiles = {id_: tile_of(name, record) for id_, record in there.items()}
    others = [tile for id_, tile in tiles.items() if id_ != keep]
    return page(request, "duplicates_delete.html", collection=collection, group=group, kept=tiles[keep], others=others)


@router.post("/delete")
def delete_others(name: str, request: Request, group: Annotated[str, Form()], keep: Annotated[str, Form()]) -> Response:
    """Delete the records of a group but one; they can be brought back."""
    permitted(request, "write", name)
    collection: Collection = request.app.state.workspace.get(name)
    there = _records(collection, _group(request, collection, group).members)
    if keep not in there:
        raise HTTPException(404, "The record that is to stay is no longer there.")
    kept = collection.remove([id_ for id_ in there if id_ != keep])
    log(request, "records.delete", name, count=kept.records if kept else 0)
    return RedirectResponse(collection_link(name, "duplicates"), 303)


def _found(request: Request, collection: Collection) -> Found | None:
    searches: dict[str, Found] = request.app.state.searches
    found = searches.get(collection.name)
    return found if found is not None and found.incarnation == collection.info.created else None


def _look(request: Request, collection: Collection, probability: float, linkage: Linkage) -> Found:
    """Begin a search and remember it; the pictures themselves are not read."""
    searches: dict[str, Found] = request.app.state.searches
    apart = [
        (a, b)
        for one in _decisions(request, collection.name)
        if one.verdict == "different"
        for a in one.members
        for b in one.members
        if a < b
    ]

    def work(tell: Callable[[int, int], None]) -> list[DuplicateGroup]:
        done, total = 0, len(collection)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            tell(done, total)

        return collection.duplicates(probability=probability, linkage=linkage, apart=apart, progress=advance)

    found = Found(probability, linkage, now(), collection.info.created, Errand(work))
    searches.pop(collection.name, None)
    searches[collection.name] = found
    while len(searches) > _MOST_FOUND:
        del searches[next(iter(searches))]
    return found


def _decisions(request: Request, name: str) -> list[Decision]:
    workspace: Workspace = request.app.state.workspace
    return workspace.catalog.decisions.list(name)


def _left(groups: Sequence[DuplicateGroup], decisions: Sequence[Decision], done: bool) -> list[DuplicateGroup]:
    """Return the groups that are not settled, those that are surest first; done: all."""
    open_ = {tuple(members) for members in open_groups([group.members for group in groups], decisions)}
    aside = {member for one in decisions if one.verdict == "set-aside" for member in one.members}
    left = [group for group in groups if done or tuple(one for one in group.members if one not in aside) in open_]
    return sorted(left, key=lambda group: -_sure(group))


def _sure(group: DuplicateGroup) -> float:
    return min((pair.probability for pair in group.pairs), default=1.0)


def _group(request: Request, collection: Collection, key: str) -> DuplicateGroup:
    found = _found(request, collection)
    for group in (found.errand.result or []) if found else []:
        if _key(group) == key:
            return group
    raise HTTPException(410, "That group is no longer known here. Look for duplicates again.")


def _key(group: DuplicateGroup) -> str:
    return hashlib.sha256("\0".join(group.members).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _records(collection: Collection, ids: Sequence[str]) -> dict[str, Record]:
    return {record.id: record for record in collection.get(list(ids)) if record is not None}


def _row(collection: Collection, group: DuplicateGroup, same: set[tuple[str, ...]]) -> _Row | None:
    """Return a group as it is shown; None where fewer than two of its members are left."""
    there = _records(collection, group.members)
    if len(there) < 2:
        return None
    best, why = _best(list(there.values()))
    shown = sorted(there.values(), key=lambda record: record.id != best)[:_SHOWN]
    first = _facts(shown[0].fields)
    members = []
    for record in shown:
        facts = _facts(record.fields)
        told = [(label, facts.get(label, "–"), facts.get(label) != first.get(label)) for label in _FACTS]
        told = [row for row in told if row[1] != "–" or row[0] in first]
        members.append(_Member(tile_of(collection.name, record, size=320), told))
    decided = "same" if tuple(group.members) in same else ""
    return _Row(_key(group), members, len(there) - len(shown), _sure(group), best, why, decided)


def _best(records: Sequence[Record]) -> tuple[str, str]:
    """Return the record to suggest, the best by each of `_MEASURES` in turn, ties by id; and what decided."""
    left, why = sorted(records, key=lambda record: record.id), "the first of equals"
    for words, measure in _MEASURES.items():
        values = [measure(record.fields) for record in left]
        if words == _BYTES and len({record.fields.get("_format") for record in left}) > 1:
            continue  # a bitmap takes more than the JPEG it was made of
        best = [record for record, value in zip(left, values, strict=True) if value == max(values)]
        if len(best) < len(left):
            left, why = best, words
    return left[0].id, why


def _facts(fields: Mapping[str, object]) -> dict[str, str]:
    width, height, size, exif = (_number(fields, name) for name in ("_width", "_height", "_size", "_exif"))
    told = {
        "pixels": f"{width:,} × {height:,}" if width else "",
        "format": str(fields.get("_format", "")),
        "bytes": f"{size:,}" if size else "",
        "taken": str(fields.get("_taken", "")).replace("T", " "),
        "EXIF fields": f"{exif:,}" if exif else "",
    }
    return {label: text for label, text in told.items() if text}


def _number(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0
