"""A table of pairs from logos in two renditions each, for `lookalike evaluate --pairs`.

    python benchmarks/logo_pairs.py FOLDER > FOLDER/pairs.csv; lookalike evaluate --pairs FOLDER/pairs.csv

FOLDER holds labels.csv with the columns file and identity. Every logo is paired with its other rendition, and with two
drawn strangers: flat graphics, of which the weights of `compare` were never fitted on any.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path


def main() -> None:
    files: dict[str, list[str]] = {}
    with (Path(sys.argv[1]) / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            files.setdefault(row["identity"], []).append(row["file"])
    dice = random.Random(0)
    print("a,b,same")
    for name, (first, second) in sorted(files.items()):
        print(f"{first},{second},1")
        for stranger in dice.sample(sorted(files.keys() - {name}), 2):
            print(f"{first},{dice.choice(files[stranger])},0")


if __name__ == "__main__":
    main()
