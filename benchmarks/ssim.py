"""How fast SSIM is, of one pair and of all pairs of a folder: Lookalike against scikit-image.

    python benchmarks/ssim.py [--pictures 60] [--rounds 5]

The pictures are gray crops of scikit-image's photographs, a third of them lightly edited copies of others. Every
round times each path once, in turn, so that a busy machine slows all of them alike; the best round counts.
Grouping is timed from decoded pictures, preparation included.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from lookalike.duplicates import Tally, connected_groups, group_by_ssim, transitive_groups
from lookalike.ssim import exceeds, prepare, ssim, to_gray

Gray = NDArray[np.uint8]
GRADE = 0.95


def grays(count: int, size: tuple[int, int], seed: int = 1) -> list[Gray]:
    """`count` pictures of `size` (width, height): crops, and after every two of them an edited copy of one."""
    random = np.random.default_rng(seed)
    names = ("astronaut", "coffee", "chelsea", "rocket", "retina", "brick", "grass", "gravel", "camera", "moon")
    sources = [getattr(skimage.data, name)() for name in names]
    sources = [source if source.ndim == 2 else to_gray(source) for source in sources]
    made: list[Gray] = []
    while len(made) < count:
        if len(made) % 3 == 2:
            original = made[random.integers(0, len(made))]
            _, saved = cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(70, 95))])
            made.append(cv2.imdecode(saved, cv2.IMREAD_GRAYSCALE))
            continue
        source = sources[random.integers(0, len(sources))]
        width, height = (int(side * random.uniform(0.5, 0.9)) for side in (source.shape[1], source.shape[0]))
        left, top = random.integers(0, source.shape[1] - width), random.integers(0, source.shape[0] - height)
        crop = np.ascontiguousarray(source[top : top + height, left : left + width])
        made.append(cv2.resize(crop, size, interpolation=cv2.INTER_AREA))
    return made


def best_ms(paths: dict[str, Callable[[], object]], rounds: int, repeats: int) -> dict[str, float]:
    best = dict.fromkeys(paths, float("inf"))
    for _ in range(rounds):
        for name, work in paths.items():
            start = time.perf_counter()
            for _ in range(repeats):
                work()
            best[name] = min(best[name], 1000 * (time.perf_counter() - start) / repeats)
    return best


def report(best: dict[str, float], reference: str) -> None:
    for name, milliseconds in best.items():
        print(f"  {name:<44}{milliseconds:>12.3f} ms{best[reference] / milliseconds:>10.1f}x")


def report_pair(side: int, rounds: int) -> None:
    original, stranger = grays(2, (side, side))
    _, saved = cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, 80])
    copy = cv2.imdecode(saved, cv2.IMREAD_GRAYSCALE)
    a, b, c = map(prepare, (original, copy, stranger))
    difference = max(abs(ssim(a, x) - structural_similarity(a.gray, x.gray)) for x in (b, c))
    print(f"one pair at {side} px (ours and scikit-image's values differ by {difference:.1e})")
    paths = {
        "scikit-image": lambda: structural_similarity(original, copy),
        "ours, preparing both": lambda: ssim(prepare(original), prepare(copy)),
        "ours, prepared": lambda: ssim(a, b),
        f"ours, whether a copy reaches {GRADE}": lambda: exceeds(a, b, GRADE),
        f"ours, whether a stranger reaches {GRADE}": lambda: exceeds(a, c, GRADE),
    }
    report(best_ms(paths, rounds, 10), "scikit-image")


def report_groups(count: int, size: tuple[int, int], rounds: int) -> None:
    pictures = grays(count, size)
    tally = Tally()
    expected = group_by_ssim(pictures, GRADE, tally)

    def ours_in_full() -> list[list[int]]:
        ready = [prepare(gray) for gray in pictures]
        return transitive_groups(count, lambda i, j: ssim(ready[i], ready[j]) >= GRADE)

    def ours_by_strips() -> list[list[int]]:
        ready = [prepare(gray) for gray in pictures]
        return transitive_groups(count, lambda i, j: exceeds(ready[i], ready[j], GRADE))

    def naive() -> list[list[int]]:
        pairs = itertools.combinations(range(count), 2)
        alike = [(i, j) for i, j in pairs if structural_similarity(pictures[i], pictures[j]) >= GRADE]
        return connected_groups(count, alike)

    print(f"\ngrouping {count} pictures of {size[0]}x{size[1]} at {GRADE}: {len(expected)} groups, {tally}")
    paths = {
        "scikit-image, every pair": naive,
        "ours, whole values": ours_in_full,
        "ours, stopping early": ours_by_strips,
        "ours, outlines first (group_by_ssim)": lambda: group_by_ssim(pictures, GRADE),
    }
    for name, work in paths.items():
        if work() != expected:
            raise SystemExit(f"{name} gives other groups")
    once = best_ms({"scikit-image, every pair": paths.pop("scikit-image, every pair")}, 1, 1)
    report({**once, **best_ms(paths, rounds, 1)}, "scikit-image, every pair")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for side in (256, 512):
        report_pair(side, options.rounds)
    report_groups(options.pictures, (256, 192), options.rounds)
    report_groups(options.pictures, (512, 384), options.rounds)


if __name__ == "__main__":
    main()
