"""Pictures with their labels to learn from, one or several each: from folders, from tables, from what is at hand."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.calibration import Calibration
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.stream import Job, Outcome, describe_stream
from lookalike.errors import InvalidArgument, LabelsNotFound
from lookalike.evaluation.lineup import unit
from lookalike.evaluation.reading import Progress
from lookalike.labeled import labeled_folder
from lookalike.learning.dataset import shortened
from lookalike.settings import Settings
from lookalike.taggers.tagger import VECTOR, Task

__all__ = ["Examples", "Named", "described_examples", "read_labels", "without"]

_TRUE = ("1", "true", "yes", "test")
_BESIDE = ("copy", "phash")
_MORE = ("color",)


@dataclass(frozen=True, slots=True)
class Named:
    """A picture and what is said of it.

    group: pictures of one group are never on both sides of a split; "" stands alone. test: whether it is to be asked
    about; where that is said of none, a share is drawn.
    """

    file: Path
    labels: tuple[str, ...]
    group: str = ""
    test: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """n pictures in one order. rows: (n, width) unit rows of meaning, by the describer of this signature.

    labels: of each. groups: one for each, of their own where none was given. test: (n,) bool. beside: other lines of
    rows, with the probability curves they have, which tell near duplicates. digests: SHA-256 of the bytes, "" where
    unknown. more: name -> (n, its width) unit rows of vectors that may be read beside meaning, and `makers`, their
    signatures. files: name -> where the picture is, of those known to be somewhere.
    """

    signature: str
    names: Sequence[str]
    rows: NDArray[np.float32]
    labels: Sequence[tuple[str, ...]]
    groups: Sequence[str]
    test: NDArray[np.bool_]
    digests: Sequence[str]
    beside: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    curves: Mapping[str, Calibration] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    more: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    makers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def taken(self, places: NDArray[np.intp]) -> Examples:
        """Return some of the pictures, in the order given."""
        return replace(
            self,
            names=[self.names[place] for place in places],
            rows=self.rows[places],
            labels=[self.labels[place] for place in places],
            groups=[self.groups[place] for place in places],
            test=self.test[places],
            digests=[self.digests[place] for place in places],
            beside={line: rows[places] for line, rows in self.beside.items()},
            more={line: rows[places] for line, rows in self.more.items()},
        )


def read_labels(source: Path, task: Task) -> tuple[list[Named], list[str]]:
    """Return what a folder or a table says of pictures, and sentences about what was left out.

    A folder: the folders directly in it are labels. A .csv or .jsonl table, paths relative to it: `file` and `label`,
    or `file` and `tags` (a list, in CSV divided by semicolons); perhaps `group` and `test`. Of pictures without a
    label none is learned from to "classify", and to "tag" they are those that no tag fits.
    Raises LabelsNotFound, NoImagesFound, and InvalidArgument for what is neither.
    """
    source = source.expanduser()
    if source.is_dir():
        found = labeled_folder(source)
        given = [Named(file, (label,)) for file, label in zip(found.files, found.labels, strict=True)]
        given += [Named(file, ()) for file in found.unlabeled]
    elif source.is_file():
        given = [_named(row, source, line) for line, row in enumerate(_table(source), 1)]
    else:
        wanted = "a folder with one folder per label, or a .csv or .jsonl file (columns file, and label or tags)"
        raise LabelsNotFound(str(source), wanted)
    notes = []
    missing = [str(one.file) for one in given if not one.file.is_file()]
    if missing:
        notes.append(f"{len(missing):,} of {len(given):,} files named are not there: {shortened(missing)}.")
    bare = [one for one in given if not one.labels]
    if bare and task == "classify":
        notes.append(f"{len(bare):,} pictures have no label: left out.")
    kept = [one for one in given if one.file.is_file() and (one.labels or task == "tag")]
    twice = [str(file) for file, count in Counter(one.file for one in kept).items() if count > 1]
    if twice:
        raise InvalidArgument("a file in the table", twice[0], "named once; several tags stand in `tags`")
    if task == "classify" and (several := [one for one in kept if len(one.labels) > 1]):
        raise InvalidArgument("the labels of " + str(several[0].file), several[0].labels, "one label; or --task tag")
    return kept, notes


def described_examples(
    given: Sequence[Named], settings: Settings, task: Task, *, root: Path, progress: Progress = lambda _: None
) -> Examples:
    """Describe pictures; those that can't be read, and copies to the byte, are left out and said.

    To "tag", a picture that stands in several folders has all their labels; to "classify", it is left out: nobody
    knows which is right. names: relative to `root` where they are below it.
    """
    ensemble = standard_ensemble(settings.model)
    jobs = (Job(one.file, one) for one in given)
    outcomes, unreadable = [], {}
    for outcome in describe_stream(jobs, ensemble, limits=settings.limits, workers=settings.workers):
        progress(1)
        if outcome.image is None:
            unreadable[_short(outcome.job.item.file, root)] = outcome.error.reason if outcome.error else ""
        else:
            outcomes.append(outcome)
    kept: list[Named] = [outcome.job.item for outcome in outcomes]
    sums = [outcome.image.sha256 for outcome in outcomes if outcome.image]
    labels: dict[str, dict[str, None]] = {}
    for one, digest in zip(kept, sums, strict=True):
        labels.setdefault(digest, {}).update(dict.fromkeys(one.labels))
    seen: set[str] = set()
    places, twice, against = [], [], []
    for place, digest in enumerate(sums):
        if task == "classify" and len(labels[digest]) > 1:
            against.append(_short(kept[place].file, root))
        elif digest in seen:
            twice.append(_short(kept[place].file, root))
        else:
            seen.add(digest)
            places.append(place)
    notes = []
    if unreadable:
        told = (f"{name} ({why})" for name, why in unreadable.items())
        notes.append(f"{len(unreadable):,} pictures can't be read: {shortened(told)}.")
    if against:
        notes.append(f"{len(against):,} files have two labels, byte for byte; left out: {shortened(against)}.")
    if twice:
        notes.append(f"{len(twice):,} files are there before, byte for byte: {shortened(twice)}.")
    digests = [sums[place] for place in places]
    rows = {name: _stacked(outcomes, name, places) for name in (VECTOR, *_BESIDE, *_MORE)}
    return Examples(
        signature=ensemble.signatures[VECTOR],
        names=[_short(kept[place].file, root) for place in places],
        rows=rows[VECTOR],
        labels=[tuple(labels[digest]) for digest in digests],
        groups=[kept[place].group or digest for place, digest in zip(places, digests, strict=True)],
        test=np.array([kept[place].test for place in places], bool),
        digests=digests,
        beside={name: rows[name] for name in _BESIDE},
        more={name: rows[name] for name in _MORE},
        makers={name: ensemble.signatures[name] for name in _MORE},
        curves=ensemble.curves,
        warnings=notes,
        files={_short(kept[place].file, root): kept[place].file for place in places},
    )


def without(examples: Examples, labels: Sequence[str], task: Task) -> Examples:
    """Return the examples with nothing said of some labels; to "classify", without their pictures."""
    kept = [tuple(label for label in one if label not in labels) for one in examples.labels]
    cleaned = replace(examples, labels=kept)
    if task == "tag":
        return cleaned
    return cleaned.taken(np.flatnonzero([bool(one) for one in kept]))


def _stacked(outcomes: Sequence[Outcome], name: str, places: Sequence[int]) -> NDArray[np.float32]:
    """Return the rows of some outcomes; of hashes, a row of length 1 with a sign for each bit."""
    if not places:
        return np.zeros((0, 1), np.float32)
    rows = np.stack([outcomes[place].rows[name] for place in places])
    return unit(np.unpackbits(rows, axis=1).astype(np.float32) * 2 - 1) if rows.dtype == np.uint8 else rows


def _table(path: Path) -> list[Mapping[str, Any]]:
    if path.suffix not in (".csv", ".jsonl"):
        raise InvalidArgument("the source", str(path), "a folder, or a file ending in .csv or .jsonl")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                return [dict(row) for row in csv.DictReader(file)]
            return [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError, csv.Error) as error:
        raise InvalidArgument("the table", str(path), f"a {path.suffix[1:]} file in UTF-8 ({error})") from None


def _named(row: Mapping[str, Any], path: Path, line: int) -> Named:
    if not isinstance(row, Mapping) or not row.get("file") or not {"label", "tags"} & row.keys():
        wanted = "with file and label, or file and tags; see docs/training.md"
        raise InvalidArgument(f"row {line} of {path}", str(row)[:80], wanted)
    tags = row.get("tags", row.get("label"))
    if isinstance(tags, str):
        tags = tags.split(";") if "tags" in row else [tags]
    listed = tags if isinstance(tags, list | tuple) else [] if tags is None else [tags]
    labels = dict.fromkeys(str(tag).strip() for tag in listed if str(tag).strip())
    test = str(row.get("test") or "").strip().lower() in _TRUE
    return Named(path.parent / str(row["file"]), tuple(labels), str(row.get("group") or ""), test)


def _short(file: Path, root: Path) -> str:
    path, base = file.absolute(), root.absolute()
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(file)
