"""English as the bundled model reads it: case, accents, plurals and words that say nothing of a picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

__all__ = ["STOP_WORDS", "phrases", "plain", "singular"]

_STOP_WORDS = """
a about all also an and another any are as at be been being both but by can could do does each for from had has have
having he her here hers him his i in inside into is it its just like looks looking many me more most much my near
next of off on one onto or other our out over same several she shows showing some something such than that the their
them there these they this those through to together towards toward two under up upon very was we were what where
which while who whose with within without you your three four five image images picture pictures photo photos
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Left out of a query, unless they are part of a phrase that is known."""

_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "persons": "person", "mice": "mouse",
    "geese": "goose", "oxen": "ox", "feet": "foot", "teeth": "tooth", "wolves": "wolf", "knives": "knife",
    "leaves": "leaf", "shelves": "shelf", "calves": "calf", "loaves": "loaf", "scarves": "scarf", "hooves": "hoof",
    "lives": "life", "wives": "wife", "halves": "half", "elves": "elf", "cacti": "cactus", "fungi": "fungus",
    "octopi": "octopus", "movies": "movie", "cookies": "cookie", "shoes": "shoe", "buses": "bus", "gases": "gas",
    "lenses": "lens", "axes": "axe", "ties": "tie", "pies": "pie", "zombies": "zombie", "horses": "horse",
    "houses": "house", "roses": "rose", "noses": "nose", "vases": "vase", "mazes": "maze", "bases": "base",
    "canoes": "canoe", "toes": "toe", "aches": "ache", "axles": "axle", "hippopotami": "hippopotamus",
}  # fmt: skip
_APOSTROPHES = re.compile(r"['’`]s?\b")
_OTHER = re.compile(r"[^a-z0-9]+")
_LONGEST = 6


def plain(text: str) -> str:
    """Return lower-case words of a to z and digits, single spaces between: "Café-Racer's" is "cafe racer"."""
    folded = unicodedata.normalize("NFKD", text.replace("ß", "ss")).lower()
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return _OTHER.sub(" ", _APOSTROPHES.sub("", folded)).strip()


def singular(word: str) -> str:
    """Return the singular of a plain English noun by the usual endings; other words as they are."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def phrases(text: str, known: Container[str]) -> tuple[list[str], list[str]]:
    """Divide a text into phrases that are known and words that are not; stop words are neither.

    known: plain phrases. At each word the longest known phrase of up to six words is taken, as it stands or with its
    last or all its words in the singular. A text of nothing but stop words is read by those of them that are known.
    Returns both lists in the order of the text, without repetitions.
    """
    words = plain(text).split()
    found: dict[str, None] = {}
    unknown: dict[str, None] = {}
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            term = next((form for form in _forms(words[at : at + length]) if form in known), None)
            if term is not None and not (length == 1 and words[at] in STOP_WORDS):
                found[term] = None
                at += length
                break
        else:
            if words[at] not in STOP_WORDS:
                unknown[words[at]] = None
            at += 1
    if not found and not unknown:
        found = {word: None for word in words if word in known}
    return list(found), list(unknown)


def _forms(words: list[str]) -> list[str]:
    ones = [singular(word) for word in words]
    return [" ".join(words), " ".join([*words[:-1], ones[-1]]), " ".join(ones)]
