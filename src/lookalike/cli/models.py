"""`lookalike models list|show`."""

from __future__ import annotations

import typer

from lookalike.cli.output import Format, FormatOption, print_json, print_rows


def install(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The models that describe pictures.", no_args_is_help=True)
    group.command("list", help="List the models.\n\nExample: `lookalike models list`")(_list)
    group.command("show", help="Show a model's card.\n\nExample: `lookalike models show lookalike-mini`")(_show)
    app.add_typer(group, name="models")


def _list(form: Format = FormatOption) -> None:
    from lookalike.describers.cards import card, names

    rows = []
    for name in names():
        found = card(name)
        size = found.weights.stat().st_size / 2**20
        rows.append(
            {
                "name": found.name,
                "version": found.version,
                "input": found.input_size,
                "vectors": ", ".join(f"{vector} {width}" for vector, width in found.vectors.items()),
                "MB": round(size, 1),
                "license": found.license,
            }
        )
    print_rows(rows, form)


def _show(name: str = typer.Argument(..., help="The model.")) -> None:
    from lookalike.describers.cards import facts

    found = dict(facts(name))
    found["labels"] = f"{len(found['labels'])} names"
    print_json(found)
