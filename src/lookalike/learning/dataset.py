"""Pictures to learn from, and which of them show the same: folders, or tables of labels, groups or pairs."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lookalike.errors import InvalidArgument, LabelsNotFound
from lookalike.labeled import Labeled, Pair, labeled_by_file, labeled_folder, read_pairs

__all__ = ["Dataset", "marked_dataset", "read_dataset", "shortened", "shrunk", "unbalanced"]

_UNBALANCED = 20  # times as many pictures as the median class
_SHOWN = 3
_TABLE = "a .csv or .jsonl file of labels (columns file and label), groups (file and group) or pairs (a, b and same)"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures and the identity of each: its class, its group, or what pairs connect it with.

    root: what names are relative to. warnings: sentences about what is odd in it.
    """

    root: Path
    files: Sequence[Path]
    identities: Sequence[str]
    unlabeled: Sequence[Path] = ()
    warnings: Sequence[str] = ()

    @property
    def labeled(self) -> Labeled:
        """The same, as evaluation takes it."""
        return Labeled(self.files, self.identities, self.unlabeled)


def read_dataset(source: Path) -> Dataset:
    """Read a folder of folders, or a .csv or .jsonl file whose paths are relative to it.

    A table holds `file` and `label` (or `group`), or `a`, `b` and `same`; a line of JSON may also hold `files`, a
    list of those that show the same. Pictures that pairs call the same, directly or through others, are one identity.
    Files that are named but not there are left out with a warning. Raises LabelsNotFound, NoImagesFound,
    and InvalidArgument for what is none of these or names no file that is there.
    """
    source = source.expanduser()
    if source.is_dir():
        found = labeled_folder(source)
        notes = [f"{len(found.unlabeled):,} pictures are in no folder of a class: left out."] if found.unlabeled else []
        data = Dataset(source, found.files, found.labels, found.unlabeled, notes)
    elif source.is_file():
        data = _there(_table(source), source)
    else:
        raise LabelsNotFound(str(source), f"a folder with one folder per class, or {_TABLE}")
    return replace(data, warnings=[*data.warnings, *_odd(data)])


def marked_dataset(marks: Sequence[tuple[str, str, bool]], files: Mapping[str, Path]) -> Dataset:
    """Take what people said of each two records: (a, b, same), ids.

    files: id -> the picture of a record, of those that have one in a file. Marks on others, or on pictures that are
    gone, are left out with a warning. Raises InvalidArgument where nothing is left.
    """
    there = {name: file for name, file in files.items() if file.is_file()}
    gone = sorted({name for a, b, _ in marks for name in (a, b)} - there.keys())
    pairs = [Pair(there[a], there[b], same) for a, b, same in marks if a in there and b in there]
    if not pairs:
        found = f"{len(marks):,} marked pairs, {len(gone):,} records of which have no picture in a file"
        raise InvalidArgument("what is to be learned from", found, "pairs of pictures that people called the same")
    data = _connected(pairs, Path(os.path.commonpath([file.parent for pair in pairs for file in (pair.a, pair.b)])))
    notes = [f"{len(gone):,} marked records have no picture in a file: left out: {shortened(gone)}."] * bool(gone)
    return replace(data, warnings=[*notes, *data.warnings, *_odd(data)])


def shortened(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - _SHOWN:,} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more


def _table(path: Path) -> Dataset:
    columns = _columns(path)
    if {"a", "b", "same"} <= columns:
        return _connected(read_pairs(path), path.parent)
    if path.suffix == ".jsonl" and "files" in columns:
        return _groups(path)
    for column in ("label", "group"):
        if {"file", column} <= columns:
            found = labeled_by_file(path, column=column)
            notes = [f"{len(found.unlabeled):,} rows have no {column}: left out."] if found.unlabeled else []
            return Dataset(path.parent, found.files, found.labels, found.unlabeled, notes)
    wanted = "a table with the columns file and label, file and group, or a, b and same; see docs/training.md"
    raise InvalidArgument("the table", str(path), wanted)


