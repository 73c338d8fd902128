"""A trained model as a folder: ONNX, words, card and report, put in place at once or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.describers.calibration import Calibration
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.modelcard import ModelCard
from lookalike.describers.modelfolder import CARD, card_digest, check_place
from lookalike.describers.neural import NeuralDescriber
from lookalike.describers.vocabulary import Wordbook, pack
from lookalike.describers.weights import check_file
from lookalike.errors import InvalidArgument, WouldOverwrite
from lookalike.learning.onnxfile import MEANING
from lookalike.learning.views import Base
from lookalike.placing import placed, write_json

__all__ = ["REPORT", "Draft", "check_target", "write_model"]

REPORT = "report.json"
_MODEL, _WORDS = "model.onnx", "words.safetensors"
_TEXT = ("text", "tokenizer")


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """What becomes a model: the file, the width of its meaning vector, and how much of that is new.

    strength: 0 where it is the base as it was. curve: of the meaning vector's cosines, None if not to be told.
    trained: what the card says of the training.
    """

    model: bytes
    width: int
    strength: float
    curve: Calibration | None = None
    trained: Mapping[str, Any] = field(default_factory=dict)


def check_target(out: Path, force: bool) -> None:
    """Raise WouldOverwrite or InvalidArgument if a model can't be written there."""
    check_place(out)
    if not out.exists():
        return
    if not (out / CARD).is_file():
        raise InvalidArgument("--out", str(out), "a folder that is not there yet, or one that holds a trained model")
    if not force:
        raise WouldOverwrite(f"The model {out}")


def write_model(out: Path, base: Base, draft: Draft, report: Mapping[str, Any]) -> ModelCard:
    """Write the folder aside, try it, and rename it into place; a model that was there is replaced.

    Raises FolderUnwritable where the disk refuses, WeightsCorrupt or ModelUnusable if what was written can't be used.
    """
    from lookalike.describers.cards import card

    with placed(out) as aside:
        facts = _card(out.name, base, draft, _files(aside, base, draft))
        write_json(aside / REPORT, report)
        write_json(aside / CARD, facts | {"digest": card_digest(facts)})
        pixels = np.zeros((base.card.prepare.side, base.card.prepare.side, 3), np.uint8)
        NeuralDescriber(card(str(aside))).describe([pixels])
    standard_ensemble.cache_clear()  # a folder of this name may be open as it was
    return card(str(out))


def _files(folder: Path, base: Base, draft: Draft) -> dict[str, Any]:
    """Write the model's files and return role -> name and digest."""
    (folder / _MODEL).write_bytes(draft.model)
    names = {"image": _MODEL}
    for role, file in base.card.files.items():
        if role.startswith("data") or (draft.strength == 0 and role in (*_TEXT, "words")):
            shutil.copyfile(check_file(base.card, role), folder / file.name)
            names[role] = file.name
    if draft.strength > 0 and (book := NeuralDescriber(base.card).book) is not None:
        (folder / _WORDS).write_bytes(pack(_reading_from_part(book, draft)))
        names["words"] = _WORDS
    return {
        role: {"name": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
        for role, name in names.items()
    }


def _reading_from_part(book: Wordbook, draft: Draft) -> Wordbook:
    """Return what the words mean in vectors that hold the old one first, of length sqrt(1 - strength)."""
    scale = np.float32((1 - draft.strength) ** -0.5)
    width = book.concepts.shape[1]
    more = draft.width - width

    def padded(values: Any) -> Any:
        return np.concatenate([values * scale, np.zeros((more, *values.shape[1:]), np.float32)])

    known = tuple(replace(one, weights=padded(one.weights), gate=padded(one.gate)) for one in book.vocabularies)
    return replace(book, vocabularies=known, concepts=np.pad(book.concepts, ((0, 0), (0, more))))


def _card(name: str, base: Base, draft: Draft, files: Mapping[str, Any]) -> dict[str, Any]:
    old = base.card
    kept = draft.strength == 0
    outputs = {vector: tensor for vector, tensor in old.outputs.items() if kept or vector != MEANING}
    curves = {vector: curve for vector, curve in old.calibration.items() if kept or vector != MEANING}
    if draft.curve is not None:
        curves[MEANING] = draft.curve
    facts = {
        "name": name,
        "version": 1,
        "license": old.license,
        "files": files,
        "input": old.input,
        "prepare": asdict(old.prepare),
        "vectors": {**old.vectors, MEANING: draft.width},
        "outputs": outputs,
        "pooling": old.pooling,
        "logits": old.logits,
        "labels": list(old.labels),
        "batch": old.batch,
        "calibration": {vector: asdict(curve) for vector, curve in curves.items()},
        "text": asdict(old.text) if kept and old.text is not None else None,
        "origins": {one: old.origins.get(one, old.signature) for one in old.vectors if kept or one != MEANING},
        "trained": {**draft.trained, "from": old.signature, "strength": draft.strength},
    }
    plain: dict[str, Any] = json.loads(json.dumps(facts))  # tuples are lists in the file, and in its digest
    return plain
