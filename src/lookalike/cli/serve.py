"""`lookalike serve` and `lookalike demo`."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.output import note, progress_bar
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.workspace import Workspace

_LOCAL = ("localhost", "127.0.0.1", "::1")
_SAMPLES = "samples"

_SERVE = """Serve the collections over HTTP: the API, its documentation at /docs, and web pages.

Listens on this machine only unless told otherwise; every call needs the key that it prints.

Example: `lookalike serve --port 8080`
"""

_DEMO = """Serve a sample gallery: real photographs and edits of them, indexed at the first start.

Example: `lookalike demo`
"""


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve", help=_SERVE)(_serve)
    app.command("demo", help=_DEMO)(_demo)


def _serve(
    host: str = typer.Option(None, "--host", help="Address to listen on. [default: localhost]"),
    port: int = typer.Option(None, "--port", "-p", min=1, max=65535, help="[default: 8080]"),
    workspace: Path = WorkspaceOption,
) -> None:
    with opened(workspace, create=True, host=host, port=port) as space:
        _listen(space, trusting=False, first="sign in with the key, then look at a collection")


def _demo(
    host: str = typer.Option(None, "--host", help="Address to listen on. [default: localhost]"),
    port: int = typer.Option(None, "--port", "-p", min=1, max=65535, help="[default: 8080]"),
    folder: Path = typer.Option(None, "--folder", help="Where the pictures and their collection are kept."),
) -> None:
    import platformdirs

    home = folder or Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "demo"
    with opened(home / "workspace", create=True, host=host, port=port) as space:
        _fill(space, home / "pictures")
        _listen(space, trusting=True, first="open “samples”, click the cat, and look at what is found")


def _fill(space: Workspace, pictures: Path) -> None:
    """Index the sample gallery, again if another model described it."""
    from lookalike.gallery import make_gallery

    if _SAMPLES in [info.name for info in space.list()]:
        samples = space.get(_SAMPLES)
        if samples.is_current and len(samples):
            return
        space.drop(_SAMPLES)
    note("Making the sample gallery (first start only)...")
    records = make_gallery(pictures)
    samples = space.create(_SAMPLES, product_id="product")
    with progress_bar("indexing", len(records)) as advance:
        added = samples.add(records, progress=advance)
    note(f"{len(added.inserted):,} sample pictures indexed.")


def _listen(space: Workspace, *, trusting: bool, first: str) -> None:
    import uvicorn

    from lookalike.api.app import Access, create_app
    from lookalike.api.security import load_or_make_key

    host, port = space.settings.host, space.settings.port
    _check_free(host, port)
    key = load_or_make_key(space.path)
    hosts = ("localhost", "127.0.0.1", "[::1]") if host in _LOCAL else ("*",)
    app = create_app(space, Access(key, hosts=hosts, trusting=trusting and host in _LOCAL))
    typer.echo(
        f"\n  Lookalike is at  http://{'localhost' if host in _LOCAL else host}:{port}\n"
        f"  Key              {key}\n"
        f"  First            {first}\n"
        f"  API              http://{'localhost' if host in _LOCAL else host}:{port}/docs\n"
        f"  Workspace        {space.path}\n\n  Ctrl-C stops it.\n"
    )
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InvalidArgument("the address", f"{host}:{port}", f"free ({error.strerror}); try --port") from None
