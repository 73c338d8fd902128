"""Accuracy versus speed: `python benchmarks/tradeoffs.py --data DIR [--part model|picture|vector|training|index]`.

Pictures are those of classes that the bundled model was validated on and never trained on (as in `train.py`), at most
--most of each class; figures are means over the sets, each picture asked for the others of its class. Parts:

    model     the shipped weights exported at several sides, in float32, as float16, and the bundled file (8-bit sums)
    picture   the bundled model, given pictures that were shrunk before
    vector    its vectors kept in 32, 16 and 8 bits a number
    training  untrained, head and full, on classes held out
    index     exact search and HNSW over made vectors

Times are CPU milliseconds of this process, one thread, the best of five rounds that take turns: wall time means little
on a machine that does other work.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

from lookalike.describers.cards import card
from lookalike.evaluate import mean_average_precision, recall_at_k
from lookalike.learning import train
from lookalike.recipes import ImageFolder
from lookalike.settings import Settings
from lookalike.stores.base import Nearest
from lookalike.stores.edge import EdgeStore
from lookalike.training.export import float32_file, half_file
from lookalike.training.network import Network
from lookalike.training.recipe import Recipe
from store import clustered, insert, moved
from train import unpacked

ROUNDS = 5
Model = Callable[[np.ndarray], np.ndarray]


def opened(model: bytes) -> Model:
    """Return what gives (n, 256) meaning vectors of (n, side, side, 3) uint8, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])

    def describe(pixels: np.ndarray) -> np.ndarray:
        parts = [session.run(["meaning"], {"pixels": pixels[at : at + 16]})[0] for at in range(0, len(pixels), 16)]
        return np.concatenate(parts)

    return describe


def squares(data: ImageFolder, side: int, shrunk: int | None = None) -> np.ndarray:
    """Return (n, side, side, 3) uint8. shrunk: longest side of the pictures before they are brought to the square."""
    rows = []
    for item in data.items:
        with Image.open(item) as file:
            picture = file.convert("RGB")
        if shrunk:
            picture.thumbnail((shrunk, shrunk), Image.Resampling.LANCZOS)
        rows.append(np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)))
    return np.stack(rows)


def figures(sets: dict[str, ImageFolder], rows: Callable[[ImageFolder], np.ndarray]) -> tuple[float, float]:
    """Return mean recall@1 and mAP over the sets."""
    found = []
    for data in sets.values():
        vectors = rows(data)
        found.append((recall_at_k(vectors, data.labels), mean_average_precision(vectors, data.labels)))
    first, area = np.mean(found, axis=0)
    return float(first), float(area)


