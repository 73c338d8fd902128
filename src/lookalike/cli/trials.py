"""`lookalike trial start|list|report|promote|drop|forget`: two ways to search, tried on a collection's visitors."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.keys import catalog_of
from lookalike.cli.output import Format, FormatOption, note, print_json, print_rows, progress_bar
from lookalike.errors import CollectionNotFound, InvalidArgument, WorkspaceLocked

if TYPE_CHECKING:
    from lookalike.catalog import Catalog, Event, Method
    from lookalike.trials import Arm, Report

app = typer.Typer(
    help="Try two ways to search a collection on its visitors (A/B).\n\n"
    "Example: `lookalike trial start shop warmer --b meaning=0.6,color=0.4`",
    no_args_is_help=True,
)

_VARIANT = "meaning=0.7,color=0.3 (weights), color (one description), @NAME (another collection), or both: @NAME:color"
_LOOK = 0.2  # seconds between looks at a service's job
Collection = typer.Argument(..., metavar="C", help="Name of the collection.")
Name = typer.Argument(..., metavar="TRIAL", help="Name of the trial.")


@app.command(
    "start",
    help="Begin a trial of two ways to search: weights of descriptions, or another collection with the same ids.\n\n"
    "Searches that name the trial, with a key of the visitor, take part; clicks are logged through the API.\n\n"
    "Example: `lookalike trial start shop warmer --b meaning=0.6,color=0.4`\n\n"
    "`lookalike trial start shop larger --b @shop-large --method interleave --goal conversion`",
)
def start(
    collection: str = Collection,
    name: str = Name,
    b: str = typer.Option(..., "--b", metavar="VARIANT", help=f"What is tried: {_VARIANT}."),
    a: str = typer.Option("", "--a", metavar="VARIANT", help="What it is held against. [default: as it is]"),
    method: str = typer.Option("split", "--method", help="split: each visitor sees one; interleave: all see both."),
    share: float = typer.Option(0.5, "--share", help="Share of visitors who get b."),
    effect: float = typer.Option(0.05, "--effect", help="The least difference worth finding: 0.05 is five points."),
    goal: str = typer.Option("click", "--goal", help="The event that counts: click, mark or conversion."),
    workspace: Path = WorkspaceOption,
) -> None:
    """Begin a trial."""
    from lookalike.catalog import Trial

    wanted = Trial(
        collection,
        name,
        method=cast("Method", method),
        a=_variant("--a", a),
        b=_variant("--b", b),
        share=share,
        effect=effect,
        goal=cast("Event", goal),
    )
    with opened(workspace) as space:
        space.trials.start(wanted)
    typer.echo(f"{name} runs. Search with trial={name!r} and a visitor, log clicks by the answer's impression.")


@app.command("list", help="List the trials of a collection.\n\nExample: `lookalike trial list shop --format json`")
def list_(collection: str = Collection, workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    """List the trials of a collection."""
    with catalog_of(workspace) as catalog:
        _check(catalog, collection)
        rows = [asdict(trial) for trial in catalog.trials.list(collection)]
    print_rows(rows, form, columns=["name", "method", "a", "b", "goal", "state", "promoted", "created"])


@app.command(
    "report",
    help="Show what a trial found so far; it may be looked at every day.\n\n"
    "Example: `lookalike trial report shop warmer --format json`",
)
def report(
    collection: str = Collection, name: str = Name, workspace: Path = WorkspaceOption, form: Format = FormatOption
) -> None:
    """Show what a trial found so far."""
    from lookalike.trials.report import report_of

    with catalog_of(workspace) as catalog:
        _check(catalog, collection)
        found = report_of(catalog.trials, catalog.trials.find(collection, name))
    if form is Format.json:
        print_json(asdict(found))
    elif form is Format.table:
        _print(found)
    else:
        print_rows([{**asdict(arm), "winner": found.winner, "verdict": found.verdict} for arm in found.arms], form)


@app.command(
    "promote",
    help="End a trial and make a variant's settings the collection's.\n\n"
    "A variant that is another collection is copied, here or by the service that holds the workspace.\n\n"
    "Example: `lookalike trial promote shop warmer b`",
)
def promote(
    collection: str = Collection,
    name: str = Name,
    variant: str = typer.Argument(..., metavar="a|b", help="Which one."),
    workspace: Path = WorkspaceOption,
) -> None:
    """End a trial and go by one of its variants."""
    from lookalike.trials import promoted_variant

    with catalog_of(workspace) as catalog:
        _check(catalog, collection)
        copying = promoted_variant(catalog.trials.find(collection, name), variant).collection is not None
    try:
        with opened(workspace) as space, progress_bar("copying", len(space.get(collection))) as advance:
            space.trials.promote(collection, name, variant, progress=advance)
    except WorkspaceLocked as held:
        if not copying:
            raise
        _wait_for_service(collection, name, variant, workspace, held)
    typer.echo(f"{collection} goes by {variant} of {name} from now on.")


def _wait_for_service(collection: str, name: str, variant: str, workspace: Path | None, held: WorkspaceLocked) -> None:
    """Have the service that holds the workspace promote, and wait until it did. Ends with 1 if it could not."""
    from lookalike.promoting import begin_promotion

    with catalog_of(workspace) as catalog:
        job = begin_promotion(catalog, collection, name, variant)
        if job is None:  # only an entry of the catalog changes, and the trial was changed meanwhile
            raise held
        note(f"The workspace is in use by {held.holder}: if that is a service, it does the job {job.id} now.")
        while job.state == "queued":
            time.sleep(_LOOK)
            job = catalog.jobs.find(job.id)
        with progress_bar("copying", job.total) as advance:
            advance(job.done)
            while not job.is_over:
                time.sleep(_LOOK)
                before, job = job.done, catalog.jobs.find(job.id)
                advance(job.done - before)
    if job.state != "done":
        note(f"lookalike: the job {job.id} is {job.state}. {job.error}".rstrip())
        raise typer.Exit(1)


@app.command("drop", help="End a trial and change nothing.\n\nExample: `lookalike trial drop shop warmer`")
def drop(collection: str = Collection, name: str = Name, workspace: Path = WorkspaceOption) -> None:
    """End a trial and change nothing."""
    with catalog_of(workspace) as catalog:
        _check(catalog, collection)
        catalog.trials.end(catalog.trials.find(collection, name), "dropped")
    typer.echo(f"{name} is over; {collection} is as it was. The figures stay until `lookalike trial forget`.")


@app.command("forget", help="Delete a trial with all that was logged.\n\nExample: `lookalike trial forget shop warmer`")
def forget(collection: str = Collection, name: str = Name, workspace: Path = WorkspaceOption) -> None:
    """Delete a trial with all that was logged."""
    with catalog_of(workspace) as catalog:
        catalog.trials.forget(collection, name)
    typer.echo(f"{name} is forgotten.")


def _check(catalog: Catalog, collection: str) -> None:
    if catalog.collections.find(collection) is None:
        raise CollectionNotFound(collection, [info.name for info in catalog.collections.list()])


def _variant(option: str, text: str) -> dict[str, Any]:
    """Read a variant as `--a` and `--b` take it. Raises InvalidArgument."""
    if text.lstrip().startswith("{"):
        try:
            return cast(dict[str, Any], json.loads(text))
        except ValueError:
            raise InvalidArgument(option, text, f"like {_VARIANT}") from None
    other, _, how = text[1:].partition(":") if text.startswith("@") else ("", "", text)
    found: dict[str, Any] = {"collection": other} if other else {}
    if "=" not in how:
        return found | ({"by": how} if how else {})
    pairs = [part.partition("=") for part in how.split(",")]
    try:
        return found | {"weights": {name.strip(): float(weight) for name, _, weight in pairs}}
    except ValueError:
        raise InvalidArgument(option, text, f"like {_VARIANT}") from None


def _print(found: Report) -> None:
    trial = found.trial
    typer.echo(f"{trial.name} on {trial.collection}: {trial.method}, {trial.state}, since {trial.created[:10]}")
    typer.echo(f"\n{found.verdict}\n")
    print_rows([_row(arm, trial.goal) for arm in found.arms], Format.table)
    if found.preference is not None:
        told = found.preference
        typer.echo(f"\n{told.prefer_a:,} visitors took more of a, {told.prefer_b:,} of b, {told.alike:,} alike.")
        typer.echo(f"Of those who prefer one, b: {_percents(told.share)} (one look); sign test p = {told.p:.3g}")
        typer.echo(f"The same, always valid: {_percents(found.always_valid)}")
    elif found.difference is not None:
        typer.echo(f"\nb less a: {_percents(found.difference)} (one look)")
        typer.echo(f"b less a, always valid: {_percents(found.always_valid)}")
    for warning in found.warnings:
        note(f"Beware: {warning}")
    typer.echo(f"\n{found.note}")


def _row(arm: Arm, goal: str) -> dict[str, str]:
    row = {
        "": arm.variant,
        "searches by": arm.searches_by,
        "answers": f"{arm.impressions:,}",
        "visitors": f"{arm.visitors:,}",
        f"with a {goal}": f"{arm.reached:,}",
    }
    return row | ({"share": _percents(arm.rate)} if arm.rate is not None else {})


def _percents(figure: Any) -> str:
    return f"{figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]"
