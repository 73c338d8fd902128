"""Files to rows: many pictures described by a lineup, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from lookalike.errors import ImageError
from lookalike.evaluation.lineup import Lineup, Rows
from lookalike.images import Image, read_image
from lookalike.settings import Settings

__all__ = ["BATCH", "Progress", "Read", "describe_files", "in_batches", "read_or_error", "stacked"]

Progress = Callable[[int], None]
BATCH = 8
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Read:
    """What came of files. places: which of them were read; digests: their SHA-256; rows: line -> (read, width).

    unreadable: file -> reason.
    """

    places: Sequence[int]
    digests: Sequence[str]
    rows: dict[str, Rows]
    unreadable: dict[str, str]


def describe_files(files: Sequence[Path], lineup: Lineup, settings: Settings, progress: Progress) -> Read:
    """Describe files by everybody; what can't be read is listed and the others go on."""

    def batch(chunk: Sequence[Path]) -> tuple[list[str | ImageError], dict[str, Rows]]:
        images = [read_or_error(path, settings, lineup.wants) for path in chunk]
        good = [image for image in images if isinstance(image, Image)]
        rows = lineup.describe([image.pixels for image in good]) if good else {}
        return [image.sha256 if isinstance(image, Image) else image for image in images], rows

    outcomes: list[str | ImageError] = []
    parts: list[dict[str, Rows]] = []
    for found, rows in in_batches(batch, files, settings.workers):
        progress(len(found))
        outcomes += found
        parts += [rows] if rows else []
    places = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    digests = [outcome for outcome in outcomes if isinstance(outcome, str)]
    failed = {str(file): one.reason for file, one in zip(files, outcomes, strict=True) if isinstance(one, ImageError)}
    return Read(places, digests, stacked(parts), failed)


def read_or_error(path: Path, settings: Settings, wants: int | None) -> Image | ImageError:
    """Return the picture of a file, or why there is none."""
    try:
        return read_image(path, limits=settings.limits, wants=wants)
    except ImageError as error:
        return error


def in_batches(work: Callable[[Sequence[T]], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """Yield what `work` makes of every few items, in order, on several threads."""
    chunks = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    with ThreadPoolExecutor(workers, thread_name_prefix="evaluate") as pool:
        yield from pool.map(work, chunks)


def stacked(parts: Sequence[dict[str, Rows]]) -> dict[str, Rows]:
    """Return line -> the rows of all parts, one below the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}
