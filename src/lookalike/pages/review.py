"""Reviewing a plan of cleaning up folders: its groups as a queue, one at a time; carrying it out, and taking it back.

Plans name files of this machine, so that they are shown to its own admin alone: at this machine, signed in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from lookalike.cleaning.plan import PlannedGroup
from lookalike.errors import AccessDenied, JournalUnreadable, NotPermitted, PlanNotFound, PlanUnreadable
from lookalike.pages.changes import permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.members import SHOWN, is_there, likely, members_of
from lookalike.pages.plans import Change, Desk, Opened, Order, certainty
from lookalike.pages.render import HEADERS, link, page
from lookalike.pages.thumbnails import Thumbnails

__all__ = ["desk_of", "has_plans", "opened", "require_owner", "review_page", "router"]

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-real-ip")  # what proxies say of whom they speak for
_PAGE: Final = 40
_STRIP: Final = 5
_RECENT: Final = 30
_SIDES: Final = (160, 320, 640, 1600, 4096)  # pixels; few sizes, so that few are kept
_AHEAD: Final = 4  # pictures of the next group that browsers may fetch before they are asked for


def require_owner(request: Request) -> None:
    """Let the admin at this machine pass, who has signed in. Raises NotPermitted for everyone else."""
    caller = permitted(request, "admin")
    near = request.client is not None and request.client.host in _LOOPBACK
    direct = not any(name in request.headers for name in _PASSED_ON)
    if not (near and direct and (request.url.hostname or "") in _LOOPBACK and getattr(caller, "by", "") == "session"):
        raise NotPermitted("a session of an admin at the machine that the files are on")


def has_plans(request: Request) -> bool:
    """Whether there is a plan that the visitor may review; a newest one that can't be read counts, too."""
    try:
        require_owner(request)
    except (AccessDenied, NotPermitted):
        return False
    return bool(desk_of(request).recent(1))


router = APIRouter(prefix="/review", dependencies=[Depends(require_browser), Depends(require_owner)])


class View(BaseModel):
    """How the queue is gone through. open: only what was not looked at. page: from 1."""

    order: Order = "doubtful"
    open: bool = False
    page: int = Field(1, ge=1, le=10**6)


@dataclass(frozen=True, slots=True)
class _Row:
    """A group in the queue. number: from 1. pictures: numbers of members, the keeper first, whose files are there."""

    number: int
    planned: PlannedGroup
    sure: str
    tone: str
    pictures: Sequence[int]
    seen: bool
    decided: str


def desk_of(request: Request) -> Desk:
    """Return where plans lie open."""
    desk: Desk = request.app.state.desk
    return desk


def opened(plan: str, request: Request) -> Opened:
    """Return the plan of a URL; a dependency. Raises HTTPException for one that is not there or can't be read."""
    try:
        return desk_of(request).open(plan)
    except PlanNotFound:
        raise HTTPException(404, "There is no such plan. Scan again with `lookalike dedup`.") from None
    except PlanUnreadable as error:
        raise HTTPException(409, str(error)) from None


def review_page(request: Request, template: str, one: Opened, **context: Any) -> Response:
    """Return a page about a plan."""
    desk = desk_of(request)
    errand = desk.errands.get(one.plan.id)
    busy = errand is not None and errand.running
    return page(request, template, plan=one.plan, notes=one.notes, alone=desk.alone, busy=busy, **context)


@router.get("")
def show_plans(request: Request) -> Response:
    """List the plans, the newest first."""
    desk, known, troubles = desk_of(request), [], []
    for id_ in desk.recent(_RECENT):
        try:
            known.append(desk.open(id_))
        except (PlanNotFound, PlanUnreadable) as error:
            troubles.append(str(error))
    return page(request, "review_plans.html", known=known, troubles=troubles, alone=desk.alone)


