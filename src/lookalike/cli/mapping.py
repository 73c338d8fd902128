"""`lookalike map COLLECTION [--output FILE]`."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.output import Format, FormatOption, note, print_rows, progress_bar
from lookalike.errors import FolderUnwritable, InvalidArgument, MissingExtra

if TYPE_CHECKING:
    from lookalike.atlas.chart import Chart
    from lookalike.atlas.fields import Coloring
    from lookalike.atlas.layout import Method

_HELP = """Draw a collection in the plane, so that what looks alike lies together, and keep the map.

Drawn before, it is brought up to date: what is on it stays where it is. The pages of `lookalike serve` show it, with
pictures; --output writes it to a file by the file's name: .html or .png to be looked at, .json or .csv for programs.

Example: `lookalike map holidays --color country --output map.html`
"""

_KINDS: Final = (".html", ".png", ".json", ".csv")


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("map", help=_HELP)(_map)


def _map(
    name: str = typer.Argument(..., metavar="COLLECTION", help="The collection."),
    output: Path = typer.Option(None, "--output", "-o", help="Also write it to a file: .html, .png, .json or .csv."),
    by: str = typer.Option("", "--by", help="The description by which they are alike. [default: that of searches]"),
    color: str = typer.Option(
        "", "--color", help="The field that colors it, - for none. [default: the first that fits]"
    ),
    method: str = typer.Option("", "--method", help="pca, at once, or tsne. [default: tsne where it is installed]"),
    anew: bool = typer.Option(False, "--anew", help="Lay everything out again."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.charting import STEPS, UNCOLORED, Atlas, chosen_color, color_fields, draw

    if output is not None and output.suffix.lower() not in _KINDS:
        raise InvalidArgument("--output", str(output), f"a file whose name ends in {', '.join(_KINDS)}")
    chosen = _checked(method)
    with opened(workspace) as space:
        collection = space.get(name)
        description = by or collection.settings.by
        shown = 0
        with progress_bar("drawing", STEPS) as advance:

            def told(share: float) -> None:
                nonlocal shown
                done = max(shown, min(STEPS, int(share * STEPS)))
                advance(done - shown)
                shown = done

            result = draw(space, name, description, chosen, told, anew=anew)
        if output is not None:
            atlas = Atlas(space)
            chart = atlas.chart(name, description)
            assert chart is not None  # it has just been drawn
            field = chosen_color(color_fields(collection), color)
            coloring = atlas.coloring(name, chart, field) if field != UNCOLORED else None
            if coloring is not None and (coloring.codes < 0).all():
                note(f"No record on the map has a value in the field {field}: all dots are of one color.")
            _write(output, name, chart, coloring)
    row = {"collection": name, "by": description, **result} | ({"output": str(output)} if output else {})
    print_rows([row], form)


def _checked(method: str) -> Method:
    """Return the method asked for. Raises InvalidArgument, MissingExtra."""
    from lookalike.atlas.layout import best_method

    match method:
        case "":
            return best_method()
        case "pca":
            return "pca"
        case "tsne":
            if best_method() != "tsne":
                raise MissingExtra("A map by t-SNE", "map")
            return "tsne"
        case _:
            raise InvalidArgument("--method", method, "pca or tsne")


def _write(path: Path, name: str, chart: Chart, coloring: Coloring | None) -> None:
    """Write the map as the file's name says; one that was there stays until it is whole. Raises FolderUnwritable."""
    from lookalike.atlas.drawing import LIGHT, draw_picture
    from lookalike.atlas.export import map_page, map_rows

    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        match path.suffix.lower():
            case ".png":
                aside.write_bytes(draw_picture(chart.grid, coloring, LIGHT))
            case ".html":
                aside.write_text(map_page(f"Map of {name}", chart, coloring), "utf-8", "replace")
            case ".json":
                about = {"collection": name, "by": chart.description, "method": chart.method, "made": chart.made}
                about |= {"color": coloring.field} if coloring is not None else {}
                aside.write_text(json.dumps({**about, "records": map_rows(chart, coloring)}), "utf-8")
            case _:
                _write_csv(aside, map_rows(chart, coloring), coloring)
        aside.replace(path)
    except OSError as error:
        advice = "The map itself is kept: ask again with another --output."
        raise FolderUnwritable(str(path), error.strerror or str(error), advice) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _write_csv(path: Path, rows: list[Mapping[str, Any]], coloring: Coloring | None) -> None:
    names = ["_id", "x", "y", *(["color"] if coloring is not None else [])]
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writerow({name: coloring.field if name == "color" and coloring else name for name in names})
        writer.writerows(rows)
