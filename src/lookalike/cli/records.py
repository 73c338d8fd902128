"""`lookalike collection check|duplicates|import|export|erase`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, read_filter
from lookalike.cli.output import Format, FormatOption, counted, note, print_json, print_rows, progress_bar
from lookalike.errors import ImageError, InvalidArgument

if TYPE_CHECKING:
    from lookalike.collection import Collection

__all__ = ["install"]

NameArgument = typer.Argument(..., metavar="NAME", help="The collection.")
FilterOption = typer.Option(None, "--filter", help="MongoDB-like filter, as JSON.")


def install(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command, text in _COMMANDS:
        app.command(name, help=text)(command)


def _check(
    name: str = NameArgument,
    files: list[str] = typer.Argument(..., metavar="FILES...", help="Pictures: files or URLs."),
    k: int = typer.Option(10, "-k", min=1, max=100, help="Records per picture at most."),
    where: str = FilterOption,
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    """Exit code 0: none of them is there; 1: some are; 2: some can't be read."""
    condition = read_filter(where)
    rows: list[dict[str, Any]] = []
    unreadable = False
    with opened(workspace) as space:
        collection = space.get(name)
        for file in files:
            try:
                found = collection.check(file, k=k, where=condition)
            except ImageError as error:
                note(f"not checked: {error}")
                unreadable = True
                continue
            rows += [
                {"file": file, "_id": one.id, "verdict": one.verdict, "probability": one.probability} for one in found
            ]
    print_rows(rows, form, columns=("file", "_id", "verdict", "probability"))
    if form is Format.table and not rows:
        typer.echo("None of them is there.")
    there = any(row["verdict"] in ("identical", "edited-copy") for row in rows)
    raise typer.Exit(2 if unreadable else 1 if there else 0)


def _duplicates(
    name: str = NameArgument,
    probability: float = typer.Option(
        None, "--probability", "-p", help="From which two count; 1: equal bytes only. [default: the collection's, 0.5]"
    ),
    linkage: str = typer.Option("average", "--linkage", help="average, or transitive: every chain is one group."),
    where: str = FilterOption,
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    with opened(workspace) as space:
        collection = space.get(name)
        decided = space.catalog.decisions.list(name, verdict="different")
        apart = [(a, b) for one in decided for a in one.members for b in one.members if a < b]
        with progress_bar("comparing", len(collection)) as advance:
            groups = collection.duplicates(
                where=read_filter(where),
                probability=probability,
                linkage=linkage,  # type: ignore[arg-type]  # checked there
                apart=apart,
                progress=advance,
            )
    told: list[dict[str, Any]] = [
        {"members": list(one.members), "pairs": [asdict(pair) for pair in one.pairs]} for one in groups
    ]
    if form is Format.json:
        print_json({"groups": told})
    elif form is Format.jsonl:
        print_rows(told, form)
    else:
        rows = [{"group": n, "_id": member} for n, one in enumerate(told, 1) for member in one["members"]]
        print_rows(rows, form)
    if form is Format.table:
        typer.echo(
            f"{len(groups):,} groups, {sum(len(one.members) - 1 for one in groups):,} records more than pictures."
        )


def _import(
    name: str = NameArgument,
    file: Path = typer.Argument(..., metavar="FILE", help=".jsonl, .json, .csv (each also .gz) or .parquet."),
    columns: list[str] = typer.Option([], "--column", metavar="COLUMN=FIELD", help="Rename; COLUMN= leaves it out."),
    batch: str = typer.Option(None, "--batch", help="Keep this name with each record, as _batch."),
    existing: str = typer.Option("merge", "--existing", help="merge, replace, skip or refuse records that are there."),
    kind: str = typer.Option("photos", "--kind", help="Kind of the collection, if it is made now."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.transfer import ImportRules

    rules = ImportRules(columns=_read_columns(columns), batch=batch, existing=existing)  # type: ignore[arg-type]
    with opened(workspace, create=True) as space:
        known = {info.name for info in space.list()}
        collection = space.get(name) if name in known else space.create(name, kind=kind)
        with progress_bar("importing", None) as advance:
            done = collection.import_file(file, rules=rules, progress=advance)
        collection.optimize()
    if form is not Format.table:
        print_json(asdict(done))
    else:
        for failure in done.failures:
            note(f"not imported: {failure.source}: {failure.reason}")
        there = f"{done.updated:,} updated, {done.skipped:,} unchanged"
        typer.echo(f"{name}: {done.inserted:,} new, {there}, {done.failed:,} failed.")
    raise typer.Exit(1 if done.failed else 0)


def _export(
    name: str = NameArgument,
    file: Path = typer.Argument(..., metavar="FILE", help=".jsonl, .json, .csv (each also .gz) or .parquet."),
    vectors: bool = typer.Option(False, "--vectors", help="With all vectors, to be imported to the last bit."),
    where: str = FilterOption,
    workspace: Path = WorkspaceOption,
) -> None:
    condition = read_filter(where)
    with opened(workspace) as space:
        collection: Collection = space.get(name)
        with progress_bar("exporting", collection.count(condition)) as advance:
            try:
                count = collection.export_file(file, where=condition, vectors=vectors, progress=advance)
            except OSError as error:
                raise InvalidArgument("the file", str(file), f"one that can be written ({error.strerror})") from None
    typer.echo(f"{counted(count, 'record')} written to {file}.")


def _erase(
    name: str = NameArgument,
    ids: list[str] = typer.Argument(None, metavar="[IDS]...", help="Records to erase."),
    where: str = typer.Option(None, "--filter", help="Erase the records it matches."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Don't ask."),
    workspace: Path = WorkspaceOption,
) -> None:
    condition = read_filter(where)
    if bool(ids) == (condition is not None):
        raise InvalidArgument("collection erase", "both or neither", "given either ids or --filter")
    with opened(workspace) as space:
        count = len(ids) if ids else space.get(name).count(condition)
        if not yes:
            typer.confirm(f"Erase {count:,} records of {name} for good?", abort=True)
        receipt = space.erase(name, ids or None, where=condition)
    print_json(asdict(receipt))
    raise typer.Exit(1 if receipt.found else 0)


def _read_columns(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise InvalidArgument("--column", pair, "like sku=_id")
    return dict(pair.split("=", 1) for pair in pairs)


_COMMANDS = (
    (
        "check",
        _check,
        "Say whether pictures are in a collection already, as they are, edited, or in another shot.\n\n"
        "Exit code: 0 none is, 1 some are, 2 some can't be read.\n\n"
        "Example: `lookalike collection check shop new/*.jpg`",
    ),
    (
        "duplicates",
        _duplicates,
        "List the records that show one picture, as groups. Pairs decided to be different are left apart.\n\n"
        "Example: `lookalike collection duplicates shop --format json`",
    ),
    (
        "import",
        _import,
        "Import records from JSON lines, a JSON array, CSV or Parquet. Again, it goes on where it was.\n\n"
        "Lines that can't be taken are listed (exit code 1) and the others go on. `_file` paths begin at the file's "
        "folder.\n\nExample: `lookalike collection import shop feed.csv --column sku=_id --column image=_url`",
    ),
    (
        "export",
        _export,
        "Write records into JSON lines, a JSON array, CSV or Parquet.\n\n"
        "Example: `lookalike collection export shop shop.jsonl.gz --vectors`",
    ),
    (
        "erase",
        _erase,
        "Erase records for good, write the store anew without them, and print a receipt.\n\n"
        "Example: `lookalike collection erase shop 1_1 1_2 --yes > receipt.json`",
    ),
)
