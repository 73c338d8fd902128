"""Judges pairs by what is known of the files alone, thousands at a time: where no look at pixels is asked for.

Only where a format holds several frames, or alpha, is a file opened once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Final, TypeAlias

import numpy as np

from lookalike.folders.changes import Changes, known_changes
from lookalike.folders.findings import FilePair, PictureFile, Tier
from lookalike.folders.frames import seen_throughout
from lookalike.folders.seen import Seen
from lookalike.folders.survey import Survey
from lookalike.folders.triage import describe, probabilities
from lookalike.likeness import SAME, Judge
from lookalike.records import Verdict
from lookalike.settings import Settings

__all__ = ["Glance"]

Pair: TypeAlias = tuple[int, int]

_FILES: Final = 4096  # that are kept as values
_BELOW_ONE: Final = 0.999999  # the probability 1 is kept for the same pixels
_BY_HASH: Final = 8  # bits of 64 up to which it is the hash that decides


class Glance:
    """Judges pairs of the files of a survey, by their numbers, and stands where a `Verifier` looks at pixels.

    file: number -> what is known of it. Of unused files and looks there are none.
    """

    looks: Final = 0

    def __init__(self, survey: Survey, *, settings: Settings) -> None:
        self.survey = survey
        self.file = lru_cache(_FILES)(survey.file)
        self.unused: dict[int, str] = {}
        self._settings = settings
        self._known: dict[Pair, tuple[int, int, float]] = {}
        self._told: dict[tuple[object, ...], Changes] = {}

    @cached_property
    def judge(self) -> Judge:
        """Judges by descriptions."""
        if not self.survey.copies.shape[1]:
            return Judge({})
        from lookalike.describers.ensemble import standard_ensemble  # loads the model's libraries

        return Judge(standard_ensemble(self._settings.model).curves)

    def close(self) -> None:
        """Let go of what is known of pairs."""
        self._known.clear()

    def prepare(self, pairs: Iterable[Pair]) -> None:
        """Look up at once what is known of the pairs that are asked for next, in the place of those before."""
        self._known = self._looked_up(list(pairs))
        self._told.clear()

    def judged(self, i: int, j: int) -> Seen:
        """Judge two files."""
        one, other = self.file(i), self.file(j)
        a, b = (one, other) if one.path <= other.path else (other, one)
        if self.survey.same[i] == self.survey.same[j]:
            return Seen(_pair(a, b, "identical", 1.0, "digest", Changes.of_equal_bytes()))
        bits, turned, likely = self._known.get((i, j)) or self._looked_up([(i, j)])[i, j]
        if a is not one and turned < 4:
            turned = (4 - turned) % 4
        verdict: Verdict = "edited-copy" if likely >= SAME else "unrelated"
        tier: Tier = "hash" if bits <= _BY_HASH else "copy"
        seen = Seen(_pair(a, b, verdict, likely, tier, self._changes(a, b, turned)))
        return seen_throughout(seen, a, b, self._settings.limits)

    def _looked_up(self, pairs: Sequence[Pair]) -> dict[Pair, tuple[int, int, float]]:
        """Return bits that differ, how the first is held, and the probability of each pair."""
        known = describe(self.survey, *np.array(pairs, np.intp).reshape(-1, 2).T)
        likely = np.minimum(_BELOW_ONE, np.round(probabilities(self.survey, self.judge, known), 6))
        rows = zip(known.bits.tolist(), known.turned.tolist(), likely.tolist(), strict=True)
        return dict(zip(pairs, rows, strict=True))

    def _changes(self, a: PictureFile, b: PictureFile, turned: int) -> Changes:
        """Return what b is beside a; most folders have pictures of few sizes and formats."""
        outlines = a.width, a.height, a.format, b.width, b.height, b.format, turned
        found = self._told.get(outlines)
        if found is None:
            found = self._told[outlines] = known_changes(a, b, turned)
        return found


def _pair(a: PictureFile, b: PictureFile, verdict: Verdict, probability: float, tier: Tier, found: Changes) -> FilePair:
    return FilePair(a.path, b.path, verdict, probability, tier, found.words, 1.0, 1.0, found.transform)
