"""`lookalike group DIR`."""

from __future__ import annotations

from pathlib import Path

import typer

from lookalike.cli.output import Format, FormatOption, counted, note, print_json, print_rows, progress_bar
from lookalike.cli.planned import on_a_line

_HELP = """Divide the pictures of a folder into groups that look alike.

Alike is transitive: if A is like B and B like C, all three are one group. With --output, each group becomes a
folder 0, 1, ... of byte-for-byte copies; the pictures themselves are not touched. By meaning, each group is named by
what its pictures show. JSON is one object, JSON lines have a group a line, CSV and Parquet a picture a row.

Example: `lookalike group photos --grade 0.95 --method ssim --output grouped`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("group", help=_HELP)(_group)


def _group(
    folder: Path = typer.Argument(..., metavar="DIR", help="Folder; everything below it counts."),
    grade: float = typer.Option(0.95, "--grade", "-g", help="Similarity from which two are alike, 0 to 1."),
    method: str = typer.Option("ssim", "--method", "-m", help="ssim, copy or meaning."),
    output: Path = typer.Option(None, "--output", "-o", help="Copy the groups into folders below this one."),
    form: Format = FormatOption,
) -> None:
    from lookalike.folders.copies import check_output, copy_groups
    from lookalike.folders.group import group_folder

    if output is not None:
        check_output(folder, output)
    with progress_bar("reading", None) as advance:
        found = group_folder(folder, grade=grade, method=method, leave_out=output, progress=advance)
    if output is not None:
        copy_groups(found, output)
    for path, reason in found.unused.items():
        note(on_a_line(f"not grouped: {path}: {reason}"))
    groups = [[str(path) for path in group] for group in found.groups]
    named = [{"name": name} for name in found.names] or [{}] * len(groups)
    if form is Format.json:
        told = {
            kind: [{"path": path, "reason": reason} for path, reason in paths.items()]
            for kind, paths in (("unreadable", found.unreadable), ("unused", found.unused))
        }
        print_json({"groups": groups, **told, **({"names": found.names} if found.names else {})})
    elif form is Format.jsonl:
        print_rows([{"group": i, **named[i], "paths": group} for i, group in enumerate(groups)], form)
    elif form is not Format.table:
        print_rows([{"group": i, **named[i], "path": path} for i, group in enumerate(groups) for path in group], form)
    else:
        print_rows(
            [
                {"group": str(i), **named[i], "pictures": str(len(group)), "first": on_a_line(group[0])}
                for i, group in enumerate(groups)
            ],
            form,
        )
        where = f", copied to {output}" if output else ""
        typer.echo(f"{counted(sum(map(len, groups)), 'picture')} in {counted(len(groups), 'group')}{where}.")
