"""The two ways to learn: a head on frozen features, or the network's last stages with it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lookalike.errors import MissingExtra
from lookalike.evaluation.described import Described
from lookalike.learning.choice import Choice, choose_strength
from lookalike.learning.head import WIDTH, Rows, fit_head, learned_rows
from lookalike.learning.onnxfile import MEANING, with_branch, with_head
from lookalike.learning.plan import Errand
from lookalike.learning.stages import VIEWS, stage_views
from lookalike.learning.views import MIRRORED, SEEN, Base

__all__ = ["Learned", "full_gear", "head_gear"]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """choice: the strength. train, test: unit rows of what was learned. epochs: 0 for a head in closed form.

    build: gives the model's file at that strength. curve: scores on identities left out, by epoch; empty for a head.
    """

    choice: Choice
    train: Rows
    test: Rows
    build: Callable[[], bytes]
    epochs: int = 0
    curve: Sequence[float] = ()

    @property
    def width(self) -> int:
        """Numbers of what was learned."""
        return int(self.train.shape[1])


def head_gear(base: Base, train: Described, test: Described, seed: int) -> Learned:
    """Learn a head; everything is described already."""
    rows = train.rows
    choice = choose_strength(rows[MEANING], rows[SEEN], rows[MIRRORED], train.labels, seed)
    numbers = np.unique(np.asarray(train.labels), return_inverse=True)[1]
    head = fit_head(np.concatenate([rows[SEEN], rows[MIRRORED]]), np.tile(numbers, 2)).at(choice.strength)

    def build() -> bytes:
        return with_head(base.model, base.tensor, base.pooling, base.tensors, head, base.width)

    return Learned(choice, learned_rows(head, rows[SEEN]), learned_rows(head, test.rows[SEEN]), build)


def full_gear(base: Base, train: Described, test: Described, errand: Errand) -> Learned:
    """Train the last stages, with checkpoints beside the model until it is done; where no epoch helps, a head it is.

    Raises MissingExtra without PyTorch, and as `finetune` does.
    """
    try:
        from lookalike.learning.finetune import Course, Lesson, finetune, rows_of
        from lookalike.learning.late import branch_file, late_stages
    except ImportError:
        raise MissingExtra("--gear full", "train") from None
    plan, out, settings = errand.plan, errand.out, errand.settings
    tensor = late_stages(base.model, base.card.name, WIDTH)[1]
    files = [[pictures.files[name] for name in pictures.names] for pictures in (train, test)]

    def advance(more: int) -> None:
        errand.progress("reading views", more, sum(map(len, files)))

    views = stage_views(base, tensor, files[0], VIEWS, errand, advance)
    asked = stage_views(base, tensor, files[1], 1, errand, advance)
    digest = hashlib.sha256(repr([base.card.signature, train.labels, train.digests, views.shape]).encode()).hexdigest()
    folder = out.parent / f".{out.name}.training"
    course = Course(plan.loss, plan.epochs, plan.seed, settings.workers, folder, plan.resume, WIDTH)
    lesson = Lesson(views, train.rows[MEANING], train.labels, digest)
    done = finetune(
        base.model, base.card.name, lesson, course, lambda more: errand.progress("training", more, 2 * plan.epochs)
    )
    shutil.rmtree(folder, ignore_errors=True)
    if done.epochs == 0:
        return replace(head_gear(base, train, test, plan.seed), curve=done.curve)

    def build() -> bytes:
        branch = branch_file(done.late, views.shape[2:])
        return with_branch(base.model, base.tensor, branch, tensor, (base.width, WIDTH), done.choice.strength)

    made = rows_of(done.late, views), rows_of(done.late, asked)
    return Learned(done.choice, *made, build, done.epochs, done.curve)