@router.get("/{plan}")
def show_queue(one: Annotated[Opened, Depends(opened)], view: Annotated[View, Query()], request: Request) -> Response:
    """Show the groups, so many a page."""
    numbers = _queue(one, view)
    at = (view.page - 1) * _PAGE
    rows = [_row(one, number) for number in numbers[at : at + _PAGE]]
    went, trouble = _went(desk_of(request), one)
    return review_page(
        request,
        "review_queue.html",
        one,
        rows=rows,
        view=view,
        total=len(numbers),
        pages=-(-len(numbers) // _PAGE),
        next=next((number + 1 for number in one.ordered(view.order) if number not in one.notes.seen), None),
        went=len(went),
        trouble=trouble,
    )


@router.get("/{plan}/{number:int}")
def show_group(
    number: int,
    one: Annotated[Opened, Depends(opened)],
    view: Annotated[View, Query()],
    request: Request,
    part: Annotated[int, Query(ge=0, le=10**6)] = 0,
) -> Response:
    """Show one group, its members side by side."""
    planned = _group(one, number)
    went, trouble = _went(desk_of(request), one)
    order = one.ordered(view.order)
    place = order.index(number - 1)
    following = _following(one, view, number)
    return review_page(
        request,
        "review_group.html",
        one,
        planned=planned,
        number=number,
        place=place + 1,
        sure=likely(certainty(planned)),
        members=members_of(planned, part, went),
        differing=len({member.sha256 for member in planned.group.members}) > 1,
        changed=any(fate.by_hand for fate in planned.fates),
        seen=number - 1 in one.notes.seen,
        decided=one.notes.decided.get(number - 1, ("", 0))[0],
        view=view,
        back=order[place - 1] + 1 if place else None,
        following=following,
        ahead=_ahead(one, following),
        part=part,
        parts=-(-len(planned.fates) // SHOWN),
        trouble=trouble,
    )


@router.post("/{plan}/{number:int}")
def change_group(
    number: int,
    one: Annotated[Opened, Depends(opened)],
    view: Annotated[View, Query()],
    request: Request,
    change: Annotated[Change, Form()],
    member: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Do something to a group, and lead to it again, or to the next one where nothing is left to do."""
    planned = _group(one, number)
    errand = desk_of(request).errands.get(one.plan.id)
    if errand is not None and errand.running:
        raise HTTPException(409, "The plan is being carried out. Wait until that is done.")
    path = ""
    if change in ("keep", "spare"):
        if not 1 <= member <= len(planned.fates):
            raise HTTPException(404, "The group has no such file.")
        path = planned.group.members[member - 1].path
    following = _following(one, view, number)
    desk_of(request).change(one.plan.id, number - 1, change, path)
    told = {"order": view.order, "open": view.open}
    if change in ("keep", "spare", "reset"):
        return RedirectResponse(link(f"/review/{one.plan.id}/{number}", part=max(0, member - 1) // SHOWN, **told), 303)
    return RedirectResponse(link(f"/review/{one.plan.id}{f'/{following}' if following else ''}", **told), 303)


@router.get("/{plan}/{number:int}/{member:int}")
def show_member(
    number: int, member: int, one: Annotated[Opened, Depends(opened)], request: Request, size: int = _SIDES[-1]
) -> Response:
    """Return the picture of a member, decoded and encoded anew, its longer side near `size` pixels at most."""
    planned = _group(one, number)
    if not 1 <= member <= len(planned.fates):
        raise HTTPException(404, "The group has no such file.")
    thumbnails: Thumbnails = request.app.state.thumbnails
    side = _SIDES[min(bisect_left(_SIDES, size), len(_SIDES) - 1)]
    found = thumbnails.of_file(Path(planned.group.members[member - 1].path), side)
    if found is None:
        raise HTTPException(410, "The file is gone, or can no longer be read as a picture.")
    headers = {**HEADERS, "ETag": f'"{found.etag}"', "Cache-Control": "private, max-age=300"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(found.data, 200, headers, media_type="image/jpeg")


def _group(one: Opened, number: int) -> PlannedGroup:
    if not 1 <= number <= len(one.plan.groups):
        raise HTTPException(404, "The plan has no such group.")
    return one.plan.groups[number - 1]


def _queue(one: Opened, view: View) -> Sequence[int]:
    order = one.ordered(view.order)
    return [number for number in order if number not in one.notes.seen] if view.open else order


def _following(one: Opened, view: View, number: int) -> int | None:
    """Return the number, from 1, of the group after this one; None at the end."""
    order = one.ordered(view.order)
    later = order[order.index(number - 1) + 1 :]
    return next((n + 1 for n in later if not (view.open and n in one.notes.seen)), None)


def _ahead(one: Opened, number: int | None) -> list[str]:
    if number is None:
        return []
    fates = one.plan.groups[number - 1].fates[:_AHEAD]
    there = [member for member, fate in enumerate(fates, 1) if is_there(fate.path)]
    return [link(f"/review/{one.plan.id}/{number}/{member}", size=640) for member in there]


def _row(one: Opened, number: int) -> _Row:
    planned = one.plan.groups[number]
    sure = certainty(planned)
    tone = "same" if sure >= one.plan.terms.bar else "alike" if sure >= 0.5 else "apart"
    fates = sorted(enumerate(planned.fates, 1), key=lambda pair: pair[1].does != "keep")[:_STRIP]
    return _Row(
        number=number + 1,
        planned=planned,
        sure=likely(sure),
        tone=tone,
        pictures=[member for member, fate in fates if is_there(fate.path)],
        seen=number in one.notes.seen,
        decided=one.notes.decided.get(number, ("", 0))[0],
    )


def _went(desk: Desk, one: Opened) -> tuple[Mapping[str, str], str]:
    try:
        return desk.gone(one.plan), ""
    except JournalUnreadable as error:
        return {}, str(error)
