"""`words.toml` beside a recipe: the names of its vocabularies, and words with the classes they stand for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.describers.language import plain, singular
from lookalike.errors import InvalidArgument

__all__ = ["COLORS", "IMAGENET", "TITLES", "Lexicon", "TitlePart", "VocabularyPart"]

IMAGENET = "imagenet"
COLORS = "colors"
TITLES = "titles"
_KEYS = {"name", "from", "names", "by_folder", "apart", "everywhere", "gray", "share", "aside"}


@dataclass(frozen=True, slots=True)
class VocabularyPart:
    """One softmax. made_from: the recipe's vocabulary, whose classes `names` renames.

    by_folder: classes are named after the folder of their pictures. apart: sets whose pictures say nothing about
    whether it applies. everywhere: class -> sets, all of whose pictures belong to it; such a vocabulary applies to
    every picture. gray: its pictures are all gray. share: of pictures that it is expected to apply to. aside: as in
    `describers.vocabulary.Vocabulary`.
    """

    name: str
    made_from: str
    names: Mapping[str, str] = field(default_factory=dict)
    by_folder: bool = False
    apart: Sequence[str] = ()
    everywhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gray: bool = False
    share: float = 0.25
    aside: bool = False

    def named(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Return the names of classes, in the order given."""
        return tuple(self.names.get(name, name) for name in classes)


@dataclass(frozen=True, slots=True)
class TitlePart:
    """Words of the titles in a column of one set; each is a concept: what pictures with it in their title share."""

    set: str
    column: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that the file says.

    wordnet: id -> place among the ImageNet names. words: plain term -> what it stands for, as written. colors: plain
    term -> hex codes. kinds: words that are tags. left_out: names that are no words.
    """

    vocabularies: tuple[VocabularyPart, ...]
    wordnet: Mapping[str, int]
    words: Mapping[str, tuple[str, ...]]
    colors: Mapping[str, tuple[str, ...]]
    kinds: tuple[str, ...]
    left_out: frozenset[str]
    titles: TitlePart

    @classmethod
    def read(cls, path: Path) -> Lexicon:
        """Read the file. Raises InvalidArgument for a key that no part knows and a word explained twice."""
        table = tomllib.loads(path.read_text("utf-8"))
        parts = []
        for entry in table["vocabularies"]:
            if unknown := set(entry) - _KEYS:
                raise InvalidArgument(f"vocabularies.{sorted(unknown)[0]}", entry["name"], "left out")
            parts.append(VocabularyPart(made_from=entry.pop("from"), **entry))
        places = (pair.split(":") for pair in table["wordnet"]["places"].split())
        return cls(
            tuple(parts),
            {id_: int(place) for id_, place in places},
            _words(table["words"], ","),
            _words(table["colors"], None),
            tuple(table["tags"]["kinds"].split()),
            frozenset(table["left_out"]["words"].split()),
            TitlePart(table["titles"]["set"], table["titles"]["column"], tuple(table["titles"]["words"].split())),
        )

    def terms(self, names: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[str, int]]]:
        """Return plain term -> the classes it stands for, each a vocabulary and a place in it.

        names: vocabulary -> its class names. Explained words come first, then names and their synonyms, then the
        last parts of names ("terrier"). Raises InvalidArgument for a class that is in no vocabulary.
        """
        place = {(name, label): at for name, labels in names.items() for at, label in enumerate(labels)}
        found = {term: [one for part in parts for one in _members(term, part, place)]
                 for term, parts in self.words.items()}  # fmt: skip
        named: dict[str, list[tuple[str, int]]] = {}
        heads: dict[str, list[tuple[str, int]]] = {}
        for vocabulary, labels in names.items():
            for at, label in enumerate(labels if vocabulary != COLORS else ()):
                for synonym in label.split(","):
                    words = plain(synonym).split()
                    named.setdefault(" ".join(words), []).append((vocabulary, at))
                    if len(words) > 1 and vocabulary in (IMAGENET, "objects"):
                        heads.setdefault(words[-1], []).append((vocabulary, at))
        for terms in (named, heads):
            for term, members in terms.items():
                for form in {term, " ".join([*term.split()[:-1], singular(term.split()[-1])])} - self.left_out:
                    found.setdefault(form, sorted(set(members)))
        return found


def _words(table: Mapping[str, str], between: str | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in table.items():
        for term in map(plain, key.split("|")):
            if term in found:
                raise InvalidArgument(term, key, "explained once")
            found[term] = tuple(part.strip() for part in value.split(between))
    return found


def _members(term: str, part: str, place: Mapping[tuple[str, str], int]) -> list[tuple[str, int]]:
    if "/" in part:
        vocabulary, label = part.split("/", 1)
        if (vocabulary, label) not in place:
            raise InvalidArgument(term, part, "a class of one of the vocabularies")
        return [(vocabulary, place[vocabulary, label])]
    first, _, last = part.partition("-")
    return [(IMAGENET, at) for at in range(int(first), int(last or first) + 1)]
