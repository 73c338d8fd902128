"""Text search with a model that reads no free text: words it knows, each a direction among its vectors, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.colors import palette_histogram
from lookalike.describers.language import phrases
from lookalike.describers.vocabulary import Wordbook
from lookalike.errors import UnknownWords

__all__ = ["Reading", "read_words"]

Row = NDArray[np.float32]

_SHADE = 0.5  # a color word's weight beside a thing's in the meaning row, by mAP of "red dress" (docs/words.md)
_COLOR_BESIDE = 1 / 3  # share of the color row beside a thing, likewise
_COLOR_ALONE = 1 / 2  # share of the color row of color words alone, likewise


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A text, ready to be searched with.

    rows: description name -> unit float32 row, to be compared with those of pictures by cosine. shares: description
    name -> its share of the score; they sum to 1. known: phrases that were understood, unknown: words that were not,
    in the order of the text; both empty for models that read free text.
    """

    rows: Mapping[str, Row]
    shares: Mapping[str, float]
    known: Sequence[str] = ()
    unknown: Sequence[str] = ()


def read_words(text: str, book: Wordbook, model: str, able: Sequence[str]) -> Reading:
    """Return what a text asks for: the mean of its known words' directions, and its colors as a histogram.

    A color word beside other known words is a color only ("orange cat"); alone it may be a thing as well.
    able: models that read free text, for the error. Raises UnknownWords if no word is known.
    """
    known, unknown = phrases(text, book.terms)
    if not known:
        raise UnknownWords(model, unknown or [text.strip()], able)
    colors = [term for term in known if term in book.colors]
    things = [term for term in known if term not in book.colors]
    rows = [book.concepts[book.terms[term]] for term in (things or known)]
    if things:
        rows += [_SHADE * book.concepts[book.shades[term]] for term in colors if book.shades[term] >= 0]
    meaning = _unit(np.sum(rows, axis=0))
    if not colors:
        return Reading({"meaning": meaning}, {"meaning": 1.0}, known, unknown)
    codes = [bytes.fromhex(code) for term in colors for code in book.colors[term]]
    color = palette_histogram([(code[0], code[1], code[2]) for code in codes], [1.0] * len(codes))
    share = _COLOR_BESIDE if things else _COLOR_ALONE
    return Reading({"meaning": meaning, "color": color}, {"meaning": 1 - share, "color": share}, known, unknown)


def _unit(row: Row) -> Row:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-12), np.float32)
