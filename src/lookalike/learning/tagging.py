"""Training a tagger: split, choose the ridge, fit, calibrate, set thresholds, measure, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.evaluation.described import Described
from lookalike.evaluation.leaks import leaks
from lookalike.learning.dataset import shortened, unbalanced
from lookalike.learning.examples import Examples, described_examples, read_labels, without
from lookalike.learning.inputs import Reading, choose_reading, concatenated
from lookalike.learning.logistic import Fitted, fit_linear
from lookalike.learning.mistakes import Mistake, mistakes
from lookalike.learning.plan import Progress, telling
from lookalike.learning.tagfigures import TagFigures, nearest_labels, tag_figures
from lookalike.learning.thresholds import best_thresholds, calibrated, log_loss
from lookalike.settings import Settings
from lookalike.taggers.folder import check_target, write_tagger
from lookalike.taggers.tagger import TASKS, Tagger, Task

__all__ = ["RIDGES", "LearnedTagger", "TagPlan", "learn_tagger", "tagging_plan", "train_tagger"]

RIDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
FEWEST = 4
"""Pictures of a label that are needed: one to be asked about, three to learn and to set thresholds."""

_FOLDS = 5
_SURE = 0.9  # that a held-out picture is one of those learned from
_FIELD = 64


@dataclass(frozen=True, slots=True)
class TagPlan:
    """What may be chosen of a tagger.

    task: "classify", one label of many, or "tag", any of many. field: metadata that records get of it; default its
    name, for tags "tags". precision: wanted of every label given, which sets thresholds; by default a classifier
    always answers, and tags are given where F1 is best. held_out: share that figures are measured on. drop_duplicates:
    learn from no picture that is a near duplicate of a held-out one. force: replace a tagger that is there.
    """

    task: Task = "classify"
    field: str = ""
    precision: float | None = None
    held_out: float = 0.2
    seed: int = 0
    drop_duplicates: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        """Raise InvalidArgument for what can't be chosen."""
        if self.task not in TASKS:
            raise InvalidArgument("task", self.task, f"one of {', '.join(TASKS)}")
        if self.precision is not None and not 0 < self.precision < 1:
            raise InvalidArgument("precision", self.precision, "above 0 and below 1")
        if not 0 < self.held_out <= 0.5:
            raise InvalidArgument("held_out", self.held_out, "above 0 and at most 0.5")
        if len(self.field) > _FIELD or self.field.startswith(("_", "$")) or "." in self.field:
            raise InvalidArgument("field", self.field, "the name of a metadata field")


@dataclass(frozen=True, slots=True, eq=False)
class LearnedTagger:
    """tagger: what was measured, to the last bit. folder: where it is. figures: on held-out pictures.

    pictures: learned from. reading: the vectors and the ridge that cross-validation chose. mistakes: of the held-out
    pictures, the surest first, at most 60 of `mistaken`. files: name -> picture, of those known to be somewhere.
    """

    tagger: Tagger
    folder: Path | None
    figures: TagFigures
    pictures: int
    reading: Reading
    warnings: Sequence[str]
    mistakes: Sequence[Mistake] = ()
    mistaken: int = 0
    files: Mapping[str, Path] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            **self.figures.as_json(),
            "learned from": self.pictures,
            "task": self.tagger.task,
            "field": self.tagger.field,
            "reads": self.tagger.reads,
            "log loss by scale of colors": {str(one): round(loss, 4) for one, loss in self.reading.losses.items()},
            "ridge": self.reading.ridge,
            "log loss by ridge": {str(one): round(loss, 4) for one, loss in self.reading.folds[1].items()},
            "warnings": list(self.warnings),
        }


def tagging_plan(choices: Mapping[str, Any]) -> TagPlan:
    """Return the plan of these fields. Raises InvalidArgument for one that no plan has."""
    known = TagPlan.__dataclass_fields__
    for name, value in choices.items():
        if name not in known:
            raise InvalidArgument(name, value, f"left out; known are {', '.join(known)}")
    return TagPlan(**choices)


def train_tagger(
    source: str | Path,
    out: str | Path | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress = lambda what, more, total: None,
    **choices: Any,
) -> LearnedTagger:
    """Learn labels from a folder of folders or a table, and write a tagger that collections can use on insert.

    source: as `read_labels` takes it. out: the folder to write, by default SOURCE-tagger in the working directory; its
    name is the tagger's. settings: its model makes the vectors that are learned from. choices: fields of `TagPlan`.
    Nothing is written unless all of it went well. Raises InvalidArgument for too few labels or a wrong choice,
    WouldOverwrite, and what `read_labels` and models raise.
    """
    plan = tagging_plan(choices)
    settings = settings or Settings.load()
    source = Path(source).expanduser()
    target = Path(out or f"{source.absolute().stem}-tagger").expanduser().absolute()
    check_target(target, plan.force)
    given, notes = read_labels(source, plan.task)
    root = source if source.is_dir() else source.parent
    examples = described_examples(
        given, settings, plan.task, root=root, progress=lambda more: progress("describing", more, len(given))
    )
    examples = replace(examples, warnings=[*notes, *examples.warnings])
    return learn_tagger(examples, plan, target)


