"""A map as it is kept: a file for each description of a collection, beside the collection's store.

NAME/DESCRIPTION.npz   about: JSON of the facts; ids: JSON list; both as ASCII bytes. places: (n, 2) float32;
                       digests: (n,) uint32, CRC-32 of each vector; mean, axes: as in `layout.Basis`

A file that can't be read, or is of another format, counts as none: a map is made anew at little cost.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from lookalike.atlas.keptfields import forget_fields
from lookalike.atlas.layout import Basis, Floats, Method
from lookalike.errors import StoreFailed

__all__ = ["FORMAT", "Chart", "drop_charts", "load_chart", "maps_folder", "save_chart", "strike"]

FORMAT: Final = 1
"""Version of the file."""

_GRID: Final = 65_535


@dataclass(frozen=True, eq=False)
class Chart:
    """Where the records of a collection lie.

    made: when it was drawn, ISO 8601, UTC; changed: when records were last placed on it. incarnation: when the
    collection was made, since another one may get its name. signature: of the describer, "" for vectors of the user's.
    fitted: records that were laid out together; the others were placed beside them. draft: PCA, while t-SNE works.
    ids: in the order of places, (n, 2) float32, and digests, (n,) uint32.
    """

    incarnation: str
    description: str
    signature: str
    method: Method
    made: str
    changed: str
    seed: int
    fitted: int
    draft: bool
    ids: Sequence[str]
    places: Floats
    digests: NDArray[np.uint32]
    basis: Basis

    @cached_property
    def rows(self) -> dict[str, int]:
        """Id -> its place in `ids`."""
        return {id_: row for row, id_ in enumerate(self.ids)}

    @cached_property
    def grid(self) -> NDArray[np.uint16]:
        """Places as (n, 2) whole numbers from 0 to 65,535; the longer side fills them, and y points up."""
        low = self.places.min(axis=0, initial=np.inf) if len(self.places) else np.zeros(2)
        high = self.places.max(axis=0, initial=-np.inf) if len(self.places) else np.zeros(2)
        side = max(float((high - low).max()), 1e-12)
        offset = (side - (high - low)) / 2
        return np.asarray(np.rint((self.places - low + offset) / side * _GRID), np.uint16)

    def without(self, ids: Collection[str]) -> Chart:
        """Return the map without some of its records."""
        keep = np.array([id_ not in ids for id_ in self.ids], bool)
        left = [id_ for id_ in self.ids if id_ not in ids]
        return replace(self, ids=left, places=self.places[keep], digests=self.digests[keep])


def maps_folder(workspace: Path) -> Path:
    """Return where the maps of a workspace are: in its folder; of one in a cluster, in this machine's own."""
    return workspace / "maps"


def save_chart(folder: Path, name: str, chart: Chart) -> None:
    """Write the map of a collection, whole or not at all. folder: that of all maps. Raises StoreFailed."""
    facts = ("incarnation", "description", "signature", "method", "made", "changed", "seed", "fitted", "draft")
    about = {"format": FORMAT} | {fact: getattr(chart, fact) for fact in facts}
    path = _path(folder, name, chart.description)
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            np.savez(
                file,
                about=_bytes(about),
                ids=_bytes(list(chart.ids)),
                places=chart.places,
                digests=chart.digests,
                mean=chart.basis.mean,
                axes=chart.basis.axes,
            )
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise StoreFailed("keep the map", error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)


def load_chart(folder: Path, name: str, description: str) -> Chart | None:
    """Return the map of a collection by a description, if one is kept that this version reads."""
    try:
        with _path(folder, name, description).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            about = json.loads(kept["about"].tobytes())
            if about.pop("format") != FORMAT:
                return None
            return Chart(
                **about,
                ids=json.loads(kept["ids"].tobytes()),
                places=kept["places"],
                digests=kept["digests"],
                basis=Basis(kept["mean"], kept["axes"]),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def drop_charts(folder: Path, name: str) -> None:
    """Delete the maps of a collection."""
    shutil.rmtree(folder / name, ignore_errors=True)


def strike(folder: Path, name: str, ids: Collection[str]) -> None:
    """Take records off every map of a collection, so that not even their ids are left. Raises StoreFailed."""
    forget_fields(folder / name)
    for path in sorted((folder / name).glob("*.npz")):
        chart = load_chart(folder, name, path.stem)
        if chart is None:
            path.unlink(missing_ok=True)  # whatever it is, nobody can tell whom it names
        elif not chart.rows.keys().isdisjoint(ids):
            save_chart(folder, name, chart.without(ids))


def _path(folder: Path, name: str, description: str) -> Path:
    return folder / name / f"{description}.npz"


def _bytes(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode("ascii"), np.uint8)