def _columns(path: Path) -> set[str]:
    """Return the columns that the first row has."""
    if path.suffix not in (".csv", ".jsonl"):
        raise InvalidArgument("the source", str(path), "a folder, or a file ending in .csv or .jsonl")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                return set(next(csv.reader(file), []))
            first = json.loads(next((line for line in file if line.strip()), "{}"))
            return set(first) if isinstance(first, dict) else set()
    except (OSError, ValueError, csv.Error) as error:
        raise InvalidArgument("the table", str(path), f"a {path.suffix[1:]} file in UTF-8 ({error})") from None


def _groups(path: Path) -> Dataset:
    """Read lines of JSON with `files`: each line is an identity, called by `label` or by its number."""
    rows: list[tuple[str, str]] = []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument("the table", str(path), f"a jsonl file in UTF-8 ({error})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            group = json.loads(line)
            name = str(group.get("label", f"group {number}"))
            rows += [(str(file), name) for file in group["files"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidArgument(f"line {number} of {path}", line.strip()[:80], 'like {"files": [...]}') from None
    return _once(path, rows)


def _once(path: Path, rows: Sequence[tuple[str, str]]) -> Dataset:
    twice = [file for file, count in Counter(file for file, _ in rows).items() if count > 1]
    if twice:
        raise InvalidArgument("a file in the table", twice[0], "named once: in one group")
    return Dataset(path.parent, [path.parent / file for file, _ in rows], [name for _, name in rows])


def _connected(pairs: Sequence[Pair], root: Path) -> Dataset:
    """Make every set of pictures that pairs call the same one identity."""
    parents: dict[Path, Path] = {}

    def top(one: Path) -> Path:
        while parents.setdefault(one, one) != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        return one

    for pair in pairs:
        a, b = top(pair.a), top(pair.b)
        if pair.same:
            parents[b] = a
    against = sum(not pair.same and top(pair.a) == top(pair.b) for pair in pairs)
    notes = [f"{against:,} pairs are called different that others call the same: taken as the same."] * bool(against)
    files = sorted(parents)
    tops = [top(file) for file in files]
    names = [(one.relative_to(root) if one.is_relative_to(root) else one).as_posix() for one in tops]
    return Dataset(root, files, names, (), notes)


def _there(data: Dataset, table: Path) -> Dataset:
    """Leave out what is not there."""
    kept = [place for place, file in enumerate(data.files) if file.is_file()]
    if len(kept) == len(data.files) and kept:
        return data
    missing = shortened(str(file) for file in data.files if not file.is_file())
    if not kept:
        raise InvalidArgument("the table", f"{table}, which names {missing or 'no file'}", "about files that are there")
    note = f"{len(data.files) - len(kept):,} of {len(data.files):,} files named are not there: {missing}."
    files, identities = [data.files[place] for place in kept], [data.identities[place] for place in kept]
    return replace(data, files=files, identities=identities, warnings=[*data.warnings, note])


def _odd(data: Dataset) -> list[str]:
    """Return sentences about classes that are too small or too large."""
    counts = Counter(data.identities)
    alone = [name for name, count in counts.items() if count == 1]
    notes = []
    if alone:
        notes.append(
            f"{len(alone):,} of {len(counts):,} classes have one picture, which nothing can be learned from or asked "
            f"with: {shortened(sorted(alone))}."
        )
    if said := unbalanced(counts, "classes"):
        notes.append(f"{said} No class counts more than four times the median while learning.")
    return notes


def unbalanced(counts: Mapping[str, int], what: str) -> str:
    """Return a sentence about classes, or labels, with more than 20 times the pictures of the median; "" for none."""
    middle = sorted(counts.values())[len(counts) // 2]
    large = [name for name, count in Counter(counts).most_common() if count > _UNBALANCED * max(2, middle)]
    if not large:
        return ""
    most = f"{shortened(large)} up to {counts[large[0]]:,}"
    return f"The {what} are unbalanced: half of them have {middle:,} pictures or fewer, {most}."


def shrunk(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Return a sentence about classes of which one picture, or none, is left of several. Both: one name a picture."""
    named, left = Counter(before), Counter(after)
    lost = sorted(name for name, count in named.items() if count > 1 and left[name] < 2)
    return [f"{len(lost):,} classes have one usable picture left, or none: {shortened(lost)}."] if lost else []
