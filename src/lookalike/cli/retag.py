"""`lookalike collection retag NAME`."""

from __future__ import annotations

from pathlib import Path

import typer

from lookalike.cli.common import WorkspaceOption, opened, read_filter
from lookalike.cli.output import Format, FormatOption, note, print_json, progress_bar

_HELP = """Ask the collection's taggers about records that are there already.

They read the vectors that are stored: no picture is read, and nothing is described anew. What people wrote stays; what
taggers and `auto_tags` gave before, and nobody changed since, is replaced.

Example: `lookalike collection configure estates --set 'taggers=["./room"]'`, then `lookalike collection retag estates`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retag", help=_HELP)(_retag)


def _retag(
    name: str = typer.Argument(..., metavar="NAME", help="The collection."),
    where: str = typer.Option(None, "--filter", help="Only records that match: MongoDB-like, as JSON."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    condition = read_filter(where)
    with opened(workspace) as space:
        collection = space.get(name)
        if not collection.settings.taggers and not collection.settings.auto_tags:
            note(f"{name} has neither taggers nor auto_tags; set them with `lookalike collection configure`.")
        with progress_bar("tagging", collection.count(condition)) as advance:
            done = collection.retag(where=condition, progress=advance)
    if form is not Format.table:
        print_json({"collection": name, "updated": len(done.updated), "skipped": len(done.skipped)})
        return
    typer.echo(f"{name}: {len(done.updated):,} records changed, {len(done.skipped):,} stay as they were.")
