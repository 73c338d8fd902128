"""What `lookalike train` gains: `python benchmarks/train.py --data DIR --recipe recipes/mini.toml [--gear full]`.

Every set is cut down to the classes that the bundled model was validated on and not trained on (the split of the
recipe); those that were sealed are not touched. Of these classes a third is held out from learning, drawn anew for
every seed; the others are learned from. `logos` was never trained on as a whole.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lookalike.learning import Trained, train
from lookalike.settings import Settings
from lookalike.training.data import VALIDATION, split_identities
from lookalike.training.recipe import Recipe, SetPart

FEWEST = 6  # classes


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a zip's labels."""
    with zipfile.ZipFile(path) as archive, archive.open("labels.csv") as raw:
        return list(csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")))


def validation_classes(recipe: Recipe, part: SetPart, data: Path) -> dict[str, list[str]]:
    """Return class -> files, of the classes that the recipe validates on."""
    shared = [other for other in recipe.sets if other.space == part.space]
    names = {row[other.identity] for other in shared for row in table(data / other.file)}
    split = split_identities(names, part.space, recipe.seed, recipe.data)
    found: dict[str, list[str]] = {}
    for row in table(data / part.file):
        if split[row[part.identity]] == VALIDATION:
            found.setdefault(row[part.identity], []).append(row["file"])
    return found


def unpacked(recipe: Recipe, data: Path, folder: Path, most: int) -> Iterator[Path]:
    """Yield a folder of folders for each set with enough classes; at most `most` pictures of each class."""
    random = np.random.default_rng(0)
    for part in recipe.sets:
        classes = validation_classes(recipe, part, data)
        if len(classes) < FEWEST:
            continue
        with zipfile.ZipFile(data / part.file) as archive:
            for number, name in enumerate(sorted(classes)):
                files = sorted(classes[name])
                for place in sorted(random.permutation(len(files))[:most].tolist()):
                    write(folder / part.name / f"{number:03}", files[place], archive.read(files[place]))
        yield folder / part.name
    with tarfile.open(data / "eval-logos.tar") as archive:
        held = {one.name: archive.extractfile(one).read() for one in archive.getmembers() if one.isfile()}
    root = next(name for name in held if name.endswith("labels.csv")).removesuffix("labels.csv")
    for row in csv.DictReader(io.StringIO(held[f"{root}labels.csv"].decode())):
        write(folder / "logos" / row["identity"], row["file"].replace("/", "-"), held[root + row["file"]])
    yield folder / "logos"


def write(folder: Path, name: str, content: bytes) -> None:
    """Write one picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / Path(name).name).write_bytes(content)


def row(name: str, runs: list[Trained], seconds: float) -> str:
    """Return a line of the table: means over the runs."""

    def mean(which: str, figure: str) -> float:
        return float(np.mean([getattr(getattr(one, which), figure).value for one in runs]))

    cells = [name, f"{runs[0].pictures + runs[0].asked}", f"{runs[0].identities} + {len(runs[0].held_out)}"]
    for figure in ("recall_at_1", "mean_average_precision"):
        cells += [f"{mean(which, figure):.3f}" for which in ("before", "candidate", "after")]
    kept = sum(one.kept for one in runs)
    strengths = ", ".join(f"{one.strength:g}" for one in runs)
    return "| " + " | ".join([*cells, strengths, f"{kept} of {len(runs)}", f"{seconds:.0f}"]) + " |"


def main() -> None:
    """Print the table, and all figures as JSON into --out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--gear", default="head")
    parser.add_argument("--loss", default="softmax")
    parser.add_argument("--sets", nargs="*", help="names; default all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=40, help="pictures of each class")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    figures = []
    columns = ["set", "pictures", "classes: learned + held out"]
    columns += [f"{figure} {which}" for figure in ("recall@1", "mAP") for which in ("before", "trained", "after")]
    columns += ["strengths", "old kept", "s each"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    with tempfile.TemporaryDirectory() as folder:
        for source in unpacked(Recipe.read(given.recipe), given.data, Path(folder), given.most):
            if given.sets and source.name not in given.sets:
                continue
            began, runs = time.perf_counter(), []
            for seed in range(given.seeds):
                choices = {"gear": given.gear, "loss": given.loss, "held_out": 0.34, "seed": seed, "force": True}
                runs.append(train(source, Path(folder) / "model", settings=Settings.load(), **choices))
                figures.append({"set": source.name, "seed": seed, "gain": runs[-1].gain.value, **figures_of(runs[-1])})
            print(row(source.name, runs, (time.perf_counter() - began) / given.seeds), flush=True)
            if given.out:
                given.out.write_text(json.dumps(figures, indent=1), "utf-8")


def figures_of(found: Trained) -> dict[str, object]:
    """Return what one run found, as JSON values."""
    return {name: getattr(found, name).as_json() for name in ("before", "candidate", "after")} | {
        "strength": found.strength,
        "kept": found.kept,
        "calibration error": found.calibration_error,
    }


if __name__ == "__main__":
    main()
