"""The pages of one collection, as the row of links that stands above each of them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request

from lookalike.pages.visitor import may

__all__ = ["Room", "rooms_of"]

_PATH = "/collections/{name}"
_ROOMS = (
    ("", "Pictures", "read"),
    ("search", "Search", "read"),
    ("import", "Import", "write"),
    ("duplicates", "Duplicates", "read"),
    ("map", "Map", "read"),
    ("trials", "Trials", "read"),
    ("connect", "Connect", "read"),
    ("settings", "Settings", "read"),
)
"""Path below the collection's, name, and the scope that a visitor needs to see the link."""


@dataclass(frozen=True, slots=True)
class Room:
    """A link to a page of the collection. here: whether the visitor is on it, or on one below it."""

    label: str
    link: str
    here: bool


def rooms_of(request: Request) -> list[Room]:
    """Return the rooms of the collection that the page is about, those that the visitor may enter; [] elsewhere."""
    name = request.path_params.get("name")
    if name is None or not request.url.path.startswith("/collections/"):
        return []
    below = request.scope["path"].removeprefix(f"/collections/{name}").strip("/").partition("/")[0]
    home = f"/collections/{quote(name, safe='')}"
    known = [room for room in _ROOMS if f"{_PATH}/{room[0]}".rstrip("/") in request.app.state.pages]
    paths = {path for path, _, _ in known}
    return [
        Room(label, f"{home}/{path}".rstrip("/"), path == (below if below in paths else ""))
        for path, label, scope in known
        if may(request, scope, name)
    ]
