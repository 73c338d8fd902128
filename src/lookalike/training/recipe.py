"""A recipe: every setting that shapes the weights, read from one TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookalike.errors import InvalidArgument

__all__ = [
    "DataPart",
    "LossPart",
    "NetworkPart",
    "Recipe",
    "ReportPart",
    "SchedulePart",
    "SetPart",
    "StudentPart",
    "TeacherPart",
]


@dataclass(frozen=True, slots=True)
class DataPart:
    """side: pixels of the decoded squares. The shares are of the classes in each identity space."""

    side: int = 112
    validation: float = 0.15
    sealed: float = 0.10


@dataclass(frozen=True, slots=True)
class TeacherPart:
    """model: path below the data folder. A crop keeps at least `smallest` of the area."""

    model: str
    views: int = 2
    smallest: float = 0.35
    aspect: float = 1.33


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """Channels pooled before the heads, those pooled earlier for the copy vector, and the widths of the vectors."""

    width: int = 768
    detail: int = 256
    meaning: int = 256
    copy: int = 128


@dataclass(frozen=True, slots=True)
class StudentPart:
    """side: pixels trained at. Of `batch` pictures, the first `copies` come once more, edited; `drawn` come on top
    of them, each with its copy."""

    side: int = 96
    batch: int = 128
    copies: int = 64
    drawn: int = 0


@dataclass(frozen=True, slots=True)
class LossPart:
    """Weights of the terms, and the temperatures inside them; see losses.py.

    memory: how many earlier pictures a copy must tell its original from, besides those of the batch; 0 for none.
    """

    features: float = 1.0
    answers: float = 0.5
    temperature: float = 2.0
    meaning: float = 2.0
    labels: float = 0.25
    label_scale: float = 16.0
    contrast: float = 1.0
    contrast_temperature: float = 0.07
    spread: float = 0.2
    recall: float = 1.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class SchedulePart:
    """The length in steps or, where `steps` is None, in minutes of training."""

    minutes: float = 60.0
    steps: int | None = None
    warmup: float = 0.03
    rate: float = 2e-3
    final_rate: float = 2e-5
    weight_decay: float = 0.03
    average: float = 0.9995


@dataclass(frozen=True, slots=True)
class ReportPart:
    """How often a checkpoint is written and validated, and on how many pictures of each set."""

    checkpoint_minutes: float = 10.0
    pictures_per_set: int = 600


@dataclass(frozen=True, slots=True)
class SetPart:
    """One zip of pictures. `identity` names the column that no split divides, within `space`.

    labels: vocabulary -> column; sets that name the same vocabulary share one softmax.
    """

    file: str
    identity: str
    space: str
    labels: Mapping[str, str]
    measured: str
    terms: str = "none stated"

    @property
    def name(self) -> str:
        """The file's name without `train-` and `.zip`."""
        return self.file.removesuffix(".zip").removeprefix("train-")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of it. `seed` settles splits, crops, order, edits and first weights."""

    name: str
    seed: int
    teacher: TeacherPart
    sets: tuple[SetPart, ...]
    data: DataPart = field(default_factory=DataPart)
    network: NetworkPart = field(default_factory=NetworkPart)
    student: StudentPart = field(default_factory=StudentPart)
    loss: LossPart = field(default_factory=LossPart)
    schedule: SchedulePart = field(default_factory=SchedulePart)
    report: ReportPart = field(default_factory=ReportPart)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a TOML file. Raises InvalidArgument on a key that no part knows."""
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        parts: dict[str, type[Any]] = {
            "data": DataPart, "teacher": TeacherPart, "network": NetworkPart, "student": StudentPart,
            "loss": LossPart, "schedule": SchedulePart, "report": ReportPart,
        }  # fmt: skip
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key == "sets":
                values[key] = tuple(_part(SetPart, entry, "sets") for entry in value)
            elif key in parts:
                values[key] = _part(parts[key], value, key)
            else:
                values[key] = value
        recipe: Recipe = _part(cls, values, str(path))
        return recipe


def _part(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    known = [entry.name for entry in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            raise InvalidArgument(f"{where}.{key}", values[key], f"left out; known are {', '.join(known)}")
    return kind(**values)
