"""How well taggers do: `python benchmarks/taggers.py --data DIR --recipe recipes/mini.toml`.

The real-estate example: whether a picture is of the inside or the outside of a house, and which room it shows; learned
from houses that the bundled model was trained on, asked about houses that it was validated on, never trained on. Tags
of what is outdoors: words that at least two of five people used of a photograph; tags of products: a fifth held out.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from lookalike.learning import LearnedTagger, train_tagger
from lookalike.settings import Settings
from lookalike.training.data import TRAIN, VALIDATION, split_identities
from lookalike.training.recipe import Recipe

HOUSES, CAPTIONS = "train-houses-even-128.zip", "eval-flickr8k.tar"
CLOTHES = "train-fashion-60x80.zip"
OUTDOORS = (
    "grass",
    "field",
    "water",
    "beach",
    "ocean",
    "snow",
    "street",
    "sand",
    "rock",
    "trees",
    "dog",
    "dogs",
    "bike",
)
FEWEST = 12
WORD = re.compile(r"[a-z]+")


def houses(data: Path, recipe: Recipe, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and the table of each task on houses."""
    with zipfile.ZipFile(data / HOUSES) as archive:
        archive.extractall(folder)
    part = next(part for part in recipe.sets if part.file == HOUSES)
    rows = list(csv.DictReader((folder / "labels.csv").open(encoding="utf-8", newline="")))
    split = split_identities({row[part.identity] for row in rows}, part.space, recipe.seed, recipe.data)
    kept = [row for row in rows if split[row["label"]] in (TRAIN, VALIDATION)]
    for name, label in (
        ("place", lambda row: "outdoor" if row["x0"] == "frontal" else "indoor"),
        ("room", lambda row: "" if row["x0"] == "frontal" else row["x0"]),
        ("either", lambda row: row["x0"]),
    ):
        lines = [
            {"file": row["file"], "label": label(row), "group": row["label"], "test": split[row["label"]] == VALIDATION}
            for row in kept
        ]
        yield name, written(folder / f"{name}.jsonl", lines)


def clothes(data: Path, recipe: Recipe, folder: Path) -> Path:
    """Return the table of the color and the use of products, of kinds that the model was never trained on."""
    with zipfile.ZipFile(data / CLOTHES) as archive:
        archive.extractall(folder)
    part = next(part for part in recipe.sets if part.file == CLOTHES)
    rows = list(csv.DictReader((folder / "labels.csv").open(encoding="utf-8", newline="")))
    split = split_identities({row[part.identity] for row in rows}, part.space, recipe.seed, recipe.data)
    lines = [
        {"file": row["file"], "tags": [tag for tag in (row["x1"], row["x2"]) if tag], "group": row["x3"]}
        for row in rows
        if split[row[part.identity]] == VALIDATION
    ]
    counts = Counter(tag for line in lines for tag in line["tags"])
    return written(
        folder / "tags.jsonl",
        [line | {"tags": [tag for tag in line["tags"] if counts[tag] >= FEWEST]} for line in lines],
    )


def outdoors(data: Path, folder: Path) -> Path:
    """Return the table of tags that people gave."""
    with tarfile.open(data / CAPTIONS) as archive:
        archive.extractall(folder, filter="data")
    table = next(folder.rglob("labels.csv"))
    lines = []
    for row in csv.DictReader(io.StringIO(table.read_text("utf-8"))):
        said = Counter(word for at in range(1, 6) for word in set(WORD.findall(row[f"c{at}"].lower())))
        tags = sorted({"dog" if word == "dogs" else word for word in OUTDOORS if said[word] >= 2})
        lines.append({"file": row["file"], "tags": tags})
    counts = Counter(tag for line in lines for tag in line["tags"])
    kept = [line | {"tags": [tag for tag in line["tags"] if counts[tag] >= FEWEST]} for line in lines]
    return written(table.parent / "tags.jsonl", kept)


def written(path: Path, lines: list[Mapping[str, object]]) -> Path:
    """Write a table."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def told(name: str, found: LearnedTagger, seconds: float) -> str:
    """Return a line, and one for each label."""
    one = found.figures
    low, high = one.accuracy.low, one.accuracy.high
    lines = [
        f"| {name} | {found.pictures} | {one.pictures} | {one.accuracy.value:.3f} [{low:.3f}, {high:.3f}] "
        f"| {one.baseline:.3f} | {one.nearest:.3f} | {one.f1:.3f} | {one.calibration_error:.3f} | {seconds:.0f} s |"
    ]
    lines += [f"  {l.label}: P {l.precision} R {l.recall} F1 {l.f1} of {l.pictures}" for l in one.labels]  # noqa: E741
    return "\n".join([*lines, f"  {json.dumps(one.confusion)}", *(f"  {note}" for note in found.warnings)])


def main() -> None:
    """Print a line for each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, required=True)
    options = parser.parse_args()
    settings = Settings(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, table in houses(options.data, Recipe.read(options.recipe), root / "houses"):
            start = time.perf_counter()
            found = train_tagger(table, root / name, settings=settings)
            print(told(name, found, time.perf_counter() - start), flush=True)
        tables = {"outdoor": outdoors(options.data, root / "outdoors")}
        tables["color and use"] = clothes(options.data, Recipe.read(options.recipe), root / "clothes")
        for name, table in tables.items():
            for seed in range(3):
                start = time.perf_counter()
                found = train_tagger(table, root / f"tags-{seed}", settings=settings, task="tag", seed=seed, force=True)
                print(told(f"{name} tags, seed {seed}", found, time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
