"""The whole step on drawn pictures: from an exported model to labels and words that find them again."""

import csv
import io
import json
import tarfile
import zipfile

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra `train`")

from lookalike.describers.labels import labels_of
from lookalike.describers.vocabulary import unpack
from lookalike.describers.words import read_words
from lookalike.training import words
from lookalike.training.data import TRAIN, load
from lookalike.training.labeling import FIT, TEST, TUNE, parts_of
from lookalike.training.lexicon import Lexicon
from lookalike.training.recipe import Recipe

SIDE = 32
SHADES = {"n1": (220, 40, 40), "n2": (40, 200, 60), "n3": (50, 60, 220), "n4": (230, 220, 50), "n5": (20, 20, 20)}
ROOMS = {"den": (240, 240, 240), "hall": (150, 110, 80), "attic": (120, 120, 190), "loft": (200, 160, 200)}
RECIPE = """
name = "tiny"
seed = 7
[data]
side = 32
validation = 0.3
sealed = 0.0
[teacher]
model = "none.tflite"
[network]
width = 64
meaning = 32
copy = 8
[[sets]]
file = "train-things-32.zip"
identity = "label"
space = "wordnet"
labels = { wordnet = "label" }
measured = "label"
[[sets]]
file = "train-rooms-32.zip"
identity = "house"
space = "houses"
labels = { rooms = "label", colors = "x1" }
measured = "label"
"""
WORDS = """
[[vocabularies]]
name = "imagenet"
from = "wordnet"
[[vocabularies]]
name = "rooms"
from = "rooms"
names = { den = "sitting room" }
[[vocabularies]]
name = "colors"
from = "colors"
aside = true
everywhere = { Red = ["things-32"] }
[wordnet]
places = "n1:0 n2:1 n3:2 n4:3 n5:4"
[tags]
kinds = "thing"
[left_out]
words = "nothing"
[titles]
set = "rooms-32"
column = "x0"
words = "bright"
[words]
"thing | stuff" = "0-3"
"place" = "rooms/sitting room, rooms/hall"
[colors]
"navy" = "000080"
"""


def picture(color, number):
    """A color with noise; rooms have a black floor."""
    pixels = np.array(color) + np.random.default_rng(number).integers(-25, 25, (40, 40, 3))
    if color in ROOMS.values():
        pixels[27:] = 0
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write_set(path, kinds, each, rows):
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["file", "label", "house", "x0", "x1", "source"])
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(len(kinds) * each):
            kind = list(kinds)[number % len(kinds)]
            name = f"{number:06d}.webp"
            archive.writestr(name, cv2.imencode(".webp", picture(kinds[kind], number)[..., ::-1])[1].tobytes())
            writer.writerow([name, kind, *rows(kind, number), f"drawn/{kind}/{number}.jpg"])
        archive.writestr("labels.csv", table.getvalue())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a model with words, its card, and what it was made from."""
    folder = tmp_path_factory.mktemp("words")
    write_set(folder / "train-things-32.zip", SHADES, 40, lambda kind, number: ["", "", ""])
    write_set(
        folder / "train-rooms-32.zip",
        ROOMS,
        60,
        lambda kind, number: [
            f"house {number // 4}",
            "bright" if kind == "den" else "",
            "Red" if kind == "hall" else "White",
        ],
    )
    with tarfile.open(folder / words.CAPTIONS, "w") as archive:
        files = {
            f"{kind}.png": cv2.imencode(".png", picture(color, 1)[..., ::-1])[1].tobytes()
            for kind, color in ROOMS.items()
        }
        captions = "".join(f"{name},A {name[:-4]} of a place,zorblax\n" for name in files)
        for name, data in {**files, "labels.csv": f"file,c1,c2\n{captions}".encode()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    (folder / "tiny.toml").write_text(RECIPE, "utf-8")
    (folder / "words.toml").write_text(WORDS, "utf-8")
    recipe = Recipe.read(folder / "tiny.toml")
    (folder / "tiny.onnx").write_bytes(b"weights")
    labels = [f"kind {number}, sort {number}" for number in range(1000)]
    (folder / "tiny.json").write_text(json.dumps({"input_size": SIDE, "labels": labels, "figures": {"a": 1}}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "Teacher", Unsure)
        patch.setattr(words, "opened", lambda model: described)
        card = words.add_words(recipe, Lexicon.read(folder / "words.toml"), folder, folder / "cache", folder)
    return folder, card, load(recipe, folder, folder / "cache")


def described(pixels):
    """Stands in for a model: unit rows that depend on a picture's colors in nine places, and a little on chance."""
    small = np.stack([cv2.resize(one, (3, 3), interpolation=cv2.INTER_AREA).ravel() for one in pixels]) / 127.5 - 1
    mixed = small @ np.random.default_rng(1).normal(0, 1, (27, 32))
    mixed += np.random.default_rng(2).normal(0, 0.3, mixed.shape)
    rows = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return rows, rows[:, :8], rows


