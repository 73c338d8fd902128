"""P(same picture): what independent signals say of a pair, weighed by a logistic curve fitted on labeled pairs.

Each witness speaks in [0, 1] (the copy vector in [-1, 1]), 0 being silence, and its weight is never negative, so that
better evidence never lowers the probability. The weights lie beside the model's card and are fitted again for every
version of the model by `lookalike.training.judging`: for another model they are only provisional.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lookalike.describers.cards import BUNDLED
from lookalike.errors import WeightsCorrupt
from lookalike.signals import Signals

__all__ = ["ALIGNED", "FILE", "FIRM", "WITNESSES", "Judgment", "contradiction", "judgment", "witnesses"]

FILE = "same-picture.json"
FORMAT = 1
FIRM = 28  # aligned keypoints from which the place is sure, and the pixels there decide
ALIGNED = 0.87  # agreement of aligned pixels: edits stay above, another shot of the scene falls below
WITNESSES = ("hash", "copy", "geometry", "pixels", "no overlap")
_AGAINST = {"no overlap"}


@dataclass(frozen=True, slots=True)
class Judgment:
    """A logistic curve over `WITNESSES`: weights at least 0, for or against; offset: where all are silent.

    signature: of the model whose copy vector the weights were fitted with. pairs, error: how many pairs of pictures
    nobody fitted on were judged, and the expected calibration error of the probabilities there.
    """

    signature: str
    offset: float
    weights: Mapping[str, float]
    pairs: int
    error: float

    def probability(self, signals: Signals) -> float:
        """Return P(same picture), below 1; 1.0 for the same pixels."""
        if signals.same_pixels:
            return 1.0
        said = witnesses(signals)
        total = self.offset + sum(
            self.weights[name] * (-value if name in _AGAINST else value) for name, value in said.items()
        )
        joined = 1.0 / (1.0 + math.exp(-max(-13.0, min(13.0, total))))
        return joined * (1.0 - contradiction(signals))


def witnesses(signals: Signals) -> dict[str, float]:
    """Return what each of `WITNESSES` says of a pair.

    hash: both hashes agree, in the orientation found. copy: the vector's own probability as a logit, +-1 from 98 and
    2 % on. geometry: keypoints align, spread over one of the pictures, and what they align agrees. pixels: in place of
    hashes, where a picture is too plain for them, the pictures agree pixel by pixel. no overlap: many keypoints in
    both, and none align.
    """
    likely = min(max(signals.copy_probability, 1e-9), 1 - 1e-9)
    vector = float(np.clip(math.log(likely / (1 - likely)) / 4, -1.0, 1.0))
    textured = _ramp(signals.keypoints, 20, 120)
    geometry = 0.0
    if signals.overlap is not None:
        sure = _ramp(signals.overlap.inliers, 8, 20) * _ramp(signals.overlap.spread, 0.0, 0.25)
        geometry = sure * _ramp(signals.overlap.agreement, 0.6, 0.95)
    bits = min(_ramp(-signals.pdq_bits, -90, -40), _ramp(-signals.phash_bits, -17, -10))
    return {
        "hash": 0.0 if signals.plain else bits,
        "copy": vector,
        "geometry": geometry,
        "pixels": _ramp(signals.ssim, 0.85, 0.99) * signals.color if signals.plain else 0.0,
        "no overlap": textured if signals.overlap is None else 0.0,
    }


def contradiction(signals: Signals) -> float:
    """Return in [0, 1] how surely this is another shot of the scene: firmly aligned, and yet the pixels differ.

    Of 1,006 firmly aligned copies 28 agreed by less than `ALIGNED`, under noise or overlays; hashes that agree
    overrule it. Set by hand: the sets that the weights are fitted on have no second shots.
    """
    if signals.overlap is None:
        return 0.0
    firm = _ramp(signals.overlap.inliers, FIRM / 2, FIRM)
    differs = 1.0 - _ramp(signals.overlap.agreement, ALIGNED - 0.03, ALIGNED + 0.01)
    return firm * differs * (1.0 - witnesses(signals)["hash"])


@cache
def judgment() -> Judgment:
    """Return the weights that lie beside the bundled model's card. Raises WeightsCorrupt if they can't be read."""
    path = BUNDLED / FILE
    try:
        return _read(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsCorrupt("same-picture", str(path), f"its weights can't be read ({error!r})") from None


def _read(found: Mapping[str, Any]) -> Judgment:
    if found["format"] != FORMAT or set(found["weights"]) != set(WITNESSES) or min(found["weights"].values()) < 0:
        raise ValueError("another format, or other witnesses")
    held_out = found["held_out"]
    return Judgment(
        found["signature"], found["offset"], found["weights"], held_out["pairs"], held_out["calibration_error"]
    )


def _ramp(value: float, low: float, high: float) -> float:
    return float(min(1.0, max(0.0, (value - low) / (high - low))))
