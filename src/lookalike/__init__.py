"""Lookalike: do these pictures look alike?

The public face. Every name is loaded when it is first used, so that `import lookalike` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lookalike.version import __version__

if TYPE_CHECKING:
    from lookalike.client import AsyncClient, Client
    from lookalike.collection import Collection
    from lookalike.comparison import compare
    from lookalike.describers.descriptions import Descriptions, describe
    from lookalike.errors import ImageError, ImageTooLarge, ImageUnreadable, LookalikeError
    from lookalike.folders.finding import DuplicateSearch, find_duplicates
    from lookalike.folders.group import group_folder
    from lookalike.images import Image, Limits, read_image
    from lookalike.learning import LearnedTagger, Trained, train, train_tagger
    from lookalike.metrics import distances, similarities
    from lookalike.records import Added, Comparison, Failure, Match, Page, Record
    from lookalike.settings import Settings
    from lookalike.workspace import Workspace
    from lookalike.workspace import open_workspace as open  # noqa: A004 - reads well as lookalike.open

_HOMES = {
    "Added": "records",
    "AsyncClient": "client",
    "Client": "client",
    "Collection": "collection",
    "Comparison": "records",
    "Descriptions": "describers.descriptions",
    "DuplicateSearch": "folders.finding",
    "Failure": "records",
    "Image": "images",
    "ImageError": "errors",
    "ImageTooLarge": "errors",
    "ImageUnreadable": "errors",
    "LearnedTagger": "learning",
    "Limits": "images",
    "LookalikeError": "errors",
    "Match": "records",
    "Page": "records",
    "Record": "records",
    "Settings": "settings",
    "Trained": "learning",
    "Workspace": "workspace",
    "compare": "comparison",
    "describe": "describers.descriptions",
    "distances": "metrics",
    "find_duplicates": "folders.finding",
    "group_folder": "folders.group",
    "open": "workspace",
    "read_image": "images",
    "similarities": "metrics",
    "train": "learning",
    "train_tagger": "learning",
}

__all__ = [
    "Added",
    "AsyncClient",
    "Client",
    "Collection",
    "Comparison",
    "Descriptions",
    "DuplicateSearch",
    "Failure",
    "Image",
    "ImageError",
    "ImageTooLarge",
    "ImageUnreadable",
    "LearnedTagger",
    "Limits",
    "LookalikeError",
    "Match",
    "Page",
    "Record",
    "Settings",
    "Trained",
    "Workspace",
    "__version__",
    "compare",
    "describe",
    "distances",
    "find_duplicates",
    "group_folder",
    "open",
    "read_image",
    "similarities",
    "train",
    "train_tagger",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lookalike' has no attribute {name!r}")
    home = import_module(f"lookalike.{_HOMES[name]}")
    value = getattr(home, "open_workspace" if name == "open" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
