"""Pictures with the truth beside them: folders that are labels, tables of labels, tables of pairs."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.errors import InvalidArgument, LabelsNotFound
from lookalike.folders.scan import scan

__all__ = ["Labeled", "Pair", "labeled_by_file", "labeled_folder", "read_marks", "read_pairs"]

_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Labeled:
    """Pictures and what each shows, in one order. unlabeled: pictures found that nothing is said of."""

    files: Sequence[Path]
    labels: Sequence[str]
    unlabeled: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and whether they are the same one."""

    a: Path
    b: Path
    same: bool


def labeled_folder(folder: Path) -> Labeled:
    """Take the folders directly in a folder as labels of all the pictures below them.

    Raises LabelsNotFound, NoImagesFound, and InvalidArgument where no picture is in such a folder.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        reason = "a file, not a folder" if folder.exists() else "nothing is there"
        wanted = "a folder with one folder per label; a .csv or .jsonl file of labels is given as such (--labels)"
        raise LabelsNotFound(str(folder), wanted, reason)
    found = scan(folder)
    parts = {picture: picture.relative_to(found.root).parts for picture in found.pictures}
    files = [picture for picture in found.pictures if len(parts[picture]) > 1]
    if not files:
        raise InvalidArgument("DIR", str(folder), "a folder of folders, each a label; or give the labels as a file")
    unlabeled = [picture for picture in found.pictures if len(parts[picture]) == 1]
    return Labeled(files, [parts[picture][0] for picture in files], unlabeled)


def labeled_by_file(table: Path, folder: Path | None = None, column: str = "label") -> Labeled:
    """Read a CSV or JSON-lines file with the columns file and label; other columns are ignored.

    folder: where the files are, by default where the table is. column: that holds the label. Rows without one are
    `unlabeled`. Raises LabelsNotFound; InvalidArgument for what is no such table, and for a file named twice, which
    would find itself.
    """
    base = table.parent if folder is None else folder
    rows = [(base / str(row["file"]), str(row[column])) for _, row in _read_table(table, ("file", column))]
    twice = [str(path) for path, count in Counter(path for path, _ in rows).items() if count > 1]
    if twice:
        raise InvalidArgument("a file in the table", twice[0], "named once")
    with_label = [(path, label) for path, label in rows if label]
    unlabeled = [path for path, label in rows if not label]
    return Labeled([path for path, _ in with_label], [label for _, label in with_label], unlabeled)


def read_pairs(table: Path, folder: Path | None = None) -> list[Pair]:
    """Read a CSV or JSON-lines file with the columns a, b (pictures) and same (1 or 0, true or false, yes or no).

    folder: where the files are, by default where the table is. Raises LabelsNotFound; InvalidArgument for
    what is no such table.
    """
    base = table.parent if folder is None else folder
    return [Pair(base / a, base / b, same) for a, b, same in read_marks(table)]


def read_marks(table: Path) -> list[tuple[str, str, bool]]:
    """Read the same table as names: (a, b, same), as for records of a collection. Raises as `read_pairs` does."""
    marks = []
    for line, row in _read_table(table, ("a", "b", "same")):
        truth = _TRUTHS.get(str(row["same"]).strip().lower())
        if truth is None:
            raise InvalidArgument(f"same in line {line} of {table.name}", row["same"], f"one of {', '.join(_TRUTHS)}")
        marks.append((str(row["a"]), str(row["b"]), truth))
    return marks


def _read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row) of a CSV or JSON-lines file; every row has all the columns."""
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl}
    if not path.exists():
        raise LabelsNotFound(str(path), f"a .csv or .jsonl file with the columns {', '.join(columns)}")
    if path.suffix not in readers:
        raise InvalidArgument("the table", str(path), f"a file ending in {' or '.join(readers)}")
    try:
        for line, row in readers[path.suffix](path):
            missing = [name for name in columns if not isinstance(row, dict) or row.get(name) is None]
            if missing:
                raise InvalidArgument(f"line {line} of {path}", f"without {missing[0]}", f"with {', '.join(columns)}")
            yield line, row
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidArgument("the table", str(path), f"a {path.suffix[1:]} file in UTF-8 ({reason})") from None


def _read_csv(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield reader.line_num, row


def _read_jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            if text.strip():
                yield line, json.loads(text)
