"""How fast a JPEG file becomes a 224 px square: Lookalike's path against Pillow's full decode and BICUBIC.

    python benchmarks/decode.py [--pictures 200] [--large 6] [--rounds 3]

The pictures are crops of scikit-image's photographs, 500x375 at quality 90 and 4000x3000 with camera-like
noise. Every round times each path once, in turn, so that a busy machine slows all of them alike; the best
round counts. Digests of the file are part of our path and not of Pillow's.
"""

from __future__ import annotations

import argparse
import io
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image as Pil

from lookalike.images import decode
from lookalike.images.resize import encode_jpeg, fit_square

SIDE = 224
Pixels = NDArray[np.uint8]


def ours(data: bytes) -> Pixels:
    return fit_square(decode(data, wants=SIDE).pixels, SIDE)


def pillow(data: bytes) -> Pixels:
    picture = Pil.open(io.BytesIO(data)).convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE), Pil.Resampling.BICUBIC))


def decode_only(data: bytes) -> Pixels:
    return decode(data, wants=SIDE).pixels


def photographs() -> list[Pixels]:
    names = "astronaut coffee chelsea rocket hubble_deep_field immunohistochemistry retina brick grass gravel"
    pictures = [getattr(skimage.data, name)() for name in names.split()]
    pictures += skimage.data.stereo_motorcycle()[:2]
    return [np.repeat(p[:, :, None], 3, axis=2) if p.ndim == 2 else p[:, :, :3] for p in pictures]


def jpegs(count: int, size: tuple[int, int], noise: float, seed: int = 1) -> list[bytes]:
    """Make `count` JPEGs of `size` (width, height) by cropping, mirroring and scaling the photographs."""
    chance, generator = random.Random(seed), np.random.default_rng(seed)
    sources, made = photographs(), []
    for index in range(count):
        source = Pil.fromarray(sources[index % len(sources)])
        share = chance.uniform(0.75, 1.0) * min(source.width / size[0], source.height / size[1])
        width, height = size[0] * share, size[1] * share
        left, top = chance.uniform(0, source.width - width), chance.uniform(0, source.height - height)
        box = (left, top, left + width, top + height)
        pixels = np.asarray(source.resize(size, Pil.Resampling.BICUBIC, box=box), np.float32)
        grain = generator.standard_normal(pixels.shape, np.float32) * noise
        pixels = pixels[:, :: chance.choice((1, -1))]
        made.append(encode_jpeg(np.clip(pixels + grain, 0, 255).astype(np.uint8), 90))
    return made


def rate(work: Callable[[bytes], Pixels], files: Sequence[bytes], threads: int) -> tuple[float, float]:
    """Return pictures per second, and milliseconds of CPU time for each."""
    with ThreadPoolExecutor(threads) as pool:
        start, cpu = time.perf_counter(), time.process_time()
        list(pool.map(work, files))
        return len(files) / (time.perf_counter() - start), 1000 * (time.process_time() - cpu) / len(files)


def agreement(files: Sequence[bytes]) -> float:
    """Return the PSNR in dB of our squares to Pillow's, over the pixels of all files together."""
    errors = [np.mean((ours(data).astype(np.float32) - pillow(data)) ** 2) for data in files]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def report(title: str, files: Sequence[bytes], rounds: int) -> None:
    paths = {"ours": ours, "ours, decode only": decode_only, "Pillow": pillow}
    speed = dict.fromkeys(((path, threads) for path in paths for threads in (1, 2)), 0.0)
    cpu = dict.fromkeys(paths, float("inf"))
    for _ in range(rounds):
        for path, threads in speed:
            per_second, milliseconds = rate(paths[path], files, threads)
            speed[path, threads] = max(speed[path, threads], per_second)
            cpu[path] = min(cpu[path], milliseconds)
    print(f"{title}: {len(files)} files of {sum(map(len, files)) / len(files) / 1000:.0f} KB on average")
    print(f"  {'path':<20}{'1 thread':>12}{'2 threads':>12}{'to Pillow, 1':>14}{'to Pillow, 2':>14}{'CPU':>12}")
    for path in paths:
        one, two = speed[path, 1], speed[path, 2]
        ratios = f"{one / speed['Pillow', 1]:>13.2f}x{two / speed['Pillow', 2]:>13.2f}x"
        print(f"  {path:<20}{one:>10.1f}/s{two:>10.1f}/s{ratios}{cpu[path]:>9.2f} ms")
    print(f"  agreement with Pillow BICUBIC: {agreement(files):.1f} dB\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--large", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report("500x375", jpegs(options.pictures, (500, 375), noise=2), options.rounds)
    report("4000x3000", jpegs(options.large, (4000, 3000), noise=6), options.rounds)


if __name__ == "__main__":
    main()
