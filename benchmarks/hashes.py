"""How fast a JPEG file becomes a pHash: Lookalike's paths against `imagehash.phash(Image.open(file))`.

    python benchmarks/hashes.py [--pictures 500] [--rounds 5]

The pictures are crops of scikit-image's photographs, 500 x 375 at quality 90, written to a temporary folder. Every
round times each path once, in turn, so that a busy machine slows all of them alike; a path's best round
counts. "scaled gray" decodes luma alone at 1/2, 1/4 or 1/8, never below twice what the hash wants; "as indexed"
is the pixels of `lookalike.images.decode`, color and digests included.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import imagehash
import numpy as np
import simplejpeg
import skimage.data
from PIL import Image

from lookalike.describers.hashes import HASHES, Bits, hash_pictures, orientations, phash, thumbnail
from lookalike.images import decode

SIZE = (500, 375)


def scaled_gray(file: Path) -> Bits:
    data = file.read_bytes()
    height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    factor = next(by for by in (8, 4, 2, 1) if by == 1 or min(height, width) // by >= 2 * HASHES["phash"].wants)
    gray = simplejpeg.decode_jpeg(data, "GRAY", min_height=-(-height // factor), min_width=-(-width // factor))
    return phash(thumbnail(gray[:, :, 0], 32, 32)[None])[0]


def as_indexed(file: Path) -> Bits:
    picture = decode(file.read_bytes(), wants=HASHES["phash"].wants)
    return hash_pictures("phash", [picture.pixels]).bits[0]


def full_decode(file: Path) -> Bits:
    return hash_pictures("phash", [simplejpeg.decode_jpeg(file.read_bytes())]).bits[0]


def by_imagehash(file: Path) -> Bits:
    with Image.open(file) as picture:
        return np.packbits(imagehash.phash(picture).hash.ravel())


PATHS = {
    "ours, scaled gray": scaled_gray,
    "ours, as indexed": as_indexed,
    "ours, full decode": full_decode,
    "imagehash": by_imagehash,
}


def write_jpegs(folder: Path, count: int, seed: int = 1) -> list[Path]:
    """Crop, mirror and scale the photographs that scikit-image ships into `count` different files."""
    random = np.random.default_rng(seed)
    names = ("astronaut", "coffee", "chelsea", "rocket", "retina", "brick", "grass", "gravel", "camera", "moon")
    sources = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in names]
    files = []
    for index in range(count):
        source = sources[index % len(sources)]
        share = random.uniform(0.6, 1.0) * min(source.width / SIZE[0], source.height / SIZE[1])
        width, height = SIZE[0] * share, SIZE[1] * share
        left, top = random.uniform(0, source.width - width), random.uniform(0, source.height - height)
        picture = source.resize(SIZE, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        files.append(folder / f"{index:04}.jpg")
        picture.save(files[-1], quality=90)
    return files


def rate(work: Callable[[Path], Bits], files: Sequence[Path], threads: int) -> float:
    """Return files per second."""
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(work, files))
        return len(files) / (time.perf_counter() - start)


def cpu_ms(work: Callable[[Path], Bits], files: Sequence[Path]) -> float:
    """Return milliseconds of processor time per file: what a busy machine hardly changes."""
    start = time.thread_time()
    for file in files:
        work(file)
    return 1000 * (time.thread_time() - start) / len(files)


def report_speed(files: Sequence[Path], rounds: int) -> None:
    speed = dict.fromkeys(((path, threads) for path in PATHS for threads in (1, 2)), 0.0)
    cpu = dict.fromkeys(PATHS, float("inf"))
    for _ in range(rounds):
        for path, threads in speed:
            speed[path, threads] = max(speed[path, threads], rate(PATHS[path], files, threads))
        for path, work in PATHS.items():
            cpu[path] = min(cpu[path], cpu_ms(work, files))
    size = sum(file.stat().st_size for file in files) / len(files) / 1000
    print(f"file -> pHash, {len(files)} JPEGs of {SIZE[0]}x{SIZE[1]}, {size:.0f} KB on average")
    print(f"  {'path':<20}{'1 thread':>20}{'2 threads':>20}{'processor time':>24}")
    for path in PATHS:
        line = f"  {path:<20}"
        for threads in (1, 2):
            line += f"{speed[path, threads]:>10.0f}/s{speed[path, threads] / speed['imagehash', threads]:>7.2f}x"
        print(f"{line}{cpu[path]:>13.3f} ms{cpu['imagehash'] / cpu[path]:>7.2f}x")


def report_agreement(files: Sequence[Path]) -> None:
    reference = np.stack([by_imagehash(file) for file in files])
    print("\nbits of 64 that differ from imagehash: mean, most")
    for path, work in PATHS.items():
        off = np.bitwise_count(np.stack([work(file) for file in files]) ^ reference).sum(axis=1)
        print(f"  {path:<20}{off.mean():>8.2f}{off.max():>6}")


def report_pixels(files: Sequence[Path], repeats: int = 200) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(files[0].read_bytes())))
    picture = Image.fromarray(pixels)

    def milliseconds(work: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(repeats):
                work()
            times.append((time.perf_counter() - start) / repeats)
        return 1000 * min(times)

    print(f"\ndecoded pixels of {SIZE[0]}x{SIZE[1]} -> hash, ms: one orientation, all eight")
    for name in HASHES:
        one = milliseconds(lambda name=name: hash_pictures(name, [pixels]))
        print(f"  {name:<20}{one:>8.3f}{milliseconds(lambda name=name: orientations(name, [pixels])):>8.3f}")
    print(f"  {'imagehash.phash':<20}{milliseconds(lambda: imagehash.phash(picture)):>8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)  # the threads counted here are those of the pool
    with tempfile.TemporaryDirectory() as folder:
        files = write_jpegs(Path(folder), options.pictures)
        report_speed(files, options.rounds)
        report_agreement(files)
        report_pixels(files)


if __name__ == "__main__":
    main()
