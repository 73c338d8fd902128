"""What the bundled model says of drawn pictures and of words is pinned: a new model or new words change it on purpose.

`python tests/training/test_bundled_words.py > tests/training/golden-words.json` writes it anew, after
`python -m lookalike.training.ship` or `python -m lookalike.training.words` was run.
"""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from lookalike.describers.cards import BUNDLED
from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.labels import labels_of
from lookalike.errors import UnknownWords

GOLDEN = Path(__file__).with_name("golden-words.json")
QUERIES = (
    "dog on grass",
    "red car",
    "a painting of a horse",
    "Tabbies",
    "kitchen",
    "blue",
    "women's shoes",
    "zebra zorblax",
)
NUMBERS = 6
TOLERANCE = 0.02
"""Of directions and probabilities: 8-bit arithmetic rounds differently on other processors."""


def drawn():
    spec = importlib.util.spec_from_file_location("test_bundled", Path(__file__).with_name("test_bundled.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pictures(standard_ensemble().neural.card.input_size)


def said():
    """Of each drawn picture, the first label of each vocabulary; of each query, how it is read."""
    ensemble, pictures = standard_ensemble(), drawn()
    rows = ensemble.describe(list(pictures.values()))["meaning"]
    labels = {
        name: {
            answer.vocabulary: [answer.labels[0].name, answer.labels[0].probability, answer.confidence]
            for answer in found.answers
        }
        for name, found in zip(pictures, labels_of(rows, ensemble.book, 1), strict=True)
    }
    texts = {}
    for query in QUERIES:
        reading = ensemble.describe_text(query)
        texts[query] = {
            "known": list(reading.known),
            "unknown": list(reading.unknown),
            **{name: [round(float(x), 4) for x in row[:NUMBERS]] for name, row in reading.rows.items()},
        }
    return {"labels": labels, "texts": texts}


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text("utf-8"))


def test_the_card_is_about_the_file_beside_it(golden):
    card = json.loads((BUNDLED / "lookalike-mini.json").read_text("utf-8"))
    content = (BUNDLED / "lookalike-mini.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == card["words"]["sha256"] == golden["sha256"]
    assert len(content) + (BUNDLED / "lookalike-mini.onnx").stat().st_size < 6_000_000


def test_words_are_read_as_ever(golden):
    found = said()["texts"]
    for query, expected in golden["texts"].items():
        assert found[query].keys() == expected.keys()
        for name, value in expected.items():
            assert found[query][name] == (pytest.approx(value, abs=1e-3) if name in ("meaning", "color") else value)


def test_labels_are_as_ever(golden):
    ensemble, pictures = standard_ensemble(), drawn()
    rows = ensemble.describe(list(pictures.values()))["meaning"]
    books = {one.name: one for one in ensemble.book.vocabularies}
    for name, row in zip(pictures, rows, strict=True):
        for vocabulary, (label, probability, confidence) in golden["labels"][name].items():
            one = books[vocabulary]
            shares = one.probabilities(row[None])[0]
            assert shares[one.names.index(label)] == pytest.approx(probability, abs=5 * TOLERANCE), (name, vocabulary)
            assert one.confidence(row[None])[0] == pytest.approx(confidence, abs=5 * TOLERANCE), (name, vocabulary)


def test_directions_are_unit_rows_and_every_word_has_one():
    book = standard_ensemble().book
    assert np.linalg.norm(book.concepts, axis=1) == pytest.approx(1, abs=2e-3)
    places = [*book.terms.values(), *(at for at in book.shades.values() if at >= 0)]
    assert (min(places), max(places)) == (0, len(book.concepts) - 1)
    assert all(0 <= at < 1000 for kind in book.kinds.values() for at in kind)


def test_a_query_of_nothing_known_says_who_could_answer():
    with pytest.raises(UnknownWords, match=r"lookalike-mini knows no word of this: zorblax\..*clip-vit-b32"):
        standard_ensemble().describe_text("zorblax")


if __name__ == "__main__":
    sha256 = hashlib.sha256((BUNDLED / "lookalike-mini.safetensors").read_bytes()).hexdigest()
    print(json.dumps({"sha256": sha256} | said(), indent=1, ensure_ascii=False))
