"""The members of a planned group as a review shows them: what becomes of each and why, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Final

from lookalike.cleaning.evidence import Pairs
from lookalike.cleaning.exposure import said_of
from lookalike.cleaning.plan import Fate, PlannedGroup
from lookalike.folders.findings import FileGroup, PictureFile

__all__ = ["SHOWN", "Fact", "Member", "is_there", "likely", "members_of"]

SHOWN: Final = 24
"""Members of a group on one page."""

_FATES: Final = {"keep": ("stays", "same"), "remove": ("goes", "bad"), "leave": ("left alone", "apart")}
_ROWS: Final = ("pixels", "bytes", "format", "taken", "changed", "EXIF fields")
_WHOLE: Final = 0.995  # share of a picture from which it counts as all of it


@dataclass(frozen=True, slots=True)
class Fact:
    """One row. differs: it is another one than the keeper's, or, where there is none, than the first member's."""

    label: str
    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Member:
    """number: from 1. folder: with a slash at its end. word, tone: its fate. like: how sure it is that it shows what
    the keeper does, "" if that is unknown. found: what it is beside the keeper, or, where `turned`, what the keeper is
    beside it. carries: files that go along.
    gone: where it went, None while it did not.
    """

    number: int
    file: PictureFile
    name: str
    folder: str
    fate: Fate
    word: str
    tone: str
    like: str
    found: Sequence[str]
    turned: bool
    facts: Sequence[Fact]
    carries: Sequence[str]
    there: bool
    gone: str | None


def is_there(path: str) -> bool:
    """Whether a file is where the plan has it."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def likely(probability: float) -> str:
    """Return a probability in percent; 100 is said of an exact 1 alone."""
    return "100 %" if probability >= 1 else f"{min(probability * 100, 99.9):.1f} %"


def members_of(planned: PlannedGroup, part: int, gone: Mapping[str, str]) -> list[Member]:
    """Return the members of one page of a group, by path, the keeper ahead where it is on another page.

    part: the page, from 0. gone: path -> where it is now, of files that went.
    """
    numbers = list(range(len(planned.fates)))[part * SHOWN : (part + 1) * SHOWN]
    kept = next((number for number, fate in enumerate(planned.fates) if fate.does == "keep"), None)
    if kept is not None and kept not in numbers and numbers:
        numbers = [kept, *numbers]
    if not numbers:
        return []
    files = [planned.group.members[number] for number in numbers]
    rows = _rows(files, numbers.index(kept) if kept is not None else 0)
    return [
        _member(planned, number, facts, gone.get(planned.group.members[number].path))
        for number, facts in zip(numbers, rows, strict=True)
    ]


def _member(planned: PlannedGroup, number: int, facts: Sequence[Fact], gone: str | None) -> Member:
    file, fate, keeper = planned.group.members[number], planned.fates[number], planned.keeper
    path = PurePath(file.path)
    word, tone = _FATES[fate.does]
    found, turned = _found(planned.group, keeper, file) if keeper and keeper.path != file.path else ([], False)
    like = ""
    if fate.does != "keep" and fate.verdict and fate.probability is not None:
        like = f"{fate.verdict.replace('-', ' ')}, {likely(fate.probability)}"
    return Member(
        number=number + 1,
        file=file,
        name=path.name,
        folder=f"{path.parent}/".replace("//", "/"),
        fate=fate,
        word=word if gone is None else "gone",
        tone=tone if gone is None else "apart",
        like=like,
        found=found,
        turned=turned,
        facts=facts,
        carries=[PurePath(one.path).name for one in fate.companions],
        there=is_there(file.path),
        gone=gone,
    )


def _found(group: FileGroup, keeper: PictureFile, file: PictureFile) -> tuple[list[str], bool]:
    """Return in words what a file is beside the keeper, as far as the scan looked; True: the other way round."""
    if file.sha256 == keeper.sha256:
        return ["the same bytes"], False
    pair = Pairs(group).find(keeper, file)
    if pair is None:
        return [], False
    turned = _side(group, pair.a) != keeper.sha256
    if pair.overlap_a >= _WHOLE:
        return list(pair.changes), turned
    return [*pair.changes, f"shows {pair.overlap_a:.0%} of {'this one' if turned else 'the kept one'}"], turned


def _side(group: FileGroup, path: str) -> str:
    return next((member.sha256 for member in group.members if member.path == path), "")


def _rows(files: Sequence[PictureFile], model: int) -> list[list[Fact]]:
    """Return the facts of each file, every file with the same rows. model: which one the others are held against."""
    told = [_told(file) | said_of(file) for file in files]
    labels = [*_ROWS, *dict.fromkeys(label for one in told for label in one if label not in _ROWS)]
    labels = [label for label in labels if any(one.get(label) for one in told)]
    return [
        [Fact(label, one.get(label, ""), one.get(label, "") != told[model].get(label, "")) for label in labels]
        for one in told
    ]


def _told(file: PictureFile) -> dict[str, str]:
    return {
        "pixels": f"{file.width:,} × {file.height:,}" if file.width else "",
        "bytes": f"{file.size:,}",
        "format": file.format,
        "taken": file.taken.replace("T", " "),
        "changed": _when(file.modified),
        "EXIF fields": str(file.exif) if file.exif else "",
    }


def _when(modified: int) -> str:
    try:
        return f"{datetime.fromtimestamp(modified // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{modified} ns"
