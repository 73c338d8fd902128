"""`lookalike workspace move|info`, `lookalike backup`, `lookalike restore`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, records_in
from lookalike.cli.output import Format, FormatOption, counted, print_json, print_rows, progress_bar
from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.snapshots import Snapshot
    from lookalike.workspace import Workspace

app = typer.Typer(
    help="Look at a workspace, and move it elsewhere.\n\nExample: `lookalike workspace info`", no_args_is_help=True
)

ForceOption = typer.Option(False, "--force", help="Replace what is there.")

_BACKUP = """Save every collection with its records, vectors and settings; pictures are not in it.

Search and writing go on meanwhile; writers wait for a moment at the end. For a workspace that a service holds, stop
the service or call `lookalike.snapshots.backup` in it.

Example: `lookalike backup ~/holidays-2026.zip`
"""

_RESTORE = """Bring back the collections of a backup, verified first; the others stay as they are.

Example: `lookalike restore ~/holidays-2026.zip --force`
"""

_MOVE = """Copy every collection from one workspace to another and verify it: a folder, or qdrant://HOST:6333/PREFIX.

Interrupted, run it again. The first workspace stays as it is; delete it when you are content.

Example: `lookalike workspace move ~/shop qdrant://localhost:6333/shop --to-catalog postgresql://host/lookalike`
"""


def install(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="workspace")
    root.command("backup", help=_BACKUP)(_backup)
    root.command("restore", help=_RESTORE)(_restore)


@app.command("info", help="Say where a workspace is and what is in it.\n\nExample: `lookalike workspace info`")
def _info(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    with opened(workspace) as space:
        rows = _collections(space)
        about = {"workspace": space.address, "catalog": space.catalog.place, "collections": rows}
    if form is not Format.table:
        print_json(about)
        return
    typer.echo(f"{about['workspace']}, catalog {about['catalog']}")
    print_rows(rows, form)


@app.command("move", help=_MOVE)
def _move(
    source: str = typer.Argument(..., metavar="FROM", help="The workspace to copy."),
    target: str = typer.Argument(..., metavar="TO", help="Where it goes; a folder is made if it is missing."),
    from_catalog: str = typer.Option(None, "--from-catalog", help="Catalog of FROM, if not in its folder."),
    to_catalog: str = typer.Option(None, "--to-catalog", help="Catalog of TO, if not in its folder."),
    form: Format = FormatOption,
) -> None:
    from lookalike.moving import move
    from lookalike.workspace import Workspace

    settings = Settings.load()
    with (
        Workspace(source, replace(settings, catalog=from_catalog or ""), create=False) as first,
        Workspace(target, replace(settings, catalog=to_catalog or "")) as second,
        progress_bar("moving", _records(first)) as advance,
    ):
        moved = move(first, second, progress=lambda name, count: advance(count))
    rows: list[dict[str, Any]] = [
        {"name": one.name, "records": one.records, "written": one.written, "searches_compared": one.questions}
        for one in moved
    ]
    print_rows(rows, form)
    if form is Format.table:
        typer.echo(f"{target} has all of it, verified to the last bit. {source} is as it was; delete it when you like.")


def _backup(
    target: Path = typer.Argument(..., metavar="FILE_OR_DIR", help="A file ending in .zip, or a folder to be made."),
    force: bool = ForceOption,
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.snapshots import backup

    with opened(workspace) as space, progress_bar("saving", _records(space)) as advance:
        saved = backup(space, target.expanduser(), force=force, progress=lambda name, count: advance(count))
    _say("Saved", saved, form)


def _restore(
    source: Path = typer.Argument(..., metavar="FILE_OR_DIR", help="What `lookalike backup` wrote."),
    force: bool = ForceOption,
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.snapshots import read_manifest, restore

    path = source.expanduser()
    total = sum(entry["records"] for entry in read_manifest(path)["collections"])
    with opened(workspace, create=True) as space, progress_bar("restoring", total) as advance:
        saved = restore(space, path, force=force, progress=lambda name, count: advance(count))
    _say("Restored", saved, form)


def _say(done: str, saved: Snapshot, form: Format) -> None:
    if form is not Format.table:
        print_json({"path": str(saved.path), "created": saved.created, "records": dict(saved.records)})
        return
    records, collections = counted(sum(saved.records.values()), "record"), counted(len(saved.records), "collection")
    typer.echo(f"{done} {records} of {collections}: {saved.path} of {saved.created}.")


def _records(space: Workspace) -> int:
    return sum(records_in(space, info.name) or 0 for info in space.list())


def _collections(space: Workspace) -> list[dict[str, Any]]:
    return [
        {
            "name": info.name,
            "kind": info.kind,
            "records": records_in(space, info.name),
            "model": info.model,
            "store": info.place,
            "beside": f"{info.beside['role']}: {info.beside['model']}" if info.beside else None,
        }
        for info in space.list()
    ]
