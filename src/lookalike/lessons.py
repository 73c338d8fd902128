"""Learning as jobs: taggers from records that say their labels, models of likeness from groups of records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import standard_ensemble
from lookalike.errors import InvalidArgument
from lookalike.evaluation.lineup import unit
from lookalike.evaluation.marks import marked_pairs
from lookalike.filters import ends, parse
from lookalike.jobs import Task
from lookalike.learning import Dataset, train
from lookalike.learning.dataset import marked_dataset
from lookalike.learning.examples import Examples
from lookalike.learning.tagging import learn_tagger, tagging_plan
from lookalike.stores.base import Row
from lookalike.stores.watched import walk
from lookalike.taggers import read_tagger, tagger_folder
from lookalike.taggers.folder import CARD, TAGGERS, check_target
from lookalike.taggers.tagger import VECTOR, Tagger
from lookalike.workspace import Workspace

__all__ = [
    "forget_tagger",
    "learn_labels",
    "learn_likeness",
    "marked_pictures",
    "models_folder",
    "retag",
    "taggers_of",
]

_CHOICES: Final = ("task", "precision", "held_out", "seed", "force")
_COPY, _PHASH = "copy", "phash"
_MORE: Final = ("color",)


def taggers_of(space: Workspace) -> Iterator[Tagger]:
    """Yield the taggers of a workspace, ascending by name. Raises TaggerUnusable for one that was altered."""
    for card in sorted((space.path / TAGGERS).glob(f"*/{CARD}")):
        yield read_tagger(card.parent)


def forget_tagger(space: Workspace, name: str) -> None:
    """Delete a tagger of a workspace, or a model of likeness; nothing if there is none."""
    for folder in (tagger_folder(name, space.path), models_folder(space) / name):
        shutil.rmtree(folder, ignore_errors=True)


def models_folder(space: Workspace) -> Path:
    """Return where models of likeness are that were learned from a workspace's own records."""
    return space.path / "models"


def marked_pictures(space: Workspace, collection: str) -> Dataset:
    """Return the pictures of a collection that people called the same, or different, to learn likeness from.

    Raises CollectionNotFound; InvalidArgument where no two pictures that are in files are marked.
    """
    marks = marked_pairs(space.catalog.decisions.list(space.get(collection).name))
    ids = sorted({name for a, b, _ in marks for name in (a, b)})
    records = [record for record in space.get(collection).get(ids) if record is not None]
    return marked_dataset(marks, {one.id: Path(one.fields["_file"]) for one in records if one.fields.get("_file")})


