"""`lookalike collection create|list|show|delete`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, read_filter
from lookalike.cli.output import Format, FormatOption, print_rows

app = typer.Typer(help="Make, list, look into and delete collections.", no_args_is_help=True)


@app.command(
    "create",
    help="Make an empty collection.\n\nExample: `lookalike collection create shop --kind products --product-id sku`",
)
def create(
    name: str = typer.Argument(..., help="Letters, digits, '.', '_' and '-'."),
    kind: str = typer.Option("photos", "--kind", help="photos, products, matching, colors or custom."),
    product_id: str = typer.Option(None, "--product-id", help="The field that names a record's product."),
    workspace: Path = WorkspaceOption,
) -> None:
    """Make an empty collection."""
    with opened(workspace, create=True) as space:
        space.create(name, kind=kind, product_id=product_id)
    typer.echo(f"{name} is ready. Fill it with `lookalike index DIR --collection {name}`.")


@app.command("list", help="List the collections.\n\nExample: `lookalike collection list --format json`")
def list_(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    """List the collections."""
    with opened(workspace) as space:
        rows = [
            {
                "name": info.name,
                "kind": info.kind,
                "records": len(space.get(info.name)),
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
        collection = space.get(name)
        count = collection.count(condition)
        what = f"{count:,} records of {name}" if condition is not None else f"{name} and its {count:,} records"
        if not yes:
            typer.confirm(f"Delete {what}? The pictures stay on disk.", abort=True)
        if condition is None:
            space.drop(name)
        else:
            collection.delete(where=condition)
    typer.echo(f"Deleted {what}.")
