"""What collections have beside their records, as part of a backup: models, taggers, pictures for training, trials.

Files are kept below `_belongings/`, which no collection can be called. Restored, a folder keeps its name unless the
workspace has another one of that name: then its digest is added, and the collections of the backup use that. So with
trials.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from lookalike.catalog import CollectionInfo
from lookalike.describers.modelfolder import is_folder
from lookalike.stores.base import Row
from lookalike.stores.watched import walk
from lookalike.taggers import tagger_folder
from lookalike.taggers.folder import TAGGERS
from lookalike.trials.saving import pack_trials, parts_of_trials, read_trials, unpack_trials
from lookalike.workspace import Workspace

__all__ = ["Moved", "bring_trials", "pack", "parts_of", "unpack"]

MODELS: Final = "models"
PICTURES: Final = "training-pictures"
"""Folder of a workspace: pictures that came over the training routes of a replaced service."""

_ROOT: Final = "_belongings"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,250}\Z")

Part = Mapping[str, str]
"""A file of a backup: `file` and `sha256`."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where belongings are now. folders: where a folder was -> where it is. before, after: the workspace's folder."""

    before: Path
    after: Path
    folders: Mapping[Path, Path] = field(default_factory=dict)

    def info(self, info: CollectionInfo) -> CollectionInfo:
        """Return a collection's entry as it has to be here."""
        model = str(self.folders.get(Path(info.model), info.model))
        taggers = tuple(self._step(step) for step in info.settings.taggers)
        return replace(info, model=model, settings=replace(info.settings, taggers=taggers))

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Return records as they have to be here: those of training pictures name the files that were restored."""
        old, new = f"{self.before / PICTURES}{os.sep}", self.after / PICTURES
        return [
            replace(row, payload={**row.payload, "_file": str(new / file.removeprefix(old))})
            if isinstance(file := row.payload.get("_file"), str) and file.startswith(old)
            else row
            for row in rows
        ]

    def _step(self, step: str | Mapping[str, Any]) -> Any:
        if not isinstance(step, str):
            return {**step, "tagger": self._step(step["tagger"])}
        folder = self.folders.get(tagger_folder(step, self.before))
        if folder is None:
            return step
        return folder.name if folder.parent == self.after / TAGGERS else str(folder)


def pack(space: Workspace, names: Sequence[str], put: Callable[[str, bytes], Part]) -> dict[str, Any]:
    """Keep what the collections use, and all of the workspace's own, and return what the manifest says of it.

    names: of the collections. put: keeps a file of the backup. What a collection names and is not there any more is
    not in the backup either. Raises OSError.
    """
    infos = [space.get(name).info for name in names]
    used = {(MODELS, Path(info.model)) for info in infos if is_folder(info.model)}
    for info in infos:
        steps = [step if isinstance(step, str) else step["tagger"] for step in info.settings.taggers]
        used |= {(TAGGERS, tagger_folder(step, space.path)) for step in steps}
    for kind in (MODELS, TAGGERS):  # those of the workspace also where only a replaced service's tasks name them
        used |= {(kind, folder) for folder in (space.path / kind).glob("[!.]*") if folder.is_dir()}
    folders = []
    for number, (kind, folder) in enumerate(sorted(used)):
        files = [path for path in sorted(folder.glob("*")) if path.is_file()]
        if files:
            kept = {path.name: put(f"{_ROOT}/{kind}/{number}/{path.name}", path.read_bytes()) for path in files}
            folders.append({"kind": kind, "was": str(folder), "files": kept})
    told = {"workspace": str(space.path), "folders": folders, "pictures": _pictures(space, names, put)}
    return told | {"trials": pack_trials(space.catalog.trials, names, f"{_ROOT}/trials", put)}


def parts_of(manifest: Mapping[str, Any]) -> list[Part]:
    """Return the files of a backup that hold belongings."""
    told = manifest.get("belongings", {"folders": [], "pictures": {}})
    folders = [part for folder in told["folders"] for part in folder["files"].values()]
    return folders + list(told["pictures"].values()) + parts_of_trials(_trials(manifest))


def unpack(space: Workspace, manifest: Mapping[str, Any], read: Callable[[Part], bytes]) -> Moved:
    """Put the belongings of a backup into a workspace; a folder that is there with these files is used as it is.

    Raises OSError, ValueError for names that are none.
    """
    told = manifest.get("belongings")
    read_trials(_trials(manifest), read)
    if told is None:  # format 1
        return Moved(space.path, space.path)
    before = Path(told["workspace"])
    folders = {}
    for folder in told["folders"]:
        was = Path(folder["was"])
        outside = not was.is_relative_to(before)
        files = {_named(name): part for name, part in folder["files"].items()}
        stays = (outside or before == space.path) and _holds(was, files)
        place = space.path / _kind(folder["kind"]) / _named(was.name)
        folders[was] = was if stays else _placed(place, files, read)
    for name, part in told["pictures"].items():
        path = space.path / PICTURES / _named(name)
        if not _holds(path.parent, {path.name: part}):
            _write(path, read(part))
    return Moved(before, space.path, folders)


def bring_trials(space: Workspace, manifest: Mapping[str, Any], read: Callable[[Part], bytes]) -> None:
    """Put the trials of a backup into a workspace whose collections are restored."""
    unpack_trials(space.catalog.trials, _trials(manifest), read)


def _trials(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a manifest says of trials: of format 1, and the first ones of format 2, nothing."""
    told: list[dict[str, Any]] = manifest.get("belongings", {}).get("trials", [])
    return told


def _pictures(space: Workspace, names: Sequence[str], put: Callable[[str, bytes], Part]) -> dict[str, Part]:
    folder = space.path / PICTURES
    kept: dict[str, Part] = {}
    if not folder.is_dir():
        return kept
    for name in names:
        for rows in walk(space.store_of(name)):
            for path in (Path(str(row.payload.get("_file") or "")) for row in rows):
                if path.parent == folder and path.is_file():
                    kept[path.name] = put(f"{_ROOT}/{PICTURES}/{path.name}", path.read_bytes())
    return kept


def _placed(place: Path, files: Mapping[str, Part], read: Callable[[Part], bytes]) -> Path:
    """Return the folder that holds these files: one of this name, or of a name with their digest."""
    if place.exists() and not _holds(place, files):
        told = "".join(f"{name} {files[name]['sha256']}\n" for name in sorted(files))
        place = place.with_name(f"{place.name}-{hashlib.sha256(told.encode()).hexdigest()[:8]}")
    if _holds(place, files):
        return place
    aside = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        for name, part in files.items():
            _write(aside / name, read(part))
        aside.replace(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _holds(folder: Path, files: Mapping[str, Part]) -> bool:
    """Whether a folder has these files, to the byte."""
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == part["sha256"]
        for name, part in files.items()
    )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _kind(kind: str) -> str:
    if kind not in (MODELS, TAGGERS):
        raise ValueError(f"{kind!r} is no kind of folder")
    return kind


def _named(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of a file")
    return name
