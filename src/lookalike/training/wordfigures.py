"""How well words find pictures: captions of people nobody trained on, products by color and kind, classes by name."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.colors import color_histogram
from lookalike.describers.vocabulary import Wordbook
from lookalike.describers.words import Reading, read_words
from lookalike.errors import UnknownWords
from lookalike.images.decode import decode
from lookalike.images.image import Limits
from lookalike.images.resize import fit_square
from lookalike.training.data import PictureSet, Pixels
from lookalike.training.labeling import FIT, Floats, Known, parts_of
from lookalike.training.validation import Describe

__all__ = ["CAPTIONS", "by_caption", "by_class", "by_color"]

CAPTIONS = "eval-flickr8k.tar"
_MISSED = 1_000_000  # the rank of a picture that was not even looked for
_FEWEST = 2  # relevant pictures that a question of kind and color needs

Rows = Mapping[str, NDArray[np.float32]]


def by_caption(archive: Path, book: Wordbook, describe: Describe, side: int) -> dict[str, float]:
    """Return how often a caption's picture is among the first 1, 5, 10 of all; a caption of no known word misses."""
    table, pixels = _captioned(archive)
    gallery = _described(pixels, describe, side)
    ranks = []
    unread = 0
    for at, captions in enumerate(table):
        for caption in captions:
            reading = _read(caption, book)
            if reading is None:
                unread += 1
                ranks.append(_MISSED)
            else:
                scores = _scores(reading, gallery)
                ranks.append(int((scores > scores[at]).sum()))
    found = np.array(ranks)
    shares = {f"recall@{k}": round(float((found < k).mean()), 4) for k in (1, 5, 10)}
    return {
        "pictures": len(pixels),
        "captions": len(ranks),
        **shares,
        "median rank": float(np.median(found)) + 1,
        "without a known word": unread,
    }


def by_color(known: Known, book: Wordbook) -> dict[str, dict[str, float]]:
    """Return recall@10 and average precision of questions like "red dresses" among products never trained on.

    As asked, and with the words of color left to one of the two descriptions.
    """
    one = next((one for one in known.pictures.sets if one.part.name == known.lexicon.titles.set), None)
    if one is None or not {"articles", "colors"} <= set(one.part.labels):
        return {}
    rows = np.flatnonzero(parts_of(one) != FIT)
    gallery = {
        "meaning": known.rows[one.part.name][rows].astype(np.float32),
        "color": np.stack([color_histogram(np.ascontiguousarray(one.pixels[row])) for row in rows]),
    }
    kinds, colors = _column(one, "articles", rows), _column(one, "colors", rows)
    found: dict[str, list[tuple[float, float]]] = {"both": [], "meaning alone": [], "kind alone": []}
    for kind in np.unique(kinds):
        for color in np.unique(colors):
            relevant = (kinds == kind) & (colors == color)
            reading = _read(f"{color} {kind}", book)
            plain_ = _read(str(kind), book)
            if relevant.sum() < _FEWEST or reading is None or plain_ is None or "color" not in reading.rows:
                continue
            alone = Reading({"meaning": reading.rows["meaning"]}, {"meaning": 1.0})
            for name, asked in (("both", reading), ("meaning alone", alone), ("kind alone", plain_)):
                found[name].append(_quality(_scores(asked, gallery), relevant))
    return {
        name: {"questions": len(pairs), "recall@10": round(float(np.mean([pair[0] for pair in pairs])), 4),
               "average precision": round(float(np.mean([pair[1] for pair in pairs])), 4)}
        for name, pairs in found.items() if pairs
    }  # fmt: skip


def by_class(known: Known, book: Wordbook) -> dict[str, float]:
    """Return the mean average precision of the names of ImageNet classes, among pictures never trained on."""
    rows, classes = [], []
    for one in known.pictures.sets:
        if "wordnet" in one.part.labels:
            aside = parts_of(one) != FIT
            rows.append(known.rows[one.part.name][aside])
            classes += [
                known.lexicon.wordnet[id_] for id_, kept in zip(one.columns["label"], aside, strict=True) if kept
            ]
    if not classes:
        return {}
    gallery, of = {"meaning": np.concatenate(rows).astype(np.float32)}, np.array(classes)
    pairs = []
    for place in np.unique(of):
        reading = _read(known.imagenet[place].split(",")[0], book)
        if reading is not None:
            meaning = Reading({"meaning": reading.rows["meaning"]}, {"meaning": 1.0})
            pairs.append(_quality(_scores(meaning, gallery), of == place))
    chance = float(np.mean([(of == place).mean() for place in np.unique(of)]))
    return {
        "classes": len(pairs),
        "pictures": len(of),
        "average precision": round(float(np.mean([pair[1] for pair in pairs])), 4),
        "by chance": round(chance, 4),
    }


def _captioned(archive: Path) -> tuple[list[list[str]], list[Pixels]]:
    with tarfile.open(archive) as files:
        content = {Path(entry.name).name: files.extractfile(entry) for entry in files if entry.isfile()}
        read = {name: file.read() for name, file in content.items() if file is not None}
    table = list(csv.DictReader(io.StringIO(read["labels.csv"].decode())))
    pixels = [decode(read[row["file"]], name=row["file"], limits=Limits(), wants=None).pixels for row in table]
    return [[text for key, text in row.items() if key != "file" and text] for row in table], pixels


def _described(pixels: Sequence[Pixels], describe: Describe, side: int) -> Rows:
    meaning = describe(np.stack([fit_square(one, side) for one in pixels]))[0]
    return {"meaning": meaning, "color": np.stack([color_histogram(one) for one in pixels])}


def _read(text: str, book: Wordbook) -> Reading | None:
    try:
        return read_words(text, book, "model", ())
    except UnknownWords:
        return None


def _scores(reading: Reading, gallery: Rows) -> Floats:
    parts = [share * (gallery[name] @ reading.rows[name]) for name, share in reading.shares.items()]
    found: Floats = np.sum(parts, axis=0)
    return found


def _quality(scores: Floats, relevant: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of the relevant among the first ten (of at most ten), and average precision."""
    hits = relevant[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(hits[:10].sum() / min(10, hits.sum())), float(precision[hits].mean())


def _column(one: PictureSet, vocabulary: str, rows: NDArray[np.intp]) -> NDArray[np.str_]:
    values = one.columns[one.part.labels[vocabulary]]
    return np.array([values[row] for row in rows])
