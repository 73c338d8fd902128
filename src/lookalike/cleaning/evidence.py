"""What the pairs of a group, and the names of files, say of who is the original and who the copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from lookalike.folders.findings import FileGroup, FilePair, PictureFile

__all__ = ["find_pair", "lesser_copies", "named_like_a_copy", "raw_files", "unclear_change"]

# What `changes.py` says of b beside a, by its first words: b is the lesser of the two ...
_B_LESSER: Final = ("cropped", "bordered", "captioned", "screenshot", "gray", "blurred")
# ... or a is, and what a is then ...
_A_LESSER: Final[Mapping[str, str]] = {
    "uncropped": "cropped",
    "without the border": "bordered",
    "without the caption": "captioned",
    "cut out of a screenshot": "screenshot",
    "in color": "gray",
}
# ... or each may have what the other has not.
_UNCLEAR: Final = ("overlay on", "without the overlay on", "different on", "inset", "cut out of another picture")

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
    return _COPY_NAMES.search(PurePath(name).stem) is not None


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


def unclear_change(pair: FilePair) -> str:
    """Return the change by which either of a pair may show what the other doesn't, such as an overlay; or ""."""
    return next((change for change in pair.changes if change.startswith(_UNCLEAR)), "")


def find_pair(group: FileGroup, a: PictureFile, b: PictureFile) -> FilePair | None:
    """Return what is known of two members: their pair, or one of files with the same bytes as theirs; else None."""
    digests = {member.path: member.sha256 for member in group.members}
    wanted = {a.path, b.path}
    alike = None
    for pair in group.pairs:
        if {pair.a, pair.b} == wanted:
            return pair
        if {digests.get(pair.a), digests.get(pair.b)} == {a.sha256, b.sha256} and a.sha256 != b.sha256:
            alike = alike or pair
    return alike
