"""Duplicates in folders: how many copies `find_duplicates` finds, how often it is wrong, and what it costs.

    python benchmarks/duplicates.py FOLDER [--pictures 60] [--edits crop,rotate] [--levels mild,hard] [--minutes 10]
    python benchmarks/duplicates.py --speed FOLDER [--truth TRUTH.json] [--upto hash,keypoints]

Quality: of the pictures in FOLDER every edit of `lookalike.edits` at each strength makes one pool on disk: the
originals and one copy of each. Everybody looks for pairs of equal pictures in the same pool at a threshold of its own,
fixed beforehand; right is only a copy with its original. What edits paste in comes from pictures outside of the pool.

Speed: whole processes on FOLDER, each with a ledger of its own: the hash tier, the same again (nothing has changed),
all tiers, the same again, and imagededup's PHash with its defaults. CPU seconds count all processes and threads, peak
memory is that of the largest process. "The decoder alone" is libjpeg-turbo, decoding every JPEG to gray at the scale
that the hash tier asks for, on as many threads. TRUTH: groups as [[path below FOLDER, "original"], [path, edit], ...].
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import combinations, product
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from imagededup_phash import imagededup_methods
from lookalike import find_duplicates
from lookalike.duplicates import group_by_ssim
from lookalike.edits import EDITS, LEVELS, Level, edit
from lookalike.folders.scan import scan
from lookalike.images import read_image
from lookalike.images.headers import reduction

Pair = tuple[int, int]
Pool = Sequence[Path]
Finder = Callable[[Pool], set[Pair]]
Bits = NDArray[np.uint8]

BITS = 10  # of 64: imagededup's default
PDQ_BITS = 31  # of 256: what PDQ's authors advise
SSIM = 0.95
SSIM_SIDE = 256
HASH_SIDE = 32  # pixels that the hash tier wants of the shorter side


def ours(upto: str, ledger: Path) -> Finder:
    """All pairs of each group that `find_duplicates` tells with its defaults."""

    def find(pool: Pool) -> set[Pair]:
        number = {str(path): at for at, path in enumerate(pool)}
        groups = find_duplicates(sorted({path.parent for path in pool}), upto=upto, ledger=ledger)
        return {
            (min(pair), max(pair))
            for group in groups
            for pair in combinations([number[member.path] for member in group.members], 2)
        }

    return find


def by_hash(bits_of: Callable[[Path], Bits], most: int) -> Finder:
    """All pairs of which no more than `most` bits differ."""
    kept = cache(bits_of)

    def find(pool: Pool) -> set[Pair]:
        rows = np.stack([kept(path) for path in pool])
        different = (rows[:, None] != rows[None]).sum(axis=2)
        i, j = np.nonzero(np.triu(different <= most, 1))
        return set(zip(i.tolist(), j.tolist(), strict=True))

    return find


def by_ssim(pool: Pool) -> set[Pair]:
    """All pairs of a group at a grade of 0.95; the same SSIM as scikit-image's, see `ssim.py`."""
    side = (SSIM_SIDE, SSIM_SIDE)
    grays = [cv2.resize(cv2.imread(str(path), 0), side, interpolation=cv2.INTER_AREA) for path in pool]
    return {pair for group in group_by_ssim(grays, SSIM) for pair in combinations(group, 2)}


def finders(folder: Path, without: Sequence[str]) -> dict[str, Finder]:
    """Return everybody by name. folder: for what ours remembers. without: left out where a name contains it."""
    import imagehash
    import pdqhash
    from PIL import Image

    def theirs(kind: str) -> Finder:
        hasher = getattr(imagededup_methods(), kind)(verbose=False)
        return by_hash(lambda path: _bits(hasher.encode_image(image_file=path)), BITS)

    found: dict[str, Finder] = {
        "lookalike, all tiers": ours("keypoints", folder / "keypoints"),
        "lookalike, hashes": ours("hash", folder / "hash"),
        **{f"imagededup {kind}": theirs(kind) for kind in ("PHash", "DHash", "WHash")},
        "imagehash phash": by_hash(lambda path: imagehash.phash(Image.open(path)).hash.ravel(), BITS),
        "pdqhash": by_hash(lambda path: pdqhash.compute(read_image(path).pixels)[0], PDQ_BITS),
        "SSIM": by_ssim,
    }
    return {name: one for name, one in found.items() if not any(word.lower() in name.lower() for word in without)}


def _bits(text: str) -> Bits:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))


