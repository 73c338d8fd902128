"""Groups copied apart: each group a folder of copies, which a later result may replace, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, NoReturn

from lookalike.errors import FolderError
from lookalike.folders.group import FolderGroups

__all__ = ["check_output", "copy_groups", "foreign"]

_LIST: Final = ".lookalike-groups"  # a line of each copy, written once it is whole: its path, size and time


def copy_groups(found: FolderGroups, output: str | os.PathLike[str]) -> None:
    """Copy each group, byte for byte, into the folders 0, 1, ... below `output`, which is made if it is missing.

    An earlier result there is replaced. Names are kept; where two of a group share one, the sub-folder goes before it.
    Raises FolderError as `check_output` does, or if `output` can't be written.
    """
    target = _absolute(output)
    check_output(found.root, target)
    try:
        _remove_earlier(target)
        target.mkdir(parents=True, exist_ok=True)
        if found.groups:
            with (target / _LIST).open("w", encoding="ascii") as made:
                _copy(found, target, made)
    except OSError as error:
        raise FolderError(str(target), f"{target} can't be written: {error.strerror or error}.") from None


def check_output(folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Raise FolderError if the groups of a folder can't be copied into `output`: it is a file, is the folder itself or
    around it, or holds anything that is not an earlier result as it was made.
    """
    root, target = _absolute(folder), _absolute(output)
    if target == root or root.is_relative_to(target):
        raise FolderError(
            str(target), f"{target} would be replaced, and the pictures are in it. Choose another output."
        )
    if target.exists() and not target.is_dir():
        raise FolderError(str(target), f"{target} is a file. Choose a folder for the output.")
    if stranger := foreign(target):
        raise FolderError(
            str(target),
            f"{target} holds {stranger!r}, which is not as an earlier grouping left it, and perhaps more. "
            "Choose an empty folder for the output.",
        )


def foreign(target: Path) -> str:
    """Return the path below a folder of something in it that is not of an earlier result, or changed since, or "".
    Raises FolderError if it can't be looked into.
    """
    if not target.is_dir():
        return ""
    known = _listed(target)
    groups = {path.partition(os.sep)[0] for path in known or ()}
    numbers = {str(number) for number in range(len(groups) + (known is not None))}  # the last may have no file yet
    try:
        for folder, folders, files in os.walk(target, onerror=_raise):
            within = Path(folder).relative_to(target)
            for path in [str(within / name) for name in sorted(folders)]:
                if path not in numbers or (target / path).is_symlink():
                    return path
            for path in [str(within / name) for name in sorted(files)]:
                if (known or {}).get(path) != _facts(target / path) and (known is None or path != _LIST):
                    return path
    except OSError as error:
        raise FolderError(str(target), f"{target} can't be looked into: {error.strerror or error}.") from None
    return ""


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.normpath(Path(path).expanduser().absolute()))


def _raise(error: OSError) -> NoReturn:
    raise error


def _listed(target: Path) -> dict[str, list[int]] | None:
    """Return size and time of each copy by its path below the folder; None where there is no list of ours."""
    try:
        lines = (target / _LIST).read_text("ascii").splitlines()
        return {path: facts for path, *facts in map(json.loads, lines)}
    except (OSError, ValueError, TypeError):
        return None


def _facts(path: Path) -> list[int]:
    facts = path.lstat()
    return [facts.st_size, facts.st_mtime_ns]


def _remove_earlier(target: Path) -> None:
    for entry in target.iterdir() if target.exists() else []:
        if entry.name != _LIST:
            shutil.rmtree(entry)
    (target / _LIST).unlink(missing_ok=True)


def _copy(found: FolderGroups, target: Path, made: IO[str]) -> None:
    for number, group in enumerate(found.groups):
        (target / str(number)).mkdir()
        for path, name in zip(group, _names(found.root, group), strict=True):
            copy = target / str(number) / name
            try:
                shutil.copy2(path, copy)
            except BaseException:
                copy.unlink(missing_ok=True)  # half a copy, which the list does not tell of
                raise
            print(json.dumps([f"{number}{os.sep}{name}", *_facts(copy)]), file=made, flush=True)


def _names(root: Path, group: Sequence[Path]) -> list[str]:
    """Return a name for each copy, unique in the group whatever the file system's view of upper and lower case."""
    plain = [path.name.casefold() for path in group]
    used: set[str] = set()
    names = []
    for path, folded in zip(group, plain, strict=True):
        name = path.name if plain.count(folded) == 1 else "__".join(path.relative_to(root).parts)
        while name.casefold() in used:
            name = f"_{name}"
        used.add(name.casefold())
        names.append(name)
    return names
