"""`lookalike users add|list|remove|passwd`: who may sign in to the pages. They work while the service runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from lookalike.cli.common import WorkspaceOption
from lookalike.cli.keys import catalog_of
from lookalike.cli.output import Format, FormatOption, print_rows
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.catalog import Role

app = typer.Typer(
    help="Add, list and remove people who sign in to the pages.\n\nExample: `lookalike users add ann --role admin`",
    no_args_is_help=True,
)

FromStdin = typer.Option(False, "--password-stdin", help="Read the password from standard input, for scripts.")


@app.command(
    "add", help="Let someone sign in; asks for the password.\n\nExample: `lookalike users add ann --role admin`"
)
def add(
    name: str = typer.Argument(..., help="A name or an e-mail address; upper and lower case are the same."),
    role: str = typer.Option("read", "--role", help="read, write or admin; each includes those before it."),
    stdin: bool = FromStdin,
    workspace: Path = WorkspaceOption,
) -> None:
    """Let someone sign in."""
    with catalog_of(workspace) as catalog:
        user = catalog.users.add(name, _password(stdin), cast("Role", role))
    typer.echo(f"{user.name} may sign in, with role {user.role}.")


@app.command("list", help="List the users.\n\nExample: `lookalike users list`")
def list_(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    """List the users."""
    with catalog_of(workspace) as catalog:
        rows = [
            {"name": user.name, "role": user.role, "created": user.created, "last_sign_in": user.last_sign_in}
            for user in catalog.users.list()
        ]
    print_rows(rows, form)


@app.command("remove", help="Let someone sign in no more.\n\nExample: `lookalike users remove ann`")
def remove(name: str = typer.Argument(..., help="The user."), workspace: Path = WorkspaceOption) -> None:
    """Let someone sign in no more."""
    with catalog_of(workspace) as catalog:
        catalog.users.remove(name)
    typer.echo(f"{name.lower()} is gone.")


@app.command("passwd", help="Give someone another password.\n\nExample: `lookalike users passwd ann`")
def passwd(
    name: str = typer.Argument(..., help="The user."), stdin: bool = FromStdin, workspace: Path = WorkspaceOption
) -> None:
    """Give someone another password."""
    with catalog_of(workspace) as catalog:
        user = catalog.users.find(name)
        catalog.users.set_password(user.name, _password(stdin))
    typer.echo(f"{user.name} has a new password.")


def _password(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():  # it would be shown on the screen, or never come
        raise InvalidArgument("the password", "asked for without a terminal", "given by --password-stdin")
    answer: str = typer.prompt("Password (10 characters or more)", hide_input=True, confirmation_prompt=True)
    return answer