class Tally:
    """What one finder found: per edit and level the copies found, and pairs of what are no copies."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, Level], int] = {}
        self.wrong: dict[tuple[str, Level], set[Pair]] = {}
        self.seconds = 0.0

    def recall(self, number: int, *, name: str | None = None, level: Level | None = None) -> float:
        """Return the share found of the copies under an edit and at a level, None being all."""
        of = [n for (edited, at), n in self.found.items() if name in (None, edited) and level in (None, at)]
        return sum(of) / (number * len(of)) if of else float("nan")

    @property
    def precision(self) -> float:
        right, wrong = sum(self.found.values()), sum(map(len, self.wrong.values()))
        return right / (right + wrong) if right + wrong else 1.0


def quality(given: argparse.Namespace, folder: Path) -> None:
    files = list(scan(given.folder).pictures)
    drawn = files[:: max(1, len(files) // (2 * given.pictures))][: 2 * given.pictures]
    pictures = [read_image(path).pixels for path in drawn]
    number = len(pictures) // 2
    originals = _saved(pictures[::2], folder / "originals")
    everybody = finders(folder, given.without)
    tallies = {name: Tally() for name in everybody}
    pools = list(product(given.edits, given.levels))
    random.Random(0).shuffle(pools)  # so that what is run in limited time is a fair share
    end, done = time.monotonic() + 60 * given.minutes, 0
    for name, level in pools:
        if time.monotonic() > end:
            break
        copies = [
            edit(picture, name, level, seed=at, other=other)
            for at, (picture, other) in enumerate(zip(pictures[::2], pictures[1::2], strict=False))
        ]
        pool = [*originals[:number], *_saved(copies, folder / f"{name}-{level}")]
        true = {(at, at + number) for at in range(number)}
        for who, find in everybody.items():
            start = time.process_time()
            pairs = find(pool)
            tallies[who].seconds += time.process_time() - start
            tallies[who].found[name, level] = len(pairs & true)
            tallies[who].wrong[name, level] = pairs - true
        done += 1
        print(f"{name} {level}", file=sys.stderr)
    print(f"{number} pictures, {done} of {len(pools)} edits at a strength were run; load {os.getloadavg()[0]:.1f}\n")
    report(tallies, number, given)


def _saved(pictures: Sequence[NDArray[np.uint8]], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{at:04}.jpg" for at in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return paths


def report(tallies: dict[str, Tally], number: int, given: argparse.Namespace) -> None:
    run = {name for name, _ in next(iter(tallies.values())).found}
    edits = [name for name in given.edits if name in run]
    columns = [*given.levels, "all", "precision", "wrong pairs", "edits found below 0.95", "CPU ms per copy"]
    print("| by | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for who, tally in tallies.items():
        recalls = [tally.recall(number, level=level) for level in given.levels] + [tally.recall(number)]
        copies = number * len(tally.found)
        weak = sum(tally.recall(number, name=name) < 0.95 for name in edits)
        print(
            f"| {who} | "
            + " | ".join(f"{value:.3f}" for value in recalls)
            + f" | {tally.precision:.4f} | {sum(map(len, tally.wrong.values())):,} | {weak} of {len(edits)}"
            + f" | {1000 * tally.seconds / copies:.1f} |"
        )
    first, *rest = tallies
    print(f"\n| edit | {first}: {', '.join(given.levels)} | all | wrong pairs | " + " | ".join(rest) + " |")
    print("|---" * (4 + len(rest)) + "|")
    own = tallies[first]
    for name in sorted(edits, key=lambda name: own.recall(number, name=name)):
        levels = [own.recall(number, name=name, level=level) for level in given.levels]
        by_level = ", ".join("-" if np.isnan(value) else f"{value:.2f}" for value in levels)
        wrong = sum(len(own.wrong.get((name, level), ())) for level in given.levels)
        others = " | ".join(f"{tallies[who].recall(number, name=name):.2f}" for who in rest)
        print(f"| {name} | {by_level} | {own.recall(number, name=name):.3f} | {wrong} | {others} |")
    for (name, level), pairs in tallies[first].wrong.items():
        for i, j in sorted(pairs):
            print(f"wrong: {name} {level}: {_told(i, number)} and {_told(j, number)}", file=sys.stderr)


def _told(place: int, number: int) -> str:
    return f"original {place}" if place < number else f"copy of {place - number}"


def speed(given: argparse.Namespace, folder: Path) -> None:
    truth = _truth(given.speed, given.truth) if given.truth else set()
    pictures = list(scan(given.speed).pictures)
    print(f"{len(pictures):,} files, {sum(path.stat().st_size for path in pictures) / 1e6:.0f} MB\n")
    print("| process | CPU s | wall s | peak MB | load | copies found |\n|---|---|---|---|---|---|")
    cpu: dict[str, float] = {}
    for upto, again in product(given.upto, ("", ", again")):
        out = folder / f"{upto}{again}.csv"
        command = [str(Path(sys.executable).with_name("lookalike")), "dedup", "scan", str(given.speed)]
        command += ["--upto", upto, "--ledger", str(folder / f"{upto}.ledger"), "--format", "csv"]
        name = f"lookalike --upto {upto}{again}"
        cpu[name] = _run(name, command, out, lambda out: _grouped(out, truth))
    if "decoder" not in given.without:
        spent, wall = decoder_alone(pictures)
        print(f"| the decoder alone | {spent:.1f} | {wall:.1f} | - | {os.getloadavg()[0]:.0f} | - |", flush=True)
        shares = ", ".join(f"{name}: {100 * spent / took:.0f} %" for name, took in cpu.items() if "again" not in name)
        print(f"\nof its pace, by CPU seconds: {shares}\n")
    if "imagededup" not in given.without:
        script, out = Path(__file__).with_name("imagededup_phash.py"), folder / "theirs.json"
        command = [sys.executable, str(script), str(given.speed), str(out)]
        theirs = _run("imagededup PHash", command, folder / "theirs.log", lambda _: _listed(out, given.speed, truth))
        print("\nimagededup's CPU seconds over ours: " + ", ".join(f"{n}: {theirs / s:.1f}" for n, s in cpu.items()))


def decoder_alone(pictures: Sequence[Path]) -> tuple[float, float]:
    """Return the CPU and wall seconds that decoding alone takes."""

    def decode(path: Path) -> None:
        data = path.read_bytes()
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        factor = reduction(width, height, HASH_SIDE)
        least = {} if factor == 1 else {"min_height": -(-height // factor), "min_width": -(-width // factor)}
        simplejpeg.decode_jpeg(data, "GRAY", **least)

    cpu, wall = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, [path for path in pictures if path.suffix.lower() in (".jpg", ".jpeg")]))
    return time.process_time() - cpu, time.perf_counter() - wall


def _run(name: str, command: Sequence[str], out: Path, found: Callable[[Path], str]) -> float:
    """Run a process to its end, print what it took, and return its CPU seconds."""
    start = time.perf_counter()
    environment = {**os.environ, "LOOKALIKE_PLANS": str(out.parent / "plans")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody's installation compiles itself at every start
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL, env=environment)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    seconds, wall = used.ru_utime + used.ru_stime, time.perf_counter() - start
    numbers = f"{seconds:.1f} | {wall:.1f} | {used.ru_maxrss / 1024:,.0f} | {os.getloadavg()[0]:.0f}"
    print(f"| {name} | {numbers} | {found(out)} |", flush=True)
    return seconds


def _truth(root: Path, file: Path) -> set[frozenset[str]]:
    groups = json.loads(file.read_text())
    return {frozenset((str(root / group[0][0]), str(root / path))) for group in groups for path, _ in group[1:]}


def _grouped(out: Path, truth: set[frozenset[str]]) -> str:
    group: dict[str, str] = {}
    with out.open(newline="") as file:
        for row in csv.DictReader(file):
            group[row["from"]] = group[row["to"]] = row["group"]
    return _share(truth, lambda a, b: a in group and group[a] == group.get(b))


def _listed(out: Path, root: Path, truth: set[frozenset[str]]) -> str:
    near = {path: set(others) for path, others in json.loads(out.read_text()).items()}

    def found(a: str, b: str) -> bool:
        a, b = (os.path.relpath(path, root) for path in (a, b))
        return b in near.get(a, ())

    return _share(truth, found)


def _share(truth: set[frozenset[str]], found: Callable[[str, str], bool]) -> str:
    return f"{sum(found(*pair) for pair in truth) / len(truth):.3f}" if truth else "-"


def _chosen(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: none of {', '.join(known)}")
        return names

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--pictures", type=int, default=60, help="drawn evenly")
    parser.add_argument("--edits", type=_chosen(list(EDITS)), default=list(EDITS))
    parser.add_argument("--levels", type=_chosen(LEVELS), default=list(LEVELS))
    parser.add_argument("--minutes", type=float, default=1000, help="begin no further pool after so many")
    parser.add_argument("--without", action="append", default=[], help="leave out those of this name")
    parser.add_argument("--speed", type=Path, help="measure whole processes on this folder")
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--upto", type=_chosen(("digest", "hash", "copy", "keypoints")), default=["hash", "keypoints"])
    given = parser.parse_args()
    if (given.folder is None) == (given.speed is None):
        parser.error("either FOLDER or --speed FOLDER")
    with tempfile.TemporaryDirectory() as folder:
        if given.speed:
            speed(given, Path(folder))
        else:
            quality(given, Path(folder))


if __name__ == "__main__":
    main()
