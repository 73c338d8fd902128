"""A whole training: read, split by identity, learn, choose, measure, and write a model that is no worse than before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.describers.calibration import Calibration, fit
from lookalike.errors import InvalidArgument
from lookalike.evaluate import calibration_error
from lookalike.evaluation.described import Described, described
from lookalike.evaluation.figures import Figure
from lookalike.evaluation.findings import HardPair, Suspect, hard_pairs, suspects
from lookalike.evaluation.leaks import Leak, leaks
from lookalike.learning.choice import Choice, pair_cosines
from lookalike.learning.dataset import Dataset, read_dataset, shortened, shrunk
from lookalike.learning.gears import Learned, full_gear, head_gear
from lookalike.learning.head import Rows, joined_rows
from lookalike.learning.measure import Measured, asked, gain, measured
from lookalike.learning.model import Draft, check_target, write_model
from lookalike.learning.onnxfile import MEANING
from lookalike.learning.plan import Errand, Gear, Plan, Progress, planned, telling
from lookalike.learning.questions import Questions, chosen_questions
from lookalike.learning.split import FEWEST, both, cleaned, split_identities, taken
from lookalike.learning.views import MIRRORED, SEEN, Base, Views
from lookalike.settings import Settings

__all__ = ["Trained", "train"]

_FEWEST_PAIRS = 100
_LISTED = 50
_SURE = 0.9  # that a held-out picture is one of those learned from


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training.

    model: the folder. before, after: on held-out identities, by the model that was there and by the one in the folder.
    candidate: by what was trained, which is not in the folder if `kept`: then it was no better, and the folder holds
    the old model as it was. gain: of recall@1, candidate over before, pictures drawn anew. strength: share of what was
    learned in the score. epochs: how long it was trained, 0 for a head in closed form. baselines: the other lines.
    pictures, identities: learned from; asked: held-out pictures asked with, of `held_out` identities. hard: pairs of
    different classes that are most alike; suspects: pictures whose neighbors disagree with their label; duplicates:
    held-out pictures that training has too. scores: strength -> score when it was chosen; curve: the best score before
    the first epoch and after each, of the gear "full". questions: a few held-out pictures and what they find, before
    and by what was trained. files: name -> picture, of all these.
    """

    model: Path
    gear: Gear
    before: Measured
    after: Measured
    candidate: Measured
    gain: Figure
    kept: bool
    strength: float
    epochs: int
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
    scores: Mapping[float, float] = field(default_factory=dict)
    curve: Sequence[float] = ()
    questions: Questions = field(default_factory=Questions)
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def better(self) -> bool:
        """Whether recall@1 rose by more than chance explains, with 95 % confidence."""
        return not self.kept and self.gain.low > 0

    @property
    def verdict(self) -> str:
        """What came of it, and what the folder therefore holds, in a sentence or two."""
        gain = self.gain
        points = f"{100 * gain.value:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
        if self.kept and self.strength == 0:
            return "Not better: on classes left out, nothing that was learned helped. The old model is kept as it was."
        if self.kept:
            return f"Worse: recall@1 {points}. The old model is kept as it was; --anyway writes the trained one."
        if self.better:
            return f"Better: recall@1 {points}."
        if gain.value < 0:
            return f"Worse, and written anyway: recall@1 {points}."
        return f"Not clearly better: recall@1 {points}; with so few pictures that may be chance."


