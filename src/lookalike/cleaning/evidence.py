"""What the pairs of a group, and the names of files, say of who is the original and who the copy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from lookalike.duplicates import connected_groups
from lookalike.folders.changes import LOSSY
from lookalike.folders.findings import FileGroup, FilePair, PictureFile
from lookalike.folders.frames import OTHER_ALPHA, OTHER_FRAMES

__all__ = [
    "Pairs",
    "edited_change",
    "lesser_copies",
    "lossier_copies",
    "named_like_a_copy",
    "raw_files",
    "unclear_change",
]

# What `changes.py` says of b beside a, by its first words: b is the lesser of the two ...
_B_LESSER: Final = ("cropped", "bordered", "captioned", "screenshot", "gray", "toned", "blurred", "noisy")
# ... or a is, and what a is then ...
_A_LESSER: Final[Mapping[str, str]] = {
    "uncropped": "cropped",
    "without the border": "bordered",
    "without the caption": "captioned",
    "cut out of a screenshot": "screenshot",
    "in color": "gray or toned",
}
# ... or each may have what the other has not ...
_UNCLEAR: Final = (
    "overlay on",
    "without the overlay on",
    "different on",
    "inset",
    "cut out of another picture",
    OTHER_FRAMES,
    OTHER_ALPHA,
)
# ... or somebody may have meant it so, unless the one of them is the lesser anyway.
_EDITED: Final = (
    "recolored",
    "brighter",
    "darker",
    "more contrast",
    "less contrast",
    "stretched",
    "slanted",
    "in perspective",
    "rotated",
    "mirrored",
)
_SAVED_ANEW: Final = ("recompressed", "converted from")
_LOSSLESS: Final = {"PNG", "BMP", "TIFF", "PPM", "TGA"}  # not GIF, which has 256 colors

_COPY_NAMES: Final = re.compile(
    r"""
      [ _-]*\(\d{1,3}\)$                          # IMG (1), IMG_(2)
    | [ _-]+(copy|copie|kopie|copia|kópia)([ _-]*\(?\d{1,3}\)?)?$   # IMG copy, IMG - Copy (2), IMG-Kopie
    | ^(copy|copie|kopie|copia)[ _-]*(\(\d{1,3}\)[ _-]*)?(of|de|von|di)[ _-]   # copy of IMG, Copy (2) of IMG
    | [ _-]*(コピー|副本|копия)([ _-]*\(?\d{1,3}\)?)?$
    """,
    re.IGNORECASE | re.VERBOSE,
)


def named_like_a_copy(name: str) -> bool:
    """Whether a file's name is one that systems give to copies: "IMG (1).jpg", "IMG - Copy.jpg", "copy of IMG.jpg"."""
    return _COPY_NAMES.search(os.path.splitext(name)[0]) is not None  # noqa: PTH122 - of thousands of names


def raw_files(file: PictureFile) -> list[str]:
    """Return the companions of a picture that are not its sidecar: the RAW of the same shot."""
    return [path for path in file.companions if not path.lower().endswith(".xmp")]


def lesser_copies(group: FileGroup) -> dict[tuple[str, str], str]:
    """Return (path of the whole, path of the lesser) -> what the lesser one is, in words, of all pairs that tell.

    Lesser is who was cropped, got a border or a caption, is a screenshot, or lost colors or detail. Where two changes
    contradict one another, neither counts.
    """
    found: dict[tuple[str, str], str] = {}
    for pair in group.pairs:
        for change in pair.changes:
            if change.startswith(_B_LESSER):
                found.setdefault((pair.a, pair.b), f"it is {change}, the keeper is not")
            elif words := next(filter(change.startswith, _A_LESSER), ""):
                found.setdefault((pair.b, pair.a), f"it is {_A_LESSER[words]}, the keeper is not")
    return {names: words for names, words in found.items() if names[::-1] not in found}


def lossier_copies(group: FileGroup) -> dict[tuple[str, str], str]:
    """Return (path of the one, path of the lossier) -> why it is that, among files in which nothing else was changed.

    In one lossy format more bytes kept more. A lossless file of other pixels than a lossy one was not made of it; of
    the same pixels it may have been, and its bytes say nothing.
    """
    same = {frozenset((pair.a, pair.b)) for pair in group.pairs if pair.verdict == "identical"}
    found: dict[tuple[str, str], str] = {}
    for files in _saved_anew(group):
        most = {one.format: one for one in sorted(files, key=lambda file: file.size)}
        lossless = [one for one in files if one.format in _LOSSLESS]
        for file in (one for one in files if one.format in LOSSY):
            larger = most[file.format]
            if larger.size > file.size and {larger.path, file.path} not in same:
                words = f"it is compressed harder: {file.size:,} bytes beside {larger.size:,}"
                found[larger.path, file.path] = words
            if whole := next((one for one in lossless if {one.path, file.path} not in same), None):
                found[whole.path, file.path] = f"it is saved with losses, as {file.format}"
    return found


def _saved_anew(group: FileGroup) -> list[list[PictureFile]]:
    """Divide the members by chains of pairs in which nothing changed but how they are saved."""
    place = {member.path: at for at, member in enumerate(group.members)}
    linked = [
        (place[pair.a], place[pair.b])
        for pair in group.pairs
        if pair.a in place and pair.b in place and all(change.startswith(_SAVED_ANEW) for change in pair.changes)
    ]
    return [[group.members[at] for at in part] for part in connected_groups(len(place), linked)]


def unclear_change(pair: FilePair) -> str:
    """Return the change by which either of a pair may show what the other doesn't, such as an overlay; or ""."""
    return next((change for change in pair.changes if change.startswith(_UNCLEAR)), "")


def edited_change(pair: FilePair) -> str:
    """Return the change that somebody may have made on purpose, such as other colors; or ""."""
    return next((change for change in pair.changes if change.startswith(_EDITED)), "")


class Pairs:
    """The pairs of a group, to be asked for by two of its files."""

    def __init__(self, group: FileGroup) -> None:
        digests = {member.path: member.sha256 for member in group.members}
        self._by_path: dict[frozenset[str], FilePair] = {}
        self._by_digest: dict[frozenset[str], FilePair] = {}
        for pair in group.pairs:
            self._by_path.setdefault(frozenset((pair.a, pair.b)), pair)
            self._by_digest.setdefault(frozenset((digests.get(pair.a, ""), digests.get(pair.b, ""))), pair)

    def find(self, a: PictureFile, b: PictureFile) -> FilePair | None:
        """Return what is known of two files: their pair, or the first of files with the same bytes as theirs."""
        pair = self._by_path.get(frozenset((a.path, b.path)))
        return self._by_digest.get(frozenset((a.sha256, b.sha256))) if pair is None and a.sha256 != b.sha256 else pair
