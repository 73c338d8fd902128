"""Copies found by imagededup's hashes, PDQ, our vectors, and the whole of `compare`, over the published edits.

    python benchmarks/copies.py FOLDER [--sample 60] [--comparisons 1200]

Every picture of FOLDER is edited in memory in every way of `lookalike.edits` at three strengths. A hash finds a copy
where the bits that differ from its original are no more than the threshold that keeps 99 % precision among all pairs
of a copy with an original, chosen after the fact for each of them; imagededup's own threshold, 10 bits of 64, is shown
beside. `compare` is asked about a sample of the copies, each with its original and with a stranger, at its fixed
threshold. imagededup's hashes are its own code; of what it imports, torchvision (for its CNN) is replaced if missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
from numpy.typing import NDArray

from lookalike import compare
from lookalike.edits import EDITS, LEVELS, Level, edit
from lookalike.evaluate import area_under_roc, precision_recall_curve
from lookalike.evaluation import Lineup
from lookalike.evaluation.lineup import unit
from lookalike.folders.scan import scan
from lookalike.images import read_image
from lookalike.images.resize import thumbnail

SIDE = 400
TORCHVISION = ("torchvision", "torchvision.models", "torchvision.models.vision_transformer", "torchvision.transforms")
THEIR_BITS = 10  # imagededup's default
Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]
Describe = Callable[[Sequence[Pixels]], dict[str, Rows]]


def imagededup() -> Describe:
    """Return its four hashes as rows of +-1 over 8, or nothing if it is not installed."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        for name in TORCHVISION:
            sys.modules.setdefault(name, MagicMock())
    try:
        from imagededup.methods import AHash, DHash, PHash, WHash
    except ImportError as error:
        print(f"imagededup is left out: {error}", file=sys.stderr)
        return lambda pictures: {}
    hashers = {f"imagededup {kind.__name__}": kind() for kind in (PHash, DHash, WHash, AHash)}

    def bits(text: str) -> NDArray[np.uint8]:
        return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))

    def described(pictures: Sequence[Pixels]) -> dict[str, Rows]:
        return {
            name: unit(np.stack([bits(hasher.encode_image(image_array=one)) for one in pictures]) * 2.0 - 1.0)
            for name, hasher in hashers.items()
        }

    return described


class Copy:
    """A copy that can be made again: number of the picture, edit and level."""

    def __init__(self, pictures: Sequence[Pixels], place: int, name: str, level: Level) -> None:
        self.place, self.name, self.level = place, name, level
        self._pictures = pictures

    def pixels(self) -> Pixels:
        other = self._pictures[(self.place + 1) % len(self._pictures)]
        return edit(self._pictures[self.place], self.name, self.level, seed=self.place, other=other)


def hashed(pictures: Sequence[Pixels], describe: Sequence[Describe]) -> dict[str, dict[str, float]]:
    """Return line -> figures over every copy of every picture."""

    def rows(some: Sequence[Pixels]) -> dict[str, Rows]:
        return {name: found for one in describe for name, found in one(some).items()}

    gallery = rows(pictures)
    number = len(pictures)
    own, others = np.eye(number, dtype=bool), ~np.eye(number, dtype=bool)
    others[np.arange(number), (np.arange(number) + 1) % number] = False  # what was pasted is no stranger
    true: dict[str, dict[str, list[Rows]]] = {name: {level: [] for level in LEVELS} for name in gallery}
    false: dict[str, list[Rows]] = {name: [] for name in gallery}
    with ThreadPoolExecutor(2) as pool:
        for name, level in product(EDITS, LEVELS):
            copies = list(pool.map(lambda at, n=name, v=level: Copy(pictures, at, n, v).pixels(), range(number)))
            chunks = [copies[start : start + 8] for start in range(0, number, 8)]
            made = list(pool.map(rows, chunks))
            for line, wanted in gallery.items():
                scores = np.concatenate([part[line] for part in made]) @ wanted.T
                true[line][level].append(scores[own])
                false[line].append(scores[others])
    return {line: figures(line, true[line], np.concatenate(false[line])) for line in gallery}


def figures(line: str, by_level: dict[str, list[Rows]], false: Rows) -> dict[str, float]:
    true = {level: np.concatenate(parts) for level, parts in by_level.items()}
    scores = np.concatenate([*true.values(), false]).round(5)
    same = np.arange(len(scores)) < sum(len(one) for one in true.values())
    threshold = precision_recall_curve(scores, same).threshold_at_precision(0.99)
    floor = np.inf if threshold is None else threshold - 1e-5
    found = {f"found, {level}": float((values >= floor).mean()) for level, values in true.items()}
    found["found"] = float((scores[same] >= floor).mean())
    found["AUC"] = area_under_roc(scores, same)
    if "imagededup" in line:
        near = 1 - 2 * THEIR_BITS / 64 - 1e-5
        found["found at 10 bits"] = float((scores[same] >= near).mean())
        found["precision at 10 bits"] = float(same[scores >= near].mean())
    return found


def compared(pictures: Sequence[Pixels], number: int) -> dict[str, float]:
    """Return what `compare` says of a sample: every second pair is a copy with its original, the others strangers."""
    rng = np.random.default_rng(0)

    def one(_: int) -> tuple[str, bool, float]:
        place, shift = int(rng.integers(len(pictures))), int(rng.integers(2, len(pictures)))
        copy = Copy(pictures, place, str(rng.choice(list(EDITS))), LEVELS[rng.integers(3)])
        same = bool(rng.random() < 0.5)
        original = pictures[place if same else (place + shift) % len(pictures)]
        return copy.level, same, compare(original, copy.pixels()).probability

    rows = [one(at) for at in range(number)]
    same, said = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    yes = said >= 0.5
    result = {
        f"found, {level}": float(yes[same & np.array([row[0] == level for row in rows])].mean()) for level in LEVELS
    }
    curve = precision_recall_curve(said, same)
    return result | {
        "found": float(yes[same].mean()),
        "AUC": area_under_roc(said, same),
        "strangers called copies": float(yes[~same].sum()),
        "strangers": float((~same).sum()),
        "found at 99 % precision": curve.recall_at_precision(0.99),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=60, help="pictures, drawn evenly")
    parser.add_argument("--comparisons", type=int, default=1200)
    given = parser.parse_args()
    files = list(scan(given.folder).pictures)
    drawn = files[:: max(1, len(files) // given.sample)][: given.sample]
    pictures = [thumbnail(read_image(path).pixels, SIDE) for path in drawn]
    table = hashed(pictures, [Lineup().describe, imagededup()])
    table["lookalike compare, probability 0.5"] = compared(pictures, given.comparisons)
    print(f"{len(pictures)} pictures, {len(EDITS)} edits at {len(LEVELS)} strengths\n")
    columns = ["found, mild", "found, medium", "found, hard", "found", "AUC"]
    print("| by | " + " | ".join(columns) + " | |\n" + "|---" * (len(columns) + 2) + "|")
    for line, values in sorted(table.items(), key=lambda item: -item[1]["found"]):
        rest = ", ".join(f"{key} {value:.4g}" for key, value in values.items() if key not in columns)
        print(f"| {line} | " + " | ".join(f"{values[key]:.3f}" for key in columns) + f" | {rest} |")


if __name__ == "__main__":
    main()
