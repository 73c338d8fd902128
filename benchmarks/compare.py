"""CPU time of `compare` on pairs it never saw, decoded from JPEGs of 256 x 256, and how often it was right.

    python benchmarks/compare.py FOLDER [--pairs 400]

Every second pair is a picture of FOLDER and a copy of it under one edit of the published list at any strength, or
under two at mild or medium (one in four); the others are two pictures, the second edited just so. All are squashed to
256 x 256 and saved as JPEG of quality 85 before they are compared, each pair once, by one thread. CPU time is that of
the process. "keypoints" counts the pairs that keypoints were looked for in.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike import compare
from lookalike.edits import EDITS, LEVELS, edit
from lookalike.folders.scan import scan
from lookalike.images import read_image
from lookalike.images.resize import encode_jpeg
from lookalike.settings import Settings

Pixels = NDArray[np.uint8]
SIDE = 256


def encoded(pixels: Pixels) -> bytes:
    return encode_jpeg(np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8))


def edited(picture: Pixels, other: Pixels, rng: np.random.Generator) -> Pixels:
    number = 2 if rng.random() < 0.25 else 1
    for name in rng.choice(list(EDITS), number, replace=False):
        level = LEVELS[rng.integers(3 if number == 1 else 2)]
        picture = edit(picture, str(name), level, seed=int(rng.integers(1 << 30)), other=other)
    return picture


def pairs(pictures: Sequence[Pixels], number: int) -> Iterator[tuple[bytes, bytes, bool]]:
    rng = np.random.default_rng(0)
    for place in range(number):
        one, two, other = (pictures[at] for at in rng.choice(len(pictures), 3, replace=False))
        same = place % 2 == 0
        yield encoded(one), encoded(edited(one if same else two, other, rng)), same


def line(name: str, took: NDArray[np.float64], right: NDArray[np.bool_], looked: NDArray[np.bool_]) -> str:
    middle, late = np.percentile(took, [50, 95])
    figures = f"{middle:.1f} | {took.mean():.1f} | {late:.1f} | {looked.mean():.0%} | {right.mean():.3f}"
    return f"| {name} | {len(took)} | {figures} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    settings = Settings.load()
    pictures = [read_image(path).pixels for path in scan(given.folder).pictures]
    drawn = list(pairs(pictures, given.pairs))
    for warm in drawn[:4]:
        compare(*warm[:2], settings=settings)
    took, said, looked = [], [], []
    for a, b, _ in drawn:
        start = time.process_time()
        found = compare(a, b, settings=settings)
        took.append((time.process_time() - start) * 1000)
        said.append(found.verdict in ("identical", "edited-copy"))
        looked.append(bool(found.evidence["geometry"].get("looked_for", True)))
    same = np.array([one[2] for one in drawn])
    columns = np.array(took), np.array(said) == same, np.array(looked)
    print("| pairs | | p50 ms | mean ms | p95 ms | keypoints | right |\n" + "|---" * 7 + "|")
    for name, which in (("copies", same), ("strangers", ~same), ("all", same | ~same)):
        print(line(name, *(column[which] for column in columns)))


if __name__ == "__main__":
    main()
