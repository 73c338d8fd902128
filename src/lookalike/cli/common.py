"""Options that several commands share, and how they open the workspace."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.errors import InvalidFilter, LookalikeError, ModelError, StoreError
from lookalike.settings import Settings

if TYPE_CHECKING:
    from lookalike.workspace import Workspace

__all__ = ["WorkspaceOption", "errors_are_one", "opened", "read_filter", "records_in", "settings_for"]

WorkspaceOption = typer.Option(
    None,
    "--workspace",
    "-w",
    help="Folder of the collections, or qdrant://HOST:6333. [default: LOOKALIKE_WORKSPACE, or your data folder]",
)


def settings_for(workspace: Path | None, **changes: Any) -> Settings:
    """Return the settings of the environment with what the command line says over them."""
    given = {name: value for name, value in changes.items() if value is not None}
    settings = replace(Settings.load(), **given)
    return settings if workspace is None else replace(settings, workspace=workspace.expanduser())


@contextmanager
def opened(workspace: Path | None, *, create: bool = False, **changes: Any) -> Iterator[Workspace]:
    """Open the workspace for one command."""
    from lookalike.workspace import Workspace

    settings = settings_for(workspace, **changes)
    with Workspace(settings.workspace, settings, create=create) as space:
        yield space


@contextmanager
def errors_are_one() -> Iterator[None]:
    """Turn an error of the tree into a line on stderr and exit code 1, where the other codes mean something else."""
    try:
        yield
    except LookalikeError as error:
        print(f"lookalike: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def records_in(space: Workspace, name: str) -> int | None:
    """Count a collection's records; None, and why on stderr, for one that can't be opened: the others go on."""
    try:
        return len(space.get(name))
    except (StoreError, ModelError) as error:
        print(f"lookalike: {error}", file=sys.stderr)
        return None


def read_filter(text: str | None) -> dict[str, Any] | None:
    """Read a --filter. Raises InvalidFilter unless it is a JSON object."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidFilter(text, f'it is not JSON ({error}); write it like \'{{"category": "kitchen"}}\'') from None
    if not isinstance(value, dict):
        raise InvalidFilter(text, 'a filter is a JSON object, like \'{"category": "kitchen"}\'')
    return value
