"""`lookalike doctor`: checks the installation and says what is missing."""

from __future__ import annotations

import base64
import importlib.util
import os
import platform
import zlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from lookalike.cli.common import WorkspaceOption, settings_for
from lookalike.cli.output import Format, FormatOption, print_rows
from lookalike.errors import LookalikeError, WorkspaceLocked
from lookalike.images.extras import EXTRAS
from lookalike.settings import Settings

_HELP = """Check the installation: packages, the model, picture formats, the workspace, and where each setting is from.

Exit code 2 if something is broken.

Example: `lookalike doctor`
"""

_EXTRAS = {
    "scikit-image": ("skimage", "sample gallery: pip install 'lookalike[demo]'"),
    "torch": ("torch", "training: pip install 'lookalike[train]'"),
    "pyarrow": ("pyarrow", "Parquet: pip install 'lookalike[parquet]'"),
}

_HEIC = (
    "eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYGxJje1JJEBAhQzUnKKoGyGgszkEgY0oJSZkw82xMWBgREIgYBxAYQGAhkgVs7MzEsD80Ci"
    "okBOKhOUl1GWbAhi8hVkluTClfzJLCgqANJ3MguS84F0KVCZMyMzSGgCWJHcB4Y/f3/8YGDgZ04A6pBwYORh/P8fpIAZpIIZhOR2MTkkAiU1"
    "nRgZ0WQWKDSyTnu1btazB4oLDjQwMPA0gIRbkoCq2VwYDxYf7ATaIZycn1OUl5xTARTlZWADKmEQySwuSIV6zAGKNZJzEkEOE4C6HUz/////"
    "ApBmgtEg8YLMikyQRmYODg4gJZFZkAsLY2CwsTYyMbO2ANkquSmJoDCW0GBczyJkcefH1AWTDNY817dZGHfvwcQPXQ0Aboxabw=="
)
"""A gray square of 16 pixels, packed by zlib and in base64: Pillow writes no HEIC."""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=_HELP)(_doctor)


def _doctor(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python", lambda: f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"),
        ("model", _check_model),
        ("pictures", _check_pictures),
        ("vector store", lambda: f"Qdrant Edge {version('qdrant-edge-py')}"),
        ("workspace", lambda: _check_workspace(workspace)),
    ]
    rows = [_run(name, check) for name, check in checks]
    rows += [_extra(package, module, hint) for package, (module, hint) in _EXTRAS.items()]
    rows += [_extra(extra.package, extra.module, f"{kind}: {extra.hint}") for kind, extra in EXTRAS.items()]
    rows += [{"part": f"setting {name}", "state": source, "detail": text} for name, text, source in _settings()]
    print_rows(rows, form)
    if any(row["state"] == "broken" for row in rows):
        raise typer.Exit(2)


def _settings() -> list[tuple[str, str, str]]:
    try:
        return Settings.load().shown()
    except LookalikeError:
        return []  # the check of the workspace says what is wrong with them


def _run(name: str, check: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"part": name, "state": "ok", "detail": check()}
    except (LookalikeError, ImportError, PackageNotFoundError, OSError) as error:
        return {"part": name, "state": "broken", "detail": str(error)}


def _extra(package: str, module: str, hint: str) -> dict[str, Any]:
    if importlib.util.find_spec(module) is None:
        return {"part": package, "state": "not installed", "detail": hint}
    try:
        return {"part": package, "state": "ok", "detail": version(package)}
    except PackageNotFoundError:  # copied there, or built in
        return {"part": package, "state": "ok", "detail": "its version is not known"}


def _check_model() -> str:
    import numpy as np

    from lookalike.describers.ensemble import standard_ensemble

    ensemble = standard_ensemble()
    rows = ensemble.describe([np.zeros((64, 64, 3), np.uint8)])
    return f"{ensemble.neural.signature}: " + ", ".join(f"{name} {row.shape[1]}" for name, row in rows.items())


def _check_pictures() -> str:
    import io

    import numpy as np
    from PIL import Image

    from lookalike.images import read_image

    fine = []
    for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM", "TGA", "ICO"):
        buffer = io.BytesIO()
        Image.fromarray(np.full((16, 16, 3), 128, np.uint8)).save(buffer, name)
        fine.append(read_image(buffer.getvalue()).format)
    fine.append(read_image(zlib.decompress(base64.b64decode(_HEIC))).format)
    return ", ".join(fine)


def _check_workspace(workspace: Path | None) -> str:
    from lookalike.workspace import Workspace

    settings = settings_for(workspace)
    if not settings.workspace.is_dir():
        return f"none yet at {settings.workspace}"
    try:
        with Workspace(settings.workspace, settings, create=False) as space:
            return f"{settings.workspace}, {len(space.list())} collections"
    except WorkspaceLocked as error:  # as beside a running service
        return f"{settings.workspace}, in use by {error.holder}"
