"""`lookalike group`: a folder of pictures divided into groups that look alike."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.describers.labels import labels_of
from lookalike.describers.stream import Job, describe_stream
from lookalike.duplicates import connected_groups, group_by_ssim
from lookalike.errors import ImageError, InvalidArgument
from lookalike.folders.scan import Scan, scan
from lookalike.images import read_image
from lookalike.search import score_of
from lookalike.settings import Settings
from lookalike.ssim import to_gray

__all__ = ["FolderGroups", "GroupMethod", "group_folder"]

GroupMethod = Literal["ssim", "copy", "meaning"]

_BLOCK = 1024  # rows of the similarity matrix held at once
_TAGS = 2  # of a group's name
_LIKELY = 0.25  # probability from which a label that is no tag is better than no name


@dataclass(frozen=True, slots=True)
class FolderGroups:
    """A folder divided.

    groups: ordered by their first member's path; members ascending by path. unreadable: path -> reason. names: of
    each group by meaning, what its pictures show on the whole, as "dog" or "beach, coast", "" where the model is not
    sure; none of groups made otherwise. unused: path -> reason, of everything in the folder that is in no group.
    """

    root: Path
    groups: list[list[Path]] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)


def group_folder(
    folder: str | os.PathLike[str],
    *,
    grade: float = 0.95,
    method: GroupMethod | str = "ssim",
    settings: Settings | None = None,
    leave_out: str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> FolderGroups:
    """Divide a folder's pictures: two belong together if their similarity is at least `grade`, or if a chain of
    such pairs joins them.

    method: "ssim" (structural similarity of the gray pictures, different sizes brought to the smaller), "copy" or
    "meaning" (score of the model's vectors). leave_out: a folder inside not to look into, such as the output's.
    A picture that can't be read is listed and the others go on.
    Raises FolderNotFound, NoImagesFound, InvalidArgument.
    """
    if not 0.0 <= grade <= 1.0:
        raise InvalidArgument("grade", grade, "between 0 and 1")
    if method not in get_args(GroupMethod):
        raise InvalidArgument("method", method, f"one of {', '.join(get_args(GroupMethod))}")
    settings = settings or Settings.load()
    found = scan(folder, leave_out=_absolute(leave_out) if leave_out is not None else None)
    step = progress or (lambda count: None)
    unreadable = dict(found.unreadable)
    names: list[str] = []
    if method == "ssim":
        paths, indices = _by_ssim(found, grade, settings, unreadable, step)
    else:
        paths, rows = _vectors(found, method, settings, unreadable, step)
        indices = connected_groups(len(rows), _alike(rows, grade))
        if method == "meaning":
            names = [_named(rows[group], standard_ensemble(settings.model)) for group in indices]
    unused = dict(sorted((found.unused | unreadable).items()))
    return FolderGroups(found.root, [[paths[i] for i in group] for group in indices], unreadable, names, unused)


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.normpath(Path(path).expanduser().absolute()))


def _by_ssim(
    found: Scan, grade: float, settings: Settings, unreadable: dict[str, str], step: Callable[[int], None]
) -> tuple[list[Path], list[list[int]]]:
    paths, grays = [], []
    for path in found.pictures:
        try:
            grays.append(to_gray(read_image(path, limits=settings.limits).pixels))
            paths.append(path)
        except ImageError as error:
            unreadable[str(path)] = error.reason
        step(1)
    return paths, group_by_ssim(grays, grade)


def _vectors(
    found: Scan, method: str, settings: Settings, unreadable: dict[str, str], step: Callable[[int], None]
) -> tuple[list[Path], NDArray[np.float32]]:
    jobs = (Job(path) for path in found.pictures)
    ensemble = standard_ensemble(settings.model)
    paths: list[Path] = []
    rows = [np.zeros((0, ensemble.dims[method]), np.float32)]
    for outcome in describe_stream(jobs, ensemble, limits=settings.limits, workers=settings.workers):
        if outcome.error:
            unreadable[str(outcome.job.source)] = outcome.error.reason
        else:
            paths.append(outcome.job.source)
            rows.append(outcome.rows[method][None])
        step(1)
    return paths, np.concatenate(rows)


def _named(rows: NDArray[np.float32], ensemble: Ensemble) -> str:
    """Return the first tags of the mean vector, or its most probable label if that is likely enough."""
    book = ensemble.book
    if book is None:
        return ""
    mean = rows.mean(axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    if tags := ensemble.tags({"meaning": mean}):
        return ", ".join(tags[:_TAGS])
    labels = labels_of(mean[None], book, count=1)[0].labels
    return labels[0].name.split(",")[0] if labels and labels[0].probability >= _LIKELY else ""


def _alike(rows: NDArray[np.float32], grade: float) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, of unit rows whose score is at least the grade."""
    pairs: list[tuple[int, int]] = []
    lowest = grade - 1e-6 if grade > 0 else -1.0  # the rounding of scores; decided below
    for start in range(0, len(rows), _BLOCK):
        cosines = rows[start : start + _BLOCK] @ rows.T
        for i, j in np.argwhere(cosines >= lowest):
            if start + i < j and score_of(float(cosines[i, j])) >= grade:
                pairs.append((int(start + i), int(j)))
    return pairs
