"""How the service is: whether it takes requests, what it is made of, what it keeps and where."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from fastapi import APIRouter, Depends, Request, Response

from lookalike.catalog import CollectionInfo
from lookalike.errors import LookalikeError
from lookalike.images.extras import EXTRAS
from lookalike.pages.changes import permitted
from lookalike.pages.entrance import require_browser
from lookalike.pages.render import HEADERS, page
from lookalike.workspace import Workspace

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(require_browser)])

_PACKAGES: Final = {
    "Qdrant Edge": "qdrant-edge-py",
    "ONNX Runtime": "onnxruntime",
    "Pillow": "pillow",
    "FastAPI": "fastapi",
}
_PARTS: Final = {
    "scikit-image": ("skimage", "demo", "the sample gallery"),
    "tokenizers": ("tokenizers", "models", "searching by words with fetched models"),
    "pyarrow": ("pyarrow", "parquet", "Parquet files"),
    "torch": ("torch", "train", "training"),
}
"""Package -> its module, the extra that brings it, and what it is for."""


class _Readiness(Protocol):
    """What is used of `api.health.Readiness`."""

    def trouble(self) -> str:
        """Return why requests should not come here, or ""."""


class _Figures(Protocol):
    """What is used of `api.metrics.Metrics`."""

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Something that may be installed. version: "" if it is not."""

    name: str
    what: str
    extra: str
    version: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """A collection as it is stored. trouble: why it can't be opened."""

    info: CollectionInfo
    count: int = 0
    trouble: str = ""


@router.get("/health")
def show_health(request: Request) -> Response:
    """Show it all; for keys of scope admin, as it names folders."""
    permitted(request, "admin")
    workspace: Workspace = request.app.state.workspace
    readiness: _Readiness = request.app.state.readiness
    live = workspace.catalog.jobs.page(live=True, limit=1000)
    return page(
        request,
        "health.html",
        trouble=readiness.trouble(),
        folder=str(workspace.path),
        size=_size(workspace.path),
        shared=workspace.catalog.is_shared,
        settings=workspace.settings,
        kept=list(_kept(workspace)),
        queue=Counter(job.state for job in live),
        system=f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        packages={name: _version(package) for name, package in _PACKAGES.items()},
        parts=list(_parts()),
    )


@router.get("/health/metrics")
def show_metrics(request: Request) -> Response:
    """Show what Prometheus reads at /metrics, where a key is needed that browsers don't send."""
    permitted(request, "admin")
    figures: _Figures = request.app.state.metrics
    return Response(figures.text(), headers=dict(HEADERS), media_type="text/plain")


def _kept(workspace: Workspace) -> Iterator[_Kept]:
    for info in workspace.list():
        try:
            yield _Kept(info, len(workspace.get(info.name)))
        except LookalikeError as error:  # the others are shown all the same
            yield _Kept(info, trouble=str(error))


def _parts() -> Iterator[_Part]:
    for package, (module, extra, what) in _PARTS.items():
        yield _Part(package, what, extra, _version(package) if find_spec(module) else "")
    for one in EXTRAS.values():
        yield _Part(one.package, one.what, one.name, _version(one.package) if one.is_installed else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "installed"


def _size(folder: Path) -> int:
    """Return the bytes that all files below take on the disk; what vanishes meanwhile takes none."""
    total = 0.0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                found = (Path(place) / name).stat()
            except OSError:
                continue
            total += getattr(found, "st_blocks", found.st_size / 512) * 512  # stores set room aside that takes none
    return int(total)
