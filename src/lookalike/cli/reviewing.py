"""`lookalike dedup review --open`: a plan's pages, served to the browser of whoever started it, and to nobody else."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from lookalike.errors import AccessDenied

if TYPE_CHECKING:
    from lookalike.settings import Settings
    from lookalike.workspace import Workspace

__all__ = ["has_display", "review_in_browser"]

_IDLE: Final = 3600.0  # seconds without a request after which it stops
_LOOK: Final = 1.0


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person sits at a terminal on a machine that can show them a browser."""
    shown = sys.platform in ("darwin", "win32") or any(environment.get(one) for one in ("DISPLAY", "WAYLAND_DISPLAY"))
    return shown and sys.stdin.isatty() and sys.stdout.isatty()


def review_in_browser(place: Path, settings: Settings) -> None:
    """Serve the pages of a plan on a free port of this machine until Ctrl-C, or until nobody asked for an hour.

    place: of the plan's file. The link that is opened works once. The workspace is not opened, so that a service may
    have it meanwhile; decisions are kept in its catalog. Raises PlanUnreadable.
    """
    import uvicorn

    from lookalike.workspace import Workspace

    own = replace(settings, catalog="", session_secret=secrets.token_urlsafe(32))
    with tempfile.TemporaryDirectory(prefix="lookalike-") as scratch, Workspace(Path(scratch) / "space", own) as space:
        token = secrets.token_urlsafe(24)
        app, plan = _app(space, settings, place, token)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            watched = _Watched(app)
            config = uvicorn.Config(
                watched, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=10
            )
            server = uvicorn.Server(config)
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/review/{plan}?key={token}"
            typer.echo(f"\n  Review the plan at  {address}\n  The link works once. Ctrl-C stops it.\n")
            sys.stdout.flush()
            threading.Thread(target=_accompany, args=(server, watched, address), daemon=True).start()
            server.run([listener])


def _app(space: Workspace, settings: Settings, place: Path, token: str) -> tuple[Any, str]:
    from lookalike.api.app import Access, create_app
    from lookalike.api.security import Gate
    from lookalike.catalog import open_catalog
    from lookalike.cleaning.planfile import plans_folder
    from lookalike.pages.plans import Desk

    class OnceGate(Gate):
        """Lets one browser in, by a link that others may see: it stands in the list of processes."""

        def __init__(self) -> None:
            super().__init__(space, master=master)
            self._left, self._turn = [token], threading.Lock()

        def sign_in(self, secret: str, address: str = "") -> str:
            """Let whoever has the link in, once. Raises AccessDenied."""
            with self._turn:
                if not self._left or not hmac.compare_digest(secret.encode(), self._left[0].encode()):
                    raise AccessDenied("This link was used before, or is another one's")
                self._left.clear()
            return super().sign_in(master, address)

    master = secrets.token_urlsafe(32)
    app = create_app(space, Access(master, hosts=("127.0.0.1",)))
    app.state.gate = OnceGate()
    desk = Desk(plans_folder(), settings, lambda: open_catalog(Path(settings.workspace), settings.catalog), alone=True)
    plan = desk.lay(place).plan.id
    app.state.desk = desk
    return app, plan


class _Watched:
    """The application, and when it was last asked for something. Its start page is the list of plans."""

    def __init__(self, app: Any) -> None:
        self.app, self.asked = app, time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked = time.monotonic()
        if scope["type"] != "http" or scope["path"] != "/":
            await self.app(scope, receive, send)
            return
        headers = [(b"location", b"/review"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    @property
    def idle(self) -> bool:
        """Whether nobody has asked for long and nothing is being done."""
        return time.monotonic() - self.asked > _IDLE and not self.app.state.desk.busy


def _accompany(server: Any, watched: _Watched, address: str) -> None:
    """Open the browser once the server answers, and stop the server once it is idle."""
    while not server.started:
        time.sleep(0.05)
    webbrowser.open(address)
    while not watched.idle:
        time.sleep(_LOOK)
    server.should_exit = True
