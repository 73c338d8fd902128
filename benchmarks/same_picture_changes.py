"""How much the answers of `compare` change when one of the pictures is small or recompressed.

    python benchmarks/same_picture_changes.py FOLDER [--pairs 40]

Each picture of FOLDER is held against a hard copy of itself, and against a stranger; then the second picture is made
256 x 256, or saved as JPEG of quality 90 to 30, and the same is asked again. "change" is between the two answers;
the last columns hold the picture itself against its own small or recompressed self.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike import compare
from lookalike.cli.output import truncated
from lookalike.edits import edit
from lookalike.folders.scan import scan
from lookalike.images import read_image
from lookalike.images.resize import encode_jpeg

Pixels = NDArray[np.uint8]
COPIES = ("crop", "screenshot", "rephotograph", "text", "cast")


def small(picture: Pixels) -> Pixels:
    return np.asarray(cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


def recompressed(quality: int) -> Callable[[Pixels], Pixels]:
    return lambda picture: read_image(encode_jpeg(picture, quality)).pixels


CHANGES = {"256 x 256": small} | {f"JPEG {quality}": recompressed(quality) for quality in (90, 75, 60, 45, 30)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=40)
    given = parser.parse_args()
    files = list(scan(given.folder).pictures)
    pictures = [read_image(path).pixels for path in files[:: max(1, len(files) // given.pairs)][: given.pairs]]
    pairs = []
    for place, picture in enumerate(pictures):
        other = pictures[(place + 1) % len(pictures)]
        pairs.append((picture, edit(picture, COPIES[place % len(COPIES)], "medium", seed=place, other=other), True))
        pairs.append((picture, other, False))
    before = [compare(a, b) for a, b, _ in pairs]
    same = np.array([truth for _, _, truth in pairs])
    print("mean / greatest change; of the score, and of the cosines of both vectors\n")
    print("| second picture | score, copies | score, strangers | copy | meaning | verdicts changed | with itself |")
    print("|---" * 7 + "|", flush=True)
    for name, change in CHANGES.items():
        after = [compare(a, change(b)) for a, b, _ in pairs]
        score = np.array([one.score for one in before]) - [one.score for one in after]
        cosines = [
            np.array(
                [
                    one.evidence[vector]["cosine"] - two.evidence[vector]["cosine"]
                    for one, two in zip(before, after, strict=True)
                ]
            )
            for vector in ("copy", "meaning")
        ]
        moved = [f"{np.abs(one).mean():.4f} / {np.abs(one).max():.4f}" for one in (score[same], score[~same], *cosines)]
        turned = sum(one.verdict != two.verdict for one, two in zip(before, after, strict=True))
        itself = [compare(picture, change(picture)) for picture in pictures]
        called = sum(one.verdict == "edited-copy" for one in itself)
        own = f"score from {truncated(min(one.score for one in itself))}, {called} of {len(itself)} called a copy"
        print(f"| {name} | {' | '.join(moved)} | {turned} of {len(pairs)} | {own} |", flush=True)


if __name__ == "__main__":
    main()
