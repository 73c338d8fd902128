"""Model cards: everything known of a neural describer, frozen. A new model is a new card, not new code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lookalike.describers.calibration import Calibration
from lookalike.errors import UnknownModel, WeightsCorrupt

__all__ = ["BUNDLED", "ModelCard", "card", "facts", "names"]

BUNDLED = Path(__file__).parent / "bundled"
_NAMES = ("lookalike-mini",)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A neural describer.

    weights: the ONNX file. It takes uint8 RGB (n, input_size, input_size, 3), the whole picture squashed to
    the square, under the name `input`, and gives for each entry of `vectors` a float32 (n, width) output of
    unit rows under that name, and `logits` (n, len(labels)).
    calibration: vector name -> probability curve: "copy" answers "the same picture, edited?",
    "meaning" answers "the same kind of thing?".
    """

    name: str
    version: int
    weights: Path
    sha256: str
    input: str
    input_size: int
    vectors: Mapping[str, int]
    license: str
    logits: str = ""
    labels: tuple[str, ...] = ()
    calibration: Mapping[str, Calibration] = field(default_factory=dict)

    @property
    def signature(self) -> str:
        """Name, version and weights, as stored with every collection: vectors meet only under equal signatures."""
        return f"{self.name}/{self.version}@{self.sha256[:12]}"


def names() -> tuple[str, ...]:
    """Return the names of all models that can be had."""
    return _NAMES


def facts(name: str) -> dict[str, Any]:
    """Return everything a model's card file says, as JSON values. Raises UnknownModel, WeightsCorrupt."""
    if name not in _NAMES:
        raise UnknownModel(name, _NAMES)
    path = BUNDLED / f"{name}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsCorrupt(name, str(path), f"the card can't be read ({error})") from None
    return found


@cache
def card(name: str = "lookalike-mini") -> ModelCard:
    """Return the card of a model by name. Raises UnknownModel, WeightsCorrupt."""
    found = facts(name)
    return ModelCard(
        name=found["name"],
        version=found["version"],
        weights=BUNDLED / f"{name}.onnx",
        sha256=found["sha256"],
        input=found["input"],
        input_size=found["input_size"],
        vectors=found["vectors"],
        license=found["license"],
        logits=found["logits"],
        labels=tuple(found["labels"]),
        calibration={vector: Calibration(**curve) for vector, curve in found["calibration"].items()},
    )
