"""`words.toml`: every word stands for something that is there, and is explained once."""

import json
from pathlib import Path

import pytest

import lookalike
from lookalike.describers.language import plain
from lookalike.describers.vocabulary import unpack
from lookalike.errors import InvalidArgument
from lookalike.training.lexicon import IMAGENET, Lexicon
from lookalike.training.recipe import Recipe

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
BUNDLED = Path(lookalike.__file__).parent / "describers" / "bundled"

SMALL = """
[[vocabularies]]
name = "imagenet"
from = "wordnet"
[wordnet]
places = "n1:0 n2:2"
[tags]
kinds = "cat"
[left_out]
words = "bird"
[titles]
set = "none"
column = "x0"
words = "striped"
[words]
"cat | Kitten" = "0-1"
"pet" = "0, rooms/den"
[colors]
"navy" = "000080 101840"
"""
NAMES = {"imagenet": ["tabby, tabby cat", "Tiger Cat", "crane", "whooping crane, big bird"], "rooms": ["den"]}


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        (tmp_path / "words.toml").write_text(text, "utf-8")
        return Lexicon.read(tmp_path / "words.toml")

    return read_text


def test_words_names_synonyms_and_last_parts_become_terms(read):
    terms = read(SMALL).terms(NAMES)
    assert terms["kitten"] == terms["cat"] == [("imagenet", 0), ("imagenet", 1)]
    assert terms["pet"] == [("imagenet", 0), ("rooms", 0)]
    assert terms["tabby"] == terms["tabby cat"] == [("imagenet", 0)]
    assert terms["tiger cat"] == [("imagenet", 1)]
    assert terms["crane"] == [("imagenet", 2)]  # a name goes before the last part of another
    assert terms["big bird"] == [("imagenet", 3)]
    assert "bird" not in terms
    assert terms["den"] == [("rooms", 0)]


@pytest.mark.parametrize(
    ("given", "instead", "message"),
    [
        ("rooms/den", "rooms/attic", "rooms/attic"),
        ('"pet" =', '"kitten" =', "explained once"),
        ('from = "wordnet"', 'from = "wordnet"\ncolour = "red"', "colour"),
    ],
)
def test_mistakes_are_named(read, given, instead, message):
    with pytest.raises(InvalidArgument, match=message):
        read(SMALL.replace(given, instead)).terms(NAMES)


def test_the_shipped_lexicon_fits_the_recipe():
    lexicon, recipe = Lexicon.read(RECIPES / "words.toml"), Recipe.read(RECIPES / "mini.toml")
    sets = {one.name for one in recipe.sets}
    known = {vocabulary for one in recipe.sets for vocabulary in one.labels}
    for part in lexicon.vocabularies:
        assert part.made_from in known
        assert set(part.apart) | {name for names in part.everywhere.values() for name in names} <= sets
    places = list(lexicon.wordnet.values())
    assert places == sorted(set(places))  # ids sort into the order of the names
    assert set(lexicon.kinds) <= set(lexicon.words) | {"tool", "ball"}
    assert lexicon.titles.set in sets


def test_what_is_shipped_is_what_the_lexicon_says():
    lexicon = Lexicon.read(RECIPES / "words.toml")
    book = unpack((BUNDLED / "lookalike-mini.safetensors").read_bytes())
    names = {one.name: one.names for one in book.vocabularies}
    names["titles"] = lexicon.titles.words
    assert list(lexicon.terms(names).keys() - book.terms.keys()) == []
    assert set(lexicon.colors) <= set(book.colors)
    assert all(term == plain(term) for term in book.terms)
    assert names[IMAGENET] == tuple(json.loads((BUNDLED / "lookalike-mini.json").read_text("utf-8"))["labels"])
