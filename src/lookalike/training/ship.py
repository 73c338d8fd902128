"""`python -m lookalike.training.ship RECIPE --data DIR --cache DIR --run DIR --out DIR`: a run becomes a model.

Input side and number format are chosen by validation, never by the sealed pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lookalike.describers.cards import BUNDLED
from lookalike.training.data import TRAIN, VALIDATION, Pictures, load
from lookalike.training.export import (
    INPUT,
    float32_file,
    half_file,
    opened,
    pictures_per_second,
    quantized_file,
)
from lookalike.training.judging import write_judgment
from lookalike.training.lexicon import Lexicon
from lookalike.training.loop import describer
from lookalike.training.losses import Whitening
from lookalike.training.network import Network
from lookalike.training.pairs import calibrate
from lookalike.training.recipe import Recipe
from lookalike.training.validation import Describe, held_out, recalls, resized
from lookalike.training.words import add_words

__all__ = ["Choice", "choose", "describing", "write"]

# int8 may cost this much mean recall@1 against float32
ALLOWED_DROP = 0.01
PER_SET = 1000


@dataclass(frozen=True)
class Choice:
    """What is shipped, and the figures that decided it."""

    model: bytes
    side: int
    kind: str
    figures: dict[str, Any]


def choose(network: Network, pictures: Pictures, sides: tuple[int, ...], seed: int) -> Choice:
    """Return the side of the best float32 recall, then 8-bit arithmetic if it keeps recall and is faster.

    Of sides within a tenth of a point the smallest wins.
    """
    floats = {side: float32_file(network, side, evened(network, pictures, side)) for side in sides}
    by_side = {side: _mean_recall(model, pictures, side) for side, model in floats.items()}
    side = min(side for side in sides if by_side[side] >= max(by_side.values()) - 0.001)
    ranges = np.concatenate(
        [one.pixels[held_out(one, TRAIN, 40, seed)] for one in pictures.sets if len(one.rows(TRAIN))]
    )
    kinds = {"float16": half_file(floats[side]), "int8": quantized_file(floats[side], resized(ranges, side))}
    recall = {kind: _mean_recall(model, pictures, side) for kind, model in kinds.items()}
    speed = pictures_per_second(kinds, side)
    keeps = recall["int8"] > by_side[side] - ALLOWED_DROP and speed["int8"] > speed["float16"]
    kind = "int8" if keeps else "float16"
    figures = {
        "recall@1 by side": {str(side): round(value, 4) for side, value in by_side.items()},
        "recall@1 by kind": {name: round(value, 4) for name, value in recall.items()},
        "pictures per second by kind": {name: round(value) for name, value in speed.items()},
        "bytes by kind": {name: len(model) for name, model in kinds.items()},
    }
    return Choice(kinds[kind], side, kind, figures)


def evened(network: Network, pictures: Pictures, side: int) -> Whitening:
    """Return what evens out the copy vectors: strangers then score lower, at the same rank of the originals.

    Half of the variance's power is divided out, as SSCD (Pizzi et al. 2022) whitens its descriptors.
    """
    sample = [resized(one.pixels[held_out(one, TRAIN, 200, 9)], side) for one in pictures.sets if len(one.rows(TRAIN))]
    return Whitening(describer(network)(np.concatenate(sample))[1], network.copy.out_features, power=0.5, floor=0.15)


def describing(model: bytes) -> Describe:
    """Return a function from pixels to the meaning and copy rows of an ONNX file."""
    run = opened(model)
    return lambda pixels: (rows := run(pixels), (rows[0], rows[1]))[1]


def write(choice: Choice, recipe: Recipe, about: dict[str, Any], out: Path) -> dict[str, Any]:
    """Write NAME.onnx and the card NAME.json into `out` and return the card.

    about: what the card says beyond the file itself: version, labels, calibration, figures, recipe.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{recipe.name}.onnx").write_bytes(choice.model)
    card = {
        "name": recipe.name,
        "version": about["version"],
        "input_size": choice.side,
        "input": INPUT,
        "vectors": {"meaning": recipe.network.meaning, "copy": recipe.network.copy},
        "logits": "logits",
        "sha256": hashlib.sha256(choice.model).hexdigest(),
        "license": "Apache-2.0",
        "arithmetic": choice.kind,
        "recipe": about["recipe"],
        "trained_on": [{"set": part.name, "terms": part.terms} for part in recipe.sets],
        "taught_by": "MobileNetV2 1.0 224 (TensorFlow, Apache-2.0)",
        "calibration": about["calibration"],
        "figures": about["figures"],
        "labels": about["labels"],
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (out / f"{recipe.name}.json").write_text(text, encoding="utf-8")
    return card


def trained(recipe: Recipe, checkpoint: Path) -> tuple[Network, dict[str, Any]]:
    """Return the averaged weights of a checkpoint, and how far it was trained."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = Network(recipe.network)
    network.load_state_dict(state["averaged"])
    return network.eval(), {"steps": state["step"], "minutes": round(state["seconds"] / 60, 1)}


def main() -> None:
    """Export a run's checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m lookalike.training.ship", description=__doc__)
    parser.add_argument("recipe", type=Path)
    for folder in ("data", "cache", "run", "out"):
        parser.add_argument(f"--{folder}", type=Path, required=True)
    parser.add_argument("--version", type=int, default=0)
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 112, 128])
    given = parser.parse_args()
    torch.set_num_threads(2)
    recipe = Recipe.read(given.recipe)
    pictures = load(recipe, given.data, given.cache)
    network, trail = trained(recipe, given.run / "checkpoint.pt")
    choice = choose(network, pictures, tuple(given.sides), recipe.seed)
    describe = describing(choice.model)
    curves, reports = calibrate(pictures, describe, choice.side)
    rows = len(pictures.training_rows())
    epochs = trail["steps"] * recipe.student.batch / rows
    about = {
        "version": given.version,
        "recipe": f"recipes/{given.recipe.name}",
        "labels": _labels(given.data / recipe.teacher.model),
        "calibration": {name: asdict(curve) for name, curve in curves.items()},
        "figures": {
            "training": trail | {"pictures": rows, "epochs": round(epochs, 2)},
            "calibration": reports,
            "export": choice.figures,
        },
    }
    write(choice, recipe, about, given.out)
    lexicon = Lexicon.read(given.recipe.with_name("words.toml"))
    card = add_words(recipe, lexicon, given.data, given.cache, given.out)
    print(json.dumps({key: card[key] for key in ("input_size", "arithmetic", "sha256", "calibration", "figures")}))
    if given.out.resolve() == BUNDLED.resolve():
        print(json.dumps(write_judgment(pictures, given.out)))
    else:
        print("Once the files lie in the package, fit the weights of `compare`: python -m lookalike.training.judging")


def _mean_recall(model: bytes, pictures: Pictures, side: int) -> float:
    found = recalls(pictures, VALIDATION, describing(model), side, PER_SET)
    return sum(found.values()) / len(found)


def _labels(teacher: Path) -> list[str]:
    # the first line names the background class, which the student does not know
    lines = (teacher.parent / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    return lines[1:1001]


if __name__ == "__main__":
    main()
