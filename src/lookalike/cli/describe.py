"""`lookalike describe FILES...`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.common import settings_for
from lookalike.cli.output import Format, FormatOption, note, print_rows, progress_bar
from lookalike.errors import ImageError, InvalidArgument

if TYPE_CHECKING:
    from lookalike.describers import Description

_HELP = """Print what pictures look like in numbers and words: vectors, hashes, colors, labels.

Vectors are left out of the table. Files that can't be read are listed on stderr; exit code 2 if none could.

Example: `lookalike describe *.jpg --format jsonl > descriptions.jsonl`,
or `lookalike describe *.jpg --output vectors.npz`
"""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("describe", help=_HELP)(_describe)


def _describe(
    files: list[Path] = typer.Argument(..., metavar="FILES...", help="Pictures."),
    labels: int = typer.Option(5, "--labels", min=0, max=100, help="How many labels per picture."),
    output: Path = typer.Option(None, "--output", "-o", help="Write arrays to this .npz file instead of printing."),
    form: Format = FormatOption,
) -> None:
    from lookalike.describers import describe_each

    if output is not None and output.suffix != ".npz":
        raise InvalidArgument("--output", str(output), "a file ending in .npz")
    found: list[tuple[Path, Description]] = []
    with progress_bar("describing", len(files)) as advance:
        for path, entry in zip(files, describe_each(files, settings=settings_for(None), labels=labels), strict=True):
            advance(1)
            if isinstance(entry, ImageError):
                note(f"lookalike: {entry}")
            else:
                found.append((path, entry))
    if not found:
        raise typer.Exit(2)
    if output is not None:
        _write_npz(output, found)
        return
    rows = [_row(path, entry, vectors=form is not Format.table) for path, entry in found]
    print_rows(rows, form, columns=("file", "size", "labels", "colors", "phash"))


def _row(path: Path, entry: Description, *, vectors: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "file": str(path),
        "size": f"{entry.image.width}x{entry.image.height}",
        "sha256": entry.image.sha256,
        **entry.hashes,
    }
    if not vectors:
        row["labels"] = ", ".join(f"{label.name.split(',')[0]} {label.probability:.0%}" for label in entry.labels)
        shares: dict[str, float] = {}
        for color in entry.colors:
            shares[color.name] = shares.get(color.name, 0.0) + color.share
        row["colors"] = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        return row
    row["labels"] = [{"name": label.name, "probability": label.probability} for label in entry.labels]
    row["colors"] = [{"hex": color.hex, "name": color.name, "share": color.share} for color in entry.colors]
    row["vectors"] = {name: [round(float(x), 7) for x in values] for name, values in entry.vectors.items()}
    return row


def _write_npz(output: Path, found: list[tuple[Path, Description]]) -> None:
    import numpy as np
    from numpy.typing import NDArray

    arrays: dict[str, NDArray[Any]] = {"files": np.array([str(path) for path, _ in found])}
    for name in found[0][1].vectors:
        arrays[name] = np.stack([entry.vectors[name] for _, entry in found])
    np.savez(output, allow_pickle=False, **arrays)
    note(f"{len(found)} pictures written to {output}")