class Unsure:
    """A teacher to whom everything is equally likely."""

    scale = 1.0

    def __init__(self, path):
        from lookalike.training.teacher import FEATURES, Answers

        self.answers = Answers(np.zeros((FEATURES, 1000), np.float32), np.zeros(1000, np.float32))

    def describe(self, pictures):
        return np.zeros((len(pictures), 1280), np.uint8)


def test_pictures_trained_on_only_fit_and_houses_stay_together(made):
    _, _, pictures = made
    for one in pictures.sets:
        part = parts_of(one)
        assert set(part[one.split == TRAIN]) == {FIT}
        assert {FIT, TUNE, TEST} >= set(part[one.split != TRAIN])
    rooms = pictures.sets[1]
    of = {}
    for house, part in zip(rooms.columns["house"], parts_of(rooms), strict=True):
        assert of.setdefault(house, part) == part
    assert set(of.values()) == {FIT, TUNE, TEST}


def test_labels_are_right_and_know_when_they_apply(made):
    folder, card, pictures = made
    book = unpack((folder / "tiny.safetensors").read_bytes())
    things, rooms = (described(one.pixels)[0] for one in pictures.sets)
    found = labels_of(rooms, book, 1)
    expected = ["sitting room" if name == "den" else name for name in pictures.sets[1].columns["label"]]
    assert np.mean([one.labels[0].name == name for one, name in zip(found, expected, strict=True)]) > 0.9
    of_rooms = next(one for one in book.vocabularies if one.name == "rooms")
    assert of_rooms.confidence(rooms).mean() > 0.8 > 0.2 > of_rooms.confidence(things).mean()
    figures = card["figures"]["labels"]["rooms"]
    assert figures["names"] == 4
    assert figures["first"] > 0.9
    assert figures["calibration error"] < 0.15


def test_words_find_their_pictures(made):
    folder, _, pictures = made
    book = unpack((folder / "tiny.safetensors").read_bytes())
    rows = described(pictures.sets[1].pixels)[0]
    kinds = np.array(pictures.sets[1].columns["label"])
    for word, kind in (("sitting rooms", "den"), ("hall", "hall"), ("bright", "den")):
        scores = rows @ read_words(word, book, "tiny", ()).rows["meaning"]
        assert (kinds[np.argsort(-scores)[:20]] == kind).mean() > 0.9, word
    assert book.kinds == {"thing": [0, 1, 2, 3]}
    assert book.shades["navy"] == -1
    assert "navy" not in book.terms  # no pictures of garments to learn blue from


def test_figures_say_what_was_measured(made):
    figures = made[1]["figures"]
    captions = figures["words"]["by caption"]
    assert (captions["pictures"], captions["captions"], captions["without a known word"]) == (4, 8, 4)
    assert captions["recall@1"] <= captions["recall@5"] <= captions["recall@10"] <= 0.5
    assert figures["words"]["by class"]["average precision"] > figures["words"]["by class"]["by chance"]
    assert figures["a"] == 1


def test_the_same_pictures_give_the_same_file(made, monkeypatch):
    folder, card, _ = made
    before = (folder / "tiny.safetensors").read_bytes()
    monkeypatch.setattr(words, "Teacher", Unsure)
    monkeypatch.setattr(words, "opened", lambda model: described)
    recipe, lexicon = Recipe.read(folder / "tiny.toml"), Lexicon.read(folder / "words.toml")
    again = words.add_words(recipe, lexicon, folder, folder / "cache", folder)
    assert again == card
    assert (folder / "tiny.safetensors").read_bytes() == before
