"""`lookalike compare A B`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from lookalike.cli.output import Format, FormatOption, print_json, print_rows, truncated

_HELP = """Say whether two pictures look alike, and why.

Exit code 0: the same picture (identical, or an edited copy). 1: not. 2: error.

Example: `lookalike compare holiday.jpg holiday-small.jpg --format json`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", help=_HELP)(_compare)


def _compare(
    a: str = typer.Argument(..., metavar="A", help="A picture: file, URL, data URI or base64."),
    b: str = typer.Argument(..., metavar="B", help="The other picture."),
    method: str = typer.Option("auto", "--method", "-m", help="auto, copy, meaning, ssim or color."),
    form: Format = FormatOption,
) -> None:
    from lookalike.comparison import compare

    found = compare(a, b, method=method)  # type: ignore[arg-type]  # checked there, with a clear error
    if form is Format.table:
        typer.echo(f"{found.verdict}  score {truncated(found.score)}")
        typer.echo(f"same picture: probability {truncated(found.probability)} ({found.calibration})")
        for reason in found.reasons:
            typer.echo(f"  - {reason}")
    elif form is Format.json:
        print_json(asdict(found))
    else:
        print_rows([asdict(found)], form)
    raise typer.Exit(0 if found.verdict in ("identical", "edited-copy") else 1)
