"""Model files on this machine: where they are, and that they are what the card says, byte for byte.

Only ONNX is ever opened. Formats that can run code while being read (pickles, and PyTorch files, which hold them) are
refused by name and by their first bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import platformdirs

from lookalike.describers.modelcard import ModelCard, ModelFile
from lookalike.errors import ModelMissing, ModelUnusable, WeightsCorrupt

__all__ = ["check_file", "digest_of", "hub", "is_here", "models_folder", "read_weights", "ready", "record", "refuse"]

_RECORD = "digests.json"
_CODE_SUFFIXES = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5", ".keras", ".npy", ".npz"}
_CODE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x89HDF", b"\x93NUMPY")
_ONLY = "Only ONNX is opened, because such files can run code; export it to ONNX first."


def models_folder() -> Path:
    """Return where fetched models are kept: LOOKALIKE_MODELS, or the user's cache."""
    chosen = os.environ.get("LOOKALIKE_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("lookalike", appauthor=False)) / "models"


def hub() -> str:
    """Return the address that models are fetched from: LOOKALIKE_HUB, or https://huggingface.co."""
    return (os.environ.get("LOOKALIKE_HUB") or "https://huggingface.co").rstrip("/")


def is_here(card: ModelCard) -> bool:
    """Whether all files of the model are on this machine; their digests are not checked."""
    return all((card.folder / file.name).is_file() for file in card.files.values())


def ready(card: ModelCard) -> ModelCard:
    """Return the card with the digest of every file known; those that nobody states are recorded at first sight.

    Raises ModelMissing if a file is not on this machine, and ModelUnusable if it is of a kind that is never opened.
    """
    if not is_here(card):
        raise _missing(card)
    if all(file.sha256 for file in card.files.values()):
        return card
    known = _recorded(card.folder)
    files = {}
    for role, file in card.files.items():
        path = card.folder / file.name
        if not file.sha256 and file.name not in known:
            refuse(card.name, path)
            known[file.name] = digest_of(path)
            record(card.folder, file.name, known[file.name])
        files[role] = replace(file, sha256=file.sha256 or known[file.name])
    return replace(card, files=files)


def read_weights(card: ModelCard, role: str = "image") -> bytes:
    """Return the bytes of one of the model's files. Raises WeightsCorrupt (missing or altered), ModelUnusable."""
    path = card.folder / card.files[role].name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsCorrupt(card.name, str(path), error.strerror or str(error), _advice(card)) from None
    refuse(card.name, path)
    if hashlib.sha256(data).hexdigest() != card.files[role].sha256:
        raise WeightsCorrupt(card.name, str(path), "its SHA-256 is not the one on the card", _advice(card))
    return data


def check_file(card: ModelCard, role: str) -> Path:
    """Return the path of one of the model's files, checked without holding it in memory. Raises as `read_weights`."""
    path = card.folder / card.files[role].name
    try:
        found = digest_of(path)
    except OSError as error:
        raise WeightsCorrupt(card.name, str(path), error.strerror or str(error), _advice(card)) from None
    refuse(card.name, path)
    if found != card.files[role].sha256:
        raise WeightsCorrupt(card.name, str(path), "its SHA-256 is not the one on the card", _advice(card))
    return path


def refuse(model: str, path: Path) -> None:
    """Raise ModelUnusable if the file is a pickle or a container of pickles, by its name or its first bytes."""
    with path.open("rb") as file:
        start = file.read(8)
    if path.suffix.lower() in _CODE_SUFFIXES or start.startswith(_CODE_STARTS):
        raise ModelUnusable(model, f"{path.name} is no ONNX file", _ONLY)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record(folder: Path, name: str, sha256: str) -> None:
    """Keep the digest of a file that nobody states one of; every later read is held against it."""
    aside = folder / f"{_RECORD}.{os.getpid()}.part"
    aside.write_text(json.dumps({**_recorded(folder), name: sha256}, indent=1) + "\n", "utf-8")
    aside.replace(folder / _RECORD)


def _recorded(folder: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((folder / _RECORD).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsCorrupt(folder.name, str(folder / _RECORD), f"it can't be read ({error})", "Delete it.") from None
    return found


def _missing(card: ModelCard) -> ModelMissing:
    bring = [_where(file) for file in card.files.values() if not (card.folder / file.name).is_file()]
    fetched = any(file.repository for file in card.files.values())
    way = f"{card.by_hand} Put it" if card.by_hand else "" if fetched else "Put these files back"
    return ModelMissing(card.name, str(card.folder), bring, way)


def _where(file: ModelFile) -> str:
    if not file.repository:
        return file.name
    return f"{file.name}: {hub()}/{file.repository}/resolve/{file.revision}/{file.path}"


def _advice(card: ModelCard) -> str:
    fetched = any(file.repository for file in card.files.values())
    return f"Fetch it again with `lookalike models fetch {card.name}`." if fetched else "Put the right file there."
