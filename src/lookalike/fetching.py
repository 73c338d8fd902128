"""A model brought onto this machine as a job: how far it is, and stopped when told."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lookalike.describers.cards import card
from lookalike.describers.hub import fetch
from lookalike.errors import ModelError
from lookalike.jobs import Task
from lookalike.workspace import Workspace

__all__ = ["fetch_model"]


def fetch_model(_: Workspace, task: Task) -> Mapping[str, Any]:
    """Do a job of kind "fetch", whose spec names the `model`; it counts bytes. What came of a canceled one is kept.

    Raises as `describers.hub.fetch`.
    """
    name: str = task.spec["model"]
    sizes, arrived = _stated(name), dict[str, int]()

    def progress(file: str, done: int, total: int) -> None:
        more = done - arrived.get(file, 0)
        sizes[file], arrived[file] = max(done, total), done
        task.expect(sum(sizes.values()))
        task.advance(more)

    task.expect(sum(sizes.values()) or None)
    found = fetch(name, progress)
    return {"model": found.name, "megabytes": round(found.megabytes, 1)}


def _stated(name: str) -> dict[str, int]:
    """Return the files that are yet to come with their sizes in bytes, about, as far as a card says."""
    with suppress(ModelError):  # a repository without a card, which the hub is asked about
        found = card(name)
        missing = [file for file in found.files.values() if not (found.folder / file.name).is_file()]
        return {file.name: int(file.megabytes * 1e6) for file in missing}
    return {}
