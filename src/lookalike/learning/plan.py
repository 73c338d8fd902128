"""What may be chosen of a training, and how its progress is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lookalike.errors import InvalidArgument
from lookalike.settings import Settings

__all__ = ["Errand", "Gear", "Loss", "Plan", "Progress", "planned", "telling"]

Gear = Literal["head", "full"]
Loss = Literal["softmax", "triplet", "contrastive"]
Progress = Callable[[str, int, int], None]
"""What is being done, how much more of it is done, and how much there is of it."""

_KNOWN = {"gear": ("head", "full"), "loss": ("softmax", "triplet", "contrastive")}


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be chosen of a training.

    gear: "head" on frozen features, or "full": the last stages of the network too (extra `train`). held_out: share of
    the identities that figures are measured on; held: these identities, in place of a share. drop_duplicates: leave
    pictures out of training that are near duplicates of held-out ones. anyway: write the trained model even if it is
    worse on held-out identities. force: replace a model that is there. The others are of the gear "full": epochs at
    most, loss ("softmax", "triplet" or "contrastive"), resume: go on from the checkpoint of an interrupted training.
    """

    gear: Gear = "head"
    held_out: float = 0.2
    held: Sequence[str] = ()
    seed: int = 0
    drop_duplicates: bool = False
    anyway: bool = False
    force: bool = False
    epochs: int = 20
    loss: Loss = "softmax"
    resume: bool = False

    def __post_init__(self) -> None:
        """Raise InvalidArgument for what can't be chosen."""
        for name, allowed in _KNOWN.items():
            if getattr(self, name) not in allowed:
                raise InvalidArgument(name, getattr(self, name), f"one of {', '.join(allowed)}")
        if self.epochs < 1:
            raise InvalidArgument("epochs", self.epochs, "at least 1")
        if not 0 < self.held_out < 1:
            raise InvalidArgument("held_out", self.held_out, "above 0 and below 1")


@dataclass(frozen=True, slots=True)
class Errand:
    """One training to be done: its plan, the folder to write, the settings it runs under, who hears of progress."""

    plan: Plan
    out: Path
    settings: Settings
    progress: Progress


@contextmanager
def telling(notes: Sequence[str]) -> Iterator[None]:
    """Let an InvalidArgument say what was left out until then: that may be why too little is there."""
    try:
        yield
    except InvalidArgument as error:
        if not notes:
            raise
        allowed = f"{error.allowed}. Noticed before: {' '.join(notes)}".removesuffix(".")
        raise InvalidArgument(error.name, error.value, allowed) from None


def planned(choices: Mapping[str, Any]) -> Plan:
    """Return the plan of these fields. Raises InvalidArgument for one that no plan has."""
    try:
        return Plan(**choices)
    except TypeError:
        known = Plan.__dataclass_fields__
        unknown = next(name for name in choices if name not in known)
        raise InvalidArgument(unknown, choices[unknown], f"left out; known are {', '.join(known)}") from None
