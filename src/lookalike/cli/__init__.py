"""The command line: `lookalike COMMAND`. One file per group of commands; each imports what it needs when it runs."""

from __future__ import annotations

import sys

import typer

from lookalike.cli import (
    calibrate,
    collections,
    compare,
    dedup,
    describe,
    doctor,
    evaluate,
    group,
    index,
    keys,
    mapping,
    models,
    redescribe,
    retag,
    search,
    serve,
    sync,
    train,
    trials,
    users,
    workspace,
)
from lookalike.errors import LookalikeError
from lookalike.version import __version__

__all__ = ["app", "main"]

_STOPPED = 130  # what Typer makes of Ctrl-C, without a word

app = typer.Typer(
    name="lookalike",
    help="Do these pictures look alike? Compare, describe, search and group pictures, on your own machine.\n\n"
    "Example: `lookalike compare holiday.jpg holiday-small.jpg`; `lookalike COMMAND --help` has one of each command.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for room in (compare, describe, group, index, search, models, evaluate, calibrate, train, serve, doctor, workspace):
    room.install(app)
mapping.install(app)
redescribe.install(collections.app)
retag.install(collections.app)
app.add_typer(collections.app, name="collection")
app.add_typer(dedup.app, name="dedup")
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
app.add_typer(sync.app, name="sync")
app.add_typer(trials.app, name="trial")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run a command. An error of the tree is one line on stderr and exit code 2; Ctrl-C is 130."""
    try:
        app()
    except LookalikeError as error:
        print(f"lookalike: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == _STOPPED:
            print("lookalike: stopped; what was written stays", file=sys.stderr)
        raise
    except BrokenPipeError:  # the reader of a pipe has gone, as with `| head`
        sys.stderr.close()
        sys.exit(141)