def learn_labels(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Do a job of kind "tagger": learn from the vectors and the metadata of the collection's records.

    spec: name; from: the field that says the label, or a list of them; field: that it fills; perhaps labels (only
    these), where, group (a field), test (a field), and task, precision, held_out, seed, force as in `TagPlan`.
    """
    spec = task.spec
    choices = {name: spec[name] for name in _CHOICES if spec.get(name) is not None}
    plan = tagging_plan({**choices, "field": spec["field"]})
    out = tagger_folder(spec["name"], space.path)
    check_target(out, plan.force)
    task.expect(1)
    examples = _examples(space, str(task.collection), spec, plan.task == "classify")
    task.check()
    found = learn_tagger(examples, plan, out)
    task.advance(1)
    return {"tagger": spec["name"], **found.report()}


def retag(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Do a job of kind "retag": ask the collection's taggers about records that are there. spec: where."""
    collection, where = space.get(str(task.collection)), task.spec["where"]
    task.expect(collection.count(where))
    done = collection.retag(where=where, progress=task.advance)
    return {"updated": len(done.updated), "skipped": len(done.skipped)}


def learn_likeness(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Do a job of kind "likeness": learn which of the collection's records show the same, from their files.

    spec: name; groups: name -> ids of records; held: names of groups that are only asked about.
    """
    spec, collection = task.spec, space.get(str(task.collection))
    groups = {name: _files(collection.get(ids)) for name, ids in spec["groups"].items()}
    settings = replace(space.settings, model=collection.info.model)
    told: set[str] = set()

    def progress(what: str, more: int, total: int) -> None:
        if what not in told:
            told.add(what)
            task.expect(total)
        task.advance(more)

    with TemporaryDirectory() as folder:
        table = Path(folder) / "groups.jsonl"
        lines = (json.dumps({"label": name, "files": files}) + "\n" for name, files in groups.items() if files)
        table.write_text("".join(lines), "utf-8")
        held = [name for name in spec["held"] if len(groups[name]) > 1]
        choices: dict[str, Any] = {"held": held} if len(held) > 1 else {}
        out = models_folder(space) / spec["name"]
        found = train(table, out, settings=settings, progress=progress, **choices)
    return {
        "model": str(found.model),
        "before": found.before.as_json(),
        "after": found.after.as_json(),
        "kept old": found.kept,
        "warnings": list(found.warnings),
    }


def _files(records: list[Any]) -> list[str]:
    files = (record.fields.get("_file") for record in records if record is not None)
    return [file for file in files if isinstance(file, str) and Path(file).is_file()]


def _examples(space: Workspace, name: str, spec: Mapping[str, Any], alone: bool) -> Examples:
    """Return the records that say a label. alone: those with several are left out."""
    info = space.get(name).info
    if VECTOR not in info.signatures:
        raise InvalidArgument("the collection", name, f"one that keeps vectors of {VECTOR!r}")
    allowed, several = spec.get("labels"), 0
    kept: list[tuple[Row, tuple[str, ...]]] = []
    for page in walk(space.store_of(name), parse(spec.get("where")), with_vectors=True):
        for row in page:
            labels = _labels(row.payload, spec["from"], allowed)
            if VECTOR not in row.vectors or labels is None or (alone and not labels):
                continue
            if alone and len(labels) > 1:
                several += 1
                continue
            kept.append((row, labels))
    rows = [row for row, _ in kept]
    test = spec.get("test")
    notes = [f"{several:,} records have several labels: left out."] if several else []
    return Examples(
        signature=info.signatures[VECTOR],
        names=[row.id for row in rows],
        rows=np.array([row.vectors[VECTOR] for row in rows], np.float32),
        labels=[labels for _, labels in kept],
        groups=[_group(row, spec.get("group") or "") for row in rows],
        test=np.array([bool(test) and row.payload.get(str(test)) is True for row in rows], bool),
        digests=[str(row.payload.get("_sha256") or "") for row in rows],
        beside=_beside(rows),
        curves=standard_ensemble(info.model).curves,
        warnings=notes,
        more=_more(rows),
        makers={name: maker for name, maker in info.signatures.items() if name in _MORE},
    )


def _labels(payload: Mapping[str, Any], field: str, allowed: list[str] | None) -> tuple[str, ...] | None:
    """Return what a record says in a field, None where it has no such field."""
    values = ends(payload, field)
    if not values or values[0] is None:
        return None
    listed = values[0] if isinstance(values[0], list) else [values[0]]
    labels = dict.fromkeys(str(one) for one in listed if isinstance(one, str | int | float) and one != "")
    return tuple(label for label in labels if allowed is None or label in allowed)


def _group(row: Row, field: str) -> str:
    values = ends(row.payload, field) if field else []
    return str(values[0] if values else row.payload.get("_sha256") or row.id)


def _more(rows: list[Row]) -> dict[str, NDArray[np.float32]]:
    """Return the vectors that may be read beside meaning, where all records have them."""
    kept = [name for name in _MORE if rows and all(name in row.vectors for row in rows)]
    return {name: np.array([row.vectors[name] for row in rows], np.float32) for name in kept}


def _beside(rows: list[Row]) -> dict[str, NDArray[np.float32]]:
    """Return what tells near duplicates, where all records have it."""
    if not rows or not all(_COPY in row.vectors and row.payload.get("_phash") for row in rows):
        return {}
    bits = np.array([list(bytes.fromhex(row.payload["_phash"])) for row in rows], np.uint8)
    signs = np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1
    return {_COPY: np.array([row.vectors[_COPY] for row in rows], np.float32), _PHASH: unit(signs)}
