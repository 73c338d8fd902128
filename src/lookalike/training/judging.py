"""`python -m lookalike.training.judging RECIPE --data DIR --cache DIR --out DIR`: fits P(same picture) of `compare`.

Pairs are drawn from the pictures that were trained on, and judged once more on pairs of validation pictures. Half are a
picture and a copy of it, made by one or two edits of the published list; half are two pictures, one of them edited
alike. Of those half are of one class, and some bear the same caption, watermark or frame. Three in ten are drawings.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.describers.ensemble import standard_ensemble
from lookalike.describers.hashes import hamming, hash_pictures
from lookalike.edits import EDITS, EDITS_VERSION, LEVELS, edit
from lookalike.evaluate import area_under_roc, calibration_error, precision_recall_curve, reliability
from lookalike.images import read_image
from lookalike.judgment import FILE, FORMAT, WITNESSES, Judgment, witnesses
from lookalike.signals import Signals, measure
from lookalike.training.data import TRAIN, VALIDATION, Pictures, Pixels, load
from lookalike.training.drawings import drawings
from lookalike.training.recipe import Recipe

__all__ = ["Measured", "drawn_pairs", "fit", "fitted", "judged", "measured", "write_judgment"]

FITTED, HELD_OUT = 3000, 2000  # pairs
_SEED = 17
_SHARED = ("border", "letterbox", "text", "caption", "watermark", "stickers", "screenshot")
_REPEATED = 10  # bits of pHash: two pictures nearer than that are taken for the same one, and not used
_ALONE = 0.45  # what the copy vector may reach alone, as drawings look alike to it
_AGAINST = np.array([-1.0 if name == "no overlap" else 1.0 for name in WITNESSES])


@dataclass(frozen=True, slots=True)
class Measured:
    """A pair with its truth. kind: set, or "drawings"; how: the edits."""

    signals: Signals
    same: bool
    kind: str
    how: str


def drawn_pairs(
    pictures: Pictures, split: int, count: int, seed: int = _SEED
) -> Iterator[tuple[Pixels, Pixels, bool, str, str]]:
    """Yield `count` pairs (a, b, same, kind, how); every second one is the same picture."""
    sets = [one for one in pictures.sets if len(one.rows(split)) > 2]
    made = 0
    for number in range(4 * count):
        rng = np.random.default_rng([seed, split, number])
        if rng.random() < 0.3:
            a, b, other = drawings(3, int(rng.integers(160, 400)), rng)
            kind = "drawings"
        else:
            one = sets[rng.integers(len(sets))]
            first, second, third = _rows(one.rows(split), one.columns[one.part.measured], rng)
            a, b, other = (np.array(one.pixels[row]) for row in (first, second, third))
            kind = one.part.name
        same = made % 2 == 0
        if not same and _repeated(a, b):
            continue
        a, b, how = _edited(a, a if same else b, other, same, rng)
        yield a, b, same, kind, how
        made += 1
        if made == count:
            return


def measured(pictures: Pictures, split: int, count: int) -> list[Measured]:
    """Return the signals of drawn pairs, on two threads; pairs of equal pixels are left out."""
    ensemble = standard_ensemble()

    def one(pair: tuple[Pixels, Pixels, bool, str, str]) -> Measured:
        signals = measure(read_image(pair[0]), read_image(pair[1]), ensemble)
        return Measured(signals, *pair[2:])

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, drawn_pairs(pictures, split, count)))
    return [pair for pair in found if not pair.signals.same_pixels]


def fit(pairs: Sequence[Measured]) -> tuple[float, dict[str, float]]:
    """Return the offset and the weights of least cross-entropy, none of them negative.

    Newton's method, a little ridge keeps them finite; witnesses whose weight would be negative are silenced, the
    worst one first. The copy vector is held back until it can't convince alone.
    """
    said = np.array([list(witnesses(one.signals).values()) for one in pairs]) * _AGAINST
    truth = np.array([one.same for one in pairs], np.float64)
    copy, most = WITNESSES.index("copy"), math.log(_ALONE / (1 - _ALONE))
    offset, *weights = _without_negatives(np.column_stack([np.ones(len(said)), said]), truth, 0.0, free=1)
    if offset + weights[copy] > most:  # then the best fit under offset + weight = most
        said[:, copy] -= 1
        weights = _without_negatives(said, truth, most, free=0)
        offset = most - weights[copy]
    return round(offset, 3), {name: round(value, 3) for name, value in zip(WITNESSES, weights, strict=True)}


def judged(judgment: Judgment, pairs: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures of a judgment on pairs."""
    said = np.array([judgment.probability(one.signals) for one in pairs])
    same = np.array([one.same for one in pairs])
    flat = np.array([one.kind == "drawings" for one in pairs])
    yes = said >= 0.5
    return {
        "pairs": len(pairs),
        "same": int(same.sum()),
        "calibration_error": round(calibration_error(said, same), 4),
        "auc": round(area_under_roc(said, same), 4),
        "precision": round(float(same[yes].mean()), 4),
        "recall": round(float(yes[same].mean()), 4),
        "recall at 99 % precision": round(precision_recall_curve(said, same).recall_at_precision(0.99), 4),
        "strangers called the same": {"photographs": _share(yes, ~same & ~flat), "drawings": _share(yes, ~same & flat)},
        "reliability": [[round(one.mean, 3), round(one.share, 3), one.count] for one in reliability(said, same)],
    }


