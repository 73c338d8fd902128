"""Which file of a group to keep: ordered rules, each of which leaves the best by one measure; with reasons in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Final

from lookalike.cleaning.evidence import lesser_copies, lossier_copies, named_like_a_copy, raw_files
from lookalike.errors import InvalidArgument
from lookalike.folders.findings import FileGroup, PictureFile

__all__ = ["DEFAULT_RULES", "RULES", "Choice", "Rule", "choose", "parse_rules"]

DEFAULT_RULES: Final = "original,raw,largest,richest-exif,not-copy-name,least-compressed,oldest,shortest-path,first"

RULES: Final = {
    "reference": "a file in a reference folder; always the first rule",
    "original": "not cropped, bordered, gray or drawn over beside another; the second rule unless named later",
    "raw": "the RAW of the same shot lies beside it",
    "largest": "most pixels",
    "smallest": "fewest pixels",
    "least-compressed": "saved with the fewest losses, where nothing else was changed",
    "biggest-file": "most bytes",
    "smallest-file": "fewest bytes",
    "oldest": "taken first by its EXIF, or else changed first",
    "newest": "taken last by its EXIF, or else changed last",
    "richest-exif": "most EXIF fields",
    "format:A>B": "of format A, then B, then any other",
    "in:GLOB": "below a folder of this name or pattern",
    "not-in:GLOB": "not below a folder of this name or pattern",
    "side:a": "of the first set where one is held against another, or side:b of the second",
    "not-copy-name": "not named like a copy, such as IMG (1).jpg",
    "shortest-name": "shortest name of the file",
    "longest-name": "longest name of the file",
    "shortest-path": "shortest path",
    "first": "first by path; always the last rule",
}
"""Every rule and what it keeps, in the order of the documentation."""

_ALIASES: Final = {"uncropped": "original"}
_WITH_VALUE: Final = {"format", "in", "not-in", "side"}
_FORMATS: Final = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff", "heic": "heif", "pnm": "ppm"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. value: the pattern, or formats joined by ">", or a side; empty for rules without one."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.value}" if self.value else self.name


@dataclass(frozen=True, slots=True)
class Choice:
    """The keeper. reasons: path of each other member -> why the keeper was preferred to it, in words."""

    keeper: PictureFile
    reasons: Mapping[str, str]


def parse_rules(rules: str | Iterable[str] = DEFAULT_RULES) -> tuple[Rule, ...]:
    """Read rules such as "largest,oldest,format:png>jpeg,not-in:Downloads", or a list of them where a pattern has a
    comma.

    Returns them with "reference" first, "original" next unless it is named, and "first" last.
    Raises InvalidArgument for a rule that there is none of, naming those there are.
    """
    words = rules.split(",") if isinstance(rules, str) else list(rules)
    found = dict.fromkeys(_parse(word.strip()) for word in words if word.strip())
    if not found:
        raise InvalidArgument("keep", rules, f"one or more of {', '.join(RULES)}")
    original, first, reference = Rule("original"), Rule("first"), Rule("reference")
    ahead = [reference] if original in found else [reference, original]
    return (*ahead, *(rule for rule in found if rule not in (reference, first)), first)


def choose(group: FileGroup, rules: Sequence[Rule] | None = None) -> Choice:
    """Choose the keeper: each rule in turn leaves of the candidates those that are best by it."""
    left = sorted(group.members, key=lambda member: member.path)
    lost: list[tuple[PictureFile, Rule]] = []
    worse: dict[str, Mapping[tuple[str, str], str]] = {}
    for rule in rules if rules is not None else parse_rules():
        if len(left) == 1:
            break
        if rule.name in _EVIDENCE:
            worse[rule.name] = _EVIDENCE[rule.name](group)
            best = _unsurpassed(left, worse[rule.name])
        else:
            best = _best(rule, left)
        stay = {member.path for member in best}
        lost += [(member, rule) for member in left if member.path not in stay]
        left = best
    keeper = left[0]
    told = {member.path: _reason(rule, keeper, member, worse.get(rule.name, {})) for member, rule in lost}
    return Choice(keeper, told)


def _parse(word: str) -> Rule:
    name, colon, value = word.partition(":")
    name, value = name.strip().lower(), value.strip()
    name = _ALIASES.get(name, name)
    known = name in _WITH_VALUE if colon else name in RULES
    if not known or bool(colon) != bool(value):
        raise InvalidArgument("keep", word, f"one or more of {', '.join(RULES)}")
    if name == "side" and value not in ("a", "b"):
        raise InvalidArgument("keep", word, "side:a or side:b")
    if name == "format":
        value = ">".join(_format(part) for part in value.split(">") if part.strip())
        if not value:
            raise InvalidArgument("keep", word, "format:png>jpeg or the like")
    return Rule(name, value)


def _format(name: str) -> str:
    folded = name.strip().lower().lstrip(".")
    return _FORMATS.get(folded, folded)


def _best(rule: Rule, files: list[PictureFile]) -> list[PictureFile]:
    key = _KEYS[rule.name]
    values = [key(file, rule.value) for file in files]
    best = min(values)
    return [file for file, value in zip(files, values, strict=True) if value == best]


def _unsurpassed(files: list[PictureFile], worse: Mapping[tuple[str, str], str]) -> list[PictureFile]:
    """Return the files that none of the others is better than; all of them if there is none."""
    here = {file.path for file in files}
    surpassed = {lesser for better, lesser in worse if better in here}
    return [file for file in files if file.path not in surpassed] or files


def _reason(rule: Rule, keeper: PictureFile, other: PictureFile, worse: Mapping[tuple[str, str], str]) -> str:
    if rule.name in _EVIDENCE:
        return worse.get((keeper.path, other.path)) or "it is the lesser copy of another one here"
    return _WORDS[rule.name](keeper, other, rule.value)


def _below(file: PictureFile, pattern: str) -> bool:
    """Whether a folder above the file bears the name or fits the pattern, in either case of letters."""
    glob = pattern.casefold().rstrip("/") or "/"
    return any(folder.match(glob) for folder in PurePath(file.path.casefold()).parents)


def _rank(file: PictureFile, order: str) -> int:
    formats = order.split(">")
    kind = _format(file.format)
    return formats.index(kind) if kind in formats else len(formats)


def _when(file: PictureFile) -> float:
    """Seconds since 1970. EXIF times have no zone: they are taken for this machine's, as files' times are shown."""
    if file.taken:
        try:
            return datetime.fromisoformat(file.taken).timestamp()
        except (ValueError, OverflowError, OSError):
            pass  # a camera without a clock
    return file.modified / 1e9


def _said_when(file: PictureFile, other: PictureFile) -> tuple[str, str]:
    def say(one: PictureFile) -> str:
        if one.taken and _when(one) != _when(other if one is file else file):
            return f"taken {one.taken.replace('T', ' ')}"
        try:
            changed = datetime.fromtimestamp(one.modified // 1_000_000_000, UTC)
        except (ValueError, OverflowError, OSError):
            return f"changed at {one.modified} ns"
        part = f"{one.modified % 1_000_000_000:09d}".rstrip("0") if near else ""
        return f"changed {changed:%Y-%m-%d %H:%M:%S}{'.' + part if part else ''} UTC"

    near = abs(file.modified - other.modified) < 2_000_000_000

    return say(file), say(other)


def _name(file: PictureFile) -> str:
    return os.path.basename(file.path)  # noqa: PTH119 - of thousands of files


def _size(file: PictureFile) -> str:
    return f"{file.width:,} x {file.height:,}"


_EVIDENCE: Final = {"original": lesser_copies, "least-compressed": lossier_copies}
"""Name -> what the pairs of a group say of which file is worse than which other one."""

_KEYS: Final[Mapping[str, Callable[[PictureFile, str], Any]]] = {
    "reference": lambda file, _: not file.reference,
    "raw": lambda file, _: not raw_files(file),
    "largest": lambda file, _: -file.width * file.height,
    "smallest": lambda file, _: file.width * file.height,
    "biggest-file": lambda file, _: -file.size,
    "smallest-file": lambda file, _: file.size,
    "oldest": lambda file, _: (_when(file), file.modified),
    "newest": lambda file, _: (-_when(file), -file.modified),
    "richest-exif": lambda file, _: -file.exif,
    "format": _rank,
    "in": lambda file, pattern: not _below(file, pattern),
    "not-in": _below,
    "side": lambda file, side: file.side != side,
    "not-copy-name": lambda file, _: named_like_a_copy(_name(file)),
    "shortest-name": lambda file, _: len(_name(file)),
    "longest-name": lambda file, _: -len(_name(file)),
    "shortest-path": lambda file, _: len(file.path),
    "first": lambda file, _: file.path,
}
"""Name -> key of a file; the smallest is kept."""

_WORDS: Final[Mapping[str, Callable[[PictureFile, PictureFile, str], str]]] = {
    "reference": lambda file, other, _: "the keeper is in a reference folder",
    "raw": lambda file, other, _: f"the keeper has its RAW beside it, {PurePath(raw_files(file)[0]).name}",
    "largest": lambda file, other, _: f"{_size(file)} is larger than {_size(other)}",
    "smallest": lambda file, other, _: f"{_size(file)} is smaller than {_size(other)}",
    "biggest-file": lambda file, other, _: f"{file.size:,} bytes are more than {other.size:,}",
    "smallest-file": lambda file, other, _: f"{file.size:,} bytes are fewer than {other.size:,}",
    "oldest": lambda file, other, _: "{} is older than {}".format(*_said_when(file, other)),
    "newest": lambda file, other, _: "{} is newer than {}".format(*_said_when(file, other)),
    "richest-exif": lambda file, other, _: f"{file.exif} EXIF fields are more than {other.exif}",
    "format": lambda file, other, order: f"{file.format} is preferred to {other.format}",
    "in": lambda file, other, pattern: f"the keeper is in {pattern}",
    "not-in": lambda file, other, pattern: f"it is in {pattern}, the keeper is not",
    "side": lambda file, other, side: f"the keeper is of set {side}",
    "not-copy-name": lambda file, other, _: f'"{_name(other)}" is named like a copy',
    "shortest-name": lambda file, other, _: f'"{_name(file)}" is a shorter name than "{_name(other)}"',
    "longest-name": lambda file, other, _: f'"{_name(file)}" is a longer name than "{_name(other)}"',
    "shortest-path": lambda file, other, _: "the path of the keeper is shorter",
    "first": lambda file, other, _: "all rules find them equal; the keeper comes first by path",
}
"""Name -> why a file was kept and another one was not."""
