"""Models in a folder of their own, as `lookalike train` writes them: the card, and beside it the files it names.

The card holds the digest of every file, and its own: a folder that was altered is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lookalike.describers.modelcard import ModelCard, read_card
from lookalike.describers.weights import check_file
from lookalike.errors import InvalidArgument, ModelMissing, WeightsCorrupt

__all__ = ["CARD", "card_digest", "check_folder", "check_place", "folder_card", "folder_facts", "is_folder", "settled"]

CARD = "card.json"
"""The file that makes a folder a model."""

_DIGEST = "digest"
_AGAIN = "Train it again, or take the folder from where it was made."


def is_folder(name: str) -> bool:
    """Whether a model's name means a folder: a whole path, or a path from here to a folder with a card."""
    path = Path(name).expanduser()
    return path.is_absolute() or (path / CARD).is_file()


def settled(name: str) -> str:
    """Return the name that means the same model from every working directory: a folder's whole path."""
    return str(Path(name).expanduser().absolute()) if is_folder(name) else name


def folder_facts(name: str) -> dict[str, Any]:
    """Return everything the card of a folder says. Raises ModelMissing, WeightsCorrupt if it was altered."""
    folder = Path(settled(name))
    path = folder / CARD
    if not path.is_file():
        raise ModelMissing(name, str(folder), [CARD], "Check the path, or put what `lookalike train` wrote")
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        stated = found.get(_DIGEST)
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsCorrupt(folder.name, str(path), f"the card can't be read ({error})", _AGAIN) from None
    if stated != card_digest(found):
        raise WeightsCorrupt(folder.name, str(path), "the card was altered after it was written", _AGAIN)
    return found


def folder_card(name: str) -> ModelCard:
    """Return the card of a folder. Its files are checked when they are read. Raises ModelMissing, WeightsCorrupt."""
    folder = Path(settled(name))
    found = folder_facts(name)
    try:
        if not all(file["sha256"] for file in found["files"].values()):
            raise ValueError("a file without a digest")
        if any(Path(file["name"]).name != file["name"] for file in found["files"].values()):
            raise ValueError("a file outside the folder")
        return read_card(found, folder)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsCorrupt(folder.name, str(folder / CARD), f"the card is incomplete ({error!r})", _AGAIN) from None


def check_place(out: Path) -> None:
    """Raise InvalidArgument if no folder can be made there: before work is done that would be lost."""
    above = next(one for one in out.parents if one.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InvalidArgument("--out", str(out), f"below a folder that can be written, which {above} is not")


def check_folder(name: str) -> None:
    """Raise WeightsCorrupt if a file of a folder is not what the card says, ModelMissing if there is no card."""
    card = folder_card(name)
    for role in card.files:
        check_file(card, role)


def card_digest(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all that a card says but its own digest, in hex."""
    rest = {key: value for key, value in facts.items() if key != _DIGEST}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
