"""Pictures that are nearly alike and no copies: what a plan would take away, without and with the fine look.

    python benchmarks/nearly_alike.py [--count 24] [--upto keypoints,hash] [--seed 1]

Forms with other figures, invoices, charts, icons, captions, X-rays, chats, animations that share their first frame,
documents that share their first page, and one logo on other transparency: drawn by code, each its own content, and of
every third two true copies (saved as JPEG, half as large). Found are pairs of one content that come into one group;
grouped wrongly, pairs that are none; gone wrongly, files that would go beside a keeper of other content.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from contextlib import closing
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lookalike import find_duplicates
from lookalike.cleaning.inspection import Inspection, inspected
from lookalike.cleaning.plan import Plan, make_plan
from lookalike.cleaning.planning import Comparing
from lookalike.settings import Settings

Picture = np.ndarray
Draw = Callable[[random.Random], Picture]

_WORDS = ("ledger", "harbor", "window", "copper", "lantern", "meadow", "signal", "winter", "garden", "bridge", "market")


def _write(
    page: Picture, text: str, at: tuple[int, int], size: float = 0.6, color: tuple[int, int, int] = (25,) * 3
) -> None:
    cv2.putText(page, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, color, 1 + int(size), cv2.LINE_AA)


def _sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(words))


def form(rng: random.Random) -> Picture:
    """One form, of which a number and a date are filled in."""
    page = np.full((1100, 800, 3), 255, np.uint8)
    cv2.rectangle(page, (60, 50), (260, 120), (130, 70, 30), -1)
    for line in range(220, 1040, 30):
        _write(page, f"{_sentence(random.Random(line), 6)}", (60, line))
    _write(page, f"No. {rng.randrange(10_000, 99_999)}", (520, 80))
    _write(page, f"{rng.randrange(1, 29):02}.{rng.randrange(1, 13):02}.2024", (520, 110))
    return page


def invoice(rng: random.Random) -> Picture:
    """One letterhead, and all lines of its own."""
    page = np.full((1100, 800, 3), 255, np.uint8)
    cv2.rectangle(page, (60, 50), (740, 120), (130, 70, 30), -1)
    _write(page, "Harbor Trading", (80, 95), 1.0, (255, 255, 255))
    for line in range(200, 200 + 36 * rng.randrange(4, 20), 36):
        _write(page, f"{_sentence(rng, 3):40}", (60, line))
        _write(page, f"{rng.randrange(100, 99_999) / 100:.2f}", (620, line))
    return page


def chart(rng: random.Random) -> Picture:
    """Seven bars of other heights."""
    page = np.full((480, 640, 3), 255, np.uint8)
    for bar in range(7):
        cv2.rectangle(page, (60 + 80 * bar, 420), (110 + 80 * bar, 420 - rng.randrange(60, 340)), (180, 110, 40), -1)
    cv2.line(page, (40, 420), (620, 420), (40, 40, 40), 2)
    _write(page, "Orders by day", (60, 40), 0.8)
    return page


def icon(rng: random.Random) -> Picture:
    """An arrow on a button, in one of eight directions, with one of three marks."""
    button = np.full((256, 256, 3), (200, 120, 20), np.uint8)
    turn = rng.randrange(8) * np.pi / 4
    ends = [(128 + round(r * np.cos(turn + a)), 128 + round(r * np.sin(turn + a))) for r, a in ((90, 0), (90, np.pi))]
    cv2.arrowedLine(button, ends[1], ends[0], (255, 255, 255), 16, tipLength=0.4)
    cv2.circle(button, (218, 38), 22, [(60, 60, 230), (60, 200, 60), (40, 200, 230)][rng.randrange(3)], -1)
    return button


def meme(rng: random.Random) -> Picture:
    """One picture with another line below it."""
    scene = _scene(7)
    cv2.rectangle(scene, (0, 400), (640, 480), (0, 0, 0), -1)
    _write(scene, _sentence(rng, 4), (30, 450), 1.0, (255, 255, 255))
    return scene


def chat(rng: random.Random) -> Picture:
    """One program, other messages."""
    page = np.full((1200, 600, 3), (213, 221, 229), np.uint8)
    cv2.rectangle(page, (0, 0), (600, 90), (84, 94, 7), -1)
    down = 130
    while down < 1050:
        own, lines = rng.random() < 0.5, rng.randrange(1, 4)
        left = 180 if own else 20
        cv2.rectangle(
            page, (left, down), (left + 400, down + 20 + 28 * lines), (200, 248, 220) if own else (255,) * 3, -1
        )
        for line in range(lines):
            _write(page, _sentence(rng, 4), (left + 14, down + 28 + 28 * line), 0.55)
        down += 50 + 28 * lines
    return page


def xray(rng: random.Random) -> Picture:
    """The same lungs in other noise, with a soft shadow elsewhere."""
    y, x = np.mgrid[:640, :512] / 512.0
    gray = 70 + 90 * np.exp(-(((x - 0.3) / 0.16) ** 2) - ((y - 0.6) / 0.35) ** 2)
    gray += 90 * np.exp(-(((x - 0.7) / 0.16) ** 2) - ((y - 0.6) / 0.35) ** 2)
    gray += 45 * np.exp(-((x - rng.uniform(0.2, 0.8)) ** 2 + (y - rng.uniform(0.4, 0.9)) ** 2) / 0.04**2)
    gray += np.random.default_rng(rng.randrange(1 << 30)).normal(0, 3, gray.shape)
    return np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _scene(seed: int, width: int = 640, height: int = 480) -> Picture:
    rng = np.random.default_rng(seed)
    scene = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(30):
        at = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(scene, at, int(rng.integers(8, 90)), rng.integers(0, 256, 3).tolist(), -1, cv2.LINE_AA)
    return scene


DRAWN: dict[str, Draw] = {one.__name__: one for one in (form, invoice, chart, icon, meme, chat, xray)}


def draw_set(kind: str, folder: Path, count: int, rng: random.Random) -> None:
    """Write the files of one kind; what precedes "-" in a name is its content."""
    seen: set[bytes] = set()
    for number in range(count):
        picture = DRAWN[kind](rng)
        if picture.tobytes() in seen:
            continue
        seen.add(picture.tobytes())
        cv2.imwrite(str(folder / f"{number:03}-original.png"), picture)
        if number % 3 == 0:
            cv2.imwrite(str(folder / f"{number:03}-saved.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 70])
            half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{number:03}-half.png"), half)


def write_frames(folder: Path, ending: str, count: int) -> None:
    """Write files that share their first frame or page, and of every third a copy of all frames."""
    for number in range(count):
        frames = [Image.fromarray(_scene(seed, 320, 240)) for seed in (1, 1000 + number, 2000 + number)]
        for name in ("original", "again")[: 2 if number % 3 == 0 else 1]:
            place = folder / f"{number:03}-{name}.{ending}"
            how = {"compression": "tiff_lzw"} if ending == "tif" and name == "again" else {}
            how |= {"duration": 90 + (name == "again")} if ending != "tif" else {}
            frames[0].save(place, save_all=True, append_images=frames[1:], **how)


def write_logos(folder: Path, count: int) -> None:
    """Write one logo, cut out more and more generously."""
    for number in range(count):
        picture = np.dstack([_scene(3, 300, 300), np.zeros((300, 300), np.uint8)])
        edge = 20 + 5 * number
        picture[edge : 300 - edge, edge : 300 - edge, 3] = 255
        picture[picture[..., 3] == 0] = 255, 255, 255, 0
        picture[:, :, :3][100:200, 100:200] = _scene(3, 100, 100)
        Image.fromarray(picture).save(folder / f"{number:03}-original.png")


def measure(folder: Path, upto: str) -> tuple[int, int, int, int, int]:
    """Return pairs found, of how many, grouped wrongly, and files gone wrongly without and with the fine look."""
    search = find_duplicates(folder, upto=upto, ledger="")
    true = {
        pair for pair in combinations(sorted(map(str, folder.iterdir())), 2) if _content(pair[0]) == _content(pair[1])
    }
    paths = [[member.path for member in group.members] for group in search.groups]
    found = {pair for group in paths for pair in combinations(sorted(group), 2)}
    settings = Settings.load()
    with closing(Comparing(settings)) as compare, closing(Inspection(settings)) as inspect:
        plan = make_plan(search.groups, compare=compare)
        finely = inspected(plan, inspect)
    return len(found & true), len(true), len(found - true), _gone_wrongly(plan), _gone_wrongly(finely)


def _gone_wrongly(plan: Plan) -> int:
    return sum(
        _content(file.path) != _content(group.keeper.path)
        for group in plan.groups
        if group.keeper is not None
        for file, _ in group.removed
    )


def _content(path: str) -> str:
    return Path(path).name.split("-")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=24, help="contents of each kind")
    parser.add_argument("--upto", default="keypoints,hash")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kinds: dict[str, Callable[[Path], None]] = {
        kind: lambda folder, kind=kind: draw_set(kind, folder, given.count, random.Random(f"{given.seed} {kind}"))
        for kind in DRAWN
    }
    for ending in ("gif", "png", "webp", "tif"):
        kinds[f"frames, {ending}"] = lambda folder, ending=ending: write_frames(folder, ending, given.count // 2)
    kinds["transparency"] = lambda folder: write_logos(folder, given.count // 3)
    print("| kind | tiers | found | of | grouped wrongly | gone wrongly | with the fine look |")
    print("|---|---|---|---|---|---|---|")
    for upto in given.upto.split(","):
        total = np.zeros(5, int)
        for kind, make in kinds.items():
            with tempfile.TemporaryDirectory() as place:
                make(Path(place))
                row = measure(Path(place), upto)
            total += row
            print(f"| {kind} | {upto} | " + " | ".join(map(str, row)) + " |", flush=True)
        print(f"| all | {upto} | " + " | ".join(map(str, total)) + " |", flush=True)


if __name__ == "__main__":
    main()
