"""`lookalike index DIR --collection C`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.output import Format, FormatOption, note, print_json, progress_bar
from lookalike.errors import CollectionNotFound

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.folders.scan import Scan
    from lookalike.records import Added
    from lookalike.workspace import Workspace

_HELP = """Describe the pictures of a folder and keep them in a collection, made if it is missing.

Run it again at any time: only new and changed files are described. Files that can't be read are listed with
their reasons and don't stop the others.

Example: `lookalike index ~/Pictures --collection holidays`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("index", help=_HELP)(_index)


def _index(
    folder: Path = typer.Argument(..., metavar="DIR", help="Folder; everything below it counts."),
    collection: str = typer.Option(..., "--collection", "-C", "-c", help="Name of the collection."),
    kind: str = typer.Option("photos", "--kind", help="photos, products, matching, colors or custom (if new)."),
    workspace: Path = WorkspaceOption,
    threads: int = typer.Option(None, "--threads", "-T", min=1, help="Default: one per core."),
    form: Format = FormatOption,
) -> None:
    from lookalike.folders.scan import scan

    found = scan(folder)
    with opened(workspace, create=True, threads=threads) as space:
        target = _get_or_create(space, collection, kind)
        records = _records(found, target)
        with progress_bar("indexing", len(found.pictures)) as advance:
            added = target.add(records, progress=advance)
        target.optimize()
        total = len(target)
    _report(found, added, total, collection, form)


def _get_or_create(space: Workspace, name: str, kind: str) -> Collection:
    try:
        return space.get(name)
    except CollectionNotFound:
        return space.create(name, kind=kind)


def _records(found: Scan, target: Collection) -> list[dict[str, Any]]:
    """Name each picture by its path below the folder; by its whole path where another folder took that name."""
    names = [found.name(path) for path in found.pictures]
    known = target.get(names)
    records = []
    for path, name, record in zip(found.pictures, names, known, strict=True):
        elsewhere = record is not None and record.fields.get("_file") not in (None, str(path))
        taken = elsewhere and record is not None and Path(record.fields["_file"]).exists()
        records.append({"_id": str(path) if taken else name, "_file": str(path)})
    return records


def _report(found: Scan, added: Added, total: int, collection: str, form: Format) -> None:
    unreadable = [{"path": failure.source, "code": failure.code, "reason": failure.reason} for failure in added.failed]
    unreadable += [{"path": path, "code": "folder_error", "reason": why} for path, why in found.unreadable.items()]
    summary = {
        "collection": collection,
        "inserted": len(added.inserted),
        "updated": len(added.updated),
        "unchanged": len(added.skipped),
        "unreadable": unreadable,
        "not_pictures": len(found.others),
        "records": total,
    }
    if form is not Format.table:
        print_json(summary)
        return
    for entry in unreadable:
        note(f"not indexed: {entry['path']}: {entry['reason']}")
    typer.echo(
        f"{collection}: {len(added.inserted):,} new, {len(added.updated):,} updated, {len(added.skipped):,} unchanged, "
        f"{len(unreadable):,} could not be read, {len(found.others):,} other files ignored. "
        f"{total:,} records in all."
    )
