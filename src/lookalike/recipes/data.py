"""A folder of folders as a data set: pictures, each with the name of its folder as its label."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lookalike.errors import InvalidArgument
from lookalike.evaluation.figures import SEED
from lookalike.labeled import labeled_folder

__all__ = ["ImageFolder"]


class ImageFolder:
    """Pictures and labels in one order: `items[i]` shows `labels[i]`, one of `classes`."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Read a folder whose folders are labels. Raises FolderNotFound, NoImagesFound, InvalidArgument."""
        found = labeled_folder(Path(folder))
        self._take([str(file) for file in found.files], found.labels)

    @classmethod
    def of(cls, items: Iterable[str | os.PathLike[str]], labels: Iterable[str]) -> ImageFolder:
        """Return a data set of given files and labels. Raises InvalidArgument where their numbers differ."""
        made = cls.__new__(cls)
        made._take([os.fspath(item) for item in items], list(labels))
        return made

    def _take(self, items: Sequence[str], labels: Sequence[str]) -> None:
        if len(items) != len(labels):
            raise InvalidArgument("labels", f"{len(labels)} for {len(items)} pictures", "as many as there are pictures")
        self.items, self.labels = list(items), list(labels)
        self.classes = sorted(set(labels))

    def __len__(self) -> int:
        return len(self.items)

    def split(self, share: float = 0.2, *, seed: int = SEED) -> tuple[ImageFolder, ImageFolder]:
        """Return the data set in two parts, the second with about this share of each label's pictures.

        As the recipes' introduction splits; for features that should work on labels never seen, hold out whole
        labels (`split_classes`). Raises InvalidArgument for a share outside (0, 1).
        """
        _check(share)
        random = np.random.default_rng(seed)
        chosen: set[int] = set()
        for name in self.classes:
            own = [place for place, label in enumerate(self.labels) if label == name]
            chosen.update(random.permutation(own)[: round(share * len(own))].tolist())
        return self._parts(chosen)

    def split_classes(self, share: float = 0.5, *, seed: int = SEED) -> tuple[ImageFolder, ImageFolder]:
        """Return the data set in two parts without a label in common, the second with about this share of labels."""
        _check(share)
        names = np.random.default_rng(seed).permutation(self.classes)[: round(share * len(self.classes))]
        held = set(names.tolist())
        return self._parts({place for place, label in enumerate(self.labels) if label in held})

    def _parts(self, chosen: set[int]) -> tuple[ImageFolder, ImageFolder]:
        first, second = (
            [place for place in range(len(self)) if (place in chosen) is wanted] for wanted in (False, True)
        )
        made = [
            ImageFolder.of([self.items[place] for place in part], [self.labels[place] for place in part])
            for part in (first, second)
        ]
        return made[0], made[1]


def _check(share: float) -> None:
    if not 0 < share < 1:
        raise InvalidArgument("share", share, "between 0 and 1")
