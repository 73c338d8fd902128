"""Labeled pictures with their rows: what figures and findings are made from, wherever the rows come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.describers.calibration import Calibration
from lookalike.evaluation.lineup import Lineup, Rows
from lookalike.evaluation.reading import Progress, describe_files
from lookalike.labeled import Labeled
from lookalike.settings import Settings

__all__ = ["Described", "described"]


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """n pictures in one order.

    model: signature. names: files, or ids of records. files: name -> where the picture is, of those known to be
    somewhere. digests: SHA-256 of the bytes, "" where unknown. rows: line -> (n, width) unit rows; a row of zeros is
    unlike everything. signatures, curves: line -> who made it, and its probability curve, where there is one.
    unreadable: name -> reason, of pictures that are not among the n.
    """

    model: str
    names: Sequence[str]
    labels: Sequence[str]
    digests: Sequence[str]
    files: Mapping[str, Path]
    rows: Mapping[str, Rows]
    signatures: Mapping[str, str]
    curves: Mapping[str, Calibration]
    unlabeled: Sequence[str] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def main(self) -> str:
        """The line that findings go by: the first."""
        return next(iter(self.rows))

    def able(self) -> NDArray[np.intp]:
        """Return the places of the pictures that can be asked with: those with another one of their label."""
        counts = Counter(self.labels)
        return np.flatnonzero([counts[label] > 1 for label in self.labels])


def described(
    labeled: Labeled, lineup: Lineup, *, settings: Settings, progress: Progress = lambda _: None
) -> Described:
    """Describe labeled pictures by everybody in the lineup; what can't be read is listed and the others go on.

    progress: called with the number of pictures described since the last call.
    """
    read = describe_files(labeled.files, lineup, settings, progress)
    files = [labeled.files[place] for place in read.places]
    return Described(
        model=lineup.model,
        names=[str(file) for file in files],
        labels=[labeled.labels[place] for place in read.places],
        digests=read.digests,
        files={str(file): file for file in files},
        rows=read.rows,
        signatures=lineup.signatures,
        curves=lineup.curves,
        unlabeled=[str(path) for path in labeled.unlabeled],
        unreadable=read.unreadable,
    )
