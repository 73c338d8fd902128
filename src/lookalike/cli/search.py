"""`lookalike search C (IMAGE | --id ID)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from lookalike.cli.common import WorkspaceOption, opened, read_filter
from lookalike.cli.output import Format, FormatOption, print_rows
from lookalike.errors import InvalidArgument

_HELP = """Find the pictures of a collection that look most like one, best first.

Example: `lookalike search holidays beach.jpg -k 5`, or `lookalike search holidays --id 2024/beach.jpg
--filter '{"category": "sea"}' --format json`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search", help=_HELP)(_search)


def _search(
    collection: str = typer.Argument(..., metavar="C", help="Name of the collection."),
    image: str = typer.Argument(None, metavar="IMAGE", help="A picture: file, data URI or base64."),
    id_: str = typer.Option(None, "--id", help="Search by a record of the collection instead."),
    k: int = typer.Option(10, "-k", "--top", help="How many."),
    by: str = typer.Option(None, "--by", help="meaning, copy or color. [default: by the collection's kind]"),
    where: str = typer.Option(None, "--filter", help="MongoDB-like filter, as JSON."),
    min_score: float = typer.Option(None, "--min-score", help="Leave out matches below this score, 0 to 1."),
    group_by: str = typer.Option(None, "--group-by", help="At most one match per value of this field."),
    exact: bool = typer.Option(False, "--exact", help="No approximation."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    if (image is None) == (id_ is None):
        raise InvalidArgument("search", "both or neither", "given either IMAGE or --id")
    condition = read_filter(where)
    with opened(workspace) as space:
        matches = space.get(collection).search(
            image=image, id=id_, by=by, k=k, where=condition, min_score=min_score, group_by=group_by, exact=exact
        )
    rows: list[dict[str, Any]] = [{"_id": one.id, "score": one.score, **one.record.fields} for one in matches]
    shown = ["_id", "score", *(name for name in dict.fromkeys(n for row in rows for n in row) if name[0] != "_")]
    print_rows(rows, form, columns=list(dict.fromkeys(shown))[:8])
