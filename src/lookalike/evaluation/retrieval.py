"""Retrieval: every labeled picture is asked for the others of its label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lookalike.errors import InvalidArgument
from lookalike.evaluate import average_precisions, first_ranks
from lookalike.evaluation.figures import SEED, Figure, mean_figure
from lookalike.evaluation.lineup import Lineup, Rows, unit
from lookalike.evaluation.reading import Progress, describe_files
from lookalike.labeled import Labeled
from lookalike.settings import Settings

__all__ = ["Retrieval", "RetrievalLine", "evaluate_retrieval"]


@dataclass(frozen=True, slots=True)
class RetrievalLine:
    """How one description finds other pictures with the label of the picture asked with.

    signature: of the describer that made it; empty for chance.
    """

    name: str
    signature: str
    recall_at_1: Figure
    recall_at_5: Figure
    recall_at_10: Figure
    mean_average_precision: Figure
    median_rank: Figure


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Every picture asked for the others, leave-one-out; the lines of the model first, then baselines.

    pictures: those read, all of which can be found. asked: those with another picture of their label. alone:
    labels of one picture. repeated: pictures whose bytes an earlier one has, which are found too easily.
    unreadable: file -> reason.
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


def evaluate_retrieval(
    labeled: Labeled, lineup: Lineup, *, settings: Settings, progress: Progress = lambda _: None
) -> Retrieval:
    """Describe labeled pictures, ask with each for the others, and count.

    Pictures that can't be read are listed and the others go on. A picture alone with its label is not asked
    with, as nothing could be found, but can be found by others. Ties count against the description.
    progress: called with the number of pictures described since the last call. Raises InvalidArgument where no
    label is left with two pictures.
    """
    read = describe_files(labeled.files, lineup, settings, progress)
    labels = [labeled.labels[place] for place in read.places]
    counts = Counter(labels)
    if not counts or max(counts.values()) < 2:
        found = f"{len(labels)} readable pictures of {len(counts)} labels ({len(read.unreadable)} unreadable)"
        raise InvalidArgument("what is to be evaluated", found, "at least two pictures of one label")
    chance = unit(np.random.default_rng(SEED).standard_normal((len(labels), 128)))
    return Retrieval(
        model=lineup.model,
        pictures=len(labels),
        labels=len(counts),
        asked=sum(count for count in counts.values() if count > 1),
        lines=[
            _line(name, lineup.signatures.get(name, ""), rows, labels)
            for name, rows in {**read.rows, "random": chance}.items()
        ],
        alone=sorted(label for label, count in counts.items() if count == 1),
        repeated=len(read.digests) - len(set(read.digests)),
        unlabeled=[str(path) for path in labeled.unlabeled],
        unreadable=read.unreadable,
    )


def _line(name: str, signature: str, rows: Rows, labels: Sequence[str]) -> RetrievalLine:
    ranks = first_ranks(rows, labels)
    return RetrievalLine(
        name,
        signature,
        mean_figure(ranks <= 1),
        mean_figure(ranks <= 5),
        mean_figure(ranks <= 10),
        mean_figure(average_precisions(rows, labels)),
        mean_figure(ranks, np.median),
    )
