"""`lookalike collection create|configure|kinds|list|show|delete`, and the commands of `records`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from lookalike.cli import records
from lookalike.cli.common import WorkspaceOption, opened, read_filter, records_in
from lookalike.cli.output import Format, FormatOption, counted, print_json, print_rows
from lookalike.errors import InvalidArgument
from lookalike.kinds import KINDS
from lookalike.removed import KEPT_DAYS

app = typer.Typer(
    help="Make, set up, list, look into and delete collections.\n\nExample: `lookalike collection list`",
    no_args_is_help=True,
)
records.install(app)

SettingOption = typer.Option(
    [], "--set", metavar="NAME=VALUE", help="Another setting; lists and mappings as JSON. Repeat it for several."
)


@app.command(
    "create",
    help="Make an empty collection.\n\nExample: `lookalike collection create shop --kind products --product-id sku`",
)
def create(
    name: str = typer.Argument(..., help="Letters, digits, '.', '_' and '-'."),
    kind: str = typer.Option("photos", "--kind", help="One of `lookalike collection kinds`."),
    product_id: str = typer.Option(None, "--product-id", help="The field that names a record's product."),
    model: str = typer.Option(None, "--model", help="What describes it. [default: LOOKALIKE_MODEL]"),
    settings: list[str] = SettingOption,
    workspace: Path = WorkspaceOption,
) -> None:
    """Make an empty collection."""
    given = _read_settings(settings) | ({"product_id": product_id} if product_id else {})
    with opened(workspace, create=True) as space:
        space.create(name, kind=kind, model=model, **given)
    typer.echo(f"{name} is ready. Fill it with `lookalike index DIR --collection {name}`.")


@app.command(
    "configure",
    help="Change settings of a collection and print all of them.\n\n"
    "Example: `lookalike collection configure shop --set index='[\"brand\"]' --set ignore_case=true`",
)
def configure(
    name: str = typer.Argument(..., help="The collection."),
    settings: list[str] = SettingOption,
    workspace: Path = WorkspaceOption,
) -> None:
    """Change settings of a collection and print all of them."""
    changes = _read_settings(settings)
    with opened(workspace) as space:
        collection = space.configure(name, **changes) if changes else space.get(name)
        print_json(collection.settings.as_json())


@app.command("kinds", help="Say what kinds of collection there are.\n\nExample: `lookalike collection kinds`")
def kinds(form: Format = FormatOption) -> None:
    """Say what kinds of collection there are."""
    rows = [{"kind": name, "choose": card.choose, **card.settings.as_json()} for name, card in KINDS.items()]
    print_rows(rows, form, columns=("kind", "choose"))


@app.command("list", help="List the collections.\n\nExample: `lookalike collection list --format json`")
def list_(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    """List the collections."""
    with opened(workspace) as space:
        rows = [
            {
                "name": info.name,
                "kind": info.kind,
                "records": records_in(space, info.name),
                "model": info.model,
                "created": info.created,
            }
            for info in space.list()
        ]
    print_rows(rows, form)


@app.command("show", help="Show records.\n\nExample: `lookalike collection show holidays --limit 20 --format jsonl`")
def show(
    name: str = typer.Argument(..., help="The collection."),
    limit: int = typer.Option(20, "--limit", min=1, max=10_000, help="At most so many."),
    after: str = typer.Option(None, "--after", help="Go on where an earlier listing said."),
    where: str = typer.Option(None, "--filter", help="MongoDB-like filter, as JSON."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    """Show records."""
    with opened(workspace) as space:
        collection = space.get(name)
        page = collection.scroll(where=read_filter(where), after=after, limit=limit)
        total = collection.count(read_filter(where))
    rows: list[dict[str, Any]] = [{"_id": record.id, **record.fields} for record in page.records]
    print_rows(rows, form, columns=("_id", "_width", "_height", "_format"))
    if form is Format.table:
        more = f" Go on with --after {page.next!r}." if page.next else ""
        typer.echo(f"{len(rows):,} of {total:,} records.{more}")


@app.command(
    "delete",
    help="Delete a collection, or the records a filter matches; pictures stay.\n\n"
    "Example: `lookalike collection delete old --yes`",
)
def delete(
    name: str = typer.Argument(..., help="The collection."),
    where: str = typer.Option(None, "--filter", help="Delete only the records it matches."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Don't ask."),
    workspace: Path = WorkspaceOption,
) -> None:
    """Delete a collection or some of its records."""
    condition = read_filter(where)
    with opened(workspace) as space:
        if condition is None:
            count = records_in(space, name)
            what = f"{name} and its {'records' if count is None else counted(count, 'record')}"
        else:
            what = f"{counted(space.get(name).count(condition), 'record')} of {name}"
        if not yes:
            typer.confirm(f"Delete {what}? The pictures stay on disk.", abort=True)
        if condition is None:
            space.drop(name)
        else:
            space.get(name).remove(where=condition)
            what += f"; `lookalike collection removed {name}` brings them back for {KEPT_DAYS} days"
    typer.echo(f"Deleted {what}.")


@app.command(
    "removed",
    help="What was deleted and can be brought back for 30 days.\n\n"
    "Example: `lookalike collection removed shop --bring-back 20260301T120000123456-0f3a`",
)
def removed(
    name: str = typer.Argument(..., help="The collection."),
    back: str = typer.Option(None, "--bring-back", metavar="ID", help="Insert these records again."),
    forget: str = typer.Option(None, "--forget", metavar="ID", help="Delete these for good."),
    form: Format = FormatOption,
    workspace: Path = WorkspaceOption,
) -> None:
    """List what was removed from a collection, or bring it back."""
    with opened(workspace) as space:
        collection = space.get(name)
        if forget:
            gone = sum(one.records for one in collection.removals() if one.id == forget)
            collection.forget(forget)
            typer.echo(f"{counted(gone, 'record')} of {forget} forgotten for good", err=True)
        if back:
            added = collection.bring_back(back)
            counts = (("brought back", added.inserted), ("there already", added.skipped), ("failed", added.failed))
            typer.echo(", ".join(f"{len(ids):,} {what}" for what, ids in counts if ids), err=True)
        rows = [asdict(one) for one in collection.removals()]
    print_rows(rows, form, columns=("id", "at", "records", "ids"))


def _read_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs, values as JSON or else as text. Raises InvalidArgument for something else."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InvalidArgument("--set", pair, "like product_id=sku")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found
