"""Retrieval: every labeled picture is asked for the others of its label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import InvalidArgument
from lookalike.evaluate import Scores, cosines_of, ranks_and_precisions
from lookalike.evaluation.described import Described, described
from lookalike.evaluation.figures import SEED, Figure, mean_figure
from lookalike.evaluation.findings import Asked, HardPair, Suspect, extremes, hard_pairs, suspects
from lookalike.evaluation.leaks import Leak, leaks
from lookalike.evaluation.lineup import Lineup, unit
from lookalike.evaluation.reading import Progress
from lookalike.evaluation.reranking import MOST_RERANKED, Reranked
from lookalike.evaluation.sets import Comparative, Sets, draw_sets, measured_sets
from lookalike.labeled import Labeled
from lookalike.settings import Settings

__all__ = ["RERANKED", "Retrieval", "RetrievalLine", "evaluate_described", "evaluate_retrieval"]

RERANKED = " re-ranked"
"""What the name of a line ends with whose ranking was re-ranked."""

_RANKS = 50


@dataclass(frozen=True, slots=True)
class RetrievalLine:
    """How one description finds other pictures with the label of the picture asked with.

    signature: of the describer that made it; empty for chance. rank_at: shares of pictures whose first other of the
    label comes within the first 1, 2, ... 50. comparative: None where no set can be drawn.
    """

    name: str
    signature: str
    recall_at_1: Figure
    recall_at_5: Figure
    recall_at_10: Figure
    mean_average_precision: Figure
    median_rank: Figure
    comparative: Comparative | None
    rank_at: Sequence[float]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Every picture asked for the others, leave-one-out; the lines of the model first, then baselines.

    pictures: those read, all of which can be found. asked: those with another picture of their label, or a sample of
    them. alone: labels of one picture. repeated: pictures whose bytes an earlier one has, which are found too easily.
    unreadable: file -> reason. best, worst, hard, suspects: by the first line. leaks: pictures that the training set
    has too; training: how many pictures it has.
    """

    model: str
    pictures: int
    labels: int
    asked: int
    lines: Sequence[RetrievalLine]
    alone: Sequence[str] = ()
    repeated: int = 0
    unlabeled: Sequence[str] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    best: Sequence[Asked] = ()
    worst: Sequence[Asked] = ()
    hard: Sequence[HardPair] = ()
    suspects: Sequence[Suspect] = ()
    leaks: Sequence[Leak] = ()
    training: int = 0


def evaluate_retrieval(
    labeled: Labeled, lineup: Lineup, *, settings: Settings, progress: Progress = lambda _: None
) -> Retrieval:
    """Describe labeled pictures, ask with each for the others, and count.

    Pictures that can't be read are listed and the others go on. A picture alone with its label is not asked
    with, as nothing could be found, but can be found by others. Ties count against the description.
    progress: called with the number of pictures described since the last call. Raises InvalidArgument where no
    label is left with two pictures.
    """
    return evaluate_described(described(labeled, lineup, settings=settings, progress=progress))


def evaluate_described(
    pictures: Described, *, training: Described | None = None, sample: int | None = None
) -> Retrieval:
    """Ask with pictures that are described already, and count.

    training: what a model was trained on: its pictures vote on labels too, and near-duplicates between both are
    listed. sample: ask with so many, drawn evenly with a fixed seed; default all. Raises InvalidArgument where no
    label is left with two pictures.
    """
    asked = pictures.able()
    counts = Counter(pictures.labels)
    if len(asked) == 0:
        found = (
            f"{len(pictures.names)} readable pictures of {len(counts)} labels ({len(pictures.unreadable)} unreadable)"
        )
        raise InvalidArgument("what is to be evaluated", found, "at least two pictures of one label")
    if sample is not None and sample < len(asked):
        asked = np.sort(np.random.default_rng(SEED).choice(asked, sample, replace=False))
    measured = dict(_measured(pictures, asked))
    best, worst = extremes(pictures, asked, *measured[pictures.main][1:])
    return Retrieval(
        model=pictures.model,
        pictures=len(pictures.names),
        labels=len(counts),
        asked=len(asked),
        lines=[line for line, *_ in measured.values()],
        alone=sorted(label for label, count in counts.items() if count == 1),
        repeated=sum(count - 1 for digest, count in Counter(pictures.digests).items() if digest),
        unlabeled=list(pictures.unlabeled),
        unreadable=dict(pictures.unreadable),
        best=best,
        worst=worst,
        hard=hard_pairs(pictures, asked),
        suspects=_suspects(pictures, training, None if sample is None else asked),
        leaks=leaks(pictures, training) if training else (),
        training=len(training.names) if training else 0,
    )


Measured = tuple[RetrievalLine, NDArray[np.int64], NDArray[np.float64]]


def _measured(pictures: Described, asked: NDArray[np.intp]) -> Iterator[tuple[str, Measured]]:
    """Yield name -> line, ranks and average precisions; every line asked the same."""
    sets = draw_sets(pictures.labels)

    def line(name: str, signature: str, score: Scores) -> tuple[str, Measured]:
        ranks, precisions = ranks_and_precisions(score, pictures.labels, asked)
        return name, (_line(name, signature, (ranks, precisions), score, sets), ranks, precisions)

    for name, rows in pictures.rows.items():
        signature = pictures.signatures.get(name, "")
        yield line(name, signature, cosines_of(rows))
        if (name == pictures.main or name.endswith("meaning")) and 2 < len(rows) <= MOST_RERANKED:
            yield line(name + RERANKED, signature, Reranked(rows))
    chance = unit(np.random.default_rng(SEED).standard_normal((len(pictures.names), 128)))
    yield line("random", "", cosines_of(chance))


def _line(
    name: str,
    signature: str,
    found: tuple[NDArray[np.int64], NDArray[np.float64]],
    score: Scores,
    sets: Sets | None,
) -> RetrievalLine:
    ranks, precisions = found
    return RetrievalLine(
        name,
        signature,
        mean_figure(ranks <= 1),
        mean_figure(ranks <= 5),
        mean_figure(ranks <= 10),
        mean_figure(precisions),
        mean_figure(ranks, np.median),
        None if sets is None else measured_sets(score, sets),
        [float(np.mean(ranks <= rank)) for rank in range(1, _RANKS + 1)],
    )


def _suspects(pictures: Described, training: Described | None, places: NDArray[np.intp] | None) -> list[Suspect]:
    """Return the doubtful labels of both sets, each voted on by the pictures of both."""
    if training is None:
        return suspects(pictures, np.arange(len(pictures.names)) if places is None else places)
    main = pictures.main
    both = Described(
        model=pictures.model,
        names=[*pictures.names, *training.names],
        labels=[*pictures.labels, *training.labels],
        digests=[*pictures.digests, *training.digests],
        files={**pictures.files, **training.files},
        rows={main: np.concatenate([pictures.rows[main], training.rows[main]])},
        signatures=pictures.signatures,
        curves=pictures.curves,
    )
    return suspects(both, np.arange(len(both.names)))
