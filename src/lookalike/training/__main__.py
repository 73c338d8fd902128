"""`python -m lookalike.training RECIPE --data DIR --cache DIR --out DIR [--resume]`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch

from lookalike.allocation import keep_freed
from lookalike.training.loop import Run
from lookalike.training.recipe import Recipe


def main() -> None:
    """Train, or go on training, as the recipe says."""
    parser = argparse.ArgumentParser(prog="python -m lookalike.training", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the zips")
    parser.add_argument("--cache", type=Path, required=True, help="folder for decoded pictures, a few GB")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--start", type=Path, help="begin with the weights of this checkpoint of another run")
    parser.add_argument("--minutes", type=float, help="another length of schedule than the recipe's")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    given = parser.parse_args()
    torch.set_num_threads(1)  # the shards bring the threads
    keep_freed()
    recipe = Recipe.read(given.recipe)
    if given.minutes is not None:
        schedule = dataclasses.replace(recipe.schedule, minutes=given.minutes, steps=None)
        recipe = dataclasses.replace(recipe, schedule=schedule)
    run = Run(recipe, given.data, given.cache, given.out, given.device)
    if given.start is not None:
        run.start_from(given.start)
    if given.resume:
        run.resume()
    run.train()


if __name__ == "__main__":
    main()
