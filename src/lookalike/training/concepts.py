"""From label heads and a lexicon to the wordbook that is shipped: a direction for every word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from lookalike.describers.colors import BASIC_COLORS, basic_name
from lookalike.describers.vocabulary import Wordbook
from lookalike.training.labeling import FIT, Floats, Heads, Known, parts_of, unit
from lookalike.training.lexicon import COLORS, IMAGENET, TITLES, Lexicon

__all__ = ["wordbook"]

_FEWEST = 30  # titles that a word must be in to become a concept


def wordbook(known: Known, heads: Heads) -> Wordbook:
    """Return everything that the model's vectors mean in words. Words without a class in these sets drop out."""
    names: dict[str, Sequence[str]] = {one.name: one.names for one in heads.vocabularies}
    directions = dict(heads.directions)
    names[TITLES], directions[TITLES] = _titles(known)
    members = known.lexicon.terms(names)
    concepts: list[Floats] = []
    places: dict[tuple[tuple[str, int], ...], int] = {}

    def place(classes: Sequence[tuple[str, int]]) -> int:
        key = tuple(sorted(set(classes)))
        if key not in places:
            places[key] = len(concepts)
            concepts.append(unit(np.mean([directions[name][at] for name, at in key], axis=0)))
        return places[key]

    terms = {term: place(classes) for term, classes in members.items()}
    colors = _colors(known.lexicon)
    shades = {}
    for word, codes in colors.items():
        classes = _shade(word, codes, names.get(COLORS, ()))
        shades[word] = place(classes) if classes else -1
        if word not in terms and classes:
            terms[word] = shades[word]
    return Wordbook(
        heads.vocabularies,
        np.array(concepts, np.float16).astype(np.float32),
        terms,
        shades,
        {word: codes for word, codes in colors.items() if word in terms},
        {
            kind: [at for name, at in members[kind] if name == IMAGENET]
            for kind in known.lexicon.kinds
            if kind in members
        },
    )


def _colors(lexicon: Lexicon) -> dict[str, Sequence[str]]:
    basic = {name: tuple(codes.split()) for name, codes in BASIC_COLORS.items()}
    return {**basic, "gray": basic["grey"], **lexicon.colors}


def _shade(word: str, codes: Sequence[str], names: Sequence[str]) -> list[tuple[str, int]]:
    """Return the class of main colors that the word names, or else that of its basic color."""
    red, green, blue = bytes.fromhex(codes[0])
    for wanted in (word, basic_name((red, green, blue))):
        if found := [at for at, name in enumerate(names) if name.lower() == wanted]:
            return [(COLORS, found[0])]
    return []


def _titles(known: Known) -> tuple[list[str], Floats]:
    """Return the words of titles that are concepts, and what sets pictures with them apart from the rest of the set."""
    part = known.lexicon.titles
    found: Mapping[str, Floats] = {}
    for one in known.pictures.sets:
        if one.part.name == part.set:
            fit = parts_of(one) == FIT
            rows = known.rows[part.set][fit]
            said = [set(re.findall("[a-z]+", title.lower())) for title in one.columns[part.column]]
            chosen = {word: np.array([word in words for words in said])[fit] for word in part.words}
            found = {
                word: unit(rows[has].mean(0) - rows.mean(0)) for word, has in chosen.items() if has.sum() >= _FEWEST
            }
    width = next(iter(known.rows.values())).shape[1]
    return list(found), np.array(list(found.values())).reshape(-1, width)
