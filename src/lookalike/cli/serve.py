"""`lookalike serve` and `lookalike demo`."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from lookalike.allocation import give_back_large
from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.output import note, progress_bar
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.settings import Settings
    from lookalike.workspace import Workspace

_LOCAL = ("localhost", "127.0.0.1", "::1")
_SAMPLES = "samples"
_IDLE = (
    75  # seconds that a silent connection is kept: longer than proxies reuse theirs, or they would meet a closed one
)
_TURN = 0.001  # seconds that a thread may keep the interpreter while another wants it; usually 0.005

_SERVE = """Serve the collections over HTTP: the API, its documentation at /docs, and web pages.

Listens on this machine only unless told otherwise; every call needs the key that it prints, but
those of older programs from this machine, which keep nothing (/compare, /upload-images/, ...).

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
    also: list[int] = typer.Option([], "--also-port", min=1, max=65535, help="Another port; may be repeated."),
    workspace: Path = WorkspaceOption,
) -> None:
    with opened(workspace, create=True, isolate=True, host=host, port=port) as space:
        _listen(space, trusting=False, first="sign in with the key, then look at a collection", also=also)


def _demo(
    host: str = typer.Option(None, "--host", help="Address to listen on. [default: localhost]"),
    port: int = typer.Option(None, "--port", "-p", min=1, max=65535, help="[default: 8080]"),
    folder: Path = typer.Option(None, "--folder", help="Where the pictures and their collection are kept."),
) -> None:
    import platformdirs

    home = folder or Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "demo"
    with opened(home / "workspace", create=True, isolate=True, host=host, port=port) as space:
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


def _listen(space: Workspace, *, trusting: bool, first: str, also: Sequence[int] = ()) -> None:
    from lookalike.api.app import Access, create_app
    from lookalike.api.journal import write_logs
    from lookalike.api.security import service_key
    from lookalike.work import Background

    settings = space.settings
    host, port = settings.host, settings.port
    for each in (port, *also):
        check_free(host, each)
    key = service_key(space)
    hosts = ("localhost", "127.0.0.1", "[::1]") if host in _LOCAL else ("*",)
    app = create_app(space, Access(hosts=hosts, trusting=trusting and host in _LOCAL))
    shown = "given in the settings" if settings.key else key or "you have it; `lookalike keys create` makes another"
    typer.echo(
        f"\n  Lookalike is at  http://{'localhost' if host in _LOCAL else host}:{port}\n"
        f"  Key              {shown}\n"
        f"  First            {first}\n"
        f"  API              http://{'localhost' if host in _LOCAL else host}:{port}/docs\n"
        f"  Workspace        {space.path}\n\n  Ctrl-C stops it.\n"
    )
    sys.stdout.flush()  # a container's log has it before the first request
    write_logs("json" if settings.log_format == "json" else "text")
    signal.signal(signal.SIGTERM, _end)
    with Background(space):
        run(app, settings, also)


def run(app: Any, settings: Settings, also: Sequence[int] = ()) -> None:
    """Answer until told to end; then say no to /readyz, wait as long as the settings say, and finish what is open.

    app: what `create_app` made. also: further ports to listen on.
    """
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            again, app.state.readiness.stopping = app.state.readiness.stopping, True
            if again or not settings.drain_seconds:
                super().handle_exit(sig, frame)
            else:
                draining = threading.Timer(settings.drain_seconds, super().handle_exit, (sig, frame))
                draining.daemon = True
                draining.start()

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    give_back_large()
    sys.setswitchinterval(_TURN)  # callers are told to come back at once, too, while every thread is at work
    gc.collect()
    gc.freeze()  # what is here now stays: no request waits until all of it was looked through once more
    sockets = [each for port in (settings.port, *also) for each in _bound(settings.host, port)] if also else None
    Server(config).run(sockets)


def _bound(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address of the host that this machine has, as for a port that is served alone."""
    found, reason = [], OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError as error:  # IPv6 is often named and not there
            reason = error
            continue
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            found.append(listener)
        except OSError as error:
            listener.close()
            reason = error
    if not found:
        raise InvalidArgument("the address", f"{host}:{port}", f"free ({reason.strerror}); try --port")
    return found


def _end(number: int, _: FrameType | None) -> None:
    """End as after Ctrl-C: uvicorn raises the signal again once it is done, and the workspace is still to be closed."""
    raise SystemExit(0)


def check_free(host: str, port: int) -> None:
    """Raise InvalidArgument if nobody could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidArgument("the address", f"{host}:{port}", f"free ({reason}); try --port") from None
