"""The trials of a collection on a page: what they show so far, drawn; begun, promoted, dropped and forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, cast

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from lookalike.catalog import EVENTS, Job, Trial
from lookalike.collection import Collection
from lookalike.errors import CollectionNotFound, InvalidArgument, TrialExists
from lookalike.pages.changes import filled, permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.forms import number
from lookalike.pages.render import collection_link, page
from lookalike.pages.visitor import may_read
from lookalike.pages.words import WAYS
from lookalike.promoting import begin_promotion, promotion_of
from lookalike.trials import Arm, Report, Trials
from lookalike.trials.intervals import Interval
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(prefix="/collections/{name}/trials", dependencies=[Depends(require_browser)])

_NEW: Final = {"trial": "", "other": "", "method": "split", "goal": "click", "effect": "5", "share": "50"}
_ROOM: Final = 1.1  # of a drawing, beyond the widest interval in it
_STATES: Final = {"running": "near", "promoted": "same", "dropped": "apart"}


@dataclass(frozen=True, slots=True)
class _Bar:
    """An interval as it is drawn, in percent of the width. zero: where a reference stands, or None."""

    label: str
    words: str
    value: float
    low: float
    high: float
    zero: float | None


@dataclass(frozen=True, slots=True)
class _Shown:
    """A trial on the page. arms: each with its rate, if it has one; between: what lies between the two.

    job: that promotes it, or could not.
    """

    report: Report
    tone: str
    arms: list[tuple[Arm, _Bar | None]]
    between: list[_Bar]
    job: Job | None

    @property
    def under_way(self) -> bool:
        """Whether a variant is being promoted."""
        return self.job is not None and not self.job.is_over


@router.get("")
def show_trials(name: str, request: Request) -> Response:
    """Show the trials, the newest first."""
    return _page(request, name, {})


@router.post("")
def start(name: str, request: Request, form: Annotated[FormData, Depends(filled)]) -> Response:
    """Begin a trial of what the form says, held against the collection as it is."""
    caller = permitted(request, "admin", name)
    given = {field: str(value).strip() for field, value in form.items()}
    try:
        variant = _variant(given)
        if "collection" in variant:
            permitted(request, "read", variant["collection"])
        trial = Trial(
            name,
            given.get("trial", ""),
            method=cast(Literal["split", "interleave"], given.get("method")),
            b=variant,
            share=number("share", given.get("share", "50")) / 100 if given.get("method") == "split" else 0.5,
            effect=number("effect", given.get("effect", "")) / 100,
            goal=cast(Literal["click", "mark", "conversion"], given.get("goal")),
            who=caller.who,
        )
        _trials(request).start(trial)
    except (InvalidArgument, TrialExists, CollectionNotFound) as error:
        return _page(request, name, given, str(error))
    return RedirectResponse(collection_link(name, "trials"), 303)


@router.post("/{trial}/{verb}")
def end(
    name: str,
    trial: str,
    verb: Literal["promote", "drop", "forget"],
    request: Request,
    variant: Annotated[str, Form()] = "",
) -> Response:
    """Go by a variant, end the trial, or delete it."""
    who = permitted(request, "admin", name).who
    if verb == "promote":
        space: Workspace = request.app.state.workspace
        if begin_promotion(space.catalog, name, trial, variant, who=who) is None:
            space.trials.promote(name, trial, variant, who=who)
    elif verb == "drop":
        _trials(request).drop(name, trial, who=who)
    else:
        _trials(request).forget(name, trial, who=who)
    return RedirectResponse(collection_link(name, "trials"), 303)


def _page(request: Request, name: str, given: Mapping[str, str], trouble: str = "") -> Response:
    workspace: Workspace = request.app.state.workspace
    collection: Collection = workspace.get(name)
    reports = [workspace.trials.report(name, trial.name) for trial in workspace.trials.list(name)]
    return page(
        request,
        "trials.html",
        422 if trouble else 200,
        collection=collection,
        shown=[_shown(report, promotion_of(workspace.catalog, name, report.trial.name)) for report in reports],
        given={**_NEW, **given},
        others=[info.name for info in workspace.list() if info.name != name and may_read(request, info.name)],
        ways=WAYS,
        goals=EVENTS,
        trouble=trouble,
    )


def _trials(request: Request) -> Trials:
    trials: Trials = request.app.state.workspace.trials
    return trials


def _variant(given: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form says is to be tried."""
    prefix = "weight."
    weights = {
        field.removeprefix(prefix): number(f"weights.{field.removeprefix(prefix)}", text)
        for field, text in given.items()
        if field.startswith(prefix) and text
    }
    found: dict[str, Any] = {"weights": weights} if weights else {}
    return found | ({"collection": given["other"]} if given.get("other") else {})


def _shown(report: Report, job: Job | None) -> _Shown:
    rates = [arm.rate for arm in report.arms if arm.rate is not None]
    widest = min(1.0, _ROOM * max((rate.high for rate in rates), default=1.0))
    arms = [(arm, None if arm.rate is None else _rate(arm.rate, widest)) for arm in report.arms]
    once = report.difference or (report.preference.share if report.preference else report.always_valid)
    middle = 0.5 if report.preference else 0.0
    figures = [("One look", once), ("Always valid", report.always_valid)]
    reach = max(abs(edge - middle) for _, figure in figures for edge in (figure.low, figure.high))
    between = [_between(label, figure, middle, _ROOM * reach or 1.0) for label, figure in figures]
    return _Shown(report, _STATES[report.trial.state], arms, between, job if report.trial.state == "running" else None)


def _rate(rate: Interval, widest: float) -> _Bar:
    value, low, high = (100 * each / widest for each in (rate.value, rate.low, rate.high))
    return _Bar("", f"{rate.value:.1%}, {rate.low:.1%} to {rate.high:.1%}", value, low, min(100.0, high), None)


def _between(label: str, figure: Interval, middle: float, reach: float) -> _Bar:
    """Draw a difference, or a share that is held against a half, around the middle."""
    value, low, high = (50 + 50 * (each - middle) / reach for each in (figure.value, figure.low, figure.high))
    if middle:
        return _Bar(label, f"{figure.value:.1%}, {figure.low:.1%} to {figure.high:.1%}", value, low, high, 50.0)
    told = [f"{100 * each:+.1f}" for each in (figure.value, figure.low, figure.high)]
    return _Bar(label, f"{told[0]} points, {told[1]} to {told[2]}", value, low, high, 50.0)
