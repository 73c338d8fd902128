"""Training pictures: zips decoded once to uint8 squares, their labels, and splits that share no identity.

The whole picture is squashed to the square, as the product does before it asks the model.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ImageUnreadable, SourceNotFound
from lookalike.training.recipe import DataPart, Recipe, SetPart

__all__ = ["SEALED", "TRAIN", "VALIDATION", "PictureSet", "Pictures", "load", "split_identities"]

Pixels = NDArray[np.uint8]
TRAIN, VALIDATION, SEALED = 0, 1, 2


@dataclass(frozen=True)
class PictureSet:
    """One zip, decoded.

    pixels: (n, side, side, 3) RGB; columns: name -> n strings; split: (n,) of TRAIN, VALIDATION, SEALED;
    labels: vocabulary -> (n,) class numbers, -1 where the class is not among the trained ones.
    """

    part: SetPart
    pixels: Pixels
    columns: dict[str, list[str]]
    split: NDArray[np.int8]
    labels: dict[str, NDArray[np.int64]]

    def rows(self, split: int) -> NDArray[np.intp]:
        """Return the row numbers that belong to a split, ascending."""
        return np.flatnonzero(self.split == split)

    def classes(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return one number per row, equal where the measured label is equal."""
        column = self.columns[self.part.measured]
        return np.unique([column[row] for row in rows], return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Pictures:
    """All sets. vocabularies: name -> class names in the order of the class numbers."""

    sets: tuple[PictureSet, ...]
    vocabularies: dict[str, list[str]]

    def training_rows(self) -> NDArray[np.int32]:
        """Return (n, 2): set number and row number of every picture that may be trained on."""
        pairs = [
            np.stack([np.full(len(rows), number), rows], axis=1)
            for number, one in enumerate(self.sets)
            if len(rows := one.rows(TRAIN))
        ]
        return np.concatenate(pairs).astype(np.int32)


def load(recipe: Recipe, data: Path, cache: Path) -> Pictures:
    """Decode what is not yet in `cache` and return every set of the recipe.

    Raises SourceNotFound for a missing zip and ImageUnreadable for a damaged picture: training never goes on
    with less than the recipe names.
    """
    cache.mkdir(parents=True, exist_ok=True)
    tables = [_table(data / part.file) for part in recipe.sets]
    splits = _splits(recipe, tables)
    vocabularies = _vocabularies(recipe.sets, tables, splits)
    sets = tuple(
        PictureSet(
            part=part,
            pixels=_decoded(data / part.file, table["file"], recipe.data.side, cache),
            columns=table,
            split=split,
            labels={
                vocabulary: _numbers(table[column], vocabularies[vocabulary])
                for vocabulary, column in part.labels.items()
            },
        )
        for part, table, split in zip(recipe.sets, tables, splits, strict=True)
    )
    return Pictures(sets, vocabularies)


def split_identities(identities: Iterable[str], space: str, seed: int, shares: DataPart) -> dict[str, int]:
    """Assign each identity to TRAIN, VALIDATION or SEALED, the same way whatever the input's order.

    Retrieval among the pictures of a single class measures nothing, so a split gets at least two classes;
    spaces of fewer than eight have no sealed ones, and of fewer than four no held-out ones at all.
    """
    names = sorted(set(identities))
    order = np.random.default_rng([seed, zlib.crc32(space.encode())]).permutation(len(names))
    validation = max(2, round(shares.validation * len(names))) if len(names) >= 4 else 0
    sealed = max(2, round(shares.sealed * len(names))) if len(names) >= 8 else 0
    split = np.full(len(names), TRAIN)
    split[order[:validation]] = VALIDATION
    split[order[validation : validation + sealed]] = SEALED
    return dict(zip(names, split.tolist(), strict=True))


def _splits(recipe: Recipe, tables: Sequence[dict[str, list[str]]]) -> list[NDArray[np.int8]]:
    spaces: dict[str, set[str]] = {}
    for part, table in zip(recipe.sets, tables, strict=True):
        spaces.setdefault(part.space, set()).update(table[part.identity])
    assigned = {space: split_identities(names, space, recipe.seed, recipe.data) for space, names in spaces.items()}
    return [
        np.array([assigned[part.space][name] for name in table[part.identity]], np.int8)
        for part, table in zip(recipe.sets, tables, strict=True)
    ]


def _vocabularies(
    parts: Sequence[SetPart], tables: Sequence[dict[str, list[str]]], splits: Sequence[NDArray[np.int8]]
) -> dict[str, list[str]]:
    names: dict[str, set[str]] = {}
    for part, table, split in zip(parts, tables, splits, strict=True):
        for vocabulary, column in part.labels.items():
            trained = {table[column][row] for row in np.flatnonzero(split == TRAIN)}
            names.setdefault(vocabulary, set()).update(trained - {""})
    return {vocabulary: sorted(found) for vocabulary, found in names.items()}


def _numbers(values: Sequence[str], vocabulary: Sequence[str]) -> NDArray[np.int64]:
    number = {name: place for place, name in enumerate(vocabulary)}
    return np.array([number.get(value, -1) for value in values], np.int64)


def _table(path: Path) -> dict[str, list[str]]:
    if not path.is_file():
        raise SourceNotFound(str(path))
    with zipfile.ZipFile(path) as archive, archive.open("labels.csv") as raw:
        rows = list(csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")))
    return {column: [row[column] for row in rows] for column in rows[0]}


def _decoded(path: Path, files: Sequence[str], side: int, cache: Path) -> Pixels:
    target = cache / f"{path.stem}-{side}.npy"
    if not target.exists():
        aside = target.with_suffix(".part")
        pixels = np.lib.format.open_memmap(aside, mode="w+", dtype=np.uint8, shape=(len(files), side, side, 3))
        with zipfile.ZipFile(path) as archive, ThreadPoolExecutor(2) as pool:

            def decode(item: tuple[int, bytes]) -> None:
                pixels[item[0]] = _square(item[1], f"{path.name}:{files[item[0]]}", side)

            # the archive is read by one thread; in chunks, so that few pictures wait in memory
            for start in range(0, len(files), 1024):
                chunk = range(start, min(start + 1024, len(files)))
                list(pool.map(decode, [(row, archive.read(files[row])) for row in chunk]))
        pixels.flush()
        aside.rename(target)
    decoded: Pixels = np.load(target, mmap_mode="r")
    return decoded


def _square(data: bytes, source: str, side: int) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ImageUnreadable(source, "not a picture OpenCV can decode")
    shrinks = min(picture.shape[:2]) > side
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.ascontiguousarray(picture[..., ::-1])