def learn_tagger(examples: Examples, plan: TagPlan, out: Path) -> LearnedTagger:
    """Learn from described pictures and write the tagger: a second on any CPU for thousands of pictures.

    Thresholds, temperature and ridge come of pictures that the fit of their fold had not seen, never of held-out ones.
    Raises InvalidArgument where fewer than two labels have enough pictures (to "tag": fewer than one).
    """
    notes = [*examples.warnings]
    with telling(notes):
        examples = _enough(examples, plan.task, notes)
    labels = sorted({label for one in examples.labels for label in one})
    truth = np.array([[label in one for label in labels] for one in examples.labels], bool)
    held = _held_out(examples, truth, plan)
    learned = _without_copies(examples, held, plan, notes)
    rows, known = examples.rows[learned], truth[learned]
    folds = folds_of(known, [examples.groups[place] for place in learned], _FOLDS, plan.seed)
    if len(np.unique(folds)) < 2:
        wanted = "of two groups at least, besides those that are asked about"
        raise InvalidArgument("what is learned from", f"{len(rows):,} pictures of one group or none", wanted)
    reading = choose_reading(
        rows,
        examples.taken(learned).more,
        lambda inputs: _cross_validated(inputs, known, folds, plan.task),
        lambda scores: _losses(scores, known, plan.task),
    )
    every = concatenated(examples.rows, examples.more, reading.scale)
    turn = calibrated(reading.scores, known, plan.task)
    fitted = turn.turned(fit_linear(every[learned], known.astype(np.float64), plan.task, reading.ridge))
    thresholds = best_thresholds(turn.probabilities(reading.scores, plan.task), known, plan.task, plan.precision)
    tagger = _tagger(out.name, plan, labels, fitted, thresholds, examples.signature)
    tagger = _reading(tagger, examples, reading.scale)
    nearest = nearest_labels(examples.rows[held], rows, known)
    asked = concatenated(examples.rows, examples.more, float(bool(reading.scale)))[held]
    figures = tag_figures(tagger, asked, truth[held], nearest, _usual(known, plan.task))
    wrong, mistaken = mistakes(tagger, [examples.names[place] for place in held], asked, truth[held])
    files = {one.name: examples.files[one.name] for one in wrong if one.name in examples.files}
    found = LearnedTagger(tagger, out, figures, len(rows), reading, notes, wrong, mistaken, files)
    told = {
        "vectors": [*tagger.reads],
        "pictures": len(rows),
        "held out": len(held),
        "accuracy": round(figures.accuracy.value, 4),
    }
    tagger = replace(tagger, trained=told | {"f1": round(figures.f1, 4), "seed": plan.seed})
    return replace(found, tagger=write_tagger(out, tagger, found.report() | {"plan": asdict(plan)}))


def folds_of(truth: NDArray[np.bool_], groups: Sequence[str], count: int, seed: int) -> NDArray[np.intp]:
    """Return (n,) fold numbers: groups stay together, and each label, the rarest first, is spread over the folds."""
    order = np.random.default_rng([seed, 6]).permutation(len(groups))
    members: dict[str, list[int]] = {}
    for place in order.tolist():
        members.setdefault(groups[place], []).append(place)
    rarity = truth.sum(axis=0)
    rare = {group: _rarest(np.asarray(truth[places].any(axis=0)), rarity) for group, places in members.items()}
    fold = np.zeros(len(groups), np.intp)
    for number, group in enumerate(sorted(members, key=lambda group: rare[group])):
        fold[members[group]] = number % count
    return fold


def _rarest(labels: NDArray[np.bool_], counts: NDArray[np.intp]) -> tuple[int, int]:
    """Return how many pictures have the rarest of these labels, and its place; what has none comes last."""
    known = [(int(counts[label]), int(label)) for label in np.flatnonzero(labels)]
    return min(known, default=(int(counts.sum()) + 1, -1))


def _enough(examples: Examples, task: Task, notes: list[str]) -> Examples:
    """Leave out labels with too few pictures, or, of tags, with too few that don't have them."""
    counts = Counter(label for one in examples.labels for label in one)
    rest = len(examples) if task == "tag" else 2 * len(examples)
    few = sorted(label for label, count in counts.items() if count < FEWEST or rest - count < FEWEST)
    left = len(counts) - len(few)
    if left < (1 if task == "tag" else 2):
        enough = f"{left:,} of {len(counts):,} labels with {FEWEST} pictures or more"
        wanted = "one such label, and as many pictures without it" if task == "tag" else "two such labels at least"
        raise InvalidArgument("what is to be learned from", enough, wanted)
    if few:
        notes.append(f"{len(few):,} labels have too few pictures (fewer than {FEWEST}): left out: {shortened(few)}.")
    if said := unbalanced({label: count for label, count in counts.items() if label not in few}, "labels"):
        notes.append(f"{said} Rare ones count more while learning, by the root of how rare they are.")
    return without(examples, few, task) if few else examples


