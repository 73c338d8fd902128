"""The search for duplicates as folders grow: CPU time and peak memory at 10,000, 100,000 and 1,000,000 files.

    python benchmarks/duplicates_scale.py --data ../shared/data [--upto hash,copy] [--sizes 10000,100000]
        [--synthetic 1000000] [--folder DIR] [--results FILE.json] [--plot FILE.svg]

Real files: the pictures in the archives of --data, and for one in four a copy under an edit of `lookalike.edits`, as
JPEGs in a tree; whole processes, each tier with a ledger of its own, first and again. Synthetic: hashes and vectors
of that many files, one in ten a copy of another; what is measured is the search for candidates alone, that which grows
faster than the number of files. Peak memory is the process's, pages of the file of vectors that are in memory included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lookalike.edits import EDITS, edit
from lookalike.folders.candidates import candidates
from lookalike.folders.survey import Survey
from lookalike.images.image import Pixels
from lookalike.images.resize import encode_jpeg
from lookalike.likeness import turned_codes
from lookalike.vectorfile import VectorFile

PER_FOLDER = 500
ONE_COPY_IN = 5
CENTERS = 5_000  # directions that synthetic vectors lie around, with cosines of 0.3 to 0.7 to their neighbors
BLOCK = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--upto", default="hash,copy")
    parser.add_argument("--synthetic", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the trees are made and kept (default: a temporary folder)")
    parser.add_argument("--results", type=Path, help="rows measured before, to which these are added")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(joined(given.part)))
        return
    rows = json.loads(given.results.read_text()) if given.results and given.results.is_file() else []
    print(f"{os.cpu_count()} processors, {time.strftime('%Y-%m-%d %H:%M')}\n")
    print("| files | what | CPU s | wall s | peak MB | load |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        for row in measured(given, given.folder or Path(temporary), Path(temporary)):
            line = (f"{row['files']:,}", row["what"], row["cpu"], row["wall"], f"{row['peak']:,}", row["load"])
            print("| " + " | ".join(map(str, line)) + " |", flush=True)
            rows = [one for one in rows if (one["files"], one["what"]) != (row["files"], row["what"])] + [row]
            if given.results:
                given.results.write_text(json.dumps(rows, indent=1) + "\n")
    if given.plot:
        given.plot.write_text(plotted(rows))


def measured(given: argparse.Namespace, folder: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each process."""
    script = str(Path(sys.executable).with_name("lookalike"))
    for size in [int(part) for part in given.sizes.split(",") if part]:
        tree = folder / f"{size}"
        if not tree.is_dir():
            make_tree(tree, size, given.data)
        for upto in [part for part in given.upto.split(",") if part]:
            for again in ("", ", again"):
                command = [script, "dedup", "scan", str(tree), "--upto", upto, "--format", "json"]
                command += ["--ledger", str(scratch / f"{size}-{upto}.sqlite")]
                yield {"files": size, "what": upto + again, **run(command, scratch)}
    if given.synthetic:
        part = [sys.executable, __file__, "--part", str(given.synthetic)]
        yield {"files": given.synthetic, "what": "candidates", **run(part, scratch)}


def run(command: list[str], scratch: Path) -> dict[str, Any]:
    """Run a process and return what it took; what it says itself comes before."""
    start, out = time.perf_counter(), scratch / "out"
    environment = {**os.environ, "LOOKALIKE_PLANS": str(scratch / "plans")}
    with out.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, env=environment)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    told = json.loads(out.read_text()) if "--part" in command else {}
    return {
        "cpu": round(used.ru_utime + used.ru_stime, 1),
        "wall": round(time.perf_counter() - start, 1),
        "peak": used.ru_maxrss >> 10,
        "load": round(os.getloadavg()[0], 1),
        **told,
    }


def make_tree(tree: Path, size: int, data: Path) -> None:
    """Write the pictures of the archives in turn, and copies of some of them, in an order of no meaning."""
    dice = random.Random(7)
    originals, copies, before = size - size // ONE_COPY_IN, size // ONE_COPY_IN, None
    names = list(EDITS)
    written = 0
    for number, pixels in zip(range(originals), pictures(data), strict=False):
        written += write(tree, written, encode_jpeg(pixels, 90))
        if number < copies:
            other = pixels if before is None else before
            made = edit(pixels, dice.choice(names), dice.choice(("mild", "medium")), seed=number, other=other)
            written += write(tree, written, encode_jpeg(made, 88))
            before = pixels
    if written != size:
        raise SystemExit(f"the archives in {data} have pictures for {written:,} files, not for {size:,}")