def train(
    source: str | Path | Dataset,
    out: str | Path | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress = lambda what, more, total: None,
    **choices: Any,
) -> Trained:
    """Learn from pictures which of them show the same, and write a model folder that can be used wherever a name can.

    source: a folder of folders, each a class, or a .csv or .jsonl table; see `read_dataset`, whose answer may be given
    too. out: the folder to write, by default SOURCE-model in the working directory. settings: its model is what is
    learned from. choices: fields of `Plan`. Nothing is written unless all of it went well. Raises InvalidArgument for
    too few classes or a wrong choice, WouldOverwrite, and what `read_dataset` and models raise.
    """
    plan = planned(choices)
    settings = settings or Settings.load()
    named = source.root if isinstance(source, Dataset) else Path(source)
    target = Path(out or f"{named.absolute().stem}-model").expanduser().absolute()
    check_target(target, plan.force)
    data = source if isinstance(source, Dataset) else read_dataset(named)
    base = Base(settings.model)
    with Views(base, settings.model) as views:
        pictures = described(
            data.labeled, views, settings=settings, progress=lambda more: progress("describing", more, len(data.files))
        )
    pictures, notes = cleaned(_named(pictures, data))
    errand = Errand(plan, target, settings, progress)
    notes = [*data.warnings, *notes, *shrunk(data.identities, pictures.labels)]
    with telling(notes):
        run = _Run(errand, base, pictures, notes)
    return run.finish()


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

    def __init__(self, errand: Errand, base: Base, pictures: Described, notes: list[str]) -> None:
        self._errand, self._base, self._all, self._notes = errand, base, pictures, notes
        self._plan = plan = errand.plan
        self._held = split_identities(pictures.labels, plan.held_out, plan.seed, plan.held)
        inside = [label in self._held for label in pictures.labels]
        self._test = taken(pictures, [place for place, held in enumerate(inside) if held])
        self._train = taken(pictures, [place for place, held in enumerate(inside) if not held])
        self._leaks = leaks(_plain(self._test), _plain(self._train), _SURE)
        if self._leaks:
            self._without_duplicates()

    def finish(self) -> Trained:
        """Learn, measure and write."""
        if self._plan.gear == "full":
            learned = full_gear(self._base, self._train, self._test, self._errand)
        else:
            learned = head_gear(self._base, self._train, self._test, self._plan.seed)
        found, curve = self._found(learned)
        found = replace(found, files=_files(found, self._all))
        write_model(self._errand.out, self._base, self._draft(learned, curve, found), _report(found, self._plan))
        return found

    def _found(self, learned: Learned) -> tuple[Trained, Calibration | None]:
        """Return what came of it, and the curve of the model that is to be written, if that is a new one."""
        test, old = self._test, self._test.rows[MEANING]
        strength = learned.choice.strength
        new = joined_rows(old, learned.test, strength)
        before = asked(old, test.labels)
        candidate = asked(new, test.labels) if strength > 0 else before
        risen = gain(before, candidate)
        kept = strength == 0 or (risen.value < 0 and not self._plan.anyway)
        curve, error = (None, None) if kept else self._calibrated(learned.choice, new)
        found = Trained(
            model=self._errand.out,
            gear=self._plan.gear,
            before=measured(before),
            after=measured(before if kept else candidate),
            candidate=measured(candidate),
            gain=risen,
            kept=kept,
            strength=strength,
            epochs=learned.epochs,
            baselines=_baselines(test),
            pictures=len(self._train.names),
            identities=len(set(self._train.labels)),
            asked=len(before.ranks),
            held_out=sorted(self._held),
            calibration_error=error,
            hard=self._hard(learned, 0.0 if kept else strength),
            suspects=suspects(replace(self._all, rows={MEANING: self._all.rows[MEANING]}), self._all.able(), _LISTED),
            duplicates=self._leaks,
            warnings=self._notes,
            scores=learned.choice.scores,
            curve=[round(score, 4) for score in learned.curve],
            questions=chosen_questions(test, new, (before, candidate)),
        )
        return found, curve

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
        if len({self._train.labels[place] for place in self._train.able()}) < FEWEST // 2:
            left = f"{len(self._train.names):,} pictures that are no near duplicates"
            raise InvalidArgument("what is learned from", left, "two classes with two such pictures at least")

    def _calibrated(self, choice: Choice, new: Rows) -> tuple[Calibration | None, float | None]:
        """Return the curve fitted on folds that the head had not seen, and its error on held-out identities."""
        if len(choice.same) < _FEWEST_PAIRS:
            return None, None
        curve = fit(choice.cosines, choice.same)
        if curve.scale <= 0:
            return None, None
        numbers = np.unique(np.asarray(self._test.labels), return_inverse=True)[1]
        cosines, same = pair_cosines(new, numbers, self._plan.seed)
        return curve, round(calibration_error(curve.probabilities(cosines), same), 4)

    def _hard(self, learned: Learned, strength: float) -> list[HardPair]:
        """Return the pairs that the model which is written finds most alike, of all pictures."""
        pictures = both(self._train, self._test)
        rows = joined_rows(pictures.rows[MEANING], np.concatenate([learned.train, learned.test]), strength)
        return hard_pairs(replace(pictures, rows={MEANING: rows}), np.arange(len(rows)), _LISTED)

    def _draft(self, learned: Learned, curve: Calibration | None, found: Trained) -> Draft:
        about = {
            "gear": found.gear,
            "epochs": found.epochs,
            "pictures": found.pictures,
            "identities": found.identities,
            "held out": len(found.held_out),
            "before": found.before.as_json(),
            "after": found.after.as_json(),
            "calibration error": found.calibration_error,
        }
        base = self._base
        if found.kept:
            return Draft(base.model, base.width, 0.0, None, about)
        return Draft(learned.build(), base.width + learned.width, found.strength, curve, about)


def _baselines(test: Described) -> dict[str, Measured]:
    lines = {line: rows for line, rows in _plain(test).rows.items() if line != MEANING}
    return {line: measured(asked(rows, test.labels)) for line, rows in lines.items()}


def _plain(pictures: Described) -> Described:
    """Return the pictures with the lines of the lineup only."""
    rows = {line: rows for line, rows in pictures.rows.items() if line not in (SEEN, MIRRORED)}
    return replace(pictures, rows=rows)


def _files(found: Trained, pictures: Described) -> dict[str, Path]:
    """Return where the pictures are that are to be looked at."""
    names = set(found.questions.names)
    names |= {name for pair in found.hard for name in (pair.a, pair.b)}
    names |= {name for leak in found.duplicates for name in (leak.name, leak.other)}
    names |= {one.name for one in found.suspects} | {near.name for one in found.suspects for near in one.neighbors}
    return {name: path for name, path in pictures.files.items() if name in names}


def _report(found: Trained, plan: Plan) -> dict[str, Any]:
    figures = {name: getattr(found, name).as_json() for name in ("before", "after", "candidate")}
    rest = {
        name: value
        for name, value in asdict(found).items()
        if name not in (*figures, "model", "baselines", "gain", "scores", "questions", "files")
    }
    return {
        **figures,
        "better": found.better,
        "gain of recall@1": asdict(found.gain),
        "baselines": {line: one.as_json() for line, one in found.baselines.items()},
        "scores by strength": {str(one): round(score, 4) for one, score in found.scores.items()},
        **rest,
        "plan": asdict(plan),
    }
