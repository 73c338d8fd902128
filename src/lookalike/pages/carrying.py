"""Carrying out a plan from its pages, after a summary of what will happen; and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from lookalike.cleaning.applying import Applied, apply
from lookalike.cleaning.disposal import Action, Disposal, default_action
from lookalike.cleaning.plan import Plan
from lookalike.cleaning.planfile import journal_of
from lookalike.cleaning.trash import has_trash
from lookalike.cleaning.undoing import Undone, undo
from lookalike.errors import JournalUnreadable
from lookalike.pages.entrance import require_browser
from lookalike.pages.errands import Errand
from lookalike.pages.members import likely
from lookalike.pages.plans import Opened
from lookalike.pages.review import desk_of, opened, require_owner, review_page

__all__ = ["router"]

router = APIRouter(prefix="/review", dependencies=[Depends(require_browser), Depends(require_owner)])

_PATIENCE: Final = 1.5  # seconds that a page waits for work that may soon be over
_WAYS: Final[dict[Action, tuple[str, str]]] = {
    "trash": ("To the trash", "The desktop's, from which the desktop can bring them back, too."),
    "quarantine": ("To a quarantine folder", "Every file keeps its path below it."),
    "hardlink": ("Replaced by hard links", "Only what has the same bytes as its keeper, on the same volume."),
    "reflink": ("Replaced by reflinks", "Only the same bytes; on Btrfs, XFS and the like."),
}


@dataclass(frozen=True, slots=True)
class _Sum:
    """What would happen. companions: files that go along. least: how sure the least sure file is."""

    groups: int
    files: int
    companions: int
    size: int
    least: str


@router.get("/{plan}/apply")
def ask_to_apply(one: Annotated[Opened, Depends(opened)], request: Request) -> Response:
    """Show what would happen, of the whole plan and of what was looked at."""
    return review_page(
        request,
        "review_apply.html",
        one,
        whole=_summed(one.plan),
        part=_summed(one.part_seen),
        ways={name: said for name, said in _WAYS.items() if name != "trash" or has_trash()},
        default=default_action(),
    )


@router.post("/{plan}/apply")
def apply_plan(
    one: Annotated[Opened, Depends(opened)],
    request: Request,
    which: Annotated[Literal["all", "seen"], Form()],
    action: Annotated[Action, Form()],
    sure: Annotated[bool, Form()] = False,
    merge: Annotated[bool, Form()] = False,
    folder: Annotated[str, Form()] = "",
) -> Response:
    """Carry out the plan, or the groups of it that were looked at, and lead to what came of it."""
    if not sure:
        raise HTTPException(422, "Nothing was touched: the box that says that you are sure was not ticked.")
    place = str(Path(folder.strip()).expanduser().absolute()) if folder.strip() and action == "quarantine" else ""
    wanted = one.part_seen if which == "seen" else one.plan
    disposal, plans = Disposal(action, place), desk_of(request).folder
    return _begun(request, one, lambda tell: apply(wanted, disposal, merge=merge, folder=plans, progress=tell))


@router.post("/{plan}/undo")
def undo_plan(one: Annotated[Opened, Depends(opened)], request: Request) -> Response:
    """Bring back all that went by this plan, and lead to what came of it."""
    journal = journal_of(one.plan, desk_of(request).folder)
    return _begun(request, one, lambda tell: undo(journal, progress=tell))


@router.get("/{plan}/result")
def show_result(one: Annotated[Opened, Depends(opened)], request: Request) -> Response:
    """Show how far the work is, or what came of it; browsers ask again by themselves until it is over."""
    desk = desk_of(request)
    errand = desk.errands.get(one.plan.id)
    if errand is not None:
        errand.wait(_PATIENCE)
    running = errand is not None and errand.running
    trouble, went = errand.trouble if errand else "", 0
    if not running:
        try:
            went = len(desk.gone(one.plan))
        except JournalUnreadable as error:
            trouble = trouble or str(error)
    result = errand.result if errand else None
    response = review_page(
        request,
        "review_result.html",
        one,
        errand=errand,
        applied=result if isinstance(result, Applied) else None,
        undone=result if isinstance(result, Undone) else None,
        went=went,
        trouble=trouble,
    )
    if running:
        response.headers["Refresh"] = "1"
    return response


def _begun(
    request: Request, one: Opened, work: Callable[[Callable[[int, int], None]], Applied | Undone]
) -> RedirectResponse:
    if not desk_of(request).begin(one.plan.id, lambda: Errand(work)):
        raise HTTPException(409, "The plan is being carried out or taken back already.")
    return RedirectResponse(f"/review/{one.plan.id}/result", 303)


def _summed(plan: Plan) -> _Sum:
    removed = [fate for planned in plan.groups for _, fate in planned.removed]
    return _Sum(
        groups=sum(1 for planned in plan.groups if planned.removed),
        files=len(removed),
        companions=sum(len(fate.companions) for fate in removed),
        size=plan.bytes_freed,
        least=likely(min((fate.probability or 0.0 for fate in removed), default=1.0)),
    )