def pictures(data: Path) -> Iterator[Pixels]:
    """Yield the pictures of all archives, one of each in turn."""
    archives = [zipfile.ZipFile(path) for path in sorted(data.glob("train-*.zip"))]
    lists = [iter([name for name in archive.namelist() if name.endswith(".webp")]) for archive in archives]
    left = set(range(len(archives)))
    for at in cycle(range(len(archives))):
        if not left:
            return
        name = next(lists[at], None) if at in left else None
        if name is None:
            left.discard(at)
        else:
            bytes_ = np.frombuffer(archives[at].read(name), np.uint8)
            yield cv2.cvtColor(cv2.imdecode(bytes_, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def write(tree: Path, number: int, data: bytes) -> int:
    folder = tree / f"{number // PER_FOLDER:03}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:06}.jpg").write_bytes(data)
    return 1


def joined(n: int) -> dict[str, Any]:
    """Find the candidates among n synthetic files and return what that took."""
    survey, copies = synthetic(n)
    found = np.zeros(copies, bool)
    start, cpu, pairs = time.perf_counter(), time.process_time(), 0
    for i, j in candidates(survey):
        pairs += len(i)
        found[i[(j - i == n - copies) & (i < copies)]] = True
    return {
        "cpu": round(time.process_time() - cpu, 1),
        "wall": round(time.perf_counter() - start, 1),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "pairs": pairs,
        "copies found": round(float(found.mean()), 4),
    }


def synthetic(n: int) -> tuple[Survey, int]:
    """Return n files, the last tenth copies of the first: up to 8 bits of the hash differ, cosines are 0.75 to 0.98."""
    dice, copies = np.random.default_rng(0), n // 10
    codes = dice.integers(0, 2**64, n, np.uint64)
    flips = np.zeros(copies, np.uint64)
    for _ in range(8):
        bit = np.uint64(1) << dice.integers(0, 64, copies).astype(np.uint64)
        flips ^= np.where(dice.random(copies) < 0.6, bit, np.uint64(0))
    codes[-copies:] = codes[:copies] ^ flips
    vectors = VectorFile(n, 128)
    centers = dice.normal(size=(CENTERS, 128)).astype(np.float32)
    for at in range(0, n, BLOCK):
        some = min(BLOCK, n - at)
        rows = centers[dice.integers(0, CENTERS, some)] + 1.4 * dice.normal(size=(some, 128)).astype(np.float32)
        vectors.rows[at : at + some] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for at in range(0, copies, BLOCK):
        some = min(BLOCK, copies - at)
        off = dice.uniform(0.02, 0.07, (some, 1)).astype(np.float32)
        rows = vectors.rows[at : at + some].astype(np.float32) + off * dice.normal(size=(some, 128)).astype(np.float32)
        vectors.rows[n - copies + at : n - copies + at + some] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    vectors.release()
    turned = np.concatenate([turned_codes(codes[at : at + BLOCK]) for at in range(0, n, BLOCK)])
    survey = Survey(
        codes=codes,
        turned=turned,
        quality=np.full(n, 99, np.uint8),
        copies=vectors.rows,
        same=np.arange(n),
        side=np.zeros(n, np.uint8),
        reference=np.zeros(n, bool),
        scope=np.zeros(n, np.int32),
        files=_no_file,
        release=vectors.release,
    )
    return survey, copies


def _no_file(number: int) -> Any:
    raise AssertionError("candidates are found without a look at files")


COLORS = {"hash": "#1f6feb", "copy": "#d1242f", "keypoints": "#8250df", "candidates": "#1a7f37"}


def plotted(rows: list[dict[str, Any]]) -> str:
    """Return an SVG: CPU seconds on the left, peak memory on the right, over the number of files, by powers of ten."""
    parts = []
    for left, key, name in ((60, "cpu", "CPU seconds"), (370, "peak", "peak MB")):
        low, high = (-1, 4) if key == "cpu" else (1, 4)

        def place(files: int, value: float, left: int = left, low: int = low, high: int = high) -> tuple[float, float]:
            share = (np.log10(max(value, 10.0**low)) - low) / (high - low)
            return left + 200 * (np.log10(files) - 4) / 2, 210 - 180 * share

        parts.append(f'<text x="{left}" y="18" font-weight="bold">{name}</text>')
        for power in range(low, high + 1):
            y = place(10_000, 10.0**power)[1]
            parts.append(f'<path d="M{left} {y:.0f}h200" stroke="#8884"/>')
            parts.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{10.0**power:,g}</text>')
        for files in (10_000, 100_000, 1_000_000):
            parts.append(f'<text x="{place(files, 1)[0]:.0f}" y="228" text-anchor="middle">{files:,}</text>')
        for what in dict.fromkeys(row["what"] for row in rows):
            points = [place(row["files"], row[key]) for row in sorted(rows, key=_files) if row["what"] == what]
            tier, dash = what.split(",")[0], ' stroke-dasharray="4 3"' if "again" in what else ""
            line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{COLORS[tier]}" stroke-width="2"{dash}/>')
            parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{COLORS[tier]}"/>' for x, y in points]
    for at, tier in enumerate(tier for tier in COLORS if any(row["what"].startswith(tier) for row in rows)):
        parts.append(f'<text x="{60 + 100 * at}" y="250" fill="{COLORS[tier]}">{tier}</text>')
    parts.append('<text x="460" y="250">dashed: again, nothing changed</text>')
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 262" font-family="sans-serif" font-size="11"'
    return f'{head} fill="#777">\n' + "\n".join(parts) + "\n</svg>\n"


def _files(row: dict[str, Any]) -> int:
    return int(row["files"])


if __name__ == "__main__":
    main()