def fitted(pictures: Pictures) -> dict[str, Any]:
    """Return everything that `same-picture.json` holds, fitted for the bundled model."""
    known = measured(pictures, TRAIN, FITTED)
    offset, weights = fit(known)
    draft = Judgment(standard_ensemble().neural.signature, offset, weights, 0, 0.0)
    return {
        "format": FORMAT,
        "signature": draft.signature,
        "edits_version": EDITS_VERSION,
        "offset": offset,
        "weights": weights,
        "fitted_on": judged(draft, known),
        "held_out": judged(draft, measured(pictures, VALIDATION, HELD_OUT)),
    }


def write_judgment(pictures: Pictures, out: Path) -> dict[str, Any]:
    """Fit for the model inside the package, write `same-picture.json` into `out` and return what it holds."""
    cv2.setNumThreads(1)  # two threads measure already
    found = fitted(pictures)
    (out / FILE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(prog="python -m lookalike.training.judging", description=__doc__)
    parser.add_argument("recipe", type=Path)
    for folder in ("data", "cache", "out"):
        parser.add_argument(f"--{folder}", type=Path, required=True)
    given = parser.parse_args()
    pictures = load(Recipe.read(given.recipe), given.data, given.cache)
    print(json.dumps(write_judgment(pictures, given.out), indent=1))


def _rows(rows: NDArray[np.intp], labels: Sequence[str], rng: np.random.Generator) -> tuple[int, int, int]:
    """Return three different rows, the first two of one class in half of the cases."""
    first, second, third = (int(row) for row in rng.choice(rows, 3, replace=False))
    alike = [int(row) for row in rows if labels[row] == labels[first] and row not in (first, third)]
    if alike and rng.random() < 0.5:
        second = int(rng.choice(alike))
    return first, second, third


def _repeated(a: Pixels, b: Pixels) -> bool:
    bits = hash_pictures("phash", [a, b]).bits
    return int(hamming(bits[0], bits[1:])[0]) <= _REPEATED


def _edited(a: Pixels, b: Pixels, other: Pixels, same: bool, rng: np.random.Generator) -> tuple[Pixels, Pixels, str]:
    names = [str(name) for name in rng.choice(list(EDITS), 2, replace=False)][: 2 if rng.random() < 0.25 else 1]
    seed = int(rng.integers(1 << 30))
    levels = [LEVELS[rng.integers(3 if len(names) == 1 else 2)] for _ in names]
    for place, (name, level) in enumerate(zip(names, levels, strict=True)):
        b = edit(b, name, level, seed=seed + place, other=other)
    if not same and names[0] in _SHARED and rng.random() < 0.4:  # both bear the same words, or frame
        a = edit(a, names[0], levels[0], seed=seed, other=other)
    return a, b, "+".join(f"{name} {level}" for name, level in zip(names, levels, strict=True))


def _without_negatives(said: NDArray[np.float64], truth: NDArray[np.float64], base: float, free: int) -> list[float]:
    """Return one weight a column of said, none negative but for the first `free`. base: added to every logit."""
    heard = list(range(said.shape[1]))
    while True:
        weights = np.zeros(said.shape[1])
        weights[heard] = _newton(said[:, heard], truth, base)
        if weights[free:].min() >= 0:
            return [float(weight) for weight in weights]
        heard.remove(free + int(np.argmin(weights[free:])))


def _newton(said: NDArray[np.float64], truth: NDArray[np.float64], base: float) -> NDArray[np.float64]:
    solution = np.zeros(said.shape[1])
    ridge = np.full(said.shape[1], 0.1)
    for _ in range(100):
        given = 1 / (1 + np.exp(-np.clip(base + said @ solution, -30, 30)))
        slope = said.T @ (given - truth) + ridge * solution
        bend = (said.T * (given * (1 - given))) @ said + np.diag(ridge)
        change = np.linalg.solve(bend, slope)
        solution = solution - change
        if np.abs(change).max() < 1e-9:
            break
    return solution


def _share(yes: NDArray[np.bool_], which: NDArray[np.bool_]) -> str:
    return f"{int(yes[which].sum())} of {int(which.sum())}"


if __name__ == "__main__":
    main()
