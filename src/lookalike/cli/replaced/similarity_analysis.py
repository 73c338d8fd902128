"""similarity_analysis.py: a folder of pictures sent to the service, and those most like one of them in a table.

Flags and tables are those of the original; metric, model, address and key can be chosen beside them.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import httpx
import numpy as np

from lookalike.cli.replaced.tables import mixed_grid
from lookalike.errors import LookalikeError
from lookalike.gallery import make_examples
from lookalike.metrics import METRICS, distances, similarities

__all__ = ["main"]

_ROUTE: Final = "/upload-images/"
_EXAMPLES: Final = "images"
_FILES, _BYTES = 200, 64 * 2**20  # of one request, unless a single file is larger
_SECONDS: Final = 600.0
_SPECIAL: Final = re.compile(r'["\\%\x00-\x1f\x7f]')
"""What forms can't say in the name of a file as it is; each client would write it in its own way."""


class _NoAnswer(Exception):
    """The service can't be reached or refuses; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program, by default with the arguments of the process, and return its exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.top < 1:
        parser.error(f"--top is {asked.top}; it must be at least 1")
    folder = Path(asked.images_folder)
    try:
        if not folder.exists() and folder == Path(_EXAMPLES):
            make_examples(folder)
            print(f"There was no folder {folder}: it was made, of sample pictures.", file=sys.stderr)
        names, embeddings = _described(sorted(path for path in folder.glob("*") if path.is_file()), asked)
        if asked.ref_image not in embeddings:
            raise _NoAnswer(f"{asked.ref_image} is not among the pictures in {folder} that could be read")
        print(mixed_grid(["Reference Image", "Image Classification"], [[asked.ref_image, names[asked.ref_image]]]))
        rows = [(name, value, names[name]) for name, value in _nearest(embeddings, asked)]
        print(mixed_grid(["Images", "Similarity to Reference", "Image Classification"], rows))
    except (LookalikeError, _NoAnswer) as error:
        print(f"similarity_analysis.py: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Which pictures of a folder are most like one of them?")
    add = parser.add_argument
    add("--images_folder", default=_EXAMPLES, help="folder of the pictures; default %(default)s")
    add("--ref_image", default="cat.png", help="the one they are compared to; default %(default)s")
    add("--metric", default="cosine", choices=list(METRICS), help="default %(default)s")
    add("--model", default="", help="one that `lookalike models list` names; default the service's own")
    add("--top", type=int, default=10, help="how many to show; default %(default)s")
    add("--url", default="http://localhost:8080", help="of the service; default %(default)s")
    add("--key", default=os.environ.get("LOOKALIKE_KEY", ""), help="for a service on another machine")
    return parser


def _described(paths: Sequence[Path], asked: argparse.Namespace) -> tuple[dict[str, str], dict[str, list[float]]]:
    """Return file name -> what it shows, and file name -> embedding; what the service says is printed on the way."""
    names: dict[str, str] = {}
    embeddings: dict[str, list[float]] = {}
    headers = {"Authorization": f"Bearer {asked.key}"} if asked.key else {}
    with httpx.Client(base_url=asked.url, headers=headers, timeout=_SECONDS) as client:
        for batch in _batches(paths):
            found = _sent(client, batch, asked.model)
            print(found.get("message") or f"The service answers: {found.get('detail', found)}")
            names |= {unquote(name): shown for name, shown in found.get("predictions", {}).items()}
            embeddings |= {unquote(name): row for name, row in found.get("embeddings", {}).items()}
    return names, embeddings


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = 0
    for path in paths:
        own = path.stat().st_size
        if batch and (len(batch) == _FILES or size + own > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += own
    if batch:
        yield batch


def _sent(client: httpx.Client, batch: Sequence[Path], model: str) -> dict[str, Any]:
    files = [("files", (_SPECIAL.sub(_quoted, path.name), path.read_bytes())) for path in batch]
    try:
        answer = client.post(_ROUTE, files=files, params={"model": model} if model else {})
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _NoAnswer(f"no answer from {client.base_url} ({error}); start it with `lookalike serve`") from None
    except ValueError:
        raise _NoAnswer(f"{client.base_url} answers {answer.status_code}, and not as the service does") from None
    if answer.is_error and "errors" not in found:
        raise _NoAnswer(f"the service refuses: {found.get('detail') or found.get('message')}")
    return dict(found)


def _quoted(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"


def _nearest(embeddings: dict[str, list[float]], asked: argparse.Namespace) -> list[tuple[str, float]]:
    """Return the pictures most like the reference, which is left out, and how like they are; ties by name."""
    query, others = embeddings[asked.ref_image], [name for name in embeddings if name != asked.ref_image]
    if not others:
        return []
    rows = [embeddings[name] for name in others]
    far = distances(query, rows, asked.metric)
    shown = similarities(query, rows, asked.metric) if METRICS[asked.metric].score else -far
    return [(others[at], float(shown[at])) for at in np.argsort(far, kind="stable")[: asked.top]]
