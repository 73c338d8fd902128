"""Maps of collections: drawn by a job, kept beside the stores, and read with the fields of the records."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike.atlas.chart import Chart, load_chart, maps_folder, save_chart
from lookalike.atlas.fields import Coloring, Kind, field_kinds
from lookalike.atlas.keptfields import KeptFields
from lookalike.atlas.layout import (
    SAMPLED,
    UNFOLDED,
    Basis,
    Floats,
    Method,
    basis_of,
    best_method,
    place_beside,
    unfold,
)
from lookalike.atlas.sheet import Gather, Sheet
from lookalike.catalog import CollectionInfo, now
from lookalike.collection import Collection
from lookalike.errors import InvalidArgument, UnknownVector
from lookalike.jobs import Task
from lookalike.stores.base import Store
from lookalike.stores.watched import walk
from lookalike.workspace import Workspace

__all__ = [
    "STEPS",
    "UNCOLORED",
    "Atlas",
    "checked_description",
    "chosen_color",
    "color_fields",
    "draw",
    "draw_map",
    "is_outdated",
]

STEPS: Final = 100
"""What a job that draws a map counts to."""

UNCOLORED: Final = "-"
"""Instead of a field: no colors."""

_LOOKED_AT: Final = 300  # records from which the fields to color by are told
_SEED: Final = 7
_PAGE: Final = 2000
_READING: Final = 0.25  # share of the work that reading is where t-SNE follows
_MOST_SHEETS: Final = 8
_MOST_CHARTS: Final = 16

Told = Callable[[float], None]


class Atlas:
    """The maps of a workspace, as they are shown. Safe to call from several threads."""

    def __init__(self, space: Workspace) -> None:
        self._space, self._guard = space, threading.Lock()
        self._charts: dict[Path, tuple[int, Chart]] = {}
        self._sheets: dict[str, Sheet] = {}

    def chart(self, name: str, description: str) -> Chart | None:
        """Return the map that is kept of a collection; None if there is none. Raises CollectionNotFound."""
        info = self._space.get(name).info
        path = maps_folder(self._space.path) / name / f"{description}.npz"
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            return None
        known = self._charts.get(path)
        if known is None or known[0] != stamp:
            chart = load_chart(maps_folder(self._space.path), name, description)
            if chart is None:
                return None
            with self._guard:
                self._charts.pop(path, None)
                self._charts[path] = known = (stamp, chart)
                while len(self._charts) > _MOST_CHARTS:
                    del self._charts[next(iter(self._charts))]
        return known[1] if known[1].incarnation == info.created else None

    def coloring(self, name: str, chart: Chart, field: str) -> Coloring:
        """Return what a field of its records says, for each place of a map. Raises CollectionNotFound, StoreFailed."""
        return self._sheet(name).coloring(field, chart.ids)

    def _sheet(self, name: str) -> Sheet:
        store = self._space.store_of(name)
        with self._guard:
            sheet = self._sheets.pop(name, None)
            if sheet is None or not sheet.is_of(store):
                sheet = _sheet(self._space, name)
            self._sheets[name] = sheet
            while len(self._sheets) > _MOST_SHEETS:
                self._sheets.pop(next(iter(self._sheets))).close()
        return sheet


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What was read of a store. points: (n, k) by the basis; digests: (n,) uint32."""

    ids: list[str]
    points: Floats
    digests: NDArray[np.uint32]
    basis: Basis


def checked_description(info: CollectionInfo, description: str) -> str:
    """Return the description of a map, by default the one that searches use. Raises UnknownVector."""
    chosen = description or info.settings.by
    if chosen not in info.dims:
        raise UnknownVector(chosen, sorted(info.dims))
    return chosen


def color_fields(collection: Collection) -> Mapping[str, Kind]:
    """Return the fields that color a map, as some of the records have them, the indexed ones first."""
    found = field_kinds(record.fields for record in collection.sample(_LOOKED_AT, seed=0))
    first = collection.settings.index
    names = sorted(found, key=lambda name: (name not in first, name.startswith("_"), found[name] != "values", name))
    return {name: found[name] for name in names}


def chosen_color(kinds: Mapping[str, Kind], wanted: str) -> str:
    """Return the field that colors a map: the one wanted, else the first of values, else `UNCOLORED`."""
    if wanted:
        return wanted
    return next((name for name, kind in kinds.items() if kind == "values" and not name.startswith("_")), UNCOLORED)


def is_outdated(chart: Chart, info: CollectionInfo) -> bool:
    """Whether the records have been described by another model since the map was drawn."""
    return chart.signature != info.signatures.get(chart.description, "")


