"""The gear "full": the network's last stages are trained too, from where the head in closed form stands.

What the first stages make of every picture is kept for a few random views, so that an epoch takes seconds on a CPU.
A part of the training identities says when to stop and how strongly the result speaks; then all of them are learned
from for as many epochs. Normalizations stay frozen. The same seed on the same machine gives the same weights.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.errors import InvalidArgument
from lookalike.evaluate import ranks_and_precisions
from lookalike.learning.choice import STRENGTHS, Choice, chosen_strength, pair_cosines
from lookalike.learning.head import Rows, fit_head, joined_rows
from lookalike.learning.late import Late, late_stages
from lookalike.learning.objectives import Classes, contrastive, triplet
from lookalike.placing import writing

__all__ = ["Course", "Finetuned", "Lesson", "finetune", "rows_of"]

_RATE, _DECAY = 3e-4, 1e-4
_CLASSES, _EACH = 16, 4  # of a batch
_PATIENCE = 5  # epochs without a better score
_CHECKPOINT = "checkpoint.pt"

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """n pictures. views: (n, v, channels, h, w) float16, what the first stages make of v views, the whole one first.

    before: (n, w) unit rows of the old vector. identities: of each. digest: of the pictures and all that was chosen.
    """

    views: NDArray[np.float16]
    before: Rows
    identities: Sequence[str]
    digest: str


@dataclass(frozen=True, slots=True)
class Course:
    """How it is learned. epochs: at most. folder: for the checkpoint. width: numbers of what is learned."""

    loss: str
    epochs: int
    seed: int
    threads: int
    folder: Path
    resume: bool
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Finetuned:
    """late: the trained stages, on the CPU. choice: their strength. epochs: after how many it was best.

    curve: the best score on identities left out, before the first epoch and after each.
    """

    late: Late
    choice: Choice
    epochs: int
    curve: Sequence[float] = ()


def finetune(model: bytes, name: str, lesson: Lesson, course: Course, advance: Advance) -> Finetuned:
    """Train, and return what was best on identities that were left out of learning.

    advance: called with 1 after every epoch, of `2 * course.epochs` at most. Raises ModelUnusable for another network
    than the bundled one, InvalidArgument for too few classes and for a checkpoint that doesn't fit.
    """
    torch.set_num_threads(course.threads)
    inside = _left_out(lesson.identities, course.seed)
    numbers = np.unique(np.asarray(lesson.identities), return_inverse=True)[1]
    trial = _Phase("trial", late_stages(model, name, course.width)[0], lesson, numbers, np.flatnonzero(~inside), course)
    best, choice = trial.until_best(np.flatnonzero(inside), advance)
    whole = _Phase("whole", late_stages(model, name, course.width)[0], lesson, numbers, np.arange(len(numbers)), course)
    whole.run(best, advance)
    return Finetuned(whole.late.cpu().eval(), choice, best, trial.curve)


def rows_of(late: Late, views: NDArray[np.float16]) -> Rows:
    """Return the unit rows of whole pictures. views: (n, v, channels, h, w)."""
    return _mapped(late, late, views[:, 0])


class _Phase:
    """One training of the stages on some of the pictures, with a checkpoint after every epoch."""

    def __init__(
        self,
        name: str,
        late: Late,
        lesson: Lesson,
        numbers: NDArray[np.int64],
        places: NDArray[np.intp],
        course: Course,
    ) -> None:
        self._name, self._lesson, self._numbers, self._places, self._course = name, lesson, numbers, places, course
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(course.seed)
        classes = numbers[places]
        features = _mapped(late, late.features, lesson.views[places, 0])
        head = fit_head(features, classes, course.width)
        late.head.weight.data = torch.from_numpy(head.weights.T.copy())
        late.head.bias.data = torch.from_numpy(head.bias.copy())
        self._classes = np.unique(classes, return_inverse=True)[1]
        rows = torch.from_numpy(_mapped(late, late, lesson.views[places, 0]))
        means = torch.stack([rows[self._classes == one].mean(0) for one in range(self._classes.max() + 1)])
        self.late: Late = late.to(self._device)
        self._proxies = Classes(means).to(self._device)
        weights = [*self.late.parameters(), *self._proxies.parameters()]
        self._optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=_DECAY)
        self.epoch, self._history = 0, list[dict[str, Any]]()
        self._best: dict[str, Tensor] = {}
        self._resume()

    def until_best(self, left_out: NDArray[np.intp], advance: Advance) -> tuple[int, Choice]:
        """Train until the score on identities left out stops rising; return the best epoch, 0 for none, and choice."""
        if not self._history:
            self._note(left_out)
        while self.epoch < self._course.epochs and self.epoch - self._best_epoch() < _PATIENCE:
            self._follow()
            self._note(left_out)
            self._save()
            advance(1)
        best = self._best_epoch()
        self.late.load_state_dict(self._best)
        rows = _mapped(self.late, self.late, self._lesson.views[left_out, 0])
        scores = {float(key): value for key, value in self._history[best]["scores"].items()}
        strength = chosen_strength(scores)
        joined = joined_rows(self._lesson.before[left_out], rows, strength)
        return best, Choice(strength, scores, *pair_cosines(joined, self._numbers[left_out], self._course.seed))

    @property
    def curve(self) -> list[float]:
        """The best score of any strength, epoch by epoch from the 0th."""
        return [max(one["scores"].values()) for one in self._history]

    def run(self, epochs: int, advance: Advance) -> None:
        """Train for so many epochs in all."""
        while self.epoch < epochs:
            self._follow()
            self._save()
            advance(1)

    def _follow(self) -> None:
        """Learn from every picture about once: batches of a few pictures of several classes, each in one view."""
        random = np.random.default_rng([self._course.seed, self.epoch, 6])
        by_class = [np.flatnonzero(self._classes == one) for one in range(self._classes.max() + 1)]
        views = self._lesson.views.shape[1]
        for _ in range(max(1, round(len(self._places) / (_CLASSES * _EACH)))):
            drawn = random.permutation(len(by_class))[:_CLASSES]
            rows = np.concatenate([random.choice(by_class[one], _EACH, len(by_class[one]) < _EACH) for one in drawn])
            fine = self._lesson.views[self._places[rows], random.integers(0, views, len(rows))]
            made = self.late(torch.from_numpy(fine.astype(np.float32)).to(self._device))
            wanted = torch.from_numpy(self._classes[rows]).to(self._device)
            loss = self._loss(made, wanted)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.late.parameters(), 1.0)
            self._optimizer.step()
        self.epoch += 1

    def _loss(self, rows: Tensor, classes: Tensor) -> Tensor:
        if self._course.loss == "triplet":
            return triplet(rows, classes)
        if self._course.loss == "contrastive":
            return contrastive(rows, classes)
        wanted: Tensor = self._proxies(rows, classes)
        return wanted

    def _note(self, left_out: NDArray[np.intp]) -> None:
        """Measure on identities left out, and keep the weights if they are the best so far."""
        rows = _mapped(self.late, self.late, self._lesson.views[left_out, 0])
        before, labels = self._lesson.before[left_out], self._numbers[left_out]
        scores = {}
        for strength in STRENGTHS:
            ranks, precisions = ranks_and_precisions(joined_rows(before, rows, strength), labels)
            scores[str(strength)] = float((np.mean(ranks <= 1) + precisions.mean()) / 2)
        self._history.append({"epoch": self.epoch, "scores": scores})
        if self._best_epoch() == self.epoch:
            self._best = {name: values.detach().cpu().clone() for name, values in self.late.state_dict().items()}

    def _best_epoch(self) -> int:
        return int(np.argmax(self.curve)) if self._history else 0

    def _save(self) -> None:
        state = {
            "late": self.late.state_dict(),
            "proxies": self._proxies.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "best": self._best,
            "about": json.dumps([self._key(), self.epoch, self._history]),
        }
        sink = io.BytesIO()  # torch's own writer says of a full disk only that a position was unexpected
        torch.save(state, sink)
        path = self._course.folder / f"{self._name}-{_CHECKPOINT}"
        aside = path.with_suffix(".part")
        with writing(self._course.folder):
            self._course.folder.mkdir(parents=True, exist_ok=True)
            try:
                aside.write_bytes(sink.getvalue())
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)

    def _resume(self) -> None:
        path = self._course.folder / f"{self._name}-{_CHECKPOINT}"
        if not self._course.resume or not path.is_file():
            return
        state = torch.load(path, map_location=self._device, weights_only=True)
        key, self.epoch, self._history = json.loads(state["about"])
        if key != self._key():
            raise InvalidArgument("--resume", str(path), "a checkpoint of the same pictures and choices")
        self.late.load_state_dict(state["late"])
        self._proxies.load_state_dict(state["proxies"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._best = state["best"]

    def _key(self) -> str:
        course = self._course
        about = (self._lesson.digest, course.loss, course.epochs, course.seed, course.width, len(self._places))
        return hashlib.sha256(repr(about).encode()).hexdigest()


def _left_out(identities: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """Return (n,): whether a picture's identity says when to stop; a quarter of them, two at least."""
    names, counts = np.unique(np.asarray(identities), return_counts=True)
    able = names[counts > 1]
    if len(able) < 4:
        found = f"{len(able):,} classes to learn from, with two pictures or more"
        raise InvalidArgument("--gear full", found, "given 4 such classes besides those held out; or use --gear head")
    chosen = np.random.default_rng([seed, 7]).permutation(able)[: max(2, len(able) // 4)]
    return np.isin(np.asarray(identities), chosen)


@torch.no_grad()
def _mapped(late: Late, module: Callable[[Tensor], Tensor], fine: NDArray[np.float16]) -> Rows:
    device = next(late.parameters()).device
    parts = [
        module(torch.from_numpy(fine[start : start + 64].astype(np.float32)).to(device)).cpu().numpy()
        for start in range(0, len(fine), 64)
    ]
    return np.concatenate(parts).astype(np.float32)
