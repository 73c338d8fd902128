"""The command line: `lookalike COMMAND`. One file per group of commands; each imports what it needs when it runs."""

from __future__ import annotations

import errno
import os
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
from lookalike.cli.output import ready_streams
from lookalike.errors import LookalikeError
from lookalike.version import __version__

__all__ = ["app", "main"]

_STOPPED = 130  # what Typer makes of Ctrl-C, without a word
_GONE = 141  # what a shell says of a program that SIGPIPE ended
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

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
    """Run a command. An error of the tree is one line on stderr and exit code 2; Ctrl-C is 130. A full disk is one line
    and 1; a reader of a pipe that has gone, as with `| head`, is 141 without a word.
    """
    ready_streams()
    try:
        code = _run()
        sys.stdout.flush()  # here, for at the end of the process a failure would be a traceback
    except BrokenPipeError:
        _give_up_streams()
        code = _GONE
    except OSError as error:
        if error.errno not in _FULL:
            raise
        where = f": {error.filename}" if error.filename else ""
        print(f"lookalike: {error.strerror}{where}: not everything was written", file=sys.stderr)
        _give_up_streams()
        code = 1
    sys.exit(code)


def _run() -> str | int | None:
    try:
        app()
    except LookalikeError as error:
        print(f"lookalike: {error}", file=sys.stderr)
        return 2
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer and rich have made 1 of it
            raise end.__context__ from None
        if end.code == _STOPPED:
            print("lookalike: stopped; what was written stays", file=sys.stderr)
        return end.code
    return 0


def _give_up_streams() -> None:
    """Let what is still held go nowhere, for the interpreter tries to write it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