def draw_map(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Draw the map of a collection as a job. spec: description; method, "" for the best there is; anew."""
    spec = task.spec
    method: Method = spec["method"] or best_method()
    return draw(space, str(task.collection), spec["description"], method, _steps(task), anew=spec["anew"])


def draw(
    space: Workspace, name: str, description: str, method: Method, told: Told, *, anew: bool = False
) -> Mapping[str, Any]:
    """Draw the map of a collection, or bring the one that is kept up to date, leaving what is on it where it is.

    told: called with the share that is done. anew: lay everything out again. What PCA says is kept first, so that it is
    seen at once. Returns what a job tells. Raises CollectionNotFound, UnknownVector, InvalidArgument, StoreFailed.
    """
    info = space.get(name).info
    description = checked_description(info, description)
    folder = maps_folder(space.path)
    old = None if anew else load_chart(folder, info.name, description)
    if old is not None and (
        old.draft or old.method != method or old.incarnation != info.created or is_outdated(old, info)
    ):
        old = None
    unfolding = method != "pca" and old is None
    store, count = space.store_of(info.name), len(space.get(info.name))
    share = (_READING if unfolding else 1) / max(count, 1)
    sheet = _sheet(space, info.name)
    with closing(sheet), sheet.gathering() as gather:
        read = _read(store, description, old.basis if old else None, gather, lambda done: told(done * share))
    if not read.ids:
        raise InvalidArgument("collection", info.name, f"one with records that have the description {description!r}")
    if old is not None:
        chart, placed = _updated(old, read)
        save_chart(folder, info.name, chart)
        return {"method": method, "records": len(read.ids), "placed": placed, "without": count - len(read.ids)}
    moment, signature = now(), info.signatures.get(description, "")
    chart = Chart(
        incarnation=info.created,
        description=description,
        signature=signature,
        method="pca",
        made=moment,
        changed=moment,
        seed=_SEED,
        fitted=len(read.ids),
        draft=unfolding,
        ids=read.ids,
        places=read.points[:, :2].copy(),
        digests=read.digests,
        basis=read.basis,
    )
    save_chart(folder, info.name, chart)
    if unfolding:
        fitted = read.points[:UNFOLDED]
        places = unfold(fitted, _SEED, lambda done: told(_READING + done * (1 - _READING)))
        places = np.vstack([places, place_beside(read.points[UNFOLDED:], fitted, places)])
        chart = replace(chart, method=method, changed=now(), fitted=len(fitted), draft=False, places=places)
        save_chart(folder, info.name, chart)
    return {"method": method, "records": len(read.ids), "fitted": chart.fitted, "without": count - len(read.ids)}


def _sheet(space: Workspace, name: str) -> Sheet:
    """Return the fields of a collection's records; kept beside its maps unless other machines may write records."""
    collection = space.get(name)
    info = collection.info
    kept = KeptFields(maps_folder(space.path) / name, info.created, info.place) if space.is_local else None
    return Sheet(space.store_of(name), collection.writing, kept)


def _steps(task: Task) -> Told:
    """Return a function that counts the job's steps, by the share that is done; it ends the job when it is told to."""
    task.expect(STEPS)
    done = 0

    def told(share: float) -> None:
        nonlocal done
        now_done = min(STEPS, int(share * STEPS))
        task.advance(max(0, now_done - done))
        done = max(done, now_done)

    return told


def _read(store: Store, description: str, basis: Basis | None, gather: Gather, told: Told) -> _Read:
    """Read all rows that have the description. basis: the one to reduce them by; without, it is taken from the first.

    gather: called with all rows. told: called with the number of rows read.
    """
    ids: list[str] = []
    digests: list[int] = []
    held: list[Floats] = []
    points: list[Floats] = []
    done = 0
    for rows in walk(store, with_vectors=True, page=_PAGE):
        having = [row for row in rows if description in row.vectors]
        if having:
            vectors = np.stack([row.vectors[description] for row in having])
            ids += [row.id for row in having]
            digests += [zlib.crc32(vector.tobytes()) for vector in vectors]
            held.append(vectors)
        if held and (basis is not None or len(ids) >= SAMPLED):
            basis = basis or basis_of(np.vstack(held))
            points += [basis.reduced(each) for each in held]
            held = []
        gather(rows)
        done += len(rows)
        told(done)
    if held:
        basis = basis_of(np.vstack(held))
        points = [basis.reduced(each) for each in held]
    if basis is None or not points:
        return _Read([], np.empty((0, 2), np.float32), np.empty(0, np.uint32), Basis(*np.empty((2, 0, 0), np.float32)))
    return _Read(ids, np.vstack(points), np.array(digests, np.uint32), basis)


def _updated(old: Chart, read: _Read) -> tuple[Chart, int]:
    """Return the map with the records as they are now, and how many were placed; the others keep their places."""
    rows = np.array([old.rows.get(id_, -1) for id_ in read.ids])
    kept = (rows >= 0) & (old.digests[rows] == read.digests) if len(old.ids) else np.zeros(len(rows), bool)
    places = read.points[:, :2].copy()
    if old.method != "pca" and kept.any():
        places[kept] = old.places[rows[kept]]
        places[~kept] = place_beside(read.points[~kept], read.points[kept], places[kept])
    changed = replace(old, changed=now(), ids=read.ids, places=places, digests=read.digests)
    return changed, int((~kept).sum())