def clocked(calls: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Return CPU milliseconds for each of `count` things, the best of rounds that take turns."""
    best = dict.fromkeys(calls, np.inf)
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.process_time()
            call()
            best[name] = min(best[name], 1000 * (time.process_time() - began) / count)
    return best


def model_part(sets: dict[str, ImageFolder], recipe: Recipe, checkpoint: Path) -> None:
    network = Network(recipe.network)
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["averaged"])
    network.eval()
    files = {(f"float32, {side} px", side): float32_file(network, side) for side in (64, 96, 128, 160)}
    files["float16 in the file, 128 px", 128] = half_file(files["float32, 128 px", 128])
    files["8-bit sums, 128 px (bundled)", 128] = bundled()
    models = {name: opened(model) for name, model in files.items()}
    some = {side: np.random.default_rng(0).integers(0, 256, (32, side, side, 3), np.uint8) for _, side in files}
    times = clocked({name: lambda name=name: models[name](some[name[1]]) for name in models}, 32)
    print("| model | MB | CPU ms a picture | recall@1 | mAP |\n|---|---|---|---|---|")
    for (name, side), model in models.items():
        first, area = figures(sets, lambda data, side=side, model=model: model(squares(data, side)))
        size, cost = len(files[name, side]) / 2**20, times[name, side]
        print(f"| {name} | {size:.1f} | {cost:.2f} | {first:.3f} | {area:.3f} |", flush=True)


def picture_part(sets: dict[str, ImageFolder]) -> None:
    model = opened(bundled())
    print("| longest side of the pictures given | recall@1 | mAP |\n|---|---|---|")
    for side in (16, 24, 32, 48, 64, None):
        first, area = figures(sets, lambda data, side=side: model(squares(data, 128, side)))
        print(f"| {side or 'as they are (60 to 128)'} | {first:.3f} | {area:.3f} |", flush=True)


def vector_part(sets: dict[str, ImageFolder]) -> None:
    model = opened(bundled())
    rows = {name: model(squares(data, 128)) for name, data in sets.items()}
    eighth = {name: np.rint(127 * found / np.abs(found).max()) for name, found in rows.items()}
    kept = {"32": (1024, rows), "16": (512, {name: found.astype(np.float16) for name, found in rows.items()})}
    kept["8"] = (256, eighth)
    print("| bits a number | bytes a vector | recall@1 | mAP |\n|---|---|---|---|")
    for bits, (size, found) in kept.items():
        by_set = {id(data): found[name].astype(np.float32) for name, data in sets.items()}
        first, area = figures(sets, lambda data, by_set=by_set: by_set[id(data)])
        print(f"| {bits} | {size} | {first:.4f} | {area:.4f} |", flush=True)


def training_part(folders: list[Path], target: Path) -> None:
    print("| set | gear | CPU s | numbers | recall@1 | mAP |\n|---|---|---|---|---|---|")
    for folder in folders:
        for gear in ("head", "full"):
            began = time.process_time()
            found = train(folder, target, settings=Settings.load(), gear=gear, held_out=0.34, force=True)
            spent = time.process_time() - began
            lines = [("untrained", found.before, 0.0, 256)] if gear == "head" else []
            for name, line, seconds, width in [*lines, (gear, found.candidate, spent, 256 if found.kept else 640)]:
                first, area = line.recall_at_1.value, line.mean_average_precision.value
                print(f"| {folder.name} | {name} | {seconds:.0f} | {width} | {first:.3f} | {area:.3f} |", flush=True)


def index_part(rows: int, folder: Path) -> None:
    vectors = clustered(rows, 256)
    questions = moved(vectors, 200)
    store = EdgeStore.open(folder, {"meaning": 256})
    began = time.process_time()
    insert(store, vectors)
    store.optimize()
    built = time.process_time() - began
    ways = {name: [Nearest("meaning", one, 10, exact=exact) for one in questions] for name, exact in WAYS}
    answers = {name: [[hit.id for hit in store.nearest(one)] for one in asked] for name, asked in ways.items()}
    times = clocked(
        {name: lambda asked=asked: [store.nearest(one) for one in asked] for name, asked in ways.items()}, 200
    )
    print(f"{rows:,} x 256, kept and indexed in {built:.0f} CPU s")
    print("| search | CPU ms | recall@10 |\n|---|---|---|")
    for name, found in answers.items():
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, answers["exact"], strict=True)])
        print(f"| {name} | {times[name]:.2f} | {recall:.3f} |", flush=True)
    store.close()


WAYS = (("exact", True), ("index (HNSW)", False))


def bundled() -> bytes:
    return card().weights.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/mini.toml"))
    parser.add_argument("--checkpoint", type=Path, default=Path("recipes/lookalike-mini-2.pt"))
    parser.add_argument("--part", nargs="*", default=["model", "picture", "vector", "training", "index"])
    parser.add_argument("--train-on", nargs="*", help="sets of the part training; default all")
    parser.add_argument("--most", type=int, default=20, help="pictures of each class")
    parser.add_argument("--rows", type=int, default=100_000, help="of the part index")
    given = parser.parse_args()
    recipe = Recipe.read(given.recipe)
    with tempfile.TemporaryDirectory() as name:
        folders = list(unpacked(recipe, given.data, Path(name) / "sets", given.most))
        sets = {folder.name: ImageFolder(folder) for folder in folders}
        print(f"{sum(map(len, sets.values())):,} pictures in {len(sets)} sets: {', '.join(sets)}\n")
        parts = {
            "model": lambda: model_part(sets, recipe, given.checkpoint),
            "picture": lambda: picture_part(sets),
            "vector": lambda: vector_part(sets),
            "training": lambda: training_part(
                [one for one in folders if not given.train_on or one.name in given.train_on], Path(name) / "model"
            ),
            "index": lambda: index_part(given.rows, Path(name) / "rows"),
        }
        for part in given.part:
            parts[part]()
            print()


if __name__ == "__main__":
    main()
