"""Retrieval by the bundled model beside its baselines, on classes nobody trained on.

    python benchmarks/model_quality.py recipes/mini.toml --data ../shared/data --cache DIR [--split sealed]
        [--write]

Meaning: recall@1, recall@5 and mAP of the meaning vector, a Lab color histogram, pHash, PDQ and the reference
MobileNetV2's 1,280 pooled features. Copies: how often an edited picture's original ranks first, by the copy
vector, pHash and PDQ, over the published edits at three strengths; and what is found at 99 % precision.
--write puts the figures into the model's card. --split sealed is for the very end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

import lookalike
from lookalike.edits import EDITS, LEVELS
from lookalike.evaluate import mean_average_precision, precision_recall_curve, recall_at_k
from lookalike.training.data import SEALED, VALIDATION, Pictures, Pixels, load
from lookalike.training.export import opened
from lookalike.training.recipe import Recipe
from lookalike.training.teacher import Teacher
from lookalike.training.validation import edited, held_out, resized

BUNDLED = Path(lookalike.__file__).parent / "describers" / "bundled"
SPLITS = {"validation": VALIDATION, "sealed": SEALED}
Rows = NDArray[np.float32]
Describe = Callable[[Pixels], Rows]


def unit(rows: NDArray[np.floating]) -> Rows:
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def color_histogram(pixels: Pixels) -> Rows:
    """Square roots of a joint 4 x 8 x 8 Lab histogram: their dot product is the Bhattacharyya coefficient."""
    rows = []
    for picture in pixels:
        lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
        counts = cv2.calcHist([lab], [0, 1, 2], None, [4, 8, 8], [0, 256] * 3)
        rows.append(np.sqrt(counts.ravel()))
    return unit(np.stack(rows))


def signed_bits(bits: NDArray[np.bool_]) -> Rows:
    """Rows of +-1 of unit length: the dot product falls by 2 / n with every differing bit."""
    return unit(np.where(bits, 1.0, -1.0))


def perceptual_hash(pixels: Pixels) -> Rows:
    return signed_bits(np.stack([imagehash.phash(Image.fromarray(one)).hash.ravel() for one in pixels]))


def pdq(pixels: Pixels) -> Rows:
    return signed_bits(np.stack([pdqhash.compute(np.ascontiguousarray(one))[0] > 0 for one in pixels]))


def describers(teacher: Teacher, side: int) -> tuple[dict[str, Describe], dict[str, Describe]]:
    """Return those asked for meaning and those asked for copies, the model first."""
    run = opened((BUNDLED / "lookalike-mini.onnx").read_bytes())
    meaning: dict[str, Describe] = {
        "lookalike-mini meaning, 256-d": lambda pixels: run(resized(pixels, side))[0],
        "MobileNetV2 features, 1280-d": lambda pixels: unit(teacher.describe(pixels).astype(np.float32)),
        "Lab histogram, 256-d": color_histogram,
        "pHash, 64 bits": perceptual_hash,
        "PDQ, 256 bits": pdq,
    }
    copies: dict[str, Describe] = {
        "lookalike-mini copy, 128-d": lambda pixels: run(resized(pixels, side))[1],
        "pHash, 64 bits": perceptual_hash,
        "PDQ, 256 bits": pdq,
    }
    return meaning, copies


def meaning_table(pictures: Pictures, split: int, asked: dict[str, Describe]) -> dict[str, dict[str, dict[str, float]]]:
    """Return describer -> set -> recall@1, recall@5, mAP; the mean over sets last."""
    table: dict[str, dict[str, dict[str, float]]] = {name: {} for name in asked}
    for one in pictures.sets:
        rows = held_out(one, split, 4000, 0)
        classes = one.classes(rows) if len(rows) else rows
        if len(np.unique(classes)) < 2:
            continue
        for name, describe in asked.items():
            found = describe(one.pixels[rows])
            table[name][one.part.name] = {
                "recall@1": recall_at_k(found, classes, 1),
                "recall@5": recall_at_k(found, classes, 5),
                "mAP": mean_average_precision(found, classes),
            }
    for figures in table.values():
        sets = list(figures.values())
        figures["mean"] = {key: float(np.mean([entry[key] for entry in sets])) for key in sets[0]}
    return table


def copy_table(pictures: Pictures, split: int, asked: dict[str, Describe]) -> dict[str, dict[str, float]]:
    """Return describer -> figures over about 500 pictures and every edit at every strength.

    "at 99 %": copies whose score with their original passes the threshold above which 99 % of all pairs, each
    copy with each of the originals, are true ones. Sets of one space can hold the same picture twice (fashion
    does), which would count as a false pair: only the first of each space takes part. "unrelated": the same where
    pictures of one class, several shots of one crate of peppers for example, are no pairs at all.
    """
    first = {one.part.space: one for one in reversed(pictures.sets)}.values()
    drawn = [(one, rows) for one in first if len(rows := held_out(one, split, 47, 1))]
    originals = np.concatenate([one.pixels[rows] for one, rows in drawn])
    classes = np.concatenate([one.classes(rows) + 100_000 * place for place, (one, rows) in enumerate(drawn)])
    gallery = {name: describe(originals) for name, describe in asked.items()}
    own = np.eye(len(originals), dtype=bool)
    related = (classes[:, None] == classes) & ~own
    pasted = np.roll(own, 1, axis=1)  # the picture that an edit pastes from is no stranger of the copy
    table: dict[str, dict[str, float]] = {name: {"pictures": float(len(originals))} for name in asked}
    scores: dict[str, list[NDArray[np.float32]]] = {name: [] for name in asked}
    for level in LEVELS:
        hits: dict[str, list[float]] = {name: [] for name in asked}
        for edit in EDITS:
            copies = edited(originals, edit, level, 11)
            for name, describe in asked.items():
                found = describe(copies) @ gallery[name].T
                best_other = np.where(own | pasted, -2, found).max(1)
                hits[name].append(float(np.mean(np.diag(found) > best_other)))
                scores[name].append(np.where(pasted, -2, found))
        for name in asked:
            table[name][f"rank 1, {level}"] = float(np.mean(hits[name]))
            table[name] |= {f"{edit}, {level}": value for edit, value in zip(EDITS, hits[name], strict=True)}
    for name, blocks in scores.items():
        table[name]["recall at 99 % precision"] = _recall_at(blocks, own, 0.99)
        unrelated = [np.where(related, -2, block) for block in blocks]
        table[name]["recall at 99 % precision, unrelated"] = _recall_at(unrelated, own, 0.99)
    return table


def _recall_at(blocks: list[NDArray[np.float32]], own: NDArray[np.bool_], precision: float) -> float:
    # of strangers, only those that outscore some copy matter: the rest never change a precision
    true = np.concatenate([block[own] for block in blocks])
    floor = np.quantile(true, 0.01)
    strangers = np.concatenate([block[~own][block[~own] >= floor] for block in blocks])
    values = np.concatenate([true, strangers])
    same = np.arange(len(values)) < len(true)
    return precision_recall_curve(values, same).recall_at_precision(precision)


def show(table: dict[str, dict[str, dict[str, float]]], copies: dict[str, dict[str, float]]) -> str:
    """Return both tables as Markdown."""
    names = list(table)
    lines = ["| set | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in next(iter(table.values())):
        cells = [
            " / ".join(f"{table[name][row][key]:.3f}" for key in ("recall@1", "recall@5", "mAP")) for name in names
        ]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    ends = ["recall at 99 % precision", "recall at 99 % precision, unrelated"]
    rows = [f"rank 1, {level}" for level in LEVELS] + ends
    lines += ["", "| copies | " + " | ".join(copies) + " |", "|---" * (len(copies) + 1) + "|"]
    lines += [f"| {row} | " + " | ".join(f"{one[row]:.3f}" for one in copies.values()) + " |" for row in rows]
    lines += ["", "| edit: mild / medium / hard | " + " | ".join(copies) + " |", "|---" * (len(copies) + 1) + "|"]
    for edit in EDITS:
        cells = [" / ".join(f"{one[f'{edit}, {level}']:.2f}" for level in LEVELS) for one in copies.values()]
        lines.append(f"| {edit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(split: str, table: dict[str, dict[str, dict[str, float]]], copies: dict[str, dict[str, float]]) -> None:
    """Put the headline figures into the card."""
    path = BUNDLED / "lookalike-mini.json"
    card = json.loads(path.read_text("utf-8"))
    rounded = {
        name: {row: round(figures["recall@1"], 4) for row, figures in sets.items()} for name, sets in table.items()
    }
    headline = {
        name: {key: round(one[key], 4) for key in one if key.startswith(("rank 1", "recall at"))}
        for name, one in copies.items()
    }
    card["figures"][split] = {"recall@1": rounded, "copies": headline}
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--split", choices=list(SPLITS), default="validation")
    parser.add_argument("--write", action="store_true", help="put the figures into the model's card")
    given = parser.parse_args()
    recipe = Recipe.read(given.recipe)
    pictures = load(recipe, given.data, given.cache)
    side = json.loads((BUNDLED / "lookalike-mini.json").read_text("utf-8"))["input_size"]
    meaning, copies = describers(Teacher(given.data / recipe.teacher.model), side)
    table = meaning_table(pictures, SPLITS[given.split], meaning)
    found = copy_table(pictures, SPLITS[given.split], copies)
    print(show(table, found))
    if given.write:
        write(given.split, table, found)


if __name__ == "__main__":
    main()
