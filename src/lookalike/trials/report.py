"""What a trial shows so far: figures of both variants, what lies between them, and a verdict in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lookalike.catalog import Tallies, Tally, Trial, TrialTable
from lookalike.trials.assignment import SIDES, Side
from lookalike.trials.intervals import (
    Counts,
    Interval,
    always_valid_difference,
    always_valid_share,
    newcombe,
    sign_test,
    visitors_for_difference,
    visitors_for_share,
    wilson,
)
from lookalike.trials.variant import Variant

__all__ = ["Arm", "Preference", "Report", "report_of"]

_SKEWED: Final = 3.29  # standard deviations: chance does it in one trial of a thousand
_USUAL: Final = 0.1  # share of visitors who click, where nothing is known yet
NOTE: Final = (
    "Visitors are counted, not searches: the searches of one visitor are not independent. The always-valid interval "
    "holds however often you look, and the verdict goes by it; the other holds for one look, at a number of visitors "
    "fixed before."
)


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant. impressions: answers given; visitors: who got them; reached: who did at least once what counts.

    events: clicks, marks and conversions on what it found; of one record in one answer each counts once.
    rate: share of visitors reached, with Wilson's interval; None where answers are interleaved, as all see both.
    """

    variant: Side
    searches_by: str
    impressions: int
    visitors: int
    reached: int
    events: Mapping[str, int]
    rate: Interval | None


@dataclass(frozen=True, slots=True)
class Preference:
    """Of interleaved answers: visitors who took more of a's, of b's, and alike (most of them took none).

    p: of the two-sided sign test, for one look. share: of those who prefer one, who prefer b; Clopper and Pearson.
    """

    prefer_a: int
    prefer_b: int
    alike: int
    share: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Report:
    """A trial and its figures.

    difference: rate of b less that of a, for one look (Newcombe); None where interleaved. preference: None where split.
    always_valid: the same quantity (difference, or share that prefers b) with an interval that holds at every look.
    winner: the better variant, once that is sure. needed: about how many more visitors would show the `effect`; 0 where
    there are enough. warnings: what makes the figures doubtful.
    """

    trial: Trial
    arms: Sequence[Arm]
    difference: Interval | None
    preference: Preference | None
    always_valid: Interval
    winner: Side | None
    needed: int
    verdict: str
    warnings: Sequence[str] = ()
    note: str = field(default=NOTE)


def report_of(table: TrialTable, trial: Trial) -> Report:
    """Return the report on a trial."""
    a, b = (str(Variant.of(side, given)) for side, given in (("a", trial.a), ("b", trial.b)))
    return (_of_split if trial.method == "split" else _of_interleaving)(trial, table.tallies(trial), (a, b))


def _of_split(trial: Trial, tallies: Tallies, searches_by: tuple[str, str]) -> Report:
    arms = [
        Arm(side, words, tally.impressions, tally.visitors, tally.reached, tally.events, wilson(_counts(tally)))
        for side, words, tally in zip(SIDES, searches_by, (tallies.a, tallies.b), strict=True)
    ]
    a, b = _counts(tallies.a), _counts(tallies.b)
    found = always_valid_difference(a, b, trial.effect)
    winner: Side | None = "b" if found.low > 0 else "a" if found.high < 0 else None
    visitors = a.count + b.count
    share = (a.hits + b.hits + 1) / (visitors + 1 / _USUAL)  # one hit of ten more, so that it is never 0
    needed = max(0, visitors_for_difference(min(share, 0.9), trial.effect, trial.share) - visitors)
    if winner is None:
        verdict = _open(trial, found, needed)
    else:
        rates = (arms[1], arms[0]) if winner == "b" else (arms[0], arms[1])
        better, other = (arm.reached / arm.visitors for arm in rates)
        low, high = (found.low, found.high) if winner == "b" else (-found.high, -found.low)
        verdict = (
            f"{winner} is better: {better:.1%} of its visitors {_DO[trial.goal]}, {_points(better - other)} more than "
            f"with the other (between {_points(low, '')} and {_points(high)})."
        )
    return Report(
        trial=trial,
        arms=arms,
        difference=newcombe(a, b),
        preference=None,
        always_valid=found,
        winner=winner,
        needed=0 if winner else needed,
        verdict=verdict,
        warnings=_warnings(trial, a.count, b.count),
    )


def _of_interleaving(trial: Trial, tallies: Tallies, searches_by: tuple[str, str]) -> Report:
    from lookalike.evaluation.calibrating import clopper_pearson

    arms = [
        Arm(side, words, tally.impressions, tally.visitors, tally.reached, tally.events, None)
        for side, words, tally in zip(SIDES, searches_by, (tallies.a, tallies.b), strict=True)
    ]
    wins, losses = tallies.prefer_b, tallies.prefer_a
    decided, visitors = wins + losses, tallies.a.visitors
    exact = Interval(wins / decided, *clopper_pearson(wins, decided)) if decided else Interval(0.5, 0.0, 1.0)
    found = always_valid_share(wins, losses)
    winner: Side | None = "b" if found.low > 0.5 else "a" if found.high < 0.5 else None
    decisive = (decided + 1) / (visitors + 1 / _USUAL)
    needed = max(0, math.ceil((visitors_for_share(trial.effect) - decided) / decisive))
    if winner is None:
        verdict = _open(trial, Interval(found.value - 0.5, found.low - 0.5, found.high - 0.5), needed)
    else:
        low, high = (found.low, found.high) if winner == "b" else (1 - found.high, 1 - found.low)
        share = found.value if winner == "b" else 1 - found.value
        verdict = (
            f"{winner} is better: of the {decided:,} visitors who took more of one than of the other, {share:.1%} took "
            f"more of its records (between {low:.1%} and {high:.1%})."
        )
    return Report(
        trial=trial,
        arms=arms,
        difference=None,
        preference=Preference(losses, wins, visitors - decided, exact, sign_test(wins, losses)),
        always_valid=found,
        winner=winner,
        needed=0 if winner else needed,
        verdict=verdict,
    )


_DO: Final = {"click": "click", "mark": "mark something", "conversion": "convert"}


def _counts(tally: Tally) -> Counts:
    return Counts(tally.reached, tally.visitors)


def _open(trial: Trial, found: Interval, needed: int) -> str:
    """Say that neither is known to be better. found: b less a, or the share that prefers b less one half."""
    effect, over = trial.effect, trial.state != "running"
    size = _points(effect) if trial.method == "split" else f"{0.5 + effect:.0%} to {0.5 - effect:.0%}"
    if needed and over:
        return f"It ended before a difference of {size} could show: about {needed:,} more visitors were missing."
    if needed:
        return f"Not enough yet: about {needed:,} more visitors to see a difference of {size}."
    low, high = _points(found.low, ""), _points(found.high)
    return f"No difference of {size} has shown, and one would most likely have by now: b is {low} to {high} off a."


def _points(difference: float, unit: str = " points") -> str:
    return f"{100 * difference:.1f}{unit}"


def _warnings(trial: Trial, a: int, b: int) -> list[str]:
    count = a + b
    if not count:
        return []
    off = (b - count * trial.share) / math.sqrt(count * trial.share * (1 - trial.share))
    if abs(off) < _SKEWED:
        return []
    return [
        f"{b:,} of {count:,} visitors got b, not about {trial.share:.0%}. Chance would hardly do that: some answers or "
        f"visitors are lost, and the comparison can't be trusted until it is known why."
    ]