def _held_out(examples: Examples, truth: NDArray[np.bool_], plan: TagPlan) -> NDArray[np.intp]:
    """Return the places of the pictures that are asked about: those marked, or else a share, spread over the labels."""
    if examples.test.any():
        held = examples.test
    else:
        held = folds_of(truth, examples.groups, round(1 / plan.held_out), plan.seed) == 0
    bare = (truth & ~held[:, None]).sum(axis=0) == 0
    if bare.any():
        found = f"{bare.sum():,} labels only in test pictures, or in pictures of one group"
        raise InvalidArgument("what is learned from", found, "some pictures of each, of several groups")
    return np.flatnonzero(held)


def _without_copies(examples: Examples, held: NDArray[np.intp], plan: TagPlan, notes: list[str]) -> NDArray[np.intp]:
    """Return the places that are learned from; say which of them are near duplicates of held-out pictures."""
    asked = set(held.tolist())
    learned = np.array([place for place in range(len(examples)) if place not in asked], np.intp)
    found = leaks(_plain(examples.taken(held)), _plain(examples.taken(learned)), _SURE)
    if not found:
        return learned
    names = shortened(f"{leak.name} and {leak.other}" for leak in found)
    says = f"{len(found):,} held-out pictures are near duplicates of others that are learned from ({names})"
    if not plan.drop_duplicates:
        notes.append(f"{says}: figures may flatter. --drop-duplicates leaves the others out.")
        return learned
    others = {leak.other for leak in found}
    notes.append(f"{says}: those were left out of training.")
    return np.array([place for place in learned if examples.names[place] not in others], np.intp)


def _plain(examples: Examples) -> Described:
    labels = [";".join(one) for one in examples.labels]
    model = examples.signature
    return Described(model, examples.names, labels, examples.digests, {}, {**examples.beside}, {}, examples.curves)


def _cross_validated(
    rows: NDArray[np.float32], truth: NDArray[np.bool_], folds: NDArray[np.intp], task: Task
) -> tuple[dict[float, NDArray[np.float64]], dict[float, float]]:
    """Return ridge -> (n, k) scores by the fit of the other folds, and ridge -> the log loss they have calibrated."""
    scores, losses = {}, {}
    for ridge in RIDGES:
        scores[ridge] = np.zeros(truth.shape)
        for fold in range(int(folds.max()) + 1):
            inside = folds == fold
            fitted = fit_linear(rows[~inside], truth[~inside].astype(np.float64), task, ridge)
            scores[ridge][inside] = fitted.scores(rows[inside])
        turn = calibrated(scores[ridge], truth, task)
        losses[ridge] = log_loss(turn.probabilities(scores[ridge], task), truth, task)
    return scores, losses


def _losses(scores: NDArray[np.float64], truth: NDArray[np.bool_], task: Task) -> NDArray[np.float64]:
    """Return (n,): the log loss of each picture, calibrated."""
    likely = calibrated(scores, truth, task).probabilities(scores, task)
    return np.array([log_loss(likely[at : at + 1], truth[at : at + 1], task) for at in range(len(truth))])


def _usual(truth: NDArray[np.bool_], task: Task) -> NDArray[np.bool_]:
    """Return (k,): what is right most often, said of every picture alike."""
    if task == "tag":
        return np.asarray(truth.mean(axis=0) > 0.5)
    return np.asarray(np.arange(truth.shape[1]) == truth.sum(axis=0).argmax())


def _tagger(
    name: str, plan: TagPlan, labels: Sequence[str], fitted: Fitted, thresholds: NDArray[np.float64], signature: str
) -> Tagger:
    field = plan.field or ("tags" if plan.task == "tag" else name.replace(".", "-"))
    weights, offsets = fitted.weights.astype(np.float32), fitted.offsets.astype(np.float32)
    return Tagger(name, plan.task, field, labels, weights, offsets, thresholds, signature)


def _reading(tagger: Tagger, examples: Examples, scale: float) -> Tagger:
    """Return a tagger that was fitted at this scale for rows in which every vector has length 1."""
    if not scale:
        return tagger
    weights = tagger.weights.copy()
    weights[examples.rows.shape[1] :] *= np.float32(scale)
    return replace(tagger, weights=weights, beside={vector: examples.makers[vector] for vector in examples.more})
