"""Fetching models from a hub, when and only when the user asks for one.

Plain HTTP GETs by the standard library: `HUB/OWNER/REPO/resolve/REVISION/PATH`, and one look at
`HUB/api/models/OWNER/REPO` for repositories that have no card here. huggingface_hub would add a cache of links to blobs
that nobody can fill by hand, a second protocol, usage statistics, and tokens read from disk.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from lookalike.describers.cards import card as card_of
from lookalike.describers.modelcard import ModelCard, ModelFile
from lookalike.describers.own import HUB_PREFIX, ONNX_PREFIX, hub_folder
from lookalike.describers.weights import digest_of, hub, ready, record, refuse
from lookalike.errors import FetchFailed, InvalidArgument, ModelUnusable
from lookalike.version import __version__

__all__ = ["Progress", "fetch"]

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes of it that are here, and how many it has (0 if the hub doesn't say)."""

_ATTEMPTS = 3
_PAUSE = 0.5  # seconds before the second attempt, twice that before the third
_PATIENCE = 30  # seconds without a byte
_CHUNK = 1 << 20
_GONE_ON = "What came is kept: run the command again, and it goes on from there."
_REPOSITORY = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:/([\w./-]+\.onnx))?\Z")
_IMAGE = ("onnx/vision_model.onnx", "vision_model.onnx", "onnx/model.onnx", "model.onnx")
_BESIDE = ("preprocessor_config.json", "config.json", "tokenizer.json", "tokenizer_config.json")


def fetch(name: str, progress: Progress = lambda file, done, total: None) -> ModelCard:
    """Bring a model onto this machine and return its card; of what is here already nothing is asked.

    Files are written aside, checked against their SHA-256 and renamed, under a lock: two processes may fetch at once.
    A download that was cut goes on where it stopped. Raises FetchFailed, ModelMissing (of models that only the user
    can bring), ModelUnusable, UnknownModel, InvalidArgument.
    """
    if name.startswith(ONNX_PREFIX):
        raise InvalidArgument("model", name, "a name of `lookalike models list`, or hf:OWNER/REPO")
    if name.startswith(HUB_PREFIX):
        return _fetch_repository(name, progress)
    card = card_of(name)
    if not all(file.repository for file in card.files.values()):
        return ready(card)
    with _locked(card.folder):
        for file in card.files.values():
            _bring(name, card.folder, file, progress)
    return ready(card)


def _fetch_repository(name: str, progress: Progress) -> ModelCard:
    asked = _REPOSITORY.match(name.removeprefix(HUB_PREFIX))
    if asked is None:
        raise InvalidArgument("model", name, "hf:OWNER/REPO or hf:OWNER/REPO/FILE.onnx")
    folder = hub_folder(name)
    with _locked(folder):
        if not (folder / "image.onnx").is_file():
            files = _files_of(name, asked[1], asked[2])
            for file in sorted(files, key=lambda file: file.name == "image.onnx"):
                _bring(name, folder, file, progress)  # the file by which it is known to be here comes last
    return ready(card_of(name))


def _locked(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{folder} can't be made ({error.strerror})"
        raise FetchFailed(hub(), reason, "Name another folder with LOOKALIKE_MODELS.") from None
    return FileLock(folder / ".lock")


def _bring(model: str, folder: Path, file: ModelFile, progress: Progress) -> None:
    """Make sure that a file is in the folder and is the one that the card states; a damaged one is fetched again."""
    target = folder / file.name
    if target.is_file():
        if not file.sha256 or digest_of(target) == file.sha256:
            return
        target.unlink()
    if Path(file.path).suffix not in (".onnx", ".json", ".onnx_data", ".data"):
        raise ModelUnusable(model, f"{file.path} is no ONNX file")
    url = f"{hub()}/{file.repository}/resolve/{file.revision}/{file.path}"
    part = folder / f"{file.name}.{file.revision[:12]}.part"
    for _ in range(2):
        _download(url, part, lambda done, total: progress(file.name, done, total))
        found = digest_of(part)
        if not file.sha256 or found == file.sha256:
            refuse(model, part)
            record(folder, file.name, found)
            part.replace(target)
            return
        part.unlink()  # damaged on its way, or half of it from another time: once more, from the start
    raise FetchFailed(url, f"its SHA-256 is {found}, the card states {file.sha256}", "Nothing of it was kept.")


def _download(url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    """Complete the file `part`, from where it ends. Raises FetchFailed; then what came stays."""
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE * attempt)
        try:
            return _append(url, part, progress)
        except urllib.error.HTTPError as error:
            reason = f"the hub answers {error.code} {error.reason}"
            if error.code == 416 and part.is_file():
                part.unlink()  # longer than the file it is a part of
            elif error.code < 500 and error.code != 429:
                raise FetchFailed(url, reason, "The file may have been moved or be open to members only.") from None
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
    raise FetchFailed(url, reason, _GONE_ON if part.is_file() else "Is there a connection? See docs/models.md.")


def _append(url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    here = part.stat().st_size if part.is_file() else 0
    with _get(url, {"Range": f"bytes={here}-"} if here else {}) as answer:
        if not (answer.headers.get("Content-Range") or "").startswith(f"bytes {here}-"):
            here = 0  # the hub sends the whole file
        total = here + int(answer.headers.get("Content-Length") or 0)
        with part.open("ab" if here else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                here += len(chunk)
                progress(here, total)
            file.flush()
            os.fsync(file.fileno())
    if here < total:
        raise ConnectionError(f"the connection was cut after {here:,} of {total:,} bytes")


def _get(url: str, headers: Mapping[str, str]) -> Any:
    agent = {"User-Agent": f"lookalike/{__version__}", "Accept-Encoding": "identity"}
    return urllib.request.urlopen(urllib.request.Request(url, headers={**agent, **headers}), timeout=_PATIENCE)


def _files_of(name: str, repository: str, image: str | None) -> list[ModelFile]:
    """Ask the hub what a repository holds, and choose the files that are needed, at its present revision."""
    url = f"{hub()}/api/models/{repository}?blobs=true"
    try:
        with _get(url, {}) as answer:
            about = json.load(answer)
        held = {one["rfilename"]: (one.get("lfs") or {}).get("sha256", "") for one in about["siblings"]}
        revision = about["sha"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise FetchFailed(url, str(error), "Check the repository's name and the connection.") from None
    image = image or _image_of(name, list(held))
    wanted = {"image.onnx": image, **{f: f for f in _BESIDE if f in held}}
    for local, path in (("image.onnx", image), ("text.onnx", image.replace("vision_model", "text_model"))):
        if path in held and (local == "image.onnx" or path != image):
            wanted[local] = path
            wanted |= {Path(data).name: data for data in (f"{path}_data", f"{path}.data") if data in held}
    return [ModelFile(local, repository, revision, path, held.get(path, "")) for local, path in wanted.items()]


def _image_of(name: str, held: list[str]) -> str:
    every = [path for path in held if path.endswith(".onnx")]
    found = next((path for path in _IMAGE if path in every), every[0] if len(every) == 1 else None)
    if found is not None:
        return found
    if every:
        raise ModelUnusable(name, "it holds several ONNX files", f"Name one: {', '.join(f'{name}/{p}' for p in every)}")
    raise ModelUnusable(name, "it holds no ONNX file, and nothing else is opened", "Export it: see docs/models.md.")
