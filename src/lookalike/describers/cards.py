"""Models by name: the bundled one, those fetched on request that have a card here, folders that were trained,
`onnx:FILE` and `hf:OWNER/REPO`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from lookalike.describers.modelcard import ModelCard, read_card
from lookalike.describers.modelfolder import folder_card, folder_facts, is_folder
from lookalike.describers.own import HUB_PREFIX, ONNX_PREFIX, fetched_repositories, hub_card, onnx_card
from lookalike.describers.weights import models_folder
from lookalike.errors import UnknownModel, WeightsCorrupt

__all__ = ["BUNDLED", "ModelCard", "able_to_read", "card", "facts", "names"]

BUNDLED = Path(__file__).parent / "bundled"
KNOWN = Path(__file__).parent / "known"
_BUNDLED = ("lookalike-mini",)
_BUNDLED_BATCH = 8  # on a CPU small batches stay in cache and are as fast as large ones


def names() -> tuple[str, ...]:
    """Return the names of all models that can be had: the bundled ones, then by name; then fetched repositories."""
    return (*_BUNDLED, *sorted(path.stem for path in KNOWN.glob("*.json")), *fetched_repositories())


def able_to_read() -> tuple[str, ...]:
    """Return the names of the models with a text tower that have a card here, ascending: they read any text.

    The bundled model is none of them: it reads the words it knows.
    """
    return tuple(name for name in sorted(path.stem for path in KNOWN.glob("*.json")) if card(name).text)


def facts(name: str) -> dict[str, Any]:
    """Return everything a model's card file says, as JSON values. Raises UnknownModel, ModelMissing, WeightsCorrupt."""
    if is_folder(name):
        return folder_facts(name)
    path = (BUNDLED if name in _BUNDLED else KNOWN) / f"{name}.json"
    if name not in _BUNDLED and name not in {known.stem for known in KNOWN.glob("*.json")}:
        raise UnknownModel(name, (*names(), "FOLDER", f"{ONNX_PREFIX}FILE", f"{HUB_PREFIX}OWNER/REPO"))
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsCorrupt(name, str(path), f"the card can't be read ({error})") from None
    return found


def card(name: str = "lookalike-mini") -> ModelCard:
    """Return the card of a model by name; its files need not be here.

    Raises UnknownModel, WeightsCorrupt; ModelMissing or ModelUnusable for `onnx:` and `hf:`, whose cards are made
    from their files; ModelMissing for folders.
    """
    if name.startswith(ONNX_PREFIX):
        return onnx_card(name)
    if name.startswith(HUB_PREFIX):
        return hub_card(name)
    if is_folder(name):
        return folder_card(name)
    return _bundled(name) if name in _BUNDLED else _known(name, models_folder() / name)


@cache
def _bundled(name: str) -> ModelCard:
    found = facts(name)
    prepare = {"side": found["input_size"], "fit": "squash", "resample": "fast", "layout": "nhwc"}
    files = {"image": {"name": f"{name}.onnx", "sha256": found["sha256"]}}
    if "words" in found:
        files["words"] = {"name": f"{name}.safetensors", "sha256": found["words"]["sha256"]}
    here = {"files": files, "prepare": prepare, "batch": _BUNDLED_BATCH, "text": None}
    return read_card({**found, **here}, BUNDLED)


@cache
def _known(name: str, folder: Path) -> ModelCard:
    found = facts(name)
    same = found.get("labels_of")
    return read_card(found, folder, card(same).labels if same else ())
