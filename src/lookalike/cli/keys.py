"""`lookalike keys create|list|revoke`: who may call the service. They work while the service runs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from lookalike.cli.common import WorkspaceOption, settings_for
from lookalike.cli.output import Format, FormatOption, note, print_rows
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.catalog import Catalog, Key, Plan, Scope

app = typer.Typer(
    help="Make, list and revoke keys of the service.\n\nExample: `lookalike keys create --scope write`",
    no_args_is_help=True,
)

_SPAN = re.compile(r"(\d{1,5})([hd])\Z")


def catalog_of(workspace: Path | None) -> Catalog:
    """Open the catalog of the workspace that the command line means."""
    from lookalike.catalog import open_catalog

    settings = settings_for(workspace)
    return open_catalog(settings.workspace, settings.catalog)


@app.command("create", help="Make a key and print it, once.\n\nExample: `lookalike keys create --scope write`")
def create(
    scope: str = typer.Option("read", "--scope", help="read, write or admin; each includes those before it."),
    name: str = typer.Option("", "--name", help="What it is for, to know it again."),
    collections: list[str] = typer.Option([], "--collection", "-c", help="Only for these. [default: all]"),
    expires: str = typer.Option(None, "--expires", help="A day (2027-01-31), or a span from now: 90d, 12h."),
    plan: str = typer.Option("unlimited", "--plan", help="unlimited, public, or as JSON."),
    plain: bool = typer.Option(False, "--plain", help="Print just the key, for scripts."),
    workspace: Path = WorkspaceOption,
) -> None:
    """Make a key and print it, once."""
    from lookalike.catalog import Grant

    grant = Grant(cast("Scope", scope), collections or None, _moment(expires), _plan(plan))
    with catalog_of(workspace) as catalog:
        key, secret = catalog.keys.create(name, grant)
    if plain:
        typer.echo(secret)
        return
    typer.echo(f"{secret}\n")
    note(f"Key {key.id}, scope {scope}. It is shown this once: keep it, and send it as `Authorization: Bearer KEY`.")


@app.command("list", help="List the keys, without their secrets.\n\nExample: `lookalike keys list --format json`")
def list_(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    """List the keys, without their secrets."""
    with catalog_of(workspace) as catalog:
        used = {entry.key: entry for entry in catalog.usage.totals()}
        rows = [_row(key) | {"requests": used[key.id].requests if key.id in used else 0} for key in catalog.keys.list()]
    print_rows(rows, form)


@app.command("revoke", help="Make a key useless, at once and for good.\n\nExample: `lookalike keys revoke key_0a1b2c`")
def revoke(
    id: str = typer.Argument(..., help="Its id, as `lookalike keys list` shows it."),  # noqa: A002
    workspace: Path = WorkspaceOption,
) -> None:
    """Make a key useless, at once and for good."""
    with catalog_of(workspace) as catalog:
        key = catalog.keys.revoke(id)
    typer.echo(f"{key.id} opens nothing any more.")


def _row(key: Key) -> dict[str, object]:
    grant = key.grant
    return {
        "id": key.id,
        "name": key.name,
        "scope": grant.scope,
        "collections": list(grant.collections) if grant.collections is not None else None,
        "state": key.state,
        "created": key.created,
        "expires": grant.expires.isoformat() if grant.expires else None,
        "last_used": key.last_used,
    }


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if span := _SPAN.match(text):
        hours = int(span[1]) * (24 if span[2] == "d" else 1)
        return datetime.now(UTC) + timedelta(hours=hours)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument("--expires", text, "a day like 2027-01-31, or a span like 90d or 12h") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plan(text: str) -> Plan:
    from lookalike.catalog import PLANS, Plan

    if text in PLANS:
        return PLANS[text]
    try:
        return Plan(**json.loads(text))
    except (ValueError, TypeError):
        example = '{"requests_per_second": 5, "records": 10000}'
        raise InvalidArgument("--plan", text, f"{', '.join(PLANS)}, or JSON like {example}") from None
