"""Indexing a folder: how much of what decoder and model alone allow is left when everything is kept and found again.

    python benchmarks/index.py [--pictures 2000] [--threads 2] [--rounds 3]

The limit is measured in the same run, on the same files with the same number of threads: JPEG -> pixels -> model,
nothing else. Then `Collection.add` of the same files into an empty workspace: files, digests, hashes, colors, model,
store. Peak memory is the indexing process's own, started afresh for it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np


def make_folder(folder: Path, count: int) -> list[Path]:
    """Write `count` different 500 x 375 JPEGs of about 60 KB: crops of photographs with noise and shapes over them."""
    from skimage import data

    photos = [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    random = np.random.default_rng(7)
    paths = []
    for i in range(count):
        photo = photos[i % len(photos)]
        height, width = photo.shape[:2]
        y, x = random.integers(0, height // 3), random.integers(0, width // 3)
        crop = cv2.resize(photo[y : y + height // 2, x : x + width // 2], (500, 375), interpolation=cv2.INTER_CUBIC)
        cv2.circle(
            crop,
            tuple(int(v) for v in random.integers(0, 375, 2)),
            40,
            tuple(int(v) for v in random.integers(0, 256, 3)),
            -1,
        )
        noisy = np.clip(crop + random.normal(0, 6, crop.shape), 0, 255).astype(np.uint8)
        path = folder / f"{i:06}.jpg"
        cv2.imwrite(str(path), noisy, [cv2.IMWRITE_JPEG_QUALITY, 88])
        paths.append(path)
    return paths


def limit(paths: list[Path], threads: int) -> float:
    """Return the seconds that decoding and the model alone take."""
    from lookalike.describers.ensemble import standard_ensemble
    from lookalike.images import read_image

    neural = standard_ensemble().neural

    def work(batch: list[Path]) -> None:
        neural.describe([read_image(path, wants=neural.wants).pixels for path in batch])

    work(paths[:8])
    batches = [paths[i : i + 8] for i in range(0, len(paths), 8)]
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, batches))
    return time.perf_counter() - start


def index(folder: Path, workspace: Path, threads: int) -> None:
    """Index in this process; print seconds and peak memory."""
    import lookalike
    from lookalike.folders.scan import scan

    settings = lookalike.Settings(workspace=workspace, threads=threads)
    with lookalike.open(workspace, settings) as space:
        collection = space.create("bench")
        paths = scan(folder).pictures
        collection.add(paths[:8])  # warm, as the limit is
        start = time.perf_counter()
        added = collection.add(paths[8:])
        seconds = (time.perf_counter() - start) * len(paths) / (len(paths) - 8)
        assert len(added.inserted) == len(paths) - 8
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds} {peak}")


def main() -> None:
    """Run both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="the two in turn, so many times; the median is told")
    parser.add_argument("--index", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.index:
        index(*options.index, options.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        pictures, workspace = Path(folder, "pictures"), Path(folder, "space")
        pictures.mkdir()
        paths = make_folder(pictures, options.pictures)
        size = sum(path.stat().st_size for path in paths) / len(paths) / 1024
        rounds = []
        for number in range(options.rounds):
            alone = limit(paths, options.threads)
            place = [str(pictures), str(workspace / str(number))]
            command = [sys.executable, __file__, "--threads", str(options.threads), "--index", *place]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak = map(float, done.stdout.split())
            rounds.append((alone / seconds, alone, seconds, peak))
    rounds.sort()
    share, alone, seconds, peak = rounds[len(rounds) // 2]
    print(f"{len(paths):,} JPEGs of 500x375, {size:.0f} KB each, {options.threads} threads")
    print(f"decoder and model alone   {len(paths) / alone:8.0f} pictures/s")
    print(f"Collection.add            {len(paths) / seconds:8.0f} pictures/s")
    shares = ", ".join(f"{one[0]:.0%}" for one in rounds)
    print(f"share of the limit        {share:8.0%}  (median of {shares})")
    print(f"peak memory               {peak:8.0f} MB")


if __name__ == "__main__":
    main()
