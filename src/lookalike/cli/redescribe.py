"""`lookalike collection redescribe NAME --model M [--anyway]`, `--rollback`, `--finish`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.output import Format, FormatOption, note, print_json, progress_bar
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.records import Redescribed

_HELP = """Describe every record by another model, beside the old descriptions, and then answer by the new ones.

The pictures are read again from where they came: files and URLs. Those that can't be had are listed, and the change
waits for them; run it again to go on, or with --anyway to change without them. Interrupted, run it again.
Afterwards --rollback goes back to the old descriptions, and --finish deletes them. Exit code 1: not changed over.

Example: `lookalike collection redescribe holidays --model dinov2-small`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("redescribe", help=_HELP)(_redescribe)


def _redescribe(
    name: str = typer.Argument(..., help="The collection."),
    model: str = typer.Option(None, "--model", "-m", help="The model to change to, as in `lookalike models list`."),
    rollback: bool = typer.Option(False, "--rollback", help="Give the change up, or go back after it."),
    finish: bool = typer.Option(False, "--finish", help="Delete the old descriptions after the change."),
    anyway: bool = typer.Option(False, "--anyway", help="Change over although some records can't be described."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    if sum((model is not None, rollback, finish)) != 1:
        raise InvalidArgument("redescribe", "none or several", "given one of --model, --rollback and --finish")
    with opened(workspace) as space:
        collection = space.get(name)
        if finish:
            collection.finish()
            typer.echo(f"{name}: the old descriptions are deleted.")
            return
        done = collection.rollback(anyway=anyway) if rollback else _followed(collection, model, anyway)
        answering = collection.info.model
    _report(name, answering, done, form)
    if not done.cut_over:
        raise typer.Exit(1)


def _followed(collection: Collection, model: str, anyway: bool) -> Redescribed:
    """Begin the change and wait for it, with a bar."""
    change = collection.redescribe(model, anyway=anyway)
    shown = 0
    try:
        with progress_bar("describing", len(collection)) as advance:
            while change.running:
                change.wait(0.2)
                advance(max(0, change.progress.done - shown))
                shown = max(shown, change.progress.done)
        return change.wait()
    except KeyboardInterrupt:
        change.cancel()
        raise


def _report(name: str, answering: str, done: Redescribed, form: Format) -> None:
    failed: list[dict[str, Any]] = [
        {"_id": failure.source, "code": failure.code, "reason": failure.reason} for failure in done.failed
    ]
    if form is not Format.table:
        print_json(
            {
                "collection": name,
                "model": answering,
                "described": done.described,
                "changed": done.cut_over,
                "failed": failed,
            }
        )
        return
    for entry in failed:
        note(f"not described: {entry['_id']}: {entry['reason']}")
    typer.echo(
        f"{name}: {done.described:,} pictures described, {len(failed):,} could not be. It answers by {answering}."
    )
    if not done.cut_over:
        note("Run it again when their pictures can be had, or with --anyway to change without them.")
