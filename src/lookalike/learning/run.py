"""A whole training: read, split by identity, learn, choose, measure, and write a model that is no worse than before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lookalike.describers.calibration import Calibration
from lookalike.errors import InvalidArgument
from lookalike.evaluate import calibration_error
from lookalike.evaluation.described import Described, described
from lookalike.evaluation.figures import Figure
from lookalike.evaluation.findings import HardPair, Suspect, hard_pairs, suspects
from lookalike.evaluation.leaks import Leak, leaks
from lookalike.learning.choice import Choice, choose_strength, pair_cosines
from lookalike.learning.dataset import Dataset, read_dataset, shortened
from lookalike.learning.head import Head, Rows, fit_head, joined_rows, learned_rows
from lookalike.learning.measure import Measured, asked, gain, measured
from lookalike.learning.model import Draft, check_target, write_model
from lookalike.learning.onnxfile import MEANING, with_head
from lookalike.learning.split import cleaned, split_identities, taken
from lookalike.learning.views import MIRRORED, SEEN, Base, Views
from lookalike.settings import Settings
from lookalike.training.pairs import fit

__all__ = ["Plan", "Progress", "Trained", "train"]

Gear = Literal["head", "full"]
Progress = Callable[[str, int, int], None]
"""What is being done, how much more of it is done, and how much there is of it."""

_FEWEST_PAIRS = 100
_LISTED = 50
_SURE = 0.9  # that a held-out picture is one of those learned from


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be chosen of a training.

    gear: "head" on frozen features, or "full": the last stages of the network too (extra `train`). held_out: share of
    the identities that figures are measured on. drop_duplicates: leave pictures out of training that are near
    duplicates of held-out ones. anyway: write the trained model even if it is worse on held-out identities.
    force: replace a model that is there. The others are of the gear "full": epochs at most, loss ("softmax",
    "triplet" or "contrastive"), resume: go on from the checkpoint of an interrupted training.
    """

    gear: Gear = "head"
    held_out: float = 0.2
    seed: int = 0
    drop_duplicates: bool = False
    anyway: bool = False
    force: bool = False
    epochs: int = 20
    loss: str = "softmax"
    resume: bool = False

    def __post_init__(self) -> None:
        """Raise InvalidArgument for what can't be chosen."""
        for name, allowed in (("gear", ("head", "full")), ("loss", ("softmax", "triplet", "contrastive"))):
            if getattr(self, name) not in allowed:
                raise InvalidArgument(name, getattr(self, name), f"one of {', '.join(allowed)}")
        if self.epochs < 1:
            raise InvalidArgument("epochs", self.epochs, "at least 1")
        if not 0 < self.held_out < 1:
            raise InvalidArgument("held_out", self.held_out, "above 0 and below 1")


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training.

    model: the folder. before, after: on held-out identities, by the model that was there and by the one in the folder.
    candidate: by what was trained, which is not in the folder if `kept`: then it was no better, and the folder holds
    the old model as it was. gain: of recall@1, candidate over before, pictures drawn anew. strength: share of what was
    learned in the score. baselines: the other lines. pictures, identities: learned from; asked: held-out pictures
    asked with, of `held_out` identities. hard: pairs of different classes that are most alike; suspects: pictures
    whose neighbors disagree with their label; duplicates: held-out pictures that training has too.
    """

    model: Path
    gear: Gear
    before: Measured
    after: Measured
    candidate: Measured
    gain: Figure
    kept: bool
    strength: float
    baselines: Mapping[str, Measured]
    pictures: int
    identities: int
    asked: int
    held_out: Sequence[str]
    calibration_error: float | None
    hard: Sequence[HardPair]
    suspects: Sequence[Suspect]
    duplicates: Sequence[Leak]
    warnings: Sequence[str]

    @property
    def better(self) -> bool:
        """Whether recall@1 rose by more than chance explains, with 95 % confidence."""
        return not self.kept and self.gain.low > 0


def train(
    source: str | Path,
    out: str | Path | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress = lambda what, more, total: None,
    **choices: Any,
) -> Trained:
    """Learn from pictures which of them show the same, and write a model folder that can be used wherever a name can.

    source: a folder of folders, each a class, or a .csv or .jsonl table; see `read_dataset`. out: the folder to write,
    by default SOURCE-model in the working directory. settings: its model is what is learned from. choices: fields of
    `Plan`. Nothing is written unless all of it went well. Raises InvalidArgument for too few classes or a wrong
    choice, WouldOverwrite, and what `read_dataset` and models raise.
    """
    plan = _plan(choices)
    settings = settings or Settings.load()
    source = Path(source)
    target = Path(out or f"{source.absolute().stem}-model").expanduser().absolute()
    check_target(target, plan.force)
    data = read_dataset(source)
    base = Base(settings.model)
    with Views(base, settings.model) as views:
        pictures = described(
            data.labeled, views, settings=settings, progress=lambda more: progress("describing", more, len(data.files))
        )
    pictures, notes = cleaned(_named(pictures, data))
    return _Run(plan, base, target, pictures, [*data.warnings, *notes]).finish(progress)


def _plan(choices: Mapping[str, Any]) -> Plan:
    try:
        return Plan(**choices)
    except TypeError:
        known = Plan.__dataclass_fields__
        unknown = next(name for name in choices if name not in known)
        raise InvalidArgument(unknown, choices[unknown], f"left out; known are {', '.join(known)}") from None


def _named(pictures: Described, data: Dataset) -> Described:
    """Return the pictures by names relative to the data, where they are below it."""
    root = data.root.absolute()

    def short(name: str) -> str:
        path = Path(name).absolute()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else name

    return replace(
        pictures,
        names=[short(name) for name in pictures.names],
        files={short(name): path for name, path in pictures.files.items()},
        unreadable={short(name): reason for name, reason in pictures.unreadable.items()},
    )


class _Run:
    """One training, from described pictures to the folder."""

    def __init__(self, plan: Plan, base: Base, out: Path, pictures: Described, notes: list[str]) -> None:
        self._plan, self._base, self._out, self._all, self._notes = plan, base, out, pictures, notes
        self._held = split_identities(pictures.labels, plan.held_out, plan.seed)
        inside = [label in self._held for label in pictures.labels]
        self._test = taken(pictures, [place for place, held in enumerate(inside) if held])
        self._train = taken(pictures, [place for place, held in enumerate(inside) if not held])
        self._leaks = leaks(_plain(self._test), _plain(self._train), _SURE)
        if self._leaks:
            self._without_duplicates()

    def finish(self, progress: Progress) -> Trained:
        """Learn, measure and write."""
        rows, test = self._train.rows, self._test
        choice = choose_strength(rows[MEANING], rows[SEEN], rows[MIRRORED], self._train.labels, self._plan.seed)
        numbers = np.unique(np.asarray(self._train.labels), return_inverse=True)[1]
        head = fit_head(np.concatenate([rows[SEEN], rows[MIRRORED]]), np.tile(numbers, 2)).at(choice.strength)
        before = asked(test.rows[MEANING], test.labels)
        new = joined_rows(test.rows[MEANING], learned_rows(head, test.rows[SEEN]), head.strength)
        candidate = asked(new, test.labels) if head.strength > 0 else before
        risen = gain(before, candidate)
        kept = head.strength == 0 or (risen.value < 0 and not self._plan.anyway)
        curve, error = (None, None) if kept else self._calibrated(choice, new)
        found = Trained(
            model=self._out,
            gear=self._plan.gear,
            before=measured(before),
            after=measured(before if kept else candidate),
            candidate=measured(candidate),
            gain=risen,
            kept=kept,
            strength=head.strength,
            baselines={
                line: measured(asked(values, test.labels))
                for line, values in _plain(test).rows.items()
                if line != MEANING
            },
            pictures=len(self._train.names),
            identities=len(set(self._train.labels)),
            asked=len(before.ranks),
            held_out=sorted(self._held),
            calibration_error=error,
            hard=self._hard(head if not kept else head.at(0.0)),
            suspects=suspects(replace(self._all, rows={MEANING: self._all.rows[MEANING]}), self._all.able(), _LISTED),
            duplicates=self._leaks,
            warnings=self._notes,
        )
        write_model(self._out, self._base, self._draft(head, kept, curve, found), _report(found, choice, self._plan))
        return found

    def _without_duplicates(self) -> None:
        """Say which pictures are on both sides, and leave them out of training if that was asked for."""
        names = shortened(f"{leak.name} and {leak.other}" for leak in self._leaks)
        says = f"{len(self._leaks):,} held-out pictures are near duplicates of others that are learned from ({names})"
        if not self._plan.drop_duplicates:
            self._notes.append(f"{says}: figures may flatter. --drop-duplicates leaves the others out.")
            return
        others = {leak.other for leak in self._leaks}
        self._train = taken(self._train, [i for i, name in enumerate(self._train.names) if name not in others])
        self._notes.append(f"{says}: those were left out of training.")

    def _calibrated(self, choice: Choice, new: Rows) -> tuple[Calibration | None, float | None]:
        """Return the curve fitted on folds that the head had not seen, and its error on held-out identities."""
        if len(choice.same) < _FEWEST_PAIRS:
            return None, None
        curve = fit((choice.cosines, choice.same))
        if curve.scale <= 0:
            return None, None
        numbers = np.unique(np.asarray(self._test.labels), return_inverse=True)[1]
        cosines, same = pair_cosines(new, numbers, self._plan.seed)
        return curve, round(calibration_error(curve.probabilities(cosines), same), 4)

    def _hard(self, head: Head) -> list[HardPair]:
        learned = learned_rows(head, self._all.rows[SEEN])
        rows = joined_rows(self._all.rows[MEANING], learned, head.strength)
        return hard_pairs(replace(self._all, rows={MEANING: rows}), np.arange(len(rows)), _LISTED)

    def _draft(self, head: Head, kept: bool, curve: Calibration | None, found: Trained) -> Draft:
        about = {
            "gear": found.gear,
            "pictures": found.pictures,
            "identities": found.identities,
            "held out": len(found.held_out),
            "before": found.before.as_json(),
            "after": found.after.as_json(),
            "calibration error": found.calibration_error,
        }
        base = self._base
        if kept:
            return Draft(base.model, base.width, 0.0, None, about)
        model = with_head(base.model, base.tensor, base.pooling, base.tensors, head, base.width)
        return Draft(model, base.width + len(head.bias), head.strength, curve, about)


def _plain(pictures: Described) -> Described:
    """Return the pictures with the lines of the lineup only."""
    rows = {line: rows for line, rows in pictures.rows.items() if line not in (SEEN, MIRRORED)}
    return replace(pictures, rows=rows)


def _report(found: Trained, choice: Choice, plan: Plan) -> dict[str, Any]:
    figures = {name: getattr(found, name).as_json() for name in ("before", "after", "candidate")}
    rest = {
        name: value
        for name, value in asdict(found).items()
        if name not in (*figures, "model", "baselines", "gain", "better")
    }
    return {
        **figures,
        "better": found.better,
        "gain of recall@1": asdict(found.gain),
        "baselines": {line: one.as_json() for line, one in found.baselines.items()},
        "scores by strength": {str(one): round(score, 4) for one, score in choice.scores.items()},
        **rest,
        "plan": asdict(plan),
    }
