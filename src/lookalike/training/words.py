"""`python -m lookalike.training.words RECIPE --data DIR --cache DIR --model DIR`: what a shipped model's vectors mean.

Reads NAME.onnx and NAME.json in the model's folder and `words.toml` beside the recipe; writes NAME.safetensors (label
heads and words) and adds its digest and figures to the card. A few minutes; to be run again for every new model, which
`lookalike.training.ship` does by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.vocabulary import pack
from lookalike.training.concepts import wordbook
from lookalike.training.data import Pictures, PictureSet, Pixels, load
from lookalike.training.export import opened
from lookalike.training.heads import Lessons, Taught
from lookalike.training.labeling import FIT, Floats, Known, fit_heads, parts_of
from lookalike.training.lexicon import Lexicon
from lookalike.training.network import CLASSES
from lookalike.training.recipe import Recipe
from lookalike.training.teacher import Teacher, Views
from lookalike.training.validation import Describe, resized
from lookalike.training.wordfigures import CAPTIONS, by_caption, by_class, by_color

__all__ = ["add_words", "main"]

_CHUNK = 1024
_GENTLE = 0.3  # share of the teacher's answers that count where a label is certain
_GRAY = 300  # pictures of each set that are described without their color


def add_words(recipe: Recipe, lexicon: Lexicon, data: Path, cache: Path, model: Path) -> dict[str, Any]:
    """Write NAME.safetensors beside NAME.onnx in the folder `model`, and say so in NAME.json; return that card."""
    path = model / f"{recipe.name}.json"
    card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    run = opened((model / f"{recipe.name}.onnx").read_bytes())
    pictures, side = load(recipe, data, cache), int(card["input_size"])

    def describe(pixels: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        meaning, copy = run(pixels)[:2]
        return meaning, copy

    rows = {one.part.name: _rows(one.pixels, describe, side) for one in pictures.sets}
    gray = {one.part.name: _rows(_without_color(one), describe, side) for one in pictures.sets}
    taught = _taught(pictures, rows, recipe, Teacher(data / recipe.teacher.model), cache)
    known = Known(lexicon, pictures, rows, gray, taught, card["labels"])
    heads = fit_heads(known)
    book = wordbook(known, heads)
    content = pack(book)
    (model / f"{recipe.name}.safetensors").write_bytes(content)
    card["words"] = {"sha256": hashlib.sha256(content).hexdigest()}
    captions = data / CAPTIONS
    card["figures"] |= {
        "labels": heads.figures,
        "words": {
            "words": len(book.terms),
            "directions": len(book.concepts),
            "by caption": by_caption(captions, book, describe, side) if captions.is_file() else {},
            "by color and kind": by_color(known, book),
            "by class": by_class(known, book),
        },
    }
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return card


def _rows(pixels: Pixels, describe: Describe, side: int) -> Floats:
    parts = [
        describe(resized(np.asarray(pixels[start : start + _CHUNK]), side))[0]
        for start in range(0, len(pixels), _CHUNK)
    ]
    return np.concatenate(parts).astype(np.float64)


def _without_color(one: PictureSet) -> Pixels:
    some = np.asarray(one.pixels[:: max(1, len(one.pixels) // _GRAY)])
    gray = (some @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)  # ITU-R BT.601, as JPEG has it
    return np.repeat(gray[..., None], 3, axis=3)


def _taught(pictures: Pictures, rows: dict[str, Floats], recipe: Recipe, teacher: Teacher, cache: Path) -> Taught:
    """Ask the teacher about all pictures: what it says counts in full where it alone knows, gently beside labels."""
    lessons = Lessons(next(iter(rows.values())).shape[1], CLASSES)
    for one in pictures.sets:
        views = Views(one, recipe.teacher, recipe.seed, cache)
        views.make(0, teacher, threads=2)
        fit = np.flatnonzero(parts_of(one) == FIT)
        share = _GENTLE if "wordnet" in one.part.labels else 1.0
        for start in range(0, len(fit), _CHUNK):
            some = fit[start : start + _CHUNK]
            features = views.load(0)[some].astype(np.float32) * np.float32(teacher.scale)
            scores = np.asarray(features @ teacher.answers.weights + teacher.answers.bias, np.float32)
            lessons.add(rows[one.part.name][some], scores, share)
    return lessons.taught()


def main() -> None:
    """Make the words of a model that is already exported."""
    parser = argparse.ArgumentParser(prog="python -m lookalike.training.words", description=__doc__)
    parser.add_argument("recipe", type=Path)
    for folder in ("data", "cache", "model"):
        parser.add_argument(f"--{folder}", type=Path, required=True)
    given = parser.parse_args()
    lexicon = Lexicon.read(given.recipe.with_name("words.toml"))
    card = add_words(Recipe.read(given.recipe), lexicon, given.data, given.cache, given.model)
    print(json.dumps({name: card["figures"][name] for name in ("labels", "words")}, indent=1))


if __name__ == "__main__":
    main()
